"""Document frequencies in bounded memory.

Lossy counting (Manku and Motwani, "Approximate frequency counts over data streams", 2002), with the loss set by the
room there is rather than beforehand: when there are too many n-grams, the rarest are forgotten, and how often any of
them may have occurred is remembered. Nothing is lost as long as all fit.
"""

import numpy as np
from numpy.typing import NDArray

from training.streaming.hashing import Hashes

_KEPT_SHARE = 0.75
_PENDING_SHARE = 0.5


class Frequencies:
    """In how many articles each n-gram is, n-grams being told by their hashes; at most `room` are known at a time."""

    def __init__(self, room: int) -> None:
        self._room = room
        self._known: Hashes = np.empty(0, dtype=np.uint64)
        self._counts = np.empty(0, dtype=np.uint32)
        self._missed = np.empty(0, dtype=np.uint32)
        self._pending: list[tuple[Hashes, NDArray[np.uint32]]] = []
        self._pending_size = 0
        self.lost = 0
        """No n-gram that was forgotten occurred in more articles than this; 0 as long as none was."""

    def add(self, ngrams: Hashes, articles: NDArray[np.uint32]) -> None:
        """Take in n-grams, each once, and in how many more articles each of them is."""
        self._pending.append((ngrams, articles))
        self._pending_size += len(ngrams)
        if self._pending_size > self._room * _PENDING_SHARE:
            self._merge()

    def bounds(self) -> tuple[Hashes, NDArray[np.uint32]]:
        """The known n-grams in the order of their hashes, and the most articles that each can have occurred in.

        Every n-gram that occurred in more than `lost` articles is among them.
        """
        self._merge()
        return self._known, self._counts + self._missed

    def _merge(self) -> None:
        ngrams = np.concatenate([self._known, *(ngrams for ngrams, _ in self._pending)])
        counts = np.concatenate([self._counts, *(counts for _, counts in self._pending)])
        self._pending, self._pending_size = [], 0
        # Known ones come first among equals, so that what was missed of them is kept.
        order = np.argsort(ngrams, kind="stable")
        ngrams = ngrams[order]
        firsts = np.flatnonzero(np.concatenate([[True], ngrams[1:] != ngrams[:-1]])[: len(ngrams)])
        self._counts = np.add.reduceat(counts[order], firsts) if len(firsts) else counts
        missed = np.full(len(order), self.lost, dtype=np.uint32)
        missed[: len(self._missed)] = self._missed
        self._missed = missed[order[firsts]]
        self._known = ngrams[firsts]
        self._forget()

    def _forget(self) -> None:
        surplus = len(self._known) - int(self._room * _KEPT_SHARE)
        if len(self._known) <= self._room:
            return
        bounds = self._counts + self._missed
        self.lost = int(np.partition(bounds, surplus)[surplus])
        kept = bounds > self.lost
        self._known, self._counts, self._missed = self._known[kept], self._counts[kept], self._missed[kept]
