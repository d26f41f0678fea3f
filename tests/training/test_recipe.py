from pathlib import Path

import pytest

from slugline.errors import RecipeFileError
from slugline.features import FeatureSettings
from training.recipe import Recipe, read_recipe, write_recipe


def test_a_recipe_round_trips(tmp_path: Path) -> None:
    recipe = Recipe(FeatureSettings(char_ngrams=None, min_df=3), "chi2", 0.25, "balanced", 4, 7)
    write_recipe(tmp_path / "recipe.json", recipe)
    assert read_recipe(tmp_path / "recipe.json") == recipe


@pytest.mark.parametrize("text", ["", "[]", '{"weighting": "magic"}', '{"regularisation": 0}', '{"folds": 1}'])
def test_what_is_no_recipe_is_refused(tmp_path: Path, text: str) -> None:
    path = tmp_path / "recipe.json"
    path.write_text(text)
    with pytest.raises(RecipeFileError) as caught:
        read_recipe(path)
    assert str(caught.value).startswith(str(path))
