"""Learning from more rows than fit in memory: the linear SVM of `training.learner`, a part of the rows at a time.

Block minimisation (Yu, Hsieh, Chang and Lin, "Large linear classification when data cannot fit in memory", 2010): the
weights are a sum of what each part of the rows brings. A part is learned anew with what the others brought held fast,
and so on in rounds; the weights come as close as one likes to those of all rows at once, and where there is one part
they are those.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from slugline.compiled.svm import fit_svm
from training.learner import Linear, average, penalties
from training.progress import Progress
from training.recipe import Recipe
from training.splits import Labels
from training.streaming.blocks import Block, Blocks
from training.streaming.spill import Piece, Spill
from training.weighting import Measure, Presence, counted_weights, measures, presence

ROUNDS = 3
"""How often each part is learned; measured on the seeds in forty parts, a fourth round brings nothing."""

_MOST_PASSES = 5000
_PINNED = 1e-4
_SCALE = 1e4 / _PINNED


@dataclass(frozen=True)
class _Part:
    """Rows that are learned from at a time; each row ends with two columns more, one for the bias, one to be pinned."""

    starts: NDArray[np.int64]
    columns: NDArray[np.int32]
    values: NDArray[np.float64]
    labels: Labels


def presence_in(blocks: Blocks, idfs: Sequence[NDArray[np.float64]], progress: Progress) -> Presence:
    """Count in how many articles of the blocks, of which there is one at least, each feature is."""
    progress.stage("Counting topics", sum(block.articles for block in blocks.blocks))
    total: Presence | None = None
    for features, labels in blocks.read(idfs, blocks.blocks):
        found = presence(features, labels)
        total = found if total is None else total + found
        progress.advance(len(labels))
    assert total is not None  # noqa: S101
    return total


class StreamingLearner:
    """Learns every topic from blocks on disk: `entries` of their matrix at a time, in so many `threads`."""

    def __init__(
        self,
        blocks: Blocks,
        idfs: Sequence[NDArray[np.float64]],
        presence: Presence,
        recipe: Recipe,
        spill: Spill,
        *,
        entries: int,
        threads: int,
    ) -> None:
        self._blocks = blocks
        self._idfs = idfs
        self._presence = presence
        self._recipe = recipe
        self._spill = spill
        self._entries = entries
        self._threads = threads
        self._features = sum(map(len, idfs))
        self._articles = presence.articles
        self._shares = presence.positives / presence.articles

    def fit(self, progress: Progress) -> list[Linear]:
        """Learn all topics."""
        by_measure = [self._fit_by(measure, progress) for measure in measures(self._recipe.weighting)]
        return [average(of_topic) for of_topic in zip(*by_measure, strict=True)]

    def _fit_by(self, measure: Measure, progress: Progress) -> list[Linear]:
        progress.stage("Weighing words", self._articles)
        scales = self._scales(measure, progress)
        parts = self._parts()
        rounds = ROUNDS if len(parts) > 1 else 1
        progress.stage("Learning", rounds * self._articles)
        weights = np.zeros((len(scales), self._features + 1))
        brought: dict[int, Piece] = {}
        for turn in range(rounds):
            for number in np.random.default_rng((self._recipe.seed, turn)).permutation(len(parts)).tolist():
                part, earlier = self._read(parts[number]), brought.get(number)
                if earlier is not None:
                    weights -= self._spill.get(earlier)
                brings = self._fit_topics(part, scales, weights)
                weights += brings
                if rounds > 1:
                    brought[number] = self._spill.put(brings, earlier)
                progress.advance(len(part.labels))
        return [Linear(row[:-1] * scale, float(row[-1])) for row, scale in zip(weights, scales, strict=True)]

    def _fit_topics(self, part: _Part, scales: NDArray[np.float64], others: NDArray[np.float64]) -> NDArray[np.float64]:
        with ThreadPoolExecutor(self._threads) as threads:
            return np.vstack(list(threads.map(partial(self._fit, part), range(len(scales)), scales, others)))

    def _scales(self, measure: Measure, progress: Progress) -> NDArray[np.float64]:
        """What each feature is multiplied by for each topic, so that rows have unit length on average."""
        scales = np.vstack(counted_weights(measure, self._presence))
        squares = np.zeros(len(scales))
        for features, labels in self._blocks.read(self._idfs, self._blocks.blocks):
            for topic, scale in enumerate(scales):
                weighted = features.data * scale[features.indices]
                squares[topic] += weighted @ weighted
            progress.advance(len(labels))
        lengths = np.sqrt(squares / self._articles)
        scales /= np.where(lengths > 0, lengths, 1.0)[:, np.newaxis]
        return scales

    def _parts(self) -> list[list[Block]]:
        """The blocks at random in parts that fit in memory, so that each part is like the whole."""
        blocks = self._blocks.blocks
        taken = 0
        parts: list[list[Block]] = [[]]
        for number in np.random.default_rng(self._recipe.seed).permutation(len(blocks)).tolist():
            if parts[-1] and taken + blocks[number].entries > self._entries:
                parts.append([])
                taken = 0
            parts[-1].append(blocks[number])
            taken += blocks[number].entries
        return parts

    def _read(self, blocks: list[Block]) -> _Part:
        articles, room = sum(b.articles for b in blocks), sum(b.entries + 2 * b.articles for b in blocks)
        starts, at, row = np.zeros(articles + 2, dtype=np.int64), 0, 0
        columns, values = np.empty(room + 1, dtype=np.int32), np.empty(room + 1)
        labels = []
        for features, found in self._blocks.read(self._idfs, blocks):
            added = 2 * np.arange(len(found) + 1)
            ends = at + features.indptr + added
            inside = np.ones(int(ends[-1] - at), dtype=bool)
            inside[ends[1:] - at - 2] = inside[ends[1:] - at - 1] = False
            columns[at : ends[-1]][inside], values[at : ends[-1]][inside] = features.indices, features.data
            columns[ends[1:] - 2], columns[ends[1:] - 1] = self._features, self._features + 1
            values[ends[1:] - 2], values[ends[1:] - 1] = 1.0, 0.0
            starts[row + 1 : row + 1 + len(found)] = ends[1:]
            at, row = int(ends[-1]), row + len(found)
            labels.append(found)
        columns[at], values[at], starts[-1] = self._features + 1, 0.0, at + 1
        return _Part(starts, columns[: at + 1], values[: at + 1], np.concatenate(labels))

    def _fit(
        self, part: _Part, topic: int, scale: NDArray[np.float64], others: NDArray[np.float64]
    ) -> NDArray[np.float64]:
        """What a part brings to the weights and the bias of a topic, beside what the others bring.

        svm.c starts from nothing, so the raw scores by the others' weights come to it as one more column, and one more
        row pins that column's weight: alone there and of value `_PINNED`, the column needs the weight 1 / _PINNED for
        a margin of one, and nothing that the other rows ask for compares to that. All values are scaled up, and the
        penalties down to match, so that the bias of svm.c itself comes to nothing; the bias learned is a column.
        """
        features, ends = self._features, part.starts[1:-1]
        extended = np.append(scale, [1.0, 0.0])
        values = extended[part.columns]
        values *= part.values
        raw = sp.csr_matrix(
            (values, part.columns, part.starts), shape=(len(ends) + 1, features + 2), copy=False
        ) @ np.append(others, 0.0)
        values[ends - 1] = raw[:-1] * _PINNED
        values[-1] = _PINNED
        values *= _SCALE
        has_topic = part.labels[:, topic]
        weights, _, _ = fit_svm(
            part.starts,
            part.columns,
            values,
            features + 2,
            np.append(np.where(has_topic == 1, 1.0, -1.0), 1.0),
            np.append(penalties(has_topic, self._recipe, self._shares[topic]) / _SCALE**2, 1.0),
            most_passes=_MOST_PASSES,
            seed=self._recipe.seed,
        )
        return weights[:-1] * _SCALE
