"""Explanations: the terms of a document that spoke for and against each topic.

The model is linear in its features, so a document's raw score is exactly the bias plus a contribution of every feature.
A feature of words, in the whole text or its lead, is a term by itself. A character n-gram belongs to the words it
occurs in: its contribution is shared among them by occurrence, so that editors read words and the sum stays exact.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import Pipeline

from slugline.features import LEAD, WORDS, families
from slugline.pipeline import linear_weights

Contributions = dict[str, NDArray[np.float64]]
"""What each term adds to the raw score of every topic, shape (topics,), in log-odds."""


@dataclass(frozen=True, slots=True)
class Explanation:
    """Why a document got its score for one topic: raw_score = bias + the sum of `contributions`, in log-odds."""

    raw_score: float
    bias: float
    contributions: dict[str, float]

    def strongest(self, most: int) -> list[tuple[str, float]]:
        """Up to `most` terms that spoke for the topic, loudest first, then up to `most` against it."""
        ranked = sorted(self.contributions.items(), key=lambda item: (-item[1], item[0]))
        against = [item for item in reversed(ranked) if item[1] < 0]
        return [item for item in ranked if item[1] > 0][:most] + against[:most]

    def others(self, most: int) -> float:
        """The sum of the contributions that `strongest(most)` leaves out."""
        return self.raw_score - self.bias - sum(value for _, value in self.strongest(most))


def explain(pipeline: Pipeline, content: str) -> list[Explanation]:
    """Explain the raw score of every topic for one text."""
    features = pipeline["features"]
    weights, biases = linear_weights(pipeline)
    row = features.transform([content]).tocsr()
    by_column = row.data[:, np.newaxis] * weights[:, row.indices].T
    of_column = dict(zip(row.indices.tolist(), by_column, strict=True))
    terms: Contributions = defaultdict(lambda: np.zeros(len(biases)))
    first = 0
    for name, vectorizer in families(features):
        if name in (WORDS, LEAD):
            _add_word_terms(terms, vectorizer, of_column, first)
        else:
            _add_character_terms(terms, vectorizer, of_column, first, content)
        first += len(vectorizer.vocabulary_)
    raw_scores = biases + by_column.sum(axis=0)
    return [
        Explanation(float(raw), float(bias), {term: float(values[topic]) for term, values in terms.items()})
        for topic, (raw, bias) in enumerate(zip(raw_scores, biases, strict=True))
    ]


def _add_word_terms(
    terms: Contributions, vectorizer: TfidfVectorizer, of_column: dict[int, NDArray[np.float64]], first: int
) -> None:
    names = vectorizer.get_feature_names_out()
    for column, values in of_column.items():
        if first <= column < first + len(names):
            terms[str(names[column - first])] += values


def _add_character_terms(
    terms: Contributions,
    vectorizer: TfidfVectorizer,
    of_column: dict[int, NDArray[np.float64]],
    first: int,
    content: str,
) -> None:
    analyze, vocabulary = vectorizer.build_analyzer(), vectorizer.vocabulary_
    words = Counter(content.lower().split())
    columns_of = {word: [first + vocabulary[ngram] for ngram in analyze(word) if ngram in vocabulary] for word in words}
    occurrences: Counter[int] = Counter()
    for word, times in words.items():
        for column in columns_of[word]:
            occurrences[column] += times
    for word, times in words.items():
        for column in columns_of[word]:
            terms[_bare(word)] += of_column[column] * (times / occurrences[column])


def _bare(word: str) -> str:
    """The word without the punctuation around it, or as it is where there is nothing else."""
    start, end = 0, len(word)
    while start < end and not word[start].isalnum():
        start += 1
    while end > start and not word[end - 1].isalnum():
        end -= 1
    return word[start:end] or word
