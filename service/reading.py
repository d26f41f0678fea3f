"""Reading: a model makes of texts what it can while somebody waits for them, and what they look like is counted."""

from collections.abc import Iterator, Sequence

import numpy as np

from service.calls import Waiting
from service.drift import Drift, count_skipped
from service.tally import Tally
from slugline.errors import CallerGone
from slugline.model import Model
from slugline.quality import QualityWarning
from slugline.scoring import Reading

LONG_CHARS = 20_000
"""Texts longer than this take longer to score than to hand to a thread and back."""
_AT_ONCE_CHARS = 200_000
"""So much of a batch is scored, some ten milliseconds, before it is asked again whether the caller still waits."""


class Reader:
    """Reads texts with one model, for every API alike, and counts what they look like."""

    def __init__(self, model: Model, tally: Tally) -> None:
        self.model = model
        self._tally = tally
        self._drift = Drift(tally, model)

    def read_one(self, content: str) -> tuple[list[float], tuple[QualityWarning, ...]]:
        """The scores of one text, for each topic of the model, and what makes them doubtful."""
        values, tokens = self.model.read_one(content)
        return values, self._count(len(content), values, tokens)

    def read_request(
        self, raw: bytes, *, needs_id: bool
    ) -> tuple[list[float], tuple[QualityWarning, ...], bytes] | None:
        """What `read_one` gives of a plain `slugline.v1.ClassifyRequest`, and its document's id; None of any other.

        A `StreamClassifyRequest` is written alike. Where an id is needed, a request without one is not plain.
        """
        plain = self.model.read_request(raw)
        if plain is None:
            return None
        values, tokens, characters, document_id = plain
        if needs_id and not document_id:
            return None
        return values, self._count(characters, values, tokens), document_id

    def _count(self, characters: int, values: Sequence[float], tokens: Sequence[int]) -> tuple[QualityWarning, ...]:
        warnings = self.model.warnings(tokens)
        self._drift.one(characters, values, tokens)
        if warnings:
            self._drift.warned(warnings)
        return warnings

    def read(self, waiting: Waiting, contents: Sequence[str]) -> Reading:
        """Read texts in parts, and no more of them once nobody waits.

        Raises:
            DeadlinePassed, CallerGone: nobody does.
        """
        readings, done = [], 0
        for part in _parts(contents):
            self.check_waiting(waiting, len(contents) - done)
            readings.append(self.model.read(part))
            self._drift.many(part, readings[-1])
            done += len(part)
        if len(readings) == 1:
            return readings[0]
        return Reading(
            np.concatenate([reading.scores for reading in readings] or [np.empty((0, len(self.model.topics)))]),
            np.concatenate([reading.tokens for reading in readings] or [np.empty((0, 2), dtype=np.int64)]),
        )

    def check_waiting(self, waiting: Waiting, documents: int) -> None:
        """Go on only while the caller waits; where not, `documents` are counted as skipped.

        Raises:
            DeadlinePassed, CallerGone: the caller does not.
        """
        try:
            waiting.check()
        except CallerGone as error:
            count_skipped(self._tally, error, documents)
            raise

    def warnings(self, reading: Reading) -> list[tuple[QualityWarning, ...]]:
        """What makes each document that was read doubtful; it is counted."""
        found = [self.model.warnings(tokens) for tokens in reading.tokens.tolist()]
        for warnings in filter(None, found):
            self._drift.warned(warnings)
        return found


def _parts(contents: Sequence[str]) -> Iterator[Sequence[str]]:
    """The texts in parts that take about ten milliseconds each."""
    start = size = 0
    for end, content in enumerate(contents, 1):
        size += len(content)
        if size >= _AT_ONCE_CHARS or end == len(contents):
            yield contents[start:end]
            start, size = end, 0
