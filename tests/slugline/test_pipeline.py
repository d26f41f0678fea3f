import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from scipy.special import expit
from sklearn.pipeline import Pipeline

from slugline import store
from slugline.features import FeatureSettings, build_features
from slugline.pipeline import fingerprint, linear_pipeline, linear_weights
from slugline.scoring import PipelineScorer

TEXTS = ["troops shelled the port", "envoys signed the treaty", "the match ended level", "Übung am Rhein"]


def fitted(topics: int, settings: FeatureSettings) -> tuple[PipelineScorer, np.ndarray]:
    features = build_features(settings).fit(TEXTS)
    matrix = features.transform(TEXTS)
    chance = np.random.default_rng(3)
    weights, biases = chance.normal(size=(topics, matrix.shape[1])), chance.normal(size=topics)
    return PipelineScorer(linear_pipeline(features, weights, biases)), expit(matrix @ weights.T + biases)


@pytest.mark.parametrize("topics", [1, 2, 3])
@pytest.mark.parametrize(
    "settings", [FeatureSettings(lead_chars=9, min_df=1), FeatureSettings(char_ngrams=None, min_df=1)]
)
def test_probabilities_are_the_sigmoid_of_the_weighted_features(topics: int, settings: FeatureSettings) -> None:
    scorer, expected = fitted(topics, settings)
    np.testing.assert_allclose(scorer.scores(TEXTS), expected, rtol=1e-12)
    assert scorer.scores([]).shape == (0, topics)


def test_weights_come_back_as_they_went_in() -> None:
    scorer, _ = fitted(2, FeatureSettings(min_df=1))
    weights, biases = linear_weights(scorer.pipeline)
    assert weights.shape[0] == biases.shape[0] == 2


def test_a_union_needs_a_family() -> None:
    with pytest.raises(ValueError, match="words, characters or both"):
        build_features(FeatureSettings(word_ngrams=None, char_ngrams=None))


def test_the_fingerprint_changes_with_the_last_bit_of_a_weight() -> None:
    one, other = (fitted(2, FeatureSettings(min_df=1))[0].pipeline for _ in range(2))
    assert fingerprint(one) == fingerprint(other)
    coefficients = other["topics"].estimators_[1].coef_
    coefficients[0, 5] = np.nextafter(coefficients[0, 5], np.inf)
    assert fingerprint(one) != fingerprint(other)


def test_the_joblib_file_loads_where_slugline_is_not_installed(
    models: Path, pipeline: Pipeline, tmp_path: Path
) -> None:
    """In a process that cannot import slugline, `predict_proba` gives the calibrated probabilities."""
    path = store.find(models) / store.MODEL_FILE
    code = (
        "import sys; sys.modules.update(slugline=None, training=None, service=None)\n"
        f"import joblib; print(joblib.load({str(path)!r}).predict_proba({TEXTS!r}).tolist())"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, cwd=tmp_path)
    np.testing.assert_allclose(eval(done.stdout), pipeline.predict_proba(TEXTS), rtol=0, atol=0)
