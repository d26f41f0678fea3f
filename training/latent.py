"""Latent dimensions: what articles have in common though they share few words.

In few articles most words are met once or twice, and a classifier of words learns little of them. Words that stand in
like articles lie along the same latent dimensions, along which even few articles teach something of every word.
Source: Deerwester and others, "Indexing by latent semantic analysis", 1990.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.linalg import eigh

_LEAST_OF_LARGEST = 1e-9
"""Dimensions of a smaller share of the largest one's square are rounding errors."""


@dataclass(frozen=True, slots=True)
class LatentSpace:
    """The articles along the latent dimensions, and the way back to features.

    `articles` has shape (articles, dimensions); they are the features, of shape (articles, features), turned and cut.
    """

    articles: NDArray[np.float64]
    _features: sp.csr_matrix
    _directions: NDArray[np.float64]

    def weights(self, latent: NDArray[np.float64]) -> NDArray[np.float64]:
        """The weights of the features, shape (features,), that say what weights of the dimensions say."""
        return np.asarray(self._features.T @ (self._directions @ latent))


def latent_space(features: sp.csr_matrix, dimensions: int) -> LatentSpace:
    """The space of at most so many dimensions that keeps most of the articles' features, shape (articles, features).

    It is found from the products of all pairs of articles, since of these there are far fewer than of features: time
    and memory grow with the square of the articles.
    """
    products = (features @ features.T).toarray()
    last = len(products) - 1
    squares, vectors = eigh(products, subset_by_index=(max(0, last - dimensions + 1), last))
    real = squares > squares[-1] * _LEAST_OF_LARGEST
    lengths, vectors = np.sqrt(squares[real]), vectors[:, real]
    return LatentSpace(vectors * lengths, features, vectors / lengths)
