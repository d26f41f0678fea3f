"""Small models for fuzzing: of a few sentences and with random weights, so that a try takes a millisecond."""

import numpy as np
from sklearn.pipeline import Pipeline

from benchmarks.soak.articles import SENTENCES
from slugline.features import FeatureSettings, build_features
from slugline.pipeline import linear_pipeline

SETTINGS = (
    FeatureSettings(min_df=1),
    FeatureSettings(word_ngrams=(1, 1), char_ngrams=None, min_df=1, sublinear_tf=False),
    FeatureSettings(word_ngrams=(2, 4), char_ngrams=(1, 2), min_df=1),
    FeatureSettings(lead_chars=40, char_ngrams=(1, 6), min_df=1),
    FeatureSettings(word_ngrams=None, char_ngrams=(5, 8), min_df=1),
)
TOPICS = 3


def pipeline_of(settings: FeatureSettings, sentences: int = len(SENTENCES)) -> Pipeline:
    """A pipeline whose vocabulary is that of so many sentences."""
    texts = SENTENCES[:sentences]
    features = build_features(settings).fit(texts)
    chance = np.random.default_rng(8)
    weights = chance.normal(size=(TOPICS, features.transform(texts[:1]).shape[1]))
    return linear_pipeline(features, weights, chance.normal(size=TOPICS))
