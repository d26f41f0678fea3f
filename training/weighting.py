"""Column weights: how much each feature has to do with a topic, learned from labels before the classifier sees it.

They multiply the features, and so fold into the weights of a linear model.
"""

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from training.splits import Labels


@dataclass(frozen=True)
class Presence:
    """In how many articles each feature is: of all, shape (features,), and with each topic, shape (features, topics).

    `positives` is how many of all `articles` have each topic, shape (topics,).
    """

    in_all: NDArray[Any]
    with_topics: NDArray[Any]
    positives: NDArray[np.int64]
    articles: int

    def of(self, columns: NDArray[np.int64] | slice) -> "Presence":
        """That of some features alone."""
        return Presence(self.in_all[columns], self.with_topics[columns], self.positives, self.articles)

    def __add__(self, more: "Presence") -> "Presence":
        """That in these articles and in others."""
        return Presence(
            self.in_all + more.in_all,
            self.with_topics + more.with_topics,
            self.positives + more.positives,
            self.articles + more.articles,
        )


Measure = Literal["none", "chi2", "log-count-ratio"]
Weighting = Measure | Literal["both"]

ColumnWeights = NDArray[np.float64]
"""The weight of each feature, shape (features,)."""


def measures(weighting: Weighting) -> tuple[Measure, ...]:
    """The measures of a weighting, each for a model of its own; models by several measures are averaged.

    Chi-square and the log-count ratio err on different articles, and what both say errs least.
    """
    return ("log-count-ratio", "chi2") if weighting == "both" else (weighting,)


def column_weights(weighting: Weighting, features: sp.csr_matrix, labels: Labels) -> list[ColumnWeights]:
    """The weight of each feature, by the articles it is present in: for each topic by the first measure, then the next.

    Args:
        weighting: which measures to use.
        features: not zero where the article has the feature, shape (articles, features).
        labels: 1 where the article has the topic, shape (articles, topics).
    """
    if weighting == "none":
        return [np.ones(features.shape[1]) for _ in range(labels.shape[1])]
    present = presence(features, labels)
    return [weights for measure in measures(weighting) for weights in counted_weights(measure, present)]


def presence(features: sp.csr_matrix, labels: Labels) -> Presence:
    """Count in how many articles each feature is not zero."""
    ones = sp.csr_matrix((np.ones(len(features.data)), features.indices, features.indptr), shape=features.shape)
    in_all = np.bincount(features.indices, minlength=features.shape[1])
    return Presence(in_all, np.asarray(ones.T @ labels), labels.sum(axis=0, dtype=np.int64), len(labels))


def counted_weights(measure: Measure, presence: Presence) -> list[ColumnWeights]:
    """The weight of each feature for each topic."""
    topics = len(presence.positives)
    if measure == "none":
        return [np.ones(len(presence.in_all)) for _ in range(topics)]
    if measure == "chi2":
        return [_root_chi2(presence, topic) for topic in range(topics)]
    return [_log_count_ratio(with_topic, presence.in_all - with_topic) for with_topic in presence.with_topics.T]


def _root_chi2(presence: Presence, topic: int) -> ColumnWeights:
    """The square root of chi-square of presence with the topic (Debole and Sebastiani, 2003, supervised weighting)."""
    in_all, articles, positives = presence.in_all, float(presence.articles), float(presence.positives[topic])
    expected_gap = presence.with_topics[:, topic] * articles - in_all * positives
    spread = in_all * (articles - in_all) * positives * (articles - positives)
    return np.asarray(
        np.sqrt(articles * np.divide(expected_gap**2, spread, out=np.zeros_like(spread), where=spread > 0))
    )


def _log_count_ratio(with_topic: NDArray[np.float64], without: NDArray[np.float64]) -> ColumnWeights:
    """The log of the ratio of smoothed frequencies with and without the topic (Wang and Manning, 2012, NB-SVM)."""
    positive, negative = with_topic + 1.0, without + 1.0
    return np.asarray(np.log((positive / positive.sum()) / (negative / negative.sum())))
