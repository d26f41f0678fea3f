import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as arrays
from sklearn.metrics import average_precision_score, f1_score, precision_score, recall_score

from training.resampling import Measured, Values, resampled_counts, resamples_at_a_time
from training.splits import Labels

ARTICLES = 12


def plain_figures(scores: Values, thresholds: Values, labels: Labels) -> list[float]:
    """The same figures as scikit-learn gives them, one at a time."""
    assigned = (scores >= thresholds).astype(int)
    topics = range(labels.shape[1])
    precision = [precision_score(labels[:, j], assigned[:, j], zero_division=0) for j in topics]
    recall = [recall_score(labels[:, j], assigned[:, j], zero_division=0) for j in topics]
    f1 = [f1_score(labels[:, j], assigned[:, j], zero_division=0) for j in topics]
    average_precision = [
        average_precision_score(labels[:, j], scores[:, j]) if labels[:, j].any() else 0.0 for j in topics
    ]
    micro_f1 = f1_score(labels.ravel(), assigned.ravel(), zero_division=0)
    return [*precision, *recall, *f1, *average_precision, np.mean(f1), micro_f1, np.mean(average_precision)]


@settings(max_examples=20)
@given(
    scores=arrays.arrays(np.float64, (ARTICLES, 2), elements=st.sampled_from([0.0, 0.1, 0.5, 0.6, 0.9])),
    labels=arrays.arrays(np.int8, (ARTICLES, 2), elements=st.integers(0, 1)),
    counts=arrays.arrays(np.int32, (ARTICLES, 2), elements=st.integers(0, 4)).filter(lambda c: c.sum(axis=0).all()),
)
def test_a_resample_measures_like_the_articles_written_out(
    scores: Values, labels: Labels, counts: np.ndarray[tuple[int, int], np.dtype[np.int32]]
) -> None:
    thresholds = np.array([0.5, 0.6])
    measured = Measured(scores, thresholds, labels)
    figures = measured.figures(counts)
    for resample in range(counts.shape[1]):
        drawn = np.repeat(np.arange(ARTICLES), counts[:, resample])
        expected = plain_figures(scores[drawn], thresholds, labels[drawn])
        assert figures[:, resample] == pytest.approx(expected, abs=1e-12)


def test_every_article_once_gives_the_evaluation_itself() -> None:
    chance = np.random.default_rng(1)
    labels = (chance.random((200, 4)) < 0.3).astype(np.int8)
    measured = Measured(np.round(chance.random((200, 4)), 2), np.full(4, 0.5), labels)
    assert measured.figures(np.ones((200, 1), dtype=np.int32))[:, 0] == pytest.approx(measured.point, abs=1e-12)


def test_as_many_stories_are_drawn_as_there_are_each_as_a_whole() -> None:
    groups = np.array([0, 1, 1, 2, 0, 3])
    (counts,) = resampled_counts(groups, 500, seed=3)
    assert counts.shape == (6, 500)
    assert (counts[1] == counts[2]).all()
    assert (counts[0] == counts[4]).all()
    by_story = counts[[0, 1, 3, 5]]
    assert (by_story.sum(axis=0) == 4).all()
    # Each is drawn once on average; 500 resamples leave 0.04 of standard error.
    assert by_story.mean(axis=1) == pytest.approx(1, abs=0.2)


def test_the_seed_decides_and_blocks_make_up_all_resamples() -> None:
    groups = np.arange(30_000)
    blocks = list(resampled_counts(groups, 200, seed=3))
    assert [block.shape[1] for block in blocks] == [resamples_at_a_time(30_000), 200 - resamples_at_a_time(30_000)]
    again = list(resampled_counts(groups, 200, seed=3))
    other = list(resampled_counts(groups, 200, seed=4))
    assert (blocks[1] == again[1]).all()
    assert not (blocks[1] == other[1]).all()
