"""The learner: one linear classifier for each topic, and its out-of-fold scores."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from sklearn.svm import LinearSVC

from slugline.errors import NotEnoughExamples
from training.matrices import CorpusMatrices
from training.recipe import Recipe
from training.splits import Fold, Labels
from training.weighting import ColumnWeights, column_weights

_MOST_ITERATIONS = 5000


@dataclass(frozen=True, slots=True)
class Linear:
    """raw_score = features @ weights + bias; `weights` has shape (features,)."""

    weights: NDArray[np.float64]
    bias: float

    def raw_scores(self, features: sp.csr_matrix) -> NDArray[np.float64]:
        """The raw scores of articles, shape (articles,)."""
        return np.asarray(features @ self.weights + self.bias)


def fit_topics(features: sp.csr_matrix, labels: Labels, recipe: Recipe) -> list[Linear]:
    """Learn every topic: weigh the columns by what they have to do with it, fit a linear SVM, fold both into one.

    `labels` has shape (articles, topics).
    """
    columns = column_weights(recipe.weighting, features, labels)
    # One topic after the other: liblinear draws from one random generator of the process, and threads that share it
    # would make every training different.
    return [_fit_topic(features, labels[:, topic], weights, recipe) for topic, weights in enumerate(columns)]


def _fit_topic(features: sp.csr_matrix, has_topic: NDArray[np.int8], columns: ColumnWeights, recipe: Recipe) -> Linear:
    weighted = features.copy()
    weighted.data = weighted.data * columns[weighted.indices]
    # Articles of unit length on average, so that one regularisation means the same for any weighting and corpus size.
    length = np.sqrt((weighted.data**2).sum() / weighted.shape[0]) or 1.0
    weighted.data /= length
    svm = LinearSVC(
        C=recipe.regularisation,
        class_weight=recipe.class_weight,
        random_state=recipe.seed,
        max_iter=_MOST_ITERATIONS,
    )
    svm.fit(weighted, has_topic)
    return Linear(svm.coef_[0] * columns / length, float(svm.intercept_[0]))


def out_of_fold_scores(
    matrices: CorpusMatrices, labels: Labels, folds: list[Fold], recipe: Recipe, advance: Callable[[], None]
) -> NDArray[np.float64]:
    """The raw score of each article from a model that has not seen it, nor its story; shape (articles, topics)."""
    raw_scores = np.zeros(labels.shape)
    for learn, measure in folds:
        known, unknown = matrices.fold(learn, measure)
        for topic, linear in enumerate(fit_topics(known, labels[learn], recipe)):
            raw_scores[measure, topic] = linear.raw_scores(unknown)
        advance()
    return raw_scores


def check_learnable(topics: tuple[str, ...], labels: Labels, groups: NDArray[np.int64], least: int) -> None:
    """Refuse topics that cannot be learned; near-duplicates count as one article.

    Raises:
        NotEnoughExamples: fewer than `least` articles have a topic, or fewer than `least` are without it.
    """
    for column, topic in enumerate(topics):
        for kind, value in (("positive", 1), ("negative", 0)):
            stories = len(np.unique(groups[labels[:, column] == value]))
            if stories < least:
                raise NotEnoughExamples(topic, kind, stories, least)
