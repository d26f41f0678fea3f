import numpy as np
import pytest
from sklearn.metrics import f1_score

from training.report.analysis import bootstrap_intervals, confusion

CHANCE = np.random.default_rng(6)
LABELS = (CHANCE.random((400, 2)) < 0.4).astype(np.int8)
SCORES = np.clip(LABELS * 0.5 + CHANCE.random((400, 2)) * 0.5, 0, 1)
THRESHOLDS = np.array([0.45, 0.55])


def test_intervals_hold_the_figure_and_are_not_wide() -> None:
    for j, (f1, precision) in enumerate(bootstrap_intervals(SCORES, THRESHOLDS, LABELS, seed=0)):
        figure = f1_score(LABELS[:, j], SCORES[:, j] >= THRESHOLDS[j])
        assert f1[0] < figure < f1[1] < f1[0] + 0.15
        assert 0.9 < precision[0] <= precision[1] <= 1 + 1e-9


def test_confusion_by_hand() -> None:
    labels = np.array([[1, 0], [1, 0], [0, 1], [0, 0]], dtype=np.int8)
    scores = np.array([[0.9, 0.9], [0.1, 0.1], [0.1, 0.9], [0.1, 0.9]])
    shares = confusion(scores, np.array([0.5, 0.5]), labels)
    assert shares == pytest.approx(np.array([[0.5, 0.5, 0.5], [0, 1, 0], [0, 1, 0]]))
