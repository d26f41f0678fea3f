"""Counting n-grams with the compiled code, as scikit-learn's CountVectorizer does: same vocabulary, same counts."""

from collections.abc import Sequence

import numpy as np
from sklearn.feature_extraction.text import TfidfVectorizer

from slugline.compiled.tfidf import Counted
from slugline.compiled.vocabulary import Vocabulary, kind_of
from slugline.features import lead_of


def count(contents: Sequence[str], vectorizer: TfidfVectorizer) -> tuple[dict[str, int], Counted]:
    """Count what `vectorizer` would count, without what occurs in fewer than its `min_df` articles.

    Returns the column of each n-gram, in alphabetical order, and how often each article has each.

    Raises:
        ValueError: nothing is left.
    """
    with Vocabulary(kind_of(vectorizer.analyzer), vectorizer.ngram_range, lead_of(vectorizer)) as vocabulary:
        vocabulary.count(contents)
        frequencies = vocabulary.document_frequencies()
        kept = np.flatnonzero(frequencies >= max(1, vectorizer.min_df)).astype(np.uint32)
        terms = vocabulary.terms(kept)
        if not terms:
            raise ValueError("no n-gram occurs in as many articles as min_df asks for")
        alphabetical = sorted(range(len(terms)), key=terms.__getitem__)
        column_of = np.full(len(frequencies), -1, dtype=np.int32)
        column_of[kept[alphabetical]] = np.arange(len(kept), dtype=np.int32)
        starts, columns, times = vocabulary.matrix(column_of, int(frequencies[kept].sum(dtype=np.int64)))
    return {terms[i]: column for column, i in enumerate(alphabetical)}, Counted(starts, columns, times, len(kept))


def count_known(contents: Sequence[str], vectorizer: TfidfVectorizer) -> Counted:
    """Count the n-grams that a fitted `vectorizer` knows, as its `transform` would; how often each article has each."""
    known: dict[str, int] = vectorizer.vocabulary_
    with Vocabulary(kind_of(vectorizer.analyzer), vectorizer.ngram_range, lead_of(vectorizer)) as vocabulary:
        vocabulary.count(contents)
        frequencies = vocabulary.document_frequencies()
        numbers = np.flatnonzero(frequencies).astype(np.uint32)
        columns = np.array([known.get(term, -1) for term in vocabulary.terms(numbers)], dtype=np.int32)
        column_of = np.full(len(frequencies), -1, dtype=np.int32)
        column_of[numbers] = columns
        entries = int(frequencies[numbers[columns >= 0]].sum(dtype=np.int64))
        starts, found, times = vocabulary.matrix(column_of, entries)
    return Counted(starts, found, times, len(known))
