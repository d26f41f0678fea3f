"""Calibration: from raw scores to probabilities that mean what they say, and thresholds on them."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import precision_recall_curve

from slugline.errors import UnreachablePrecision
from training.splits import Labels

_ALMOST_UNREGULARISED = 1e6
_CANDIDATES = np.linspace(0.05, 0.95, 181)
_AS_GOOD = 0.0015


@dataclass(frozen=True, slots=True)
class Sigmoid:
    """probability = 1 / (1 + exp(-(slope * raw_score + offset))); Platt, "Probabilistic outputs for SVMs", 1999."""

    slope: float
    offset: float

    def probabilities(self, raw_scores: NDArray[np.float64]) -> NDArray[np.float64]:
        """The probability, 0 to 1, of each raw score."""
        return np.asarray(expit(self.slope * raw_scores + self.offset))


def feed_weights(labels: Labels, no_topic_share: float | None) -> NDArray[np.float64]:
    """How much each article counts, shape (articles,), so that the share without any topic is as in the feed.

    Articles to learn from are gathered for their topics, and so have more of them than a feed has; probabilities and
    thresholds must be right in the feed. `no_topic_share` lies between 0 and 1; None leaves the share as it is.
    """
    weights = np.ones(len(labels))
    without = labels.sum(axis=1) == 0
    if no_topic_share is not None and without.any() and not without.all():
        weights[without] = no_topic_share / (1 - no_topic_share) * (~without).sum() / without.sum()
    return weights


def fit_sigmoid(raw_scores: NDArray[np.float64], has_topic: NDArray[np.int8], weights: NDArray[np.float64]) -> Sigmoid:
    """Fit a sigmoid to out-of-fold raw scores of one topic; all three have shape (articles,).

    Targets are a little short of 0 and 1, as Platt has them, so that a topic that is told apart without an error does
    not get a slope without bounds.
    """
    positives = int(has_topic.sum())
    doubt = np.where(has_topic == 1, 1 / (positives + 2), 1 / (len(has_topic) - positives + 2))
    column = np.concatenate([raw_scores, raw_scores])[:, np.newaxis]
    targets = np.concatenate([has_topic, 1 - has_topic])
    logistic = LogisticRegression(C=_ALMOST_UNREGULARISED)
    logistic.fit(column, targets, sample_weight=np.concatenate([weights * (1 - doubt), weights * doubt]))
    slope = float(logistic.coef_[0, 0])
    if slope <= 0:
        # Scores that rank no better than chance say nothing; turned around, they would say something by accident.
        return Sigmoid(0.0, float(logit(np.average(has_topic, weights=weights))))
    return Sigmoid(slope, float(logistic.intercept_[0]))


def shared_threshold(scores: NDArray[np.float64], labels: Labels, weights: NDArray[np.float64]) -> float:
    """The one threshold with the highest macro-F1 on out-of-fold scores, both of shape (articles, topics).

    `weights`, shape (articles,), say how much each article counts.

    Where positives are few, one threshold for all topics on calibrated scores is steadier than one for each.
    The curve is flat and ragged at its top, so the candidates within 0.0015 of the best count as equally good, and the
    one nearest to one half is taken, where a probability is expected to be cut.
    """
    macro_f1 = np.array([_macro_f1(scores >= candidate, labels, weights) for candidate in _CANDIDATES])
    good = _CANDIDATES[macro_f1 >= macro_f1.max() - _AS_GOOD]
    return round(float(good[np.abs(good - 0.5).argmin()]), 4)


def topic_threshold(
    scores: NDArray[np.float64], has_topic: NDArray[np.int8], weights: NDArray[np.float64], shared: float
) -> float:
    """The threshold of one topic: half-way between the shared one and the one with its own highest F1.

    The shared one is steadier, the topic's own follows how hard the topic is; which does better on unseen
    articles differs from corpus to corpus, so this is a compromise.
    """
    own = shared_threshold(scores[:, np.newaxis], has_topic[:, np.newaxis], weights)
    return round((shared + own) / 2, 4)


def precision_threshold(topic: str, scores: NDArray[np.float64], has_topic: NDArray[np.int8], wanted: float) -> float:
    """The lowest threshold whose precision on out-of-fold scores is at least `wanted`, so that recall is highest.

    Raises:
        UnreachablePrecision: no threshold has it.
    """
    precision, recall, thresholds = precision_recall_curve(has_topic, scores)
    holds = (precision[:-1] >= wanted) & (recall[:-1] > 0)
    if not holds.any():
        raise UnreachablePrecision(topic, wanted, float(precision[:-1][recall[:-1] > 0].max()))
    return float(thresholds[holds][0])


def _macro_f1(assigned: NDArray[np.bool_], labels: Labels, weights: NDArray[np.float64]) -> float:
    hits = weights @ (assigned & (labels == 1))
    return float(np.mean(2 * hits / np.maximum(1e-9, weights @ assigned + weights @ labels)))
