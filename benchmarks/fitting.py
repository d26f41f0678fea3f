"""Fitting one model: our counting and learning beside the plain scikit-learn pipeline of the same model."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from sklearn.svm import LinearSVC

from benchmarks.results import Table
from slugline.corpus import read_corpus
from slugline.features import FeatureSettings, build_features
from training.learner import fit_topics
from training.matrices import CorpusMatrices
from training.recipe import Recipe, settled
from training.splits import Labels, label_matrix
from training.weighting import ColumnWeights, column_weights

Work = Callable[[], object]


def run(data: Path, *, quick: bool) -> list[Table]:
    """Seconds by the clock for a sixteenth, a quarter and all of the articles."""
    corpus = read_corpus([data])
    names = tuple(sorted({topic for topics in corpus.labels() for topic in topics}))
    contents, labels = corpus.contents(), label_matrix(corpus.labels(), names)
    recipe = settled(Recipe(), contents)
    order = np.random.default_rng(0).permutation(len(contents))
    table = Table(
        "Fitting",
        ("step and articles", "seconds, ours", "seconds, scikit-learn", "ratio"),
        note="Wall time, the better of two. scikit-learn: FeatureUnion of TfidfVectorizers, the columns "
        "weighed, one LinearSVC for each topic and measure: the same model.",
    )
    for share in (16,) if quick else (16, 4, 1):
        rows = order[: len(order) // share]
        for name, (ours, plain) in _steps([contents[i] for i in rows], labels[rows], recipe).items():
            mine, theirs = zip(*[(_seconds(ours), _seconds(plain)) for _ in range(1 if quick else 2)], strict=True)
            table.rows.append((f"{name}, {len(rows):,}", min(mine), min(theirs), min(theirs) / min(mine)))
    return [table]


def _steps(texts: Sequence[str], truth: Labels, recipe: Recipe) -> dict[str, tuple[Work, Work]]:
    """Pieces of the work, each as we do it and as scikit-learn does it."""
    words = replace(recipe.features, char_ngrams=None)

    def matrix(settings: FeatureSettings) -> Work:
        return lambda: CorpusMatrices(texts, settings).whole()

    def plain_matrix(settings: FeatureSettings) -> Work:
        return lambda: build_features(settings).fit_transform(texts)

    def fit() -> object:
        return fit_topics(CorpusMatrices(texts, recipe.features).whole()[1], truth, recipe)

    def plain_fit() -> object:
        features = build_features(recipe.features).fit_transform(texts)
        weights = column_weights(recipe.weighting, features, truth)
        return [
            LinearSVC(C=recipe.regularisation).fit(_weighted(features, columns), has_topic)
            for columns, has_topic in zip(weights, cycle(truth.T), strict=False)
        ]

    return {
        "TF-IDF": (matrix(recipe.features), plain_matrix(recipe.features)),
        "TF-IDF of words alone": (matrix(words), plain_matrix(words)),
        "TF-IDF and SVMs": (fit, plain_fit),
    }


def _weighted(features: sp.csr_matrix, columns: ColumnWeights) -> sp.csr_matrix:
    weighted = (features @ sp.diags(columns)).tocsr()
    return weighted / np.sqrt(weighted.multiply(weighted).sum() / weighted.shape[0])


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
