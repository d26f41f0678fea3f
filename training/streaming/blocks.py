"""Blocks: the counted rows of a chunk of articles, on disk, and read back as TF-IDF."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from slugline.compiled.tfidf import Counted, tfidf
from training.splits import Labels
from training.streaming.ngrams import Candidates
from training.streaming.spill import Piece, Spill

_MOST_TIMES = np.iinfo(np.uint16).max
"""An n-gram that is in one article more often than this counts as if it were in it so often."""


@dataclass(frozen=True, slots=True)
class Block:
    """Where the counts of each family, and the labels, of some articles lie; `entries` is how many counts there are."""

    families: list[tuple[Piece, Piece, Piece]]
    labels: Piece
    entries: int

    @property
    def articles(self) -> int:
        """How many articles the block has."""
        return self.labels.shape[0]


class Blocks:
    """The blocks of articles that are learned from, or of those that are held out."""

    def __init__(self, spill: Spill, candidates: Sequence[Candidates], *, learn: bool) -> None:
        self._spill = spill
        self._candidates = candidates
        self._learn = learn
        self._damped = 1.0 + np.log(np.maximum(1, np.arange(_MOST_TIMES + 1)))
        self._sublinear = bool(candidates[0].vectorizer.sublinear_tf)
        self.blocks: list[Block] = []

    def add(self, contents: Sequence[str], labels: Labels) -> None:
        """Count a chunk of articles, and write it as one block."""
        if not contents:
            return
        pieces, entries = [], 0
        for candidates in self._candidates:
            counted = candidates.count(contents, learn=self._learn)
            times = np.minimum(counted.frequencies, _MOST_TIMES).astype(np.uint16)
            pieces.append((self._spill.put(counted.starts), self._spill.put(counted.columns), self._spill.put(times)))
            entries += len(times)
        self.blocks.append(Block(pieces, self._spill.put(labels), entries))

    def read(
        self, idfs: Sequence[NDArray[np.float64]], blocks: Sequence[Block]
    ) -> Iterator[tuple[sp.csr_matrix, Labels]]:
        """The TF-IDF and the labels of blocks; columns whose idf is 0 are left out, but keep their number."""
        width = sum(map(len, idfs))
        for block in blocks:
            counted = [(self._counts(pieces, len(idf)), idf) for pieces, idf in zip(block.families, idfs, strict=True)]
            starts, columns, values = tfidf(counted, np.arange(block.articles))
            yield sp.csr_matrix((values, columns, starts), shape=(block.articles, width)), self._spill.get(block.labels)

    def _counts(self, pieces: tuple[Piece, Piece, Piece], width: int) -> Counted:
        starts, columns, times = self._spill.get_all(pieces)
        return Counted(starts, columns, self._damped[times] if self._sublinear else times.astype(np.float64), width)
