import numpy as np
import pytest
import scipy.sparse as sp

from slugline.features import FeatureSettings, build_features
from tests.corpora import labelled_rows
from training.matrices import CorpusMatrices

CONTENTS = [str(row["text"]) for row in labelled_rows(80)]
SETTINGS = [
    FeatureSettings(),
    FeatureSettings(word_ngrams=(1, 1), lead_chars=None, char_ngrams=None, min_df=3, sublinear_tf=False),
    FeatureSettings(word_ngrams=None, char_ngrams=(3, 4), min_df=1),
    FeatureSettings(lead_chars=30),
]


def assert_same(one: sp.csr_matrix, other: sp.csr_matrix) -> None:
    assert one.shape == other.shape
    np.testing.assert_allclose(one.toarray(), other.toarray(), rtol=0, atol=1e-12)


@pytest.mark.parametrize("settings", SETTINGS)
def test_the_whole_is_what_scikit_learn_would_fit(settings: FeatureSettings) -> None:
    union, matrix = CorpusMatrices(CONTENTS, settings).whole()
    plain = build_features(settings)
    assert_same(matrix, plain.fit_transform(CONTENTS))
    assert_same(union.transform(CONTENTS[:9]), plain.transform(CONTENTS[:9]))


@pytest.mark.parametrize("settings", SETTINGS)
def test_a_fold_is_what_scikit_learn_would_fit_on_its_learning_rows(settings: FeatureSettings) -> None:
    learn, measure = np.arange(0, 60), np.arange(60, 80)
    known, unknown = CorpusMatrices(CONTENTS, settings).fold(learn, measure)
    plain = build_features(settings).fit([CONTENTS[row] for row in learn])
    for ours, rows in ((known, learn), (unknown, measure)):
        theirs = plain.transform([CONTENTS[row] for row in rows])
        columns = np.flatnonzero(np.asarray((known != 0).sum(axis=0)).ravel())
        assert len(columns) == theirs.shape[1]
        assert_same(ours[:, columns], theirs)
