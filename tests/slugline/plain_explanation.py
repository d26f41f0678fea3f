"""What an explanation must say, computed slowly and plainly with scikit-learn's own parts."""

from collections import Counter, defaultdict

import numpy as np
from numpy.typing import NDArray
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.pipeline import Pipeline

from slugline.features import CHARACTERS, families
from slugline.pipeline import linear_weights


def plain_contributions(pipeline: Pipeline, content: str) -> dict[str, NDArray[np.float64]]:
    """What each term adds to the raw score of every topic."""
    weights, _ = linear_weights(pipeline)
    row = pipeline["features"].transform([content]).tocsr()
    of_column = {int(column): value * weights[:, column] for column, value in zip(row.indices, row.data, strict=True)}
    terms: dict[str, NDArray[np.float64]] = defaultdict(lambda: np.zeros(len(weights)))
    first = 0
    for name, vectorizer in families(pipeline["features"]):
        names = vectorizer.get_feature_names_out()
        mine = {c - first: v for c, v in of_column.items() if first <= c < first + len(names)}
        if name == CHARACTERS:
            _add_tokens(terms, vectorizer, mine, content)
        else:
            for column, value in mine.items():
                terms[str(names[column])] += value
        first += len(names)
    return terms


def _add_tokens(
    terms: dict[str, NDArray[np.float64]],
    vectorizer: TfidfVectorizer,
    of_column: dict[int, NDArray[np.float64]],
    content: str,
) -> None:
    analyze, vocabulary = vectorizer.build_analyzer(), vectorizer.vocabulary_
    tokens = content.lower().split()
    columns_of = [[vocabulary[ngram] for ngram in analyze(token) if ngram in vocabulary] for token in tokens]
    occurrences = Counter(column for columns in columns_of for column in columns)
    for token, columns in zip(tokens, columns_of, strict=True):
        for column in columns:
            terms[bare(token)] += of_column[column] / occurrences[column]


def bare(token: str) -> str:
    """The token without the punctuation around it, or as it is where there is nothing else."""
    inside = [index for index, character in enumerate(token) if character.isalnum()]
    return token[inside[0] : inside[-1] + 1] if inside else token
