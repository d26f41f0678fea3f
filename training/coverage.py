"""Coverage: how much of an article that a model has not seen is in its vocabulary."""

import re
from collections.abc import Sequence

import numpy as np
from sklearn.pipeline import FeatureUnion

from slugline.features import families
from slugline.quality import LEAST_WORDS

SAMPLE = 2000
_RARE = 0.01
_MARGIN = 0.75
"""Articles of a feed differ more from those learned from than these do from one another."""


def known_share_floor(features: FeatureUnion, contents: Sequence[str], learned: int | None = None) -> float:
    """The share of known words, 0 to 1, below which a text is hardly in the language of `contents`.

    An article of the training data finds its own words in the vocabulary, so those that no other article has are left
    out. `features` are fitted on `contents`, or on `learned` articles that `contents` are a sample of. Without a family
    of words, or without articles long enough, it is 0.
    """
    _, vectorizer = families(features)[0]
    if vectorizer.analyzer != "word":
        return 0.0
    articles = np.rint((1 + (learned or len(contents))) / np.exp(vectorizer.idf_ - 1.0) - 1).astype(np.int64)
    others = {
        word
        for term, column in vectorizer.vocabulary_.items()
        if articles[column] > vectorizer.min_df
        for word in term.split(" ")
    }
    words_of = re.compile(vectorizer.token_pattern).findall
    texts = [words_of(content.lower()) for content in contents[:: max(1, len(contents) // SAMPLE)]]
    shares = [sum(word in others for word in words) / len(words) for words in texts if len(words) >= LEAST_WORDS]
    return float(np.quantile(shares, _RARE)) * _MARGIN if shares else 0.0
