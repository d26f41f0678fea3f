from dataclasses import replace

import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from tests.corpora import TOPICS, labelled_rows
from training.latent import latent_space
from training.learner import fit_topics
from training.recipe import Recipe, settled
from training.splits import label_matrix

ROWS = labelled_rows(120)
CONTENTS = [str(row["text"]) for row in ROWS]
LABELS = label_matrix([row["topics"] for row in ROWS], TOPICS)  # type: ignore[misc]
FEATURES = TfidfVectorizer().fit_transform(CONTENTS).tocsr()


def test_a_model_of_latent_dimensions_has_a_third_of_the_say() -> None:
    recipe = Recipe(latent=5)
    plain = fit_topics(FEATURES, LABELS, replace(recipe, latent=None))
    with_latent = fit_topics(FEATURES, LABELS, recipe)
    for alone, both in zip(plain, with_latent, strict=True):
        # What the other model says of the articles depends on nothing but where they stand in the latent space.
        other = 3 * both.raw_scores(FEATURES) - 2 * alone.raw_scores(FEATURES)
        articles = np.column_stack([latent_space(FEATURES, 5).articles, np.ones(len(LABELS))])
        solved = np.linalg.lstsq(articles, other, rcond=None)[0]
        np.testing.assert_allclose(articles @ solved, other, atol=1e-6)
        assert np.ptp(other) > 0.1


def test_a_recipe_that_is_not_settled_is_no_recipe_yet() -> None:
    with pytest.raises(ValueError, match="settle"):
        fit_topics(FEATURES, LABELS, Recipe())
    assert fit_topics(FEATURES, LABELS, settled(Recipe(), CONTENTS))
