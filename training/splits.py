"""Splits: which articles to learn from and which to measure on."""

import warnings
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.model_selection import StratifiedGroupKFold

from slugline.corpus import Corpus
from slugline.errors import UndatedArticles

Labels = NDArray[np.int8]
"""Which topics each article has: 1 or 0, shape (articles, topics)."""

FUTURE_SHARE = 0.2
"""The newest share of the articles, which a split by time measures on."""

Fold = tuple[NDArray[np.int64], NDArray[np.int64]]
"""The rows to learn from, and the rows to measure on."""


def label_matrix(labels: Sequence[Sequence[str]], topics: Sequence[str]) -> Labels:
    """Names to numbers: shape (len(labels), len(topics)), 1 where the article has the topic."""
    return np.array([[topic in names for topic in topics] for names in labels], dtype=np.int8).reshape(-1, len(topics))


def grouped_folds(labels: Labels, groups: NDArray[np.int64], folds: int, seed: int) -> list[Fold]:
    """Split into `folds` folds that keep each group together and the share of each combination of topics alike."""
    _, combination = np.unique(labels, axis=0, return_inverse=True)
    splitter = StratifiedGroupKFold(folds, shuffle=True, random_state=seed)
    placeholder = np.zeros(len(labels))
    with warnings.catch_warnings():
        # Combinations of topics rarer than the folds are spread as far as they go, which is all that can be done.
        warnings.filterwarnings("ignore", message="The least populated class", category=UserWarning)
        return list(splitter.split(placeholder, combination.ravel(), groups))


def future_rows(corpus: Corpus, groups: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which articles are the future in a split by time, shape (articles,): the newest fifth, by `published`.

    A story that is told in both is moved to the past as a whole, so that the future holds nothing learned by heart.

    Raises:
        UndatedArticles: articles have no date.
    """
    published = [labelled.published for labelled in corpus.documents]
    for labelled in corpus.documents:
        if not labelled.published:
            raise UndatedArticles(labelled.path, labelled.line, published.count(""))
    order = np.argsort(np.array(published), kind="stable")
    future = np.zeros(len(published), dtype=bool)
    future[order[round(len(order) * (1 - FUTURE_SHARE)) :]] = True
    return future & ~np.isin(groups, groups[~future])
