import numpy as np
import pytest
from sklearn.metrics import average_precision_score, f1_score

from training.evaluation import evaluate, expected_calibration_error

CHANCE = np.random.default_rng(4)
LABELS = (CHANCE.random((300, 3)) < 0.3).astype(np.int8)
SCORES = np.clip(LABELS * 0.4 + CHANCE.random((300, 3)) * 0.6, 0, 1)
THRESHOLDS = np.array([0.4, 0.5, 0.6])


def test_figures_agree_with_scikit_learn() -> None:
    evaluation = evaluate(SCORES, THRESHOLDS, LABELS)
    assigned = SCORES >= THRESHOLDS
    assert evaluation.means.macro_f1 == pytest.approx(f1_score(LABELS, assigned, average="macro"))
    assert evaluation.means.micro_f1 == pytest.approx(f1_score(LABELS, assigned, average="micro"))
    assert evaluation.means.mean_average_precision == pytest.approx(average_precision_score(LABELS, SCORES))
    assert [topic.support for topic in evaluation.topics] == LABELS.sum(axis=0).tolist()


def test_one_topic_alone_is_measured_like_any() -> None:
    alone = evaluate(SCORES[:, :1], THRESHOLDS[:1], LABELS[:, :1])
    assert alone.topics[0] == evaluate(SCORES, THRESHOLDS, LABELS).topics[0]


def test_a_topic_that_never_occurs_scores_nothing() -> None:
    evaluation = evaluate(SCORES[:, :1], THRESHOLDS[:1], np.zeros((300, 1), dtype=np.int8))
    assert (evaluation.topics[0].average_precision, evaluation.topics[0].recall) == (0.0, 0.0)


def test_the_calibration_error_by_hand() -> None:
    scores, labels = np.array([[0.05], [0.05], [0.95], [1.0]]), np.array([[0], [1], [1], [1]], dtype=np.int8)
    assert expected_calibration_error(scores, labels) == pytest.approx((0.9 + 0.05) / 4)
