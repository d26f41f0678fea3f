"""Column weights: how much each feature has to do with a topic, learned from labels before the classifier sees it.

They multiply the features, and so fold into the weights of a linear model.
"""

from typing import Literal

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from training.splits import Labels

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
    articles, columns = features.shape
    if weighting == "none":
        return [np.ones(columns) for _ in range(labels.shape[1])]
    in_all, with_topics = presence_counts(features, labels)
    positives = labels.sum(axis=0)
    return [
        weights
        for measure in measures(weighting)
        for weights in counted_weights(measure, in_all, with_topics, positives, articles)
    ]


def presence_counts(features: sp.csr_matrix, labels: Labels) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """In how many articles each feature is, shape (features,), and with each topic, shape (features, topics)."""
    presence = sp.csr_matrix((np.ones(len(features.data)), features.indices, features.indptr), shape=features.shape)
    in_all = np.bincount(features.indices, minlength=features.shape[1]).astype(np.float64)
    return in_all, np.asarray(presence.T @ labels, dtype=np.float64)


def counted_weights(
    measure: Measure,
    in_all: NDArray[np.float64],
    with_topics: NDArray[np.float64],
    positives: NDArray[np.int64],
    articles: int,
) -> list[ColumnWeights]:
    """The weight of each feature for each topic, from what `presence_counts` counts.

    `positives` is how many of all `articles` have each topic, shape (topics,).
    """
    if measure == "none":
        return [np.ones(len(in_all)) for _ in range(with_topics.shape[1])]
    if measure == "chi2":
        return [
            _root_chi2(with_topic, in_all, float(positives[topic]), float(articles))
            for topic, with_topic in enumerate(with_topics.T)
        ]
    return [_log_count_ratio(with_topic, in_all - with_topic) for with_topic in with_topics.T]


def _root_chi2(
    with_topic: NDArray[np.float64], in_all: NDArray[np.float64], positives: float, articles: float
) -> ColumnWeights:
    """The square root of chi-square of presence with the topic (Debole and Sebastiani, 2003, supervised weighting)."""
    expected_gap = with_topic * articles - in_all * positives
    spread = in_all * (articles - in_all) * positives * (articles - positives)
    return np.asarray(
        np.sqrt(articles * np.divide(expected_gap**2, spread, out=np.zeros_like(spread), where=spread > 0))
    )


def _log_count_ratio(with_topic: NDArray[np.float64], without: NDArray[np.float64]) -> ColumnWeights:
    """The log of the ratio of smoothed frequencies with and without the topic (Wang and Manning, 2012, NB-SVM)."""
    positive, negative = with_topic + 1.0, without + 1.0
    return np.asarray(np.log((positive / positive.sum()) / (negative / negative.sum())))
