import numpy as np
import pytest
import scipy.sparse as sp

from training.selection import most_telling, select
from training.weighting import Presence, presence

CHANCE = np.random.default_rng(3)
LABELS = (CHANCE.random((200, 2)) < 0.3).astype(np.int8)
NOISE = (CHANCE.random((200, 30)) < 0.3).astype(float)
# Columns 4 and 9 have to do with a topic each, one by being there, one by being away.
NOISE[:, 4], NOISE[:, 9] = LABELS[:, 0], 1 - LABELS[:, 1]
FOUND = presence(sp.csr_matrix(NOISE), LABELS)


def test_those_that_have_most_to_do_with_any_topic_are_chosen() -> None:
    assert np.flatnonzero(most_telling(FOUND, 2)).tolist() == [4, 9]
    assert set(np.flatnonzero(most_telling(FOUND, 5)).tolist()) > {4, 9}


@pytest.mark.parametrize("most", [None, 30, 31])
def test_all_are_chosen_where_all_may_stay(most: int | None) -> None:
    assert most_telling(FOUND, most).all()


def test_among_equals_frequent_ones_come_first_then_earlier_ones() -> None:
    in_all = np.array([2, 4, 2, 4])
    says_nothing = Presence(in_all, (in_all / 2)[:, np.newaxis], np.array([50]), 100)
    assert most_telling(says_nothing, 1).tolist() == [False, True, False, False]
    assert most_telling(says_nothing, 3).tolist() == [True, True, False, True]


def test_what_was_left_out_before_does_not_take_a_place() -> None:
    idf = np.arange(30.0)
    idf[4] = 0.0
    select(idf, FOUND, 3)
    assert np.count_nonzero(idf) == 3
    assert idf[[4, 9]].tolist() == [0.0, 9.0]
