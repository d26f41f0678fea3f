"""Counting n-grams with the compiled code, as scikit-learn's CountVectorizer does: same vocabulary, same counts."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from sklearn.feature_extraction.text import TfidfVectorizer

from slugline.compiled.library import CHARACTERS_KIND, WORDS_KIND
from slugline.compiled.vocabulary import Vocabulary
from slugline.features import lead_of


@dataclass(frozen=True)
class Counts:
    """The n-grams of a corpus in alphabetical order, and how often each article has each: (articles, n-grams)."""

    vocabulary: dict[str, int]
    matrix: sp.csr_matrix


def count(contents: Sequence[str], vectorizer: TfidfVectorizer) -> Counts:
    """Count what `vectorizer` would count, without what occurs in fewer than its `min_df` articles.

    Raises:
        ValueError: nothing is left.
    """
    kind = CHARACTERS_KIND if vectorizer.analyzer == "char_wb" else WORDS_KIND
    with Vocabulary(kind, vectorizer.ngram_range, lead_of(vectorizer)) as vocabulary:
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
    matrix = sp.csr_matrix((times, columns, starts), shape=(len(contents), len(kept)))
    return Counts({terms[i]: column for column, i in enumerate(alphabetical)}, matrix)
