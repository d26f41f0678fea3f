"""Drift: what the documents of callers look like to the model, counted so that a change can be seen."""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from service import families
from service.families import Family
from service.tally import Labels, Tally
from slugline.errors import SluglineError
from slugline.model import Model
from slugline.quality import QualityWarning
from slugline.scoring import Reading


class Drift:
    """Counts documents, their lengths, words, scores, topics and warnings, and those that were not scored."""

    def __init__(self, tally: Tally) -> None:
        self._tally = tally

    def one(self, model: Model, characters: int, values: Sequence[float], tokens: Sequence[int]) -> None:
        """Count one document: its length, its scores, and its row of `Reading.tokens`."""
        tally = self._tally
        tally.count(families.DOCUMENTS)
        tally.count(families.TOKENS, by=tokens[0])
        tally.count(families.UNKNOWN_TOKENS, by=tokens[0] - tokens[1])
        tally.observe(families.CHARACTERS, characters)
        for topic, value, threshold in zip(model.topics, values, model.thresholds, strict=True):
            tally.observe(families.SCORES, value, (topic,))
            tally.count(families.ASSIGNED, (topic,), by=int(value >= threshold))

    def many(self, model: Model, contents: Sequence[str], reading: Reading) -> None:
        """Count the documents that were read."""
        tally = self._tally
        words, known = reading.tokens.sum(axis=0).tolist()
        tally.count(families.DOCUMENTS, by=len(contents))
        tally.count(families.TOKENS, by=words)
        tally.count(families.UNKNOWN_TOKENS, by=words - known)
        self._distribute(families.CHARACTERS, np.array([len(content) for content in contents], dtype=np.float64))
        assigned = np.count_nonzero(reading.scores >= model.thresholds, axis=0).tolist()
        for column, topic in enumerate(model.topics):
            self._distribute(families.SCORES, reading.scores[:, column], (topic,))
            tally.count(families.ASSIGNED, (topic,), by=assigned[column])

    def _distribute(self, family: Family, values: NDArray[np.float64], labels: Labels = ()) -> None:
        buckets = np.searchsorted(family.bounds, values)
        counts = np.bincount(buckets, minlength=len(family.bounds) + 1).tolist()
        self._tally.add(family, counts, float(values.sum()), labels)

    def warned(self, warnings: Sequence[QualityWarning]) -> None:
        """Count what made one document doubtful."""
        for warning in warnings:
            self._tally.count(families.WARNINGS, (warning.name,))

    def refused(self, error: SluglineError) -> None:
        """Count one document at fault."""
        self._tally.count(families.BAD_DOCUMENTS, (type(error).__name__,))

    def skipped(self, error: SluglineError, documents: int) -> None:
        """Count documents that nobody waits for any more."""
        self._tally.count(families.SKIPPED, (type(error).__name__,), by=documents)
