"""Training: from a labelled corpus to a calibrated model and the figures that say how good it is."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from slugline.corpus import Corpus
from slugline.errors import UnknownTopic
from slugline.manifest import Manifest, ManifestTopic
from slugline.pipeline import fingerprint, linear_pipeline
from slugline.topics import Topic
from training.calibration import Sigmoid, fit_sigmoid, precision_threshold, shared_threshold
from training.duplicates import story_groups
from training.evaluation import Evaluation, evaluate
from training.learner import Linear, check_learnable, fit_topics, out_of_fold_scores
from training.matrices import CorpusMatrices
from training.progress import NoProgress, Progress
from training.recipe import Recipe
from training.splits import Labels, grouped_folds, label_matrix

LEAST_EXAMPLES = 10
"""How many articles with a topic, and without it, are needed to learn it: two in each of five folds."""


@dataclass(frozen=True)
class Trained:
    """A trained model before it is published, and the out-of-fold scores it was calibrated on."""

    pipeline: Pipeline
    manifest: Manifest
    scores: NDArray[np.float64]
    labels: Labels


def train(
    corpus: Corpus,
    topics: Sequence[Topic],
    recipe: Recipe,
    *,
    min_precision: Mapping[str, float] | None = None,
    progress: Progress | None = None,
) -> Trained:
    """Train a model of `topics` on `corpus`.

    Scores for calibration, thresholds and metrics come from models that have not seen the article or its story.
    `min_precision` holds the precision that some topics' thresholds must reach, each 0 to 1.

    Raises:
        NotEnoughExamples: a topic cannot be learned from this corpus.
        UnknownTopic: `min_precision` names no topic.
        UnreachablePrecision: no threshold holds the precision asked for.
    """
    progress = progress or NoProgress()
    names = tuple(topic.name for topic in topics)
    for name in min_precision or {}:
        if name not in names:
            raise UnknownTopic(name, names)
    contents = corpus.contents()
    labels = label_matrix(corpus.labels(), names)
    progress.stage("Finding near-duplicates", 1)
    groups = story_groups(contents)
    check_learnable(names, labels, groups, LEAST_EXAMPLES)
    folds = grouped_folds(labels, groups, recipe.folds, recipe.seed)
    progress.stage("Counting words", 1)
    matrices = CorpusMatrices(contents, recipe.features)
    progress.stage("Scoring out of fold", recipe.folds)
    raw_scores = out_of_fold_scores(matrices, labels, folds, recipe, progress.advance)
    sigmoids = [fit_sigmoid(raw_scores[:, j], labels[:, j]) for j in range(len(names))]
    scores = np.column_stack([sigmoid.probabilities(raw_scores[:, j]) for j, sigmoid in enumerate(sigmoids)])
    thresholds = choose_thresholds(names, scores, labels, min_precision or {})
    progress.stage("Learning from all articles", 1)
    features, matrix = matrices.whole()
    pipeline = calibrated_pipeline(features, fit_topics(matrix, labels, recipe), sigmoids)
    evaluation = evaluate(scores, thresholds, labels)
    return Trained(pipeline, _manifest(corpus, topics, thresholds, evaluation, pipeline), scores, labels)


def choose_thresholds(
    names: Sequence[str], scores: NDArray[np.float64], labels: Labels, min_precision: Mapping[str, float]
) -> NDArray[np.float64]:
    """The threshold of each topic, shape (topics,), from out-of-fold scores."""
    thresholds = np.full(len(names), shared_threshold(scores, labels))
    for j, name in enumerate(names):
        if name in min_precision:
            thresholds[j] = precision_threshold(name, scores[:, j], labels[:, j], min_precision[name])
    return thresholds


def calibrated_pipeline(features: object, linears: Sequence[Linear], sigmoids: Sequence[Sigmoid]) -> Pipeline:
    """One linear pipeline in which the calibration is part of the weights."""
    weights = np.vstack([linear.weights * sigmoid.slope for linear, sigmoid in zip(linears, sigmoids, strict=True)])
    biases = [linear.bias * sigmoid.slope + sigmoid.offset for linear, sigmoid in zip(linears, sigmoids, strict=True)]
    return linear_pipeline(features, weights, np.array(biases))


def _manifest(
    corpus: Corpus,
    topics: Sequence[Topic],
    thresholds: NDArray[np.float64],
    evaluation: Evaluation,
    pipeline: Pipeline,
) -> Manifest:
    """The manifest of the model; what publishing fills in is left empty."""
    return Manifest(
        format_version=0,
        name="",
        version="",
        created=datetime.now(UTC).isoformat(timespec="seconds"),
        topics=[
            ManifestTopic(topic.name, topic.definition, float(threshold), metrics)
            for topic, threshold, metrics in zip(topics, thresholds, evaluation.topics, strict=True)
        ],
        metrics=evaluation.means,
        data_digest=corpus.digest,
        documents=len(corpus),
        settings={},
        libraries={},
        fingerprint=fingerprint(pipeline),
        files={},
    )
