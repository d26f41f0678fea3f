"""Feature matrices of a corpus, counted once and shared by all folds.

Tokenising is nearly all the work of TF-IDF. Each family of features is counted once over the corpus; a fold then takes
its rows, and learns document frequencies from its own learning rows alone, exactly as fitting the scikit-learn
vectoriser on them would, and, where there are labels to tell by, which n-grams are worth keeping.
"""

from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import FeatureUnion

from slugline.compiled.tfidf import Counted, tfidf
from slugline.features import FeatureSettings, build_features, families
from training.counting import count
from training.selection import select
from training.splits import Labels
from training.weighting import Presence

Rows = NDArray[np.int64]


@dataclass(frozen=True)
class _Family:
    """One family of features over the corpus: its vocabulary and damped counts, shape (articles, features)."""

    vectorizer: TfidfVectorizer
    vocabulary: dict[str, int]
    counted: Counted


@dataclass(frozen=True)
class Worth:
    """By what to tell which n-grams to keep: labels of shape (articles, topics), and how many of a family at most."""

    labels: Labels
    most_terms: int | None


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
                _Family(vectorizer, vocabulary, damped(counts, settings))
                for (_, vectorizer), (vocabulary, counts) in zip(named, counted, strict=True)
            ]
        self._articles = len(contents)

    def fold(self, learn: Rows, measure: Rows, worth: Worth | None = None) -> tuple[sp.csr_matrix, sp.csr_matrix]:
        """The TF-IDF of two sets of rows, with document frequencies, and what is worth keeping, from `learn` alone."""
        idfs = [self._idf(family, learn, worth) for family in self._families]
        return self._tfidf(idfs, learn), self._tfidf(idfs, measure)

    def whole(self, worth: Worth | None = None) -> tuple[FeatureUnion, sp.csr_matrix]:
        """The fitted scikit-learn union, and the TF-IDF of the whole corpus, as its `transform` would give it."""
        every = np.arange(self._articles)
        idfs = [self._idf(family, every, worth) for family in self._families]
        for family, idf in zip(self._families, idfs, strict=True):
            fit_vectorizer(family.vectorizer, family.vocabulary, idf)
        matrix = self._tfidf(idfs, every)
        used = np.concatenate(idfs) > 0
        numbers = (np.cumsum(used) - 1).astype(np.int32)
        return self._union, sp.csr_matrix(
            (matrix.data, numbers[matrix.indices], matrix.indptr), shape=(self._articles, np.count_nonzero(used))
        )

    def _idf(self, family: _Family, learn: Rows, worth: Worth | None) -> NDArray[np.float64]:
        in_articles = family.counted.document_frequencies(learn)
        idf = smoothed_idf(in_articles, len(learn), self._settings)
        if worth is not None and worth.most_terms is not None:
            of_topics = [learn[topic == 1] for topic in worth.labels[learn].T]
            with_topics = np.column_stack([family.counted.document_frequencies(rows) for rows in of_topics])
            presence = Presence(in_articles, with_topics, np.array(list(map(len, of_topics))), len(learn))
            select(idf, presence, worth.most_terms)
        return idf

    def _tfidf(self, idfs: list[NDArray[np.float64]], rows: Rows) -> sp.csr_matrix:
        blocks = [(family.counted, idf) for family, idf in zip(self._families, idfs, strict=True)]
        starts, columns, values = tfidf(blocks, rows)
        width = sum(counted.width for counted, _ in blocks)
        return sp.csr_matrix((values, columns, starts), shape=(len(rows), width))


def damped(counted: Counted, settings: FeatureSettings) -> Counted:
    """The counts as `settings` have them; changed in place."""
    if settings.sublinear_tf:
        np.log(counted.frequencies, out=counted.frequencies)
        counted.frequencies[:] += 1.0
    return counted


def smoothed_idf(in_articles: NDArray[np.int64], articles: int, settings: FeatureSettings) -> NDArray[np.float64]:
    """Smoothed inverse document frequencies, as scikit-learn's; 0 for terms in fewer than `min_df` articles."""
    idf = np.log((1 + articles) / (1 + in_articles)) + 1.0
    return np.where(in_articles >= settings.min_df, idf, 0.0)


def fit_vectorizer(vectorizer: TfidfVectorizer, terms: Iterable[str], idf: NDArray[np.float64]) -> None:
    """Give a vectoriser the n-grams, of `terms` in the order of their columns, whose idf is not 0."""
    used = [term for term, value in zip(terms, idf.tolist(), strict=True) if value > 0]
    vectorizer.vocabulary_ = {term: column for column, term in enumerate(used)}
    vectorizer.fixed_vocabulary_ = False
    vectorizer.idf_ = idf[idf > 0]
