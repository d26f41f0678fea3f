"""Held-out articles: those that are measured on, and never learned from.

Which side an article is on hangs on a hash of its story alone, so that copies are on the same one. Near-duplicates that
are on different sides all the same are found by their sketches, and are not measured on.
"""

from collections.abc import Sequence
from typing import overload

import msgspec
import numpy as np
from numpy.typing import NDArray

from slugline.corpus import LabelledDocument
from training.splits import Labels
from training.streaming.hashing import scrambled
from training.streaming.spill import Piece, Spill
from training.streaming.stories import LEAST_SHARED, PLACES, Sketches

MOST_ARTICLES = 50_000
"""How many articles are held out at most, give or take what chance does."""

_SHARE = 0.1


def are_held_out(sketches: Sketches, articles: int, seed: int) -> NDArray[np.bool_]:
    """Which articles are held out, shape (articles,): a tenth of all `articles`, or as many as are enough."""
    share = min(_SHARE, MOST_ARTICLES / articles)
    return scrambled(sketches[:, 0] ^ scrambled(np.array([seed], dtype=np.uint64))) < np.uint64(int(share * 2**64))


class HeldOut(Sequence[LabelledDocument]):
    """The held-out articles, on disk; their sketches and labels in memory."""

    def __init__(self, spill: Spill) -> None:
        self._spill = spill
        self._places: list[Piece] = []
        self._sketches: list[Sketches] = []
        self._labels: list[Labels] = []
        self._known: list[tuple[Sketches, NDArray[np.int64], NDArray[np.bool_]]] = []

    def __len__(self) -> int:
        return len(self._places)

    @overload
    def __getitem__(self, row: int) -> LabelledDocument: ...

    @overload
    def __getitem__(self, row: slice) -> Sequence[LabelledDocument]: ...

    def __getitem__(self, row: int | slice) -> LabelledDocument | Sequence[LabelledDocument]:
        if isinstance(row, slice):
            return [self[i] for i in range(*row.indices(len(self)))]
        packed = self._spill.get(self._places[row]).tobytes()
        return msgspec.msgpack.decode(packed, type=LabelledDocument, dec_hook=lambda kind, value: kind(value))

    def add(self, documents: Sequence[LabelledDocument], sketches: Sketches, labels: Labels) -> None:
        """Take in articles with their sketches and labels."""
        for labelled in documents:
            packed = msgspec.msgpack.encode(labelled, enc_hook=str)
            self._places.append(self._spill.put(np.frombuffer(packed, dtype=np.uint8)))
        self._sketches.append(sketches)
        self._labels.append(labels)

    def labels(self) -> Labels:
        """The labels, shape (articles, topics)."""
        return np.concatenate(self._labels)

    def stories(self) -> NDArray[np.int64]:
        """The number of the story of each article, shape (articles,): copies share one."""
        return np.unique(np.concatenate(self._sketches)[:, 0], return_inverse=True)[1]

    def compare(self, learned: Sketches) -> None:
        """Look for near-duplicates among the sketches of articles that are learned from."""
        if not self._known:
            own = np.concatenate(self._sketches)
            for place in range(PLACES):
                values, rows = np.unique(own[:, place], return_inverse=True)
                self._known.append((values, rows, np.zeros(len(values), dtype=bool)))
        for place, (values, _, found) in enumerate(self._known):
            at = np.minimum(np.searchsorted(values, learned[:, place]), len(values) - 1)
            found[at[values[at] == learned[:, place]]] = True

    def unseen(self) -> NDArray[np.int64]:
        """The articles that have no near-duplicate among those that were compared."""
        shared = np.zeros(len(self), dtype=np.int64)
        for _, rows, found in self._known:
            shared += found[rows]
        return np.flatnonzero(shared < LEAST_SHARED)
