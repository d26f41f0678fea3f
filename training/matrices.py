"""Feature matrices of a corpus, counted once and shared by all folds.

Tokenising is nearly all the work of TF-IDF. Each family of features is counted once over the corpus; a fold then takes
its rows, and learns document frequencies from its own learning rows alone, exactly as fitting the scikit-learn
vectoriser on them would.
"""

from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import FeatureUnion
from sklearn.preprocessing import normalize

from slugline.features import FeatureSettings, build_features, families
from training.vectorizer import count

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class _Family:
    """One family of features over the corpus: its vocabulary and damped counts, shape (articles, features)."""

    vectorizer: TfidfVectorizer
    vocabulary: dict[str, int]
    frequencies: sp.csr_matrix


class CorpusMatrices:
    """The features of every article of a corpus."""

    def __init__(self, contents: Sequence[str], settings: FeatureSettings) -> None:
        self._settings = settings
        self._union = build_features(settings)
        named = families(self._union)
        # Threads do: the compiled code counts without holding Python's lock.
        with ThreadPoolExecutor(len(named)) as threads:
            counted = threads.map(lambda family: count(contents, family[1]), named)
            self._families = [
                _Family(vectorizer, counts.vocabulary, _damped(counts.matrix, settings))
                for (_, vectorizer), counts in zip(named, counted, strict=True)
            ]

    def fold(self, learn: Rows, measure: Rows) -> tuple[sp.csr_matrix, sp.csr_matrix]:
        """The TF-IDF of two sets of rows, with document frequencies from `learn` alone."""
        pairs = []
        for family in self._families:
            idf = _idf(family.frequencies[learn], self._settings.min_df)
            pairs.append([_tfidf(family.frequencies[rows], idf) for rows in (learn, measure)])
        return sp.hstack([pair[0] for pair in pairs]).tocsr(), sp.hstack([pair[1] for pair in pairs]).tocsr()

    def whole(self) -> tuple[FeatureUnion, sp.csr_matrix]:
        """The fitted scikit-learn union, and the TF-IDF of the whole corpus, as its `transform` would give it."""
        blocks = []
        for family in self._families:
            idf = _idf(family.frequencies, self._settings.min_df)
            family.vectorizer.vocabulary_ = family.vocabulary
            family.vectorizer.fixed_vocabulary_ = False
            family.vectorizer.idf_ = idf
            blocks.append(_tfidf(family.frequencies, idf))
        return self._union, sp.hstack(blocks).tocsr()


def _damped(counts: sp.csr_matrix, settings: FeatureSettings) -> sp.csr_matrix:
    if settings.sublinear_tf:
        counts.data = np.log(counts.data) + 1.0
    return counts


def _idf(frequencies: sp.csr_matrix, min_df: int) -> NDArray[np.float64]:
    """Smoothed inverse document frequencies, as scikit-learn's; 0 for terms in fewer than `min_df` articles."""
    articles = frequencies.shape[0]
    in_articles = np.bincount(frequencies.indices, minlength=frequencies.shape[1])
    idf = np.log((1 + articles) / (1 + in_articles)) + 1.0
    return np.where(in_articles >= min_df, idf, 0.0)


def _tfidf(frequencies: sp.csr_matrix, idf: NDArray[np.float64]) -> sp.csr_matrix:
    weighted = frequencies.copy()
    weighted.data = weighted.data * idf[weighted.indices]
    weighted.eliminate_zeros()
    return normalize(weighted, copy=False)
