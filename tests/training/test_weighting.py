import numpy as np
import scipy.sparse as sp
from sklearn.feature_selection import chi2

from training.weighting import column_weights

CHANCE = np.random.default_rng(1)
PRESENCE = sp.csr_matrix((CHANCE.random((80, 12)) < 0.4).astype(float))
LABELS = (CHANCE.random((80, 2)) < 0.3).astype(np.int8)
HAS_TOPIC = LABELS[:, 0]


def test_chi2_is_the_square_root_of_chi_square_on_the_two_by_two_table() -> None:
    """scikit-learn's chi2 counts presences alone; absences, as their own column, add up to the full table."""
    present, _ = chi2(PRESENCE, HAS_TOPIC)
    absent, _ = chi2(sp.csr_matrix(1 - PRESENCE.toarray()), HAS_TOPIC)
    np.testing.assert_allclose(column_weights("chi2", PRESENCE * 0.5, LABELS)[0] ** 2, present + absent)


def test_a_column_that_tells_nothing_weighs_nothing() -> None:
    constant = sp.csr_matrix(np.ones((80, 1)))
    assert column_weights("chi2", constant, LABELS)[1].tolist() == [0.0]


def test_log_count_ratio_is_positive_for_words_of_the_topic() -> None:
    presence = sp.csr_matrix(np.column_stack([HAS_TOPIC, 1 - HAS_TOPIC]).astype(float))
    (with_topic, without), _ = column_weights("log-count-ratio", presence, LABELS)
    assert with_topic > 0 > without


def test_none_is_one_for_all() -> None:
    assert [weights.tolist() for weights in column_weights("none", PRESENCE, LABELS)] == [[1.0] * 12] * 2
