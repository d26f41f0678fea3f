"""Stories: a sketch of each article by which near-duplicates are known without keeping the articles.

Two articles agree in a place of their sketches with a chance that is the share of five-word sequences (shingles) they
have in common, of all they have (Broder, "On the resemblance and containment of documents", 1997: MinHash).
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from slugline.compiled.library import character_classes, encoded
from training.duplicates import SHINGLE_WORDS
from training.streaming.hashing import Hashes, hashes, scrambled

PLACES = 8
"""How many hashes a sketch has."""

LEAST_SHARED = 2
"""Articles that agree in as many places tell one story: 80 % of those that have a third of their shingles in common,
96 % of those that have half of them, and nearly none of those that have a hundredth."""

Sketches = NDArray[np.uint64]
"""One row of PLACES hashes for each article."""

_LETTER = 1
_SEEDS = scrambled(np.arange(1, PLACES + 1, dtype=np.uint64))
_FACTORS = scrambled(np.arange(101, 101 + SHINGLE_WORDS, dtype=np.uint64)) | np.uint64(1)


def sketches(contents: Sequence[str]) -> Sketches:
    """The sketch of each article, shape (articles, PLACES); equal texts have equal ones, whatever the case."""
    text, raw_ends = encoded(contents)
    characters = np.frombuffer(text, dtype=np.uint32)
    is_letter = np.concatenate([[False], (character_classes()[characters] & _LETTER) != 0, [False]])
    # A word neither goes on from one article into the next, nor is there a character between them to end it.
    edges = np.flatnonzero(is_letter[1:] != is_letter[:-1])
    starts, ends = _cut(edges[::2], edges[1::2], raw_ends)
    article = np.searchsorted(raw_ends, starts, side="right")
    shingles, of = _shingles(hashes(characters, starts, ends), article)
    found = np.zeros((len(contents), PLACES), dtype=np.uint64)
    if len(of):
        firsts = np.flatnonzero(np.diff(of, prepend=-1))
        for place, seed in enumerate(_SEEDS):
            found[of[firsts], place] = np.minimum.reduceat(scrambled(shingles ^ seed), firsts)
    return found


def _cut(
    starts: NDArray[np.int64], ends: NDArray[np.int64], articles_end: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Words that run over the end of an article become two."""
    inside = articles_end[
        np.searchsorted(starts, articles_end, side="left") > np.searchsorted(ends, articles_end, "right")
    ]
    inside = np.unique(inside)
    return np.sort(np.concatenate([starts, inside])), np.sort(np.concatenate([ends, inside]))


def _shingles(words: Hashes, article: NDArray[np.int64]) -> tuple[Hashes, NDArray[np.int64]]:
    """The hash of each sequence of words within an article, and its article; a shorter one has one, of all words."""
    summed = np.zeros(len(words), dtype=np.uint64)
    complete = np.zeros(len(words), dtype=bool)
    for ahead, factor in enumerate(_FACTORS):
        reach = max(0, len(words) - ahead)
        same = article[ahead:] == article[:reach]
        summed[:reach] += np.where(same, words[ahead:] * factor, np.uint64(0))
        if ahead == SHINGLE_WORDS - 1:
            complete[:reach] = same
    kept = np.flatnonzero(complete | (np.diff(article, prepend=-1) != 0))
    return scrambled(summed[kept]), article[kept]
