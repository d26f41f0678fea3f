import numpy as np
import pytest
import scipy.sparse as sp
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.feature_extraction.text import CountVectorizer

from slugline.features import FeatureSettings, build_features, families
from tests.slugline.compiled.test_scorer import ALL_SETTINGS, CORPUS, TEXT
from training.counting import count


@pytest.mark.parametrize("name", ALL_SETTINGS)
@pytest.mark.parametrize("min_df", [1, 2])
@settings(max_examples=25)
@given(texts=st.lists(TEXT, max_size=8))
def test_vocabulary_and_counts_are_those_of_scikit_learn(name: str, min_df: int, texts: list[str]) -> None:
    contents = [*CORPUS, *CORPUS[:3], *texts]
    for _, vectorizer in families(build_features(ALL_SETTINGS[name])):
        vectorizer.set_params(min_df=min_df)
        vocabulary, counts = count(contents, vectorizer)
        shape = (len(contents), counts.width)
        matrix = sp.csr_matrix((counts.frequencies, counts.columns, counts.starts), shape=shape)
        plain = CountVectorizer(
            analyzer=vectorizer.analyzer,
            ngram_range=vectorizer.ngram_range,
            min_df=min_df,
            strip_accents=vectorizer.strip_accents,
        )
        expected = plain.fit_transform(contents)
        assert vocabulary == plain.vocabulary_
        assert list(vocabulary) == sorted(vocabulary)
        np.testing.assert_array_equal(matrix.toarray(), expected.toarray())


def test_no_n_grams_at_all_are_refused_as_scikit_learn_does() -> None:
    vectorizer = families(build_features(FeatureSettings(char_ngrams=None)))[0][1]
    with pytest.raises(ValueError, match="min_df"):
        count(["one two", "three four"], vectorizer)
