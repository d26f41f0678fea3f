from pathlib import Path

import pytest

from slugline.errors import RecipeFileError
from slugline.features import FeatureSettings
from training.recipe import Recipe, read_recipe, settled, write_recipe


def test_a_recipe_round_trips(tmp_path: Path) -> None:
    recipe = Recipe(FeatureSettings(char_ngrams=None, min_df=3), "auto", "chi2", 0.25, "balanced", 4, 7, 900, 30)
    write_recipe(tmp_path / "recipe.json", recipe)
    assert read_recipe(tmp_path / "recipe.json") == recipe


@pytest.mark.parametrize(
    "text",
    ["", "[]", '{"weighting": "magic"}', '{"regularisation": 0}', '{"folds": 1}', '{"most_terms": 0}', '{"latent": 0}'],
)
def test_what_is_no_recipe_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "recipe.json"
    path.write_text(text)
    with pytest.raises(RecipeFileError) as caught:
        read_recipe(path)
    assert str(caught.value).startswith(str(path))


def test_long_articles_get_a_family_of_their_lead() -> None:
    assert settled(Recipe(), ["x" * 100, "x" * 200, "x" * 9000]).features.lead_chars is None
    assert settled(Recipe(), ["x" * 100, "x" * 2000, "x" * 9000]).features.lead_chars == 800
    fixed = Recipe(FeatureSettings(lead_chars=50), lead="as features say")
    assert settled(fixed, ["x" * 9000]).features == fixed.features


def test_few_articles_get_latent_dimensions() -> None:
    assert settled(Recipe(), ["x"] * 1999).latent == 100
    assert settled(Recipe(), ["x"] * 2000).latent is None
    assert settled(Recipe(latent=None), ["x"]).latent is None
    assert settled(Recipe(latent=7), ["x"] * 3000).latent == 7
