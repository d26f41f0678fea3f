"""Training: from a labelled corpus to a calibrated model and the figures that say how good it is."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime

import msgspec
import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import FeatureUnion, Pipeline

from slugline.corpus import Corpus
from slugline.manifest import Manifest, ManifestTopic, Probe
from slugline.model import Model
from slugline.pipeline import fingerprint, linear_pipeline
from slugline.scoring import Scores
from slugline.topics import Topic
from training.calibration import (
    Sigmoid,
    feed_weights,
    fit_sigmoid,
    precision_threshold,
    shared_threshold,
    topic_threshold,
)
from training.compiling import compiled
from training.coverage import known_share_floor
from training.duplicates import story_groups
from training.evaluation import Evaluation, evaluate
from training.learner import Linear, check_learnable, fit_topics, out_of_fold_scores
from training.matrices import CorpusMatrices, Rows, Worth
from training.plan import TrainingPlan
from training.progress import NoProgress, Progress
from training.recipe import Recipe, settled
from training.splits import Fold, Labels, future_rows, grouped_folds, label_matrix

LEAST_EXAMPLES = 10
"""How many articles with a topic, and without it, are needed to learn it: two in each of five folds."""


@dataclass(frozen=True)
class Fitted:
    """A trained model before it is published, and what is known of it for the report; `recipe` is the settled one.

    `scores` and `labels` have shape (articles, topics), of articles that the model which scored them has not seen.
    """

    model: Model
    pipeline: Pipeline
    recipe: Recipe
    scores: Scores
    labels: Labels


@dataclass(frozen=True)
class Trained(Fitted):
    """A model that was trained in memory; its scores are out of fold, of all articles.

    `groups` numbers the story of each article, and `folds` are the splits the scores come from.
    """

    groups: Rows
    folds: list[Fold]
    matrices: CorpusMatrices


@dataclass(frozen=True)
class Calibration:
    """What out-of-fold scores teach: the sigmoid of each topic, the scores through it, and the thresholds."""

    sigmoids: list[Sigmoid]
    scores: Scores
    thresholds: NDArray[np.float64]


def train(corpus: Corpus, topics: Sequence[Topic], plan: TrainingPlan, progress: Progress | None = None) -> Trained:
    """Train a model of `topics` on `corpus`.

    Scores for calibration, thresholds and metrics come from models that have not seen the article or its story.

    Raises:
        NotEnoughExamples: a topic cannot be learned from this corpus.
        UnknownTopic: `plan.min_precision` names no topic.
        UnreachablePrecision: no threshold holds the precision asked for.
        UndatedArticles: the plan splits by time, and articles have no date.
    """
    progress = progress or NoProgress()
    names = tuple(topic.name for topic in topics)
    plan.check_topics(names)
    contents, labels = corpus.contents(), label_matrix(corpus.labels(), names)
    plan = replace(plan, recipe=settled(plan.recipe, contents))
    recipe = plan.recipe
    progress.stage("Finding near-duplicates", 1)
    groups = story_groups(contents)
    check_learnable(names, labels, groups, LEAST_EXAMPLES)
    future = future_rows(corpus, groups) if plan.split == "time" else None
    progress.stage("Counting words", 1)
    matrices = CorpusMatrices(contents, recipe.features)
    progress.stage("Scoring out of fold", recipe.folds)
    folds = grouped_folds(labels, groups, recipe.folds, recipe.seed)
    raw_scores = out_of_fold_scores(matrices, labels, folds, recipe, progress.advance)
    calibration = calibrate(names, raw_scores, labels, plan)
    if future is None:
        evaluation = evaluate(calibration.scores, calibration.thresholds, labels)
    else:
        progress.stage("Learning from the past alone", recipe.folds)
        evaluation = _evaluate_on_future(names, matrices, labels, groups, future, plan, progress)
    progress.stage("Learning from all articles", 1)
    features, matrix = matrices.whole(Worth(labels, recipe.most_terms))
    pipeline = calibrated_pipeline(features, fit_topics(matrix, labels, recipe), calibration.sigmoids)
    progress.stage("Compiling", 1)
    tables, probes = compiled(pipeline, contents)
    manifest = msgspec.structs.replace(
        first_manifest(corpus.digest, len(corpus), topics, calibration.thresholds, evaluation, probes),
        fingerprint=fingerprint(pipeline),
        known_share_floor=known_share_floor(features, contents),
    )
    return Trained(Model(manifest, tables), pipeline, recipe, calibration.scores, labels, groups, folds, matrices)


def calibrate(names: Sequence[str], raw_scores: Scores, labels: Labels, plan: TrainingPlan) -> Calibration:
    """Sigmoids, scores and thresholds from out-of-fold raw scores, shape (articles, topics)."""
    weights = feed_weights(labels, plan.no_topic_share)
    sigmoids = [fit_sigmoid(raw_scores[:, j], labels[:, j], weights) for j in range(len(names))]
    scores = np.column_stack([sigmoid.probabilities(raw_scores[:, j]) for j, sigmoid in enumerate(sigmoids)])
    shared = shared_threshold(scores, labels, weights)
    thresholds = np.array([topic_threshold(scores[:, j], labels[:, j], weights, shared) for j in range(len(names))])
    for j, name in enumerate(names):
        if name in plan.min_precision:
            thresholds[j] = precision_threshold(name, scores[:, j], labels[:, j], plan.min_precision[name])
    return Calibration(sigmoids, scores, thresholds)


def calibrated_pipeline(features: FeatureUnion, linears: Sequence[Linear], sigmoids: Sequence[Sigmoid]) -> Pipeline:
    """One linear pipeline in which the calibration is part of the weights."""
    weights = np.vstack([linear.weights * sigmoid.slope for linear, sigmoid in zip(linears, sigmoids, strict=True)])
    biases = [linear.bias * sigmoid.slope + sigmoid.offset for linear, sigmoid in zip(linears, sigmoids, strict=True)]
    return linear_pipeline(features, weights, np.array(biases))


def _evaluate_on_future(
    names: Sequence[str],
    matrices: CorpusMatrices,
    labels: Labels,
    groups: Rows,
    future: NDArray[np.bool_],
    plan: TrainingPlan,
    progress: Progress,
) -> Evaluation:
    """Learn, calibrate and choose thresholds on the past alone, as one would have then, and measure on the future."""
    past = np.flatnonzero(~future)
    check_learnable(tuple(names), labels[past], groups[past], LEAST_EXAMPLES)
    folds = [
        (past[learn], past[measure])
        for learn, measure in grouped_folds(labels[past], groups[past], plan.recipe.folds, plan.recipe.seed)
    ]
    raw_scores = out_of_fold_scores(matrices, labels, folds, plan.recipe, progress.advance)
    calibration = calibrate(names, raw_scores[past], labels[past], plan)
    known, unknown = matrices.fold(past, np.flatnonzero(future), Worth(labels, plan.recipe.most_terms))
    linears = fit_topics(known, labels[past], plan.recipe)
    pairs = zip(linears, calibration.sigmoids, strict=True)
    scores = np.column_stack([sigmoid.probabilities(linear.raw_scores(unknown)) for linear, sigmoid in pairs])
    return evaluate(scores, calibration.thresholds, labels[future])


def first_manifest(
    digest: str,
    documents: int,
    topics: Sequence[Topic],
    thresholds: NDArray[np.float64],
    evaluation: Evaluation,
    probes: list[Probe],
) -> Manifest:
    """The manifest of a model; what the caller and publishing fill in is left empty.

    `digest` is that of the corpus, `documents` how many articles it has.
    """
    return Manifest(
        format_version=0,
        name="",
        version="",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        topics=[
            ManifestTopic(topic.name, topic.definition, float(threshold), metrics, topic.code)
            for topic, threshold, metrics in zip(topics, thresholds, evaluation.topics, strict=True)
        ],
        metrics=evaluation.means,
        data_digest=digest,
        documents=documents,
        settings={},
        libraries={},
        fingerprint="",
        probes=probes,
        files={},
    )
