"""The learner: one linear classifier for each topic, and its out-of-fold scores."""

import os
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import cycle

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray

from slugline.compiled.svm import fit_svm
from slugline.errors import NotEnoughExamples
from training.latent import latent_space
from training.matrices import CorpusMatrices, Worth
from training.recipe import Recipe
from training.splits import Fold, Labels
from training.weighting import ColumnWeights, column_weights

_MOST_PASSES = 5000


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

    `labels` has shape (articles, topics). Where the recipe weighs by several measures, there is a model by each, and
    the average of them is linear too; so is that with a model of latent dimensions, where the recipe has some.

    Raises:
        ValueError: the recipe is not settled.
    """
    if recipe.latent == "auto":
        raise ValueError("settle the recipe first")
    columns = column_weights(recipe.weighting, features, labels)
    topics = labels.shape[1]
    with ThreadPoolExecutor(len(os.sched_getaffinity(0))) as threads:
        fitted = list(threads.map(partial(_fit_topic, features, recipe=recipe), cycle(labels.T), columns))
    linears = [average(fitted[topic::topics]) for topic in range(topics)]
    if recipe.latent is None:
        return linears
    latent = _latent_linears(features, labels, recipe.latent, recipe)
    return [average([linear, linear, other]) for linear, other in zip(linears, latent, strict=True)]


def average(linears: Sequence[Linear]) -> Linear:
    """The model whose raw score is the mean of those of `linears`, of which there is one at least."""
    weights, biases = [linear.weights for linear in linears], [linear.bias for linear in linears]
    return Linear(np.mean(weights, axis=0), float(np.mean(biases))) if len(linears) > 1 else linears[0]


def _latent_linears(features: sp.csr_matrix, labels: Labels, dimensions: int, recipe: Recipe) -> list[Linear]:
    """A model of each topic that was learned from latent dimensions, as one of the features."""
    space = latent_space(features, dimensions, recipe.seed)
    articles = sp.csr_matrix(space.articles)
    equal = np.ones(articles.shape[1])
    linears = [_fit_topic(articles, has_topic, equal, recipe) for has_topic in labels.T]
    return [Linear(space.weights(linear.weights), linear.bias) for linear in linears]


def _fit_topic(features: sp.csr_matrix, has_topic: NDArray[np.int8], columns: ColumnWeights, recipe: Recipe) -> Linear:
    weighted: NDArray[np.float64] = features.data * columns[features.indices]
    # Articles of unit length on average, so that one regularisation means the same for any weighting and corpus size.
    length = float(np.sqrt(weighted @ weighted / features.shape[0])) or 1.0
    weighted /= length
    weights, bias, _ = fit_svm(
        features.indptr,
        features.indices,
        weighted,
        features.shape[1],
        np.where(has_topic == 1, 1.0, -1.0),
        penalties(has_topic, recipe, float(has_topic.mean())),
        most_passes=_MOST_PASSES,
        seed=recipe.seed,
    )
    return Linear(weights * columns / length, bias)


def penalties(has_topic: NDArray[np.int8], recipe: Recipe, share: float) -> NDArray[np.float64]:
    """How much each article counts; `balanced` makes those with the topic count as much together as those without.

    `share` is the share of the articles that have the topic, 0 to 1, of which `has_topic` may be a part.
    """
    counting = np.full(len(has_topic), recipe.regularisation)
    if recipe.class_weight is not None:
        counting /= 2.0 * np.where(has_topic == 1, share, 1.0 - share)
    return counting


def out_of_fold_scores(
    matrices: CorpusMatrices, labels: Labels, folds: list[Fold], recipe: Recipe, advance: Callable[[], None]
) -> NDArray[np.float64]:
    """The raw score of each article from a model that has not seen it, nor its story; shape (articles, topics)."""
    raw_scores = np.zeros(labels.shape)
    for learn, measure in folds:
        known, unknown = matrices.fold(learn, measure, Worth(labels, recipe.most_terms))
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
