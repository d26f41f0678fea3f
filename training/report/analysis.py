"""What the report tells: all of it comes from out-of-fold scores, never from articles learned by heart."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from sklearn.metrics import average_precision_score
from sklearn.pipeline import Pipeline

from slugline.corpus import LabelledDocument
from slugline.documents import Document
from slugline.features import WORDS, families
from slugline.model import Model
from slugline.pipeline import linear_weights
from slugline.scoring import Scores
from training.evaluation import mean_average_precision
from training.learner import out_of_fold_scores
from training.splits import Fold, Labels
from training.train import Fitted, Trained

BOOTSTRAP_SAMPLES = 200
CURVE_SHARES = (0.125, 0.25, 0.5, 1.0)
_CURVE_FOLDS = 2
_ENOUGH_MEASURED = 2000
"""Articles on which one fold alone shows the curve well enough; more would double the time it takes."""
_INTERVAL = (2.5, 97.5)
_EXCERPT_CHARS = 240

Interval = tuple[float, float]


@dataclass(frozen=True, slots=True)
class CurvePoint:
    """Mean average precision, 0 to 1, after learning from this many articles."""

    articles: int
    mean_average_precision: float


@dataclass(frozen=True, slots=True)
class WorstError:
    """An article that got a topic wrong, how surely, and the terms that spoke loudest for the wrong side."""

    document_id: str
    topic: str
    has_topic: bool
    score: float
    excerpt: str
    terms: tuple[tuple[str, float], ...]


def bootstrap_intervals(
    scores: Scores, thresholds: NDArray[np.float64], labels: Labels, seed: int
) -> list[tuple[Interval, Interval]]:
    """The 95 % intervals of F1 and of average precision of each topic, over resampled articles (Efron, 1979)."""
    chance = np.random.default_rng(seed)
    f1, precision = [], []
    for _ in range(BOOTSTRAP_SAMPLES):
        rows = chance.integers(0, len(labels), len(labels))
        assigned, truth = scores[rows] >= thresholds, labels[rows]
        hits = (assigned & (truth == 1)).sum(axis=0)
        f1.append(2 * hits / np.maximum(1, assigned.sum(axis=0) + truth.sum(axis=0)))
        precision.append(
            [
                average_precision_score(truth[:, j], scores[rows][:, j]) if truth[:, j].any() else 0.0
                for j in range(labels.shape[1])
            ]
        )
    pairs = zip(np.percentile(f1, _INTERVAL, axis=0).T, np.percentile(precision, _INTERVAL, axis=0).T, strict=True)
    return [((float(a[0]), float(a[1])), (float(b[0]), float(b[1]))) for a, b in pairs]


def learning_curve(trained: Trained) -> list[CurvePoint]:
    """Mean average precision on the same unseen articles, after learning from growing shares of the others."""
    enough = len(trained.folds[0][1]) >= _ENOUGH_MEASURED
    folds = trained.folds[: 1 if enough else _CURVE_FOLDS]
    measured = np.concatenate([measure for _, measure in folds])
    chance = np.random.default_rng(trained.recipe.seed)
    points = []
    for share in CURVE_SHARES:
        smaller: list[Fold] = [
            (np.sort(chance.permutation(learn)[: round(len(learn) * share)]), measure) for learn, measure in folds
        ]
        labels = trained.labels
        if any((labels[learn].sum(axis=0) == 0).any() for learn, _ in smaller):
            continue
        # The whole share is what the out-of-fold scores are; any scores that rank alike will do.
        raw_scores = (
            trained.scores
            if share == 1.0
            else out_of_fold_scores(trained.matrices, labels, smaller, trained.recipe, lambda: None)
        )
        points.append(
            CurvePoint(round(len(folds[0][0]) * share), mean_average_precision(raw_scores[measured], labels[measured]))
        )
    return points


def confusion(scores: Scores, thresholds: NDArray[np.float64], labels: Labels) -> NDArray[np.float64]:
    """Of the articles that have the topic of the row, the share that were given the topic of the column, 0 to 1.

    Shape (topics + 1, topics + 1): the last row and column are "no topic".
    """
    assigned = (scores >= thresholds).astype(float)
    given = np.column_stack([assigned, assigned.sum(axis=1) == 0])
    true = np.column_stack([labels, labels.sum(axis=1) == 0]).astype(float)
    shares: NDArray[np.float64] = (true.T @ given) / np.maximum(1, true.sum(axis=0))[:, np.newaxis]
    return shares


def strongest_terms(
    pipeline: Pipeline, most: int = 12
) -> list[tuple[list[tuple[str, float]], list[tuple[str, float]]]]:
    """For each topic, the words that speak loudest for and against it, by weight times inverse document frequency."""
    weights, _ = linear_weights(pipeline)
    first = 0
    for name, vectorizer in families(pipeline["features"]):
        if name == WORDS:
            names = vectorizer.get_feature_names_out()
            strength = weights[:, first : first + len(names)] * vectorizer.idf_
            return [_extremes(names, row, most) for row in strength]
        first += len(vectorizer.vocabulary_)
    return [([], []) for _ in weights]


def worst_errors(
    model: Model, documents: Sequence[LabelledDocument], fitted: Fitted, most: int = 5
) -> list[WorstError]:
    """For each topic, the articles that were most surely wrong, on either side.

    Scores are of models that had not seen the article; the terms are weighed as the published model weighs them.
    """
    errors: list[WorstError] = []
    for column in range(len(model.topics)):
        scores, truth = fitted.scores[:, column], fitted.labels[:, column] == 1
        threshold = model.thresholds[column]
        wrong = (scores >= threshold) != truth
        surprise = np.where(wrong, np.abs(scores - truth), -1.0)
        for row in np.argsort(-surprise, kind="stable")[:most].tolist():
            if wrong[row]:
                errors.append(
                    _worst_error(model, documents[row].document, column, float(scores[row]), bool(truth[row]))
                )
    return errors


def _worst_error(model: Model, document: Document, column: int, score: float, truth: bool) -> WorstError:
    content = document.content()
    contributions = model.explain(content)[column].contributions
    ranked = sorted(contributions.items(), key=lambda item: (item[1] if truth else -item[1], item[0]))
    excerpt = content if len(content) <= _EXCERPT_CHARS else content[:_EXCERPT_CHARS].rsplit(" ", 1)[0] + " …"
    return WorstError(document.id, model.topics[column], truth, score, excerpt, tuple(ranked[:5]))


def _extremes(
    names: Sequence[str], strength: NDArray[np.float64], most: int
) -> tuple[list[tuple[str, float]], list[tuple[str, float]]]:
    order = np.argsort(-strength, kind="stable")
    top = [(str(names[i]), float(strength[i])) for i in order[:most] if strength[i] > 0]
    bottom = [(str(names[i]), float(strength[i])) for i in order[::-1][:most] if strength[i] < 0]
    return top, bottom
