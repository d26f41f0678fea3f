"""The recipe: every choice of how a model is trained."""

from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, replace
from pathlib import Path
from statistics import median
from typing import Literal

import msgspec

from slugline.errors import RecipeFileError
from slugline.features import FeatureSettings
from training.weighting import Weighting

LEAD_CHARS = 800
LONG_ARTICLE_LEADS = 2
"""A long article is at least this many leads long."""

FEW_ARTICLES = 2000
LATENT_DIMENSIONS = 100


@dataclass(frozen=True, slots=True)
class Recipe:
    """How to train.

    `lead` says whether the words of an article's beginning are a family of features of their own: "auto" where at least
    half of the articles are much longer than their lead, and so say much besides what they are about.
    `most_terms` is how many n-grams of each family are kept, those that have most to do with a topic; None for all.
    `latent` is of how many latent dimensions a further model of each topic is learned, which has a third of the say;
    None for no such model, "auto" for one where there are fewer than 2,000 articles: more teach every word by itself.
    `weighting` says by what measure columns are weighed; by "both", the models of two measures are averaged.
    `regularisation` is LinearSVC's C (above 0; larger fits closer); `class_weight` "balanced" counts the rarer side of
    a topic as much as the other; `folds` is the number of parts for out-of-fold scores; `seed` fixes all chance.
    """

    features: FeatureSettings = field(default_factory=FeatureSettings)
    lead: Literal["auto", "as features say"] = "auto"
    weighting: Weighting = "both"
    regularisation: float = 1.0
    class_weight: Literal["balanced"] | None = None
    folds: int = 5
    seed: int = 0
    most_terms: int | None = 40_000
    latent: Literal["auto"] | int | None = "auto"


def settled(recipe: Recipe, contents: Sequence[str]) -> Recipe:
    """The recipe with all that depends on the articles decided: the family of the lead, and the latent dimensions."""
    recipe = with_latent(recipe, articles=len(contents))
    return with_lead(recipe, long=median(map(len, contents)) >= LONG_ARTICLE_LEADS * LEAD_CHARS)


def with_latent(recipe: Recipe, *, articles: int) -> Recipe:
    """The recipe with that decided, if it is open: latent dimensions where there are few `articles`."""
    if recipe.latent != "auto":
        return recipe
    return replace(recipe, latent=LATENT_DIMENSIONS if articles < FEW_ARTICLES else None)


def with_lead(recipe: Recipe, *, long: bool) -> Recipe:
    """The recipe with that decided, if it is open: a family of the lead where most articles are `long`."""
    if recipe.lead != "auto":
        return recipe
    features = replace(recipe.features, lead_chars=LEAD_CHARS if long else None)
    return replace(recipe, features=features, lead="as features say")


def read_recipe(path: Path) -> Recipe:
    """Read a recipe from JSON; what the file leaves out is as in the default recipe.

    Raises:
        RecipeFileError: the file cannot be read, or a choice in it is none.
    """
    try:
        recipe = msgspec.json.decode(path.read_bytes(), type=Recipe)
    except (OSError, UnicodeDecodeError, msgspec.DecodeError) as error:
        raise RecipeFileError(f"{path}: is no recipe: {error}; `slugline tune --output` writes one") from None
    counts = [number for number in (recipe.most_terms, recipe.latent) if isinstance(number, int)]
    if recipe.regularisation <= 0 or recipe.folds < 2 or any(number < 1 for number in counts):
        raise RecipeFileError(f"{path}: regularisation, most_terms and latent must be above 0, and folds at least 2")
    return recipe


def write_recipe(path: Path, recipe: Recipe) -> None:
    """Write a recipe as JSON."""
    path.write_bytes(msgspec.json.format(msgspec.json.encode(asdict(recipe)), indent=2) + b"\n")
