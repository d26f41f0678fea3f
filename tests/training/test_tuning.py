from pathlib import Path

from slugline.corpus import read_corpus
from slugline.topics import Topic
from tests.corpora import TOPICS, labelled_rows, write_rows
from training.progress import NoProgress
from training.recipe import Recipe
from training.tuning import OUTER_FOLDS, candidate_recipes, tune

ALL = [Topic(name) for name in TOPICS]


def test_candidates_are_all_different_and_begin_with_the_default() -> None:
    recipes = candidate_recipes(seed=3, articles=1999)
    assert recipes[0] == Recipe(lead="as features say", seed=3, latent=100)
    assert {recipe.latent for recipe in recipes} == {100, None}
    assert {recipe.latent for recipe in candidate_recipes(seed=3, articles=2000)} == {None}
    assert len(recipes) > 100
    assert all(recipe not in recipes[:number] for number, recipe in enumerate(recipes))
    assert candidate_recipes(seed=3, articles=1999) == recipes != candidate_recipes(seed=4, articles=1999)


def test_the_budget_bounds_what_is_tried_and_the_best_comes_first(tmp_path: Path) -> None:
    ticks = iter(range(100))
    corpus = read_corpus([write_rows(tmp_path / "a.jsonl", labelled_rows(120))])
    tuning = tune(corpus, ALL, 5, NoProgress(), clock=lambda: next(ticks))
    assert len(tuning.candidates) == 5
    means = [candidate.mean for candidate in tuning.candidates]
    assert means == sorted(means, reverse=True)
    assert tuning.best == tuning.candidates[0].recipe
    assert len(tuning.outer) == OUTER_FOLDS


def test_without_time_the_default_is_tried_all_the_same(tmp_path: Path) -> None:
    corpus = read_corpus([write_rows(tmp_path / "a.jsonl", labelled_rows(120))])
    assert [candidate.recipe for candidate in tune(corpus, ALL, 0, NoProgress()).candidates] == [
        Recipe(lead="as features say", latent=100)
    ]
