"""Near-duplicates: articles that tell one story in nearly the same words.

Two articles are near-duplicates when the shorter one shares at least half of its five-word sequences (shingles) with
the other. They must never stand on both sides of a split: the model would be measured on what it has learned by heart.
Source of the measure: Broder, "On the resemblance and containment of documents", 1997 (containment of shingles).
"""

from collections.abc import Sequence

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from sklearn.feature_extraction.text import HashingVectorizer

SHINGLE_WORDS = 5
LEAST_CONTAINMENT = 0.5
_MOST_SHARERS = 100
"""A shingle in more articles than this is a stock phrase; leaving it out keeps the work linear."""


def near_duplicates(contents: Sequence[str]) -> list[tuple[int, int, float]]:
    """All pairs (i, j, containment) of near-duplicates, i < j, containment 0.5 to 1."""
    shingles = _shingles(contents)
    sharers = np.bincount(shingles.indices, minlength=shingles.shape[1])
    shared = shingles[:, (sharers > 1) & (sharers <= _MOST_SHARERS)]
    overlaps = sp.triu(shared @ shared.T, k=1).tocoo()
    sizes = np.maximum(1, np.asarray(shingles.sum(axis=1)).ravel())
    containment = overlaps.data / np.minimum(sizes[overlaps.row], sizes[overlaps.col])
    keep = containment >= LEAST_CONTAINMENT
    rows, columns = overlaps.row[keep].tolist(), overlaps.col[keep].tolist()
    return sorted(zip(rows, columns, containment[keep].tolist(), strict=True))


def story_groups(contents: Sequence[str]) -> NDArray[np.int64]:
    """The number of the story each article tells, shape (len(contents),): near-duplicates share one."""
    pairs = near_duplicates(contents)
    rows, columns = [i for i, _, _ in pairs], [j for _, j, _ in pairs]
    graph = sp.coo_matrix((np.ones(len(pairs)), (rows, columns)), shape=(len(contents), len(contents)))
    _, groups = connected_components(graph, directed=False)
    return np.asarray(groups, dtype=np.int64)


def _shingles(contents: Sequence[str]) -> sp.csr_matrix:
    vectorizer = HashingVectorizer(
        analyzer="word",
        ngram_range=(SHINGLE_WORDS, SHINGLE_WORDS),
        token_pattern=r"(?u)\b\w+\b",  # noqa: S106
        n_features=2**26,
        binary=True,
        norm=None,
        alternate_sign=False,
    )
    hashed = vectorizer.transform(contents).tocsr()
    # Of the many columns only those that occur are kept, so that work grows with the text and not with the hash.
    occurring, columns = np.unique(hashed.indices, return_inverse=True)
    return sp.csr_matrix((hashed.data, columns, hashed.indptr), shape=(len(contents), len(occurring)))
