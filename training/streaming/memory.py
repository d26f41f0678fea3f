"""What the memory of a training past memory goes to; every part of the work is sized by it."""

import os
from dataclasses import dataclass

MB = 1 << 20
LEAST_MEMORY = 512 * MB

_PROCESS = 300 * MB
"""What the process takes by itself: Python and its libraries, and one chunk of articles with its n-grams."""

_LOST_SHARE = 0.1
"""What lies between what was given back and cannot be used again; it grows with what is taken."""

_OF_FEATURE, _OF_WEIGHT = 800, 64
"""What a feature takes in bytes when the model is laid out and written, and what each topic adds to that."""

_LEARNED_OF_FEATURE, _LEARNED_OF_WEIGHT = 108, 64
"""The same while it is learned."""

_OF_NGRAM = 110
"""What an n-gram takes at most while newly counted ones are merged with the known."""

_OF_ENTRY, _OF_COPY = 24, 8
"""What an entry of the matrix takes that is learned from at a time, and what each thread adds to that."""

_MOST_THREADS = 4


@dataclass(frozen=True, slots=True)
class MemoryPlan:
    """How much fits into `limit` bytes of memory when there are `topics` topics."""

    limit: int
    topics: int

    @property
    def ngrams(self) -> int:
        """How many n-grams may be counted at a time."""
        return self._free // _OF_NGRAM

    @property
    def features(self) -> int:
        """How many features a model may have."""
        return self._free // (_OF_FEATURE + _OF_WEIGHT * self.topics)

    def entries(self, features: int) -> int:
        """How many entries of the matrix may be learned from at a time, beside this many features."""
        taken = features * (_LEARNED_OF_FEATURE + _LEARNED_OF_WEIGHT * self.topics)
        return max(self._free // 4, self._free - taken) // (_OF_ENTRY + _OF_COPY * self.threads)

    @property
    def threads(self) -> int:
        """How many topics may be learned at the same time."""
        return min(_MOST_THREADS, self.topics, len(os.sched_getaffinity(0)))

    @property
    def _free(self) -> int:
        return int((1 - _LOST_SHARE) * max(self.limit, LEAST_MEMORY)) - _PROCESS
