"""Evaluation: how good assigned topics and scores are."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score, precision_recall_fscore_support

from slugline.manifest import ModelMetrics, TopicMetrics
from training.splits import Labels

CALIBRATION_BINS = 10


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The metrics of each topic, in the model's order, and their means."""

    topics: tuple[TopicMetrics, ...]
    means: ModelMetrics


def evaluate(scores: NDArray[np.float64], thresholds: NDArray[np.float64], labels: Labels) -> Evaluation:
    """Measure scores against labels, both of shape (articles, topics); thresholds have shape (topics,)."""
    assigned = (scores >= thresholds).astype(np.int8)
    topics = tuple(_topic_metrics(scores[:, j], assigned[:, j], labels[:, j]) for j in range(labels.shape[1]))
    micro = precision_recall_fscore_support(labels.ravel(), assigned.ravel(), average="binary", zero_division=0)
    means = ModelMetrics(
        macro_precision=_mean([topic.precision for topic in topics]),
        macro_recall=_mean([topic.recall for topic in topics]),
        macro_f1=_mean([topic.f1 for topic in topics]),
        micro_precision=float(micro[0]),
        micro_recall=float(micro[1]),
        micro_f1=float(micro[2]),
        mean_average_precision=_mean([topic.average_precision for topic in topics]),
        expected_calibration_error=expected_calibration_error(scores, labels),
    )
    return Evaluation(topics, means)


def mean_average_precision(scores: NDArray[np.float64], labels: Labels) -> float:
    """The mean over topics of average precision, 0 to 1; scores need only rank. Both have shape (articles, topics)."""
    return _mean([_average_precision(labels[:, j], scores[:, j]) for j in range(labels.shape[1])])


def expected_calibration_error(scores: NDArray[np.float64], labels: Labels) -> float:
    """The mean gap of score and observed frequency in ten bins of equal width, 0 to 1, over all article-topic pairs.

    Source: Naeini, Cooper and Hauskrecht, "Obtaining well calibrated probabilities using Bayesian binning", 2015.
    """
    flat, truth = scores.ravel(), labels.ravel()
    bins = np.minimum(CALIBRATION_BINS - 1, (flat * CALIBRATION_BINS).astype(int))
    gaps = np.bincount(bins, weights=flat - truth, minlength=CALIBRATION_BINS)
    return float(np.abs(gaps).sum() / max(1, len(flat)))


def _topic_metrics(
    scores: NDArray[np.float64], assigned: NDArray[np.int8], has_topic: NDArray[np.int8]
) -> TopicMetrics:
    precision, recall, f1, _ = precision_recall_fscore_support(has_topic, assigned, average="binary", zero_division=0)
    return TopicMetrics(
        precision=float(precision),
        recall=float(recall),
        f1=float(f1),
        average_precision=_average_precision(has_topic, scores),
        support=int(has_topic.sum()),
    )


def _average_precision(has_topic: NDArray[np.int8], scores: NDArray[np.float64]) -> float:
    return float(average_precision_score(has_topic, scores)) if has_topic.any() else 0.0


def _mean(values: list[float]) -> float:
    return float(np.mean(values))
