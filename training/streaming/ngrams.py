"""The vocabulary of articles that are read in chunks: which n-grams become features, and how frequent they are."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer

from slugline.compiled.tfidf import Counted
from slugline.compiled.vocabulary import Vocabulary, kind_of
from slugline.features import FeatureSettings, build_features, families, lead_of
from training.streaming.frequencies import Frequencies
from training.streaming.hashing import Hashes, hashes


class Counting:
    """Counts the n-grams of all families, at most `room` of them at a time."""

    def __init__(self, settings: FeatureSettings, room: int) -> None:
        self._vectorizers = [vectorizer for _, vectorizer in families(build_features(settings))]
        self._frequencies = [Frequencies(room // len(self._vectorizers)) for _ in self._vectorizers]

    def add(self, contents: Sequence[str]) -> None:
        """Count the n-grams of a chunk of articles."""
        for vectorizer, frequencies in zip(self._vectorizers, self._frequencies, strict=True):
            with _counted(contents, vectorizer) as (_, _, ngrams, articles):
                frequencies.add(ngrams, articles)

    def candidates(self, min_df: int, most: int) -> tuple[int, list["Candidates"]]:
        """The n-grams that may be in as many articles as a feature must be, at most `most`, and how many articles.

        That number is `min_df`, or as much more as it takes for all n-grams in so many articles to be known and to fit:
        then nothing is missing that a count without bounds would have found.
        """
        bounds = [frequencies.bounds() for frequencies in self._frequencies]
        least = max([min_df, *(frequencies.lost + 1 for frequencies in self._frequencies)])
        every = np.concatenate([bound for _, bound in bounds])
        if np.count_nonzero(every >= least) > most:
            least = max(least, int(np.partition(every, len(every) - most)[len(every) - most]))
            least += int(np.count_nonzero(every >= least) > most)
        pairs = zip(self._vectorizers, bounds, strict=True)
        return least, [Candidates(vectorizer, ngrams[bound >= least]) for vectorizer, (ngrams, bound) in pairs]


@dataclass
class Candidates:
    """The n-grams of one family that may become features, in the order of their hashes.

    `articles` is in how many articles each is, as counted so far, `terms` their spelling, empty as long as not met.
    """

    vectorizer: TfidfVectorizer
    ngrams: Hashes
    articles: NDArray[np.int64] = field(init=False)
    terms: list[str] = field(init=False)

    def __post_init__(self) -> None:
        self.articles = np.zeros(len(self.ngrams), dtype=np.int64)
        self.terms = [""] * len(self.ngrams)

    def count(self, contents: Sequence[str], *, learn: bool) -> Counted:
        """The counts of a chunk of articles; where it is to `learn` from, they count for `articles` and `terms`."""
        with _counted(contents, self.vectorizer) as (vocabulary, every, ngrams, in_articles):
            found = np.minimum(np.searchsorted(self.ngrams, ngrams), max(0, len(self.ngrams) - 1))
            kept = self.ngrams[found] == ngrams if len(self.ngrams) else np.zeros(len(ngrams), dtype=bool)
            columns, numbers, articles = found[kept], every[kept], in_articles[kept]
            if learn:
                self._learn(vocabulary, columns, numbers, articles)
            column_of = np.full(vocabulary.size, -1, dtype=np.int32)
            column_of[numbers] = columns
            starts, found_columns, times = vocabulary.matrix(column_of, int(articles.sum(dtype=np.int64)))
        return Counted(starts, found_columns, times, len(self.ngrams))

    def _learn(
        self,
        vocabulary: Vocabulary,
        columns: NDArray[np.int64],
        numbers: NDArray[np.uint32],
        articles: NDArray[np.uint32],
    ) -> None:
        unmet = self.articles[columns] == 0
        for column, term in zip(columns[unmet].tolist(), vocabulary.terms(numbers[unmet]), strict=True):
            self.terms[column] = term
        self.articles[columns] += articles


@contextmanager
def _counted(
    contents: Sequence[str], vectorizer: TfidfVectorizer
) -> Iterator[tuple[Vocabulary, NDArray[np.uint32], Hashes, NDArray[np.uint32]]]:
    """The vocabulary of a chunk, the numbers and hashes of its n-grams, and in how many of its articles each is."""
    with Vocabulary(kind_of(vectorizer.analyzer), vectorizer.ngram_range, lead_of(vectorizer)) as vocabulary:
        vocabulary.count(contents)
        articles = vocabulary.document_frequencies()
        numbers = np.flatnonzero(articles).astype(np.uint32)
        letters, ends = vocabulary.spelled(numbers)
        yield vocabulary, numbers, hashes(letters, ends - np.diff(ends, prepend=0), ends), articles[numbers]
