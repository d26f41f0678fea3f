"""Hashes of 64 bits, of many short texts at once.

They take the place of texts where texts would take too much memory. Among a hundred million different texts, two share
a hash with a chance of one in four thousand; here that costs two n-grams one count, and nothing else.
"""

import numpy as np
from numpy.typing import NDArray

Hashes = NDArray[np.uint64]

_ODD = np.uint64(0x9E3779B97F4A7C15)


def scrambled(values: Hashes) -> Hashes:
    """Each number mixed by itself, one to one (the finaliser of SplitMix64; Steele, Lea and Flood, 2014)."""
    mixed = values + _ODD
    mixed = (mixed ^ (mixed >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    mixed = (mixed ^ (mixed >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return mixed ^ (mixed >> np.uint64(31))


def hashes(characters: NDArray[np.uint32], starts: NDArray[np.int64], ends: NDArray[np.int64]) -> Hashes:
    """The hash of each text characters[starts[i]:ends[i]]; texts are in order, not empty, and do not overlap."""
    if not len(starts):
        return np.empty(0, dtype=np.uint64)
    lengths = ends - starts
    at = np.arange(int(lengths.sum())) - np.repeat(np.cumsum(lengths) - lengths, lengths)
    taken = characters[np.repeat(starts, lengths) + at].astype(np.uint64)
    powers = np.multiply.accumulate(np.full(int(lengths.max()), _ODD))
    terms = scrambled(taken) * powers[at]
    return scrambled(np.add.reduceat(terms, np.cumsum(lengths) - lengths))
