"""Drift: what the documents of callers look like to the model, counted so that a change can be seen."""

from collections.abc import Sequence
from operator import ge

import numpy as np

from service import families
from service.tally import Tally
from slugline.errors import SluglineError
from slugline.model import Model
from slugline.quality import QualityWarning
from slugline.scoring import Reading


class Drift:
    """Counts the documents that a model is given: lengths, words, scores, topics and warnings."""

    def __init__(self, tally: Tally, model: Model) -> None:
        self._tally = tally
        self._documents = tally.series(families.DOCUMENTS)
        self._tokens = tally.series(families.TOKENS)
        self._unknown = tally.series(families.UNKNOWN_TOKENS)
        self._characters = tally.series(families.CHARACTERS)
        self._thresholds = model.thresholds
        self._threshold_list: list[float] = model.thresholds.tolist()
        self._scores = [tally.series(families.SCORES, (topic,)) for topic in model.topics]
        self._assigned = [tally.series(families.ASSIGNED, (topic,)) for topic in model.topics]
        plain = (self._documents, self._tokens, self._unknown, self._characters)
        self._rows = tally.rows(*plain, *self._scores, *self._assigned)

    def one(self, characters: int, values: Sequence[float], tokens: Sequence[int]) -> None:
        """Count one document: its length, its scores, and its row of `Reading.tokens`."""
        words, known = tokens
        assigned = map(ge, values, self._threshold_list)
        self._rows.add((1, words, words - known, characters, *values, *assigned))

    def many(self, contents: Sequence[str], reading: Reading) -> None:
        """Count the documents that were read."""
        words, known = reading.tokens.sum(axis=0).tolist()
        self._documents.add(len(contents))
        self._tokens.add(words)
        self._unknown.add(words - known)
        self._characters.extend(map(len, contents))
        given = np.count_nonzero(reading.scores >= self._thresholds, axis=0).tolist()
        for column, (scores, assigned) in enumerate(zip(self._scores, self._assigned, strict=True)):
            scores.extend(reading.scores[:, column].tolist())
            assigned.add(given[column])

    def warned(self, warnings: Sequence[QualityWarning]) -> None:
        """Count what made one document doubtful."""
        for warning in warnings:
            self._tally.series(families.WARNINGS, (warning.name,)).add()


def count_refused(tally: Tally, error: SluglineError) -> None:
    """Count one document at fault."""
    tally.series(families.BAD_DOCUMENTS, (type(error).__name__,)).add()


def count_skipped(tally: Tally, error: SluglineError, documents: int) -> None:
    """Count documents that nobody waits for any more."""
    tally.series(families.SKIPPED, (type(error).__name__,)).add(documents)
