import numpy as np
import pytest
from scipy.special import expit

from slugline.errors import UnreachablePrecision
from training.calibration import feed_weights, fit_sigmoid, precision_threshold, shared_threshold, topic_threshold
from training.evaluation import expected_calibration_error

CHANCE = np.random.default_rng(2)


def test_the_sigmoid_finds_the_slope_and_offset_that_made_the_labels() -> None:
    raw = CHANCE.normal(size=40_000)
    truth = (CHANCE.random(40_000) < expit(2.5 * raw - 1.0)).astype(np.int8)
    sigmoid = fit_sigmoid(raw, truth, np.ones(len(raw)))
    assert sigmoid.slope == pytest.approx(2.5, abs=0.1)
    assert sigmoid.offset == pytest.approx(-1.0, abs=0.1)
    scores = sigmoid.probabilities(raw)
    assert expected_calibration_error(scores[:, None], truth[:, None]) < 0.01


def test_the_shared_threshold_separates_what_can_be_separated() -> None:
    labels = np.array([[0, 1], [0, 0], [1, 1], [1, 0]], dtype=np.int8)
    assert 0.3 < shared_threshold(np.where(labels == 1, 0.7, 0.3), labels, np.ones(4)) < 0.7


def test_of_thresholds_as_good_the_one_nearest_to_one_half_is_taken() -> None:
    labels = np.array([[1], [1], [0], [0]], dtype=np.int8)
    assert shared_threshold(np.array([[0.9], [0.8], [0.3], [0.1]]), labels, np.ones(4)) == 0.5
    assert shared_threshold(np.array([[0.3], [0.2], [0.1], [0.0]]), labels, np.ones(4)) == 0.2
    assert shared_threshold(np.array([[0.9], [0.85], [0.7], [0.1]]), labels, np.ones(4)) == pytest.approx(
        0.705, abs=0.006
    )


def test_the_precision_threshold_is_the_lowest_that_holds() -> None:
    scores, truth = np.array([0.1, 0.3, 0.5, 0.7, 0.9]), np.array([0, 1, 0, 1, 1], dtype=np.int8)
    assert precision_threshold("t", scores, truth, 0.75) == 0.3
    assert precision_threshold("t", scores, truth, 1.0) == 0.7


def test_a_precision_out_of_reach_names_the_best() -> None:
    scores, truth = np.array([0.1, 0.5, 0.9]), np.array([1, 1, 0], dtype=np.int8)
    with pytest.raises(UnreachablePrecision, match=r"cannot reach precision 0\.9; the best that can be had is 0\.667"):
        precision_threshold("t", scores, truth, 0.9)


def test_scores_that_rank_backwards_give_every_article_the_share_of_the_topic() -> None:
    raw, truth = np.linspace(-1, 1, 100), (np.arange(100) < 30).astype(np.int8)
    assert fit_sigmoid(raw, truth, np.ones(len(raw))).probabilities(raw) == pytest.approx(np.full(100, 0.3))


def test_a_topics_threshold_stands_between_the_shared_one_and_its_own() -> None:
    scores, truth = np.linspace(0, 1, 101), (np.linspace(0, 1, 101) > 0.8).astype(np.int8)
    own = shared_threshold(scores[:, None], truth[:, None], np.ones(101))
    assert topic_threshold(scores, truth, np.ones(101), 0.3) == pytest.approx((own + 0.3) / 2, abs=1e-3)


def test_articles_without_a_topic_count_as_they_do_in_the_feed() -> None:
    labels = np.array([[1, 0], [1, 1], [0, 1], [0, 0]], dtype=np.int8)
    weights = feed_weights(labels, 0.75)
    assert weights[3] / weights.sum() == pytest.approx(0.75)
    assert feed_weights(labels, None).tolist() == [1.0] * 4
    assert feed_weights(np.zeros((2, 1), dtype=np.int8), 0.5).tolist() == [1.0] * 2


def test_more_articles_without_a_topic_make_scores_lower() -> None:
    raw = CHANCE.normal(size=2000)
    truth = (CHANCE.random(2000) < expit(2 * raw)).astype(np.int8)
    plain = fit_sigmoid(raw, truth, feed_weights(truth[:, None], None))
    rare = fit_sigmoid(raw, truth, feed_weights(truth[:, None], 0.9))
    assert rare.probabilities(np.array([0.0]))[0] < plain.probabilities(np.array([0.0]))[0] - 0.2
