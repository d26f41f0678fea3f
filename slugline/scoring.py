"""Scoring: from the texts of documents to a calibrated probability of every topic."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from sklearn.pipeline import Pipeline

Scores = NDArray[np.float64]
"""Calibrated probabilities, shape (documents, topics), each 0 to 1."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a model made of some texts, and how much of them it could read.

    `tokens` has shape (documents, 2): how many words each text has, and how many of them the model's vocabulary knows.
    """

    scores: Scores
    tokens: NDArray[np.int64]


class Scorer(Protocol):
    """Anything that scores texts."""

    def scores(self, contents: Sequence[str]) -> Scores:
        """The scores of `contents`, shape (len(contents), topics)."""


class PipelineScorer:
    """Scores with a fitted scikit-learn pipeline, as it is."""

    def __init__(self, pipeline: "Pipeline") -> None:
        self.pipeline = pipeline
        self._topics = len(pipeline[-1].estimators_)

    def scores(self, contents: Sequence[str]) -> Scores:
        """The scores of `contents`, shape (len(contents), topics)."""
        if not contents:
            return np.empty((0, self._topics))
        # With one topic alone scikit-learn adds a column for "not the topic" before it.
        probabilities: Scores = self.pipeline.predict_proba(contents)[:, -self._topics :]
        return probabilities
