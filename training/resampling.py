"""Resampling: the figures of a model on articles drawn again with replacement, for a thousand drawings at once.

A resample is held as how often each article was drawn; every figure of an evaluation is then sums of these counts.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
from numpy.typing import NDArray

from training.evaluation import evaluate
from training.splits import Labels

_CELLS = 2**22
"""Articles times resamples worked on at a time, which bounds the memory."""

Values = NDArray[np.float64]
Counts = NDArray[np.int32]


def resamples_at_a_time(articles: int) -> int:
    """How many resamples `resampled_counts` gives in a block."""
    return max(1, _CELLS // articles)


def resampled_counts(groups: NDArray[np.int64], resamples: int, seed: int) -> Iterator[Counts]:
    """How often each article is drawn in each resample, in blocks of shape (articles, some of the resamples).

    As many groups are drawn, with replacement, as there are; the articles of a group come together.
    """
    chance = np.random.default_rng(seed)
    stories = int(groups.max()) + 1
    block = resamples_at_a_time(len(groups))
    for start in range(0, resamples, block):
        size = min(block, resamples - start)
        drawn = chance.integers(stories, size=(size, stories)) + stories * np.arange(size)[:, None]
        counts = np.bincount(drawn.ravel(), minlength=size * stories).reshape(size, stories)
        yield np.ascontiguousarray(counts.T.astype(np.int32)[groups])


class Measured:
    """A model's scores on articles, measured on any resample of these.

    `scores` and `labels` have shape (articles, topics), `thresholds` (topics,).
    """

    def __init__(self, scores: Values, thresholds: Values, labels: Labels) -> None:
        self.evaluation = evaluate(scores, thresholds, labels)
        self.assigned = scores >= thresholds
        self._indicators = np.vstack([(self.assigned & (labels == 1)).T, self.assigned.T, labels.T]).astype(np.float64)
        self._rankings = [_Ranking(scores[:, j], labels[:, j]) for j in range(labels.shape[1])]

    @property
    def point(self) -> Values:
        """The figures on the articles themselves, shape (4 * topics + 3,).

        First the precision of each topic, then recall, F1 and average precision likewise; then macro-F1, micro-F1 and
        mean average precision.
        """
        by_topic = [[t.precision, t.recall, t.f1, t.average_precision] for t in self.evaluation.topics]
        means = self.evaluation.means
        last = [means.macro_f1, means.micro_f1, means.mean_average_precision]
        return np.concatenate([np.array(by_topic).T.ravel(), last])

    def figures(self, counts: Counts) -> Values:
        """The figures on resamples, shape (4 * topics + 3, resamples), in the order of `point`.

        `counts` says how often each article was drawn, shape (articles, resamples). As in an evaluation, 0 stands for
        what has no value.
        """
        # Sums of counts are whole numbers, and doubles are exact for those.
        found, assigned, having = np.split(self._indicators @ counts.astype(np.float64), 3)
        f1 = _ratio(2 * found, assigned + having)
        micro_f1 = _ratio(2 * found.sum(axis=0), assigned.sum(axis=0) + having.sum(axis=0))
        average_precision = np.stack([ranking.average_precision(counts) for ranking in self._rankings])
        means = np.stack([f1.mean(axis=0), micro_f1, average_precision.mean(axis=0)])
        return np.vstack([_ratio(found, assigned), _ratio(found, having), f1, average_precision, means])


class _Ranking:
    """Articles by falling score of one topic; what average precision needs of it."""

    def __init__(self, scores: Values, has_topic: NDArray[np.int8]) -> None:
        self._order = np.argsort(-scores, kind="stable")
        ranked = scores[self._order]
        hits = np.flatnonzero(has_topic[self._order])
        # Equal scores cannot be told apart: the last rank of a score counts for all who have it.
        self._ends = np.searchsorted(-ranked, -ranked[hits], side="right") - 1
        self._hits_by_end = np.searchsorted(hits, self._ends, side="right") - 1
        self._hits = hits

    def average_precision(self, counts: Counts) -> Values:
        """The mean precision at the ranks of the articles that have the topic, shape (resamples,); 0 without any."""
        if not len(self._hits):
            return np.zeros(counts.shape[1])
        drawn = counts[self._order]
        hits = drawn[self._hits]
        found = np.cumsum(hits, axis=0, dtype=np.int32)[self._hits_by_end]
        all_found = np.cumsum(drawn, axis=0, dtype=np.int32)[self._ends]
        return _ratio((hits * _ratio(found, all_found)).sum(axis=0), hits.sum(axis=0))


def _ratio(part: NDArray[Any], whole: NDArray[Any]) -> Values:
    """Part by whole, and 0 where there is nothing to divide by."""
    return np.asarray(np.divide(part, whole, out=np.zeros(np.shape(whole)), where=whole != 0), dtype=np.float64)
