"""The scikit-learn pipeline of a model: TF-IDF features, then one linear classifier for each topic."""

import hashlib
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray
from sklearn.linear_model import LogisticRegression
from sklearn.multiclass import OneVsRestClassifier
from sklearn.pipeline import FeatureUnion, Pipeline
from sklearn.preprocessing import LabelBinarizer

from slugline.features import families


def linear_pipeline(features: FeatureUnion, weights: NDArray[np.float64], biases: NDArray[np.float64]) -> Pipeline:
    """A fitted pipeline whose probability of topic j is sigmoid(features(text) @ weights[j] + biases[j]).

    Whatever was learned around the linear classifier (column weights, calibration) must be in `weights`,
    shape (topics, features), and `biases`, shape (topics,). The pipeline is of scikit-learn classes alone.
    """
    classifier = OneVsRestClassifier(LogisticRegression())
    classifier.estimators_ = [_logistic(row, bias) for row, bias in zip(weights, biases, strict=True)]
    indicator = np.eye(2, len(weights), dtype=int)
    classifier.label_binarizer_ = LabelBinarizer(sparse_output=True).fit(indicator)
    classifier.n_features_in_ = weights.shape[1]
    return Pipeline([("features", features), ("topics", classifier)])


def linear_weights(pipeline: Pipeline) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The weights, shape (topics, features), and biases, shape (topics,), of a fitted pipeline."""
    estimators: Sequence[LogisticRegression] = pipeline["topics"].estimators_
    return np.vstack([e.coef_ for e in estimators]), np.concatenate([e.intercept_ for e in estimators])


def fingerprint(pipeline: Pipeline) -> str:
    """SHA-256 in hex over vocabulary, idf, weights and biases: equal for models that score alike, to the last bit."""
    sha = hashlib.sha256()
    for name, vectorizer in families(pipeline["features"]):
        sha.update(f"{name} {vectorizer.ngram_range} {vectorizer.sublinear_tf}\n".encode())
        for term, column in sorted(vectorizer.vocabulary_.items()):
            sha.update(f"{column} {term}\n".encode())
        sha.update(np.ascontiguousarray(vectorizer.idf_).tobytes())
    weights, biases = linear_weights(pipeline)
    sha.update(np.ascontiguousarray(weights).tobytes())
    sha.update(np.ascontiguousarray(biases).tobytes())
    return sha.hexdigest()


def _logistic(weights: NDArray[np.float64], bias: float) -> LogisticRegression:
    logistic = LogisticRegression()
    logistic.classes_ = np.array([0, 1])
    logistic.coef_ = np.array([weights], dtype=np.float64)
    logistic.intercept_ = np.array([bias], dtype=np.float64)
    logistic.n_features_in_ = logistic.coef_.shape[1]
    logistic.n_iter_ = np.array([1], dtype=np.int32)
    return logistic
