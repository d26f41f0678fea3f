"""Fitting one model: our counting and learning beside the plain scikit-learn pipeline of the same model."""

import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from itertools import cycle
from pathlib import Path

import numpy as np
import scipy.sparse as sp
from sklearn.feature_extraction.text import CountVectorizer, TfidfTransformer, TfidfVectorizer
from sklearn.svm import LinearSVC

from benchmarks.results import Table
from slugline.corpus import read_corpus
from slugline.features import FeatureSettings, build_features, families
from training.learner import fit_topics
from training.matrices import CorpusMatrices, Worth
from training.recipe import Recipe, settled
from training.selection import most_telling
from training.splits import Labels, label_matrix
from training.weighting import ColumnWeights, column_weights, presence

Work = Callable[[], object]


def run(data: Path, *, quick: bool) -> list[Table]:
    """Seconds by the clock for a sixteenth, a quarter and all of the articles."""
    corpus = read_corpus([data])
    names = tuple(sorted({topic for topics in corpus.labels() for topic in topics}))
    contents, labels = corpus.contents(), label_matrix(corpus.labels(), names)
    recipe = settled(Recipe(latent=None), contents)
    order = np.random.default_rng(0).permutation(len(contents))
    table = Table(
        "Fitting",
        ("step and articles", "seconds, ours", "seconds, scikit-learn", "ratio"),
        note="Wall time, the better of two. scikit-learn: its vectorisers; for the SVMs the n-grams chosen and "
        "the columns weighed as ours are, one LinearSVC for each topic and measure: the same model.",
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
        worth = Worth(truth, recipe.most_terms)
        return fit_topics(CorpusMatrices(texts, recipe.features).whole(worth)[1], truth, recipe)

    def plain_fit() -> object:
        vectorizers = [vectorizer for _, vectorizer in families(build_features(recipe.features))]
        features = sp.hstack([_plain_block(vectorizer, texts, truth, recipe.most_terms) for vectorizer in vectorizers])
        features = features.tocsr()
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


def _plain_block(vectorizer: TfidfVectorizer, texts: Sequence[str], truth: Labels, most: int | None) -> sp.csr_matrix:
    """The TF-IDF of the n-grams of one family that are kept, counted once."""
    counting = CountVectorizer()
    settings = {name: value for name, value in vectorizer.get_params().items() if name in counting.get_params()}
    counts = counting.set_params(**settings).fit_transform(texts)
    chosen = np.flatnonzero(most_telling(presence(counts, truth), most))
    return TfidfTransformer(sublinear_tf=vectorizer.sublinear_tf).fit_transform(counts[:, chosen])


def _weighted(features: sp.csr_matrix, columns: ColumnWeights) -> sp.csr_matrix:
    weighted = (features @ sp.diags(columns)).tocsr()
    return weighted / np.sqrt(weighted.multiply(weighted).sum() / weighted.shape[0])


def _seconds(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start
