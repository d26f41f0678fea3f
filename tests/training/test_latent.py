import numpy as np
import pytest
import scipy.sparse as sp
from sklearn.decomposition import TruncatedSVD

from training import latent
from training.latent import latent_space

FEATURES = sp.random(40, 300, density=0.1, random_state=3, format="csr")


def test_the_space_is_that_of_a_truncated_singular_value_decomposition() -> None:
    space = latent_space(FEATURES, 7)
    theirs = TruncatedSVD(7, algorithm="arpack", random_state=0).fit_transform(FEATURES)
    np.testing.assert_allclose(space.articles @ space.articles.T, theirs @ theirs.T, atol=1e-9)


def test_weights_of_dimensions_are_weights_of_features() -> None:
    space = latent_space(FEATURES, 7)
    latent = np.arange(1.0, 8.0)
    np.testing.assert_allclose(FEATURES @ space.weights(latent), space.articles @ latent, atol=1e-9)


def test_there_are_no_more_dimensions_than_articles_that_differ() -> None:
    assert latent_space(FEATURES, 100).articles.shape == (40, 40)
    twice = sp.vstack([FEATURES[:5], FEATURES[:5]]).tocsr()
    assert latent_space(twice, 100).articles.shape == (10, 5)


def test_many_articles_have_the_same_space_to_within_what_matters(monkeypatch: pytest.MonkeyPatch) -> None:
    decaying = FEATURES @ sp.diags(0.97 ** np.arange(FEATURES.shape[1]))
    exact = latent_space(decaying, 7).articles
    monkeypatch.setattr(latent, "MOST_PAIRED", 39)
    space = latent_space(decaying, 7)
    np.testing.assert_allclose(space.articles @ space.articles.T, exact @ exact.T, atol=1e-3)
    np.testing.assert_array_equal(space.articles, latent_space(decaying, 7).articles)
    weights = np.arange(1.0, 8.0)
    np.testing.assert_allclose(decaying @ space.weights(weights), space.articles @ weights, atol=1e-12)
    assert latent_space(decaying, 100).articles.shape == (40, 40)
