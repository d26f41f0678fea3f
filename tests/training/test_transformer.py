import doctest
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.base import clone
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import LogisticRegression
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import make_pipeline

from slugline.features import FeatureSettings, build_features
from tests.corpora import labelled_rows
from tests.training.test_matrices import assert_same
from training import transformer
from training.transformer import CompiledTfidf

ROWS = labelled_rows(80)
CONTENTS = [str(row["text"]) for row in ROWS]
LEARNED, OTHERS = CONTENTS[:60], [*CONTENTS[60:], "", "Nothing of this was ever met: ζέβρα!"]
PARAMETERS: list[dict[str, Any]] = [
    {},
    {"word_ngrams": (1, 1), "char_ngrams": None, "min_df": 3, "sublinear_tf": False},
    {"word_ngrams": None, "char_ngrams": (3, 4), "min_df": 1},
    {"lead_chars": 30},
]


@pytest.mark.parametrize("parameters", PARAMETERS)
def test_columns_and_values_are_those_of_scikit_learn(parameters: dict[str, Any]) -> None:
    ours, plain = CompiledTfidf(**parameters), build_features(FeatureSettings(**parameters))
    assert_same(ours.fit_transform(LEARNED), plain.fit_transform(LEARNED))
    assert_same(ours.transform(OTHERS), plain.transform(OTHERS))
    assert ours.get_feature_names_out().tolist() == plain.get_feature_names_out().tolist()
    assert_same(ours.union_.transform(OTHERS), plain.transform(OTHERS))


@given(st.lists(st.text(), min_size=1, max_size=5))
def test_any_texts_are_transformed_alike(texts: list[str]) -> None:
    known = " ".join(map(chr, range(32, 0x250)))
    ours, plain = CompiledTfidf(min_df=1), build_features(FeatureSettings(min_df=1))
    learned = [*CONTENTS[:5], known]
    assert_same(ours.fit(learned).transform(texts), plain.fit(learned).transform(texts))


def test_it_works_where_scikit_learn_wants_an_estimator() -> None:
    topics = np.array(["military_action" in str(row["topics"]) for row in ROWS])
    pipeline = make_pipeline(CompiledTfidf(), LogisticRegression(C=10.0))
    search = GridSearchCV(pipeline, {"compiledtfidf__char_ngrams": [None, (3, 5)]}, cv=3)
    assert search.fit(CONTENTS, topics).best_score_ > 0.8
    again = clone(search.best_estimator_).fit(CONTENTS, topics)
    np.testing.assert_array_equal(again.predict(CONTENTS), search.predict(CONTENTS))


def test_what_cannot_be_is_refused() -> None:
    with pytest.raises(NotFittedError):
        CompiledTfidf().transform(CONTENTS)
    with pytest.raises(ValueError, match="min_df"):
        CompiledTfidf(min_df=100).fit(CONTENTS[:3])
    with pytest.raises(ValueError, match="words, characters or both"):
        CompiledTfidf(word_ngrams=None, char_ngrams=None).fit(CONTENTS)


def test_its_example_is_true() -> None:
    assert doctest.testmod(transformer).failed == 0
