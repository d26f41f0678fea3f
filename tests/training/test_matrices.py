import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.feature_extraction.text import TfidfVectorizer
from sklearn.feature_selection import chi2

from slugline.features import FeatureSettings, build_features, families
from tests.corpora import TOPICS, labelled_rows
from training.matrices import CorpusMatrices, Worth
from training.splits import label_matrix

ROWS = labelled_rows(80)
CONTENTS = [str(row["text"]) for row in ROWS]
LABELS = label_matrix([row["topics"] for row in ROWS], TOPICS)  # type: ignore[misc]
MOST = 20
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


def telling_terms(vectorizer: TfidfVectorizer, rows: np.ndarray) -> list[str]:
    """The terms of a fitted vectoriser that scikit-learn's chi-square, of presence and absence, ranks highest."""
    present = vectorizer.transform([CONTENTS[row] for row in rows]).toarray() != 0
    tables = [chi2(found, LABELS[rows, topic])[0] for topic in range(3) for found in (present, ~present)]
    highest = np.max([tables[i] + tables[i + 1] for i in (0, 2, 4)], axis=0)
    ranked = np.lexsort((-present.sum(axis=0), -np.round(highest, 9)))[:MOST]
    return sorted(np.asarray(vectorizer.get_feature_names_out())[ranked])


@pytest.mark.parametrize("settings", SETTINGS)
def test_what_is_kept_is_told_by_the_learning_rows_alone(settings: FeatureSettings) -> None:
    learn, measure = np.arange(0, 60), np.arange(60, 80)
    others = LABELS.copy()
    others[measure] = 1 - others[measure]
    matrices = CorpusMatrices(CONTENTS, settings)
    known, unknown = matrices.fold(learn, measure, Worth(LABELS, MOST))
    assert_same(unknown, matrices.fold(learn, measure, Worth(others, MOST))[1])
    texts = [CONTENTS[row] for row in learn]
    kept = build_features(settings)
    for (_, vectorizer), (_, full) in zip(families(kept), families(build_features(settings).fit(texts)), strict=True):
        vectorizer.set_params(vocabulary=telling_terms(full, learn))
    columns = np.flatnonzero(np.asarray((known != 0).sum(axis=0)).ravel())
    assert len(columns) == MOST * len(families(kept))
    assert_same(known[:, columns], kept.fit_transform(texts))
    assert_same(unknown[:, columns], kept.transform([CONTENTS[row] for row in measure]))


def test_the_whole_has_no_columns_but_those_kept() -> None:
    union, matrix = CorpusMatrices(CONTENTS, FeatureSettings()).whole(Worth(LABELS, MOST))
    assert matrix.shape == (80, 2 * MOST)
    assert_same(matrix, union.transform(CONTENTS))
