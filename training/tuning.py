"""Tuning: which recipe does best, found by nested cross-validation within a budget of time.

Candidates are compared on inner folds. Each outer fold is then measured with the candidate that its own inner folds
chose, so that no figure comes from an article that had a say in the choice (Varma and Simon, 2006).
"""

import itertools
import random
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, TypeVar

import numpy as np

from slugline.corpus import Corpus
from slugline.features import FeatureSettings
from slugline.topics import Topic
from training.duplicates import story_groups
from training.evaluation import mean_average_precision
from training.learner import check_learnable, fit_topics, out_of_fold_scores
from training.matrices import CorpusMatrices, Rows, Worth
from training.progress import Progress
from training.recipe import Recipe, with_latent
from training.splits import Fold, Labels, grouped_folds, label_matrix
from training.train import LEAST_EXAMPLES
from training.weighting import Weighting

if TYPE_CHECKING:
    from joblib import Parallel

R = TypeVar("R")

OUTER_FOLDS = 3
INNER_FOLDS = 3
_WEIGHTINGS: tuple[Weighting, ...] = ("both", "log-count-ratio", "chi2", "none")
_REGULARISATIONS = (0.1, 0.3, 0.5, 1.0)
_CLASS_WEIGHTS: tuple[Literal["balanced"] | None, ...] = (None, "balanced")
_MOST_TERMS: tuple[int | None, ...] = (40_000, 15_000, None)
_WORDS: tuple[tuple[int, int] | None, ...] = ((1, 1), (1, 2))
_LEADS: tuple[int | None, ...] = (None, 800, 400, 1500)
_CHARACTERS: tuple[tuple[int, int] | None, ...] = ((3, 5), None, (2, 4))


@dataclass(frozen=True, slots=True)
class Candidate:
    """A recipe that was tried, with its mean average precision on the inner folds of each outer fold, 0 to 1."""

    recipe: Recipe
    inner: tuple[float, ...]

    @property
    def mean(self) -> float:
        """The mean over the outer folds."""
        return float(np.mean(self.inner))


@dataclass(frozen=True, slots=True)
class Tuning:
    """What was tried, best first, and the honest figure: mean average precision of the choice on unseen outer folds."""

    candidates: tuple[Candidate, ...]
    outer: tuple[float, ...]

    @property
    def best(self) -> Recipe:
        """The recipe that did best."""
        return self.candidates[0].recipe


@dataclass(frozen=True, slots=True)
class _Study:
    """What recipes are compared on: contents, labels of shape (articles, topics), stories, and the outer folds."""

    contents: list[str]
    labels: Labels
    groups: Rows
    outer_folds: list[Fold]


def tune(
    corpus: Corpus,
    topics: Sequence[Topic],
    budget: float,
    progress: Progress,
    seed: int = 0,
    clock: Callable[[], float] = time.monotonic,
    parallel: "Parallel | None" = None,
) -> Tuning:
    """Try recipes, the default one first, for about `budget` seconds; at least one is tried, whatever it takes.

    Recipes are tried one after another in this process, or where `parallel`, which must return generators, has them
    done: recipes with the same features are one task there, and each outer fold is one.

    Raises:
        NotEnoughExamples: a topic cannot be learned from this corpus.
    """
    end = clock() + budget
    names = tuple(topic.name for topic in topics)
    labels = label_matrix(corpus.labels(), names)
    groups = story_groups(corpus.contents())
    check_learnable(names, labels, groups, LEAST_EXAMPLES)
    study = _Study(corpus.contents(), labels, groups, grouped_folds(labels, groups, OUTER_FOLDS, seed))
    recipes = candidate_recipes(seed, articles=len(corpus))
    progress.stage("Trying recipes", len(recipes))
    tried: list[Candidate] = []
    for candidate in _candidates(study, recipes, end, clock, parallel):
        tried.append(candidate)
        progress.advance()
    progress.stage("Measuring the choice on unseen folds", OUTER_FOLDS)
    chosen = [max(tried, key=lambda candidate, n=n: candidate.inner[n]).recipe for n in range(OUTER_FOLDS)]  # type: ignore[misc]
    outer = []
    for score in _done(_outer_score, ((study, number, recipe) for number, recipe in enumerate(chosen)), parallel):
        outer.append(score)
        progress.advance()
    return Tuning(tuple(sorted(tried, key=lambda candidate: -candidate.mean)), tuple(outer))


def _candidates(
    study: _Study, recipes: list[Recipe], end: float, clock: Callable[[], float], parallel: "Parallel | None"
) -> Iterator[Candidate]:
    """What came of the recipes for which there was time; of the first one in any case."""
    if parallel is None:
        yield from _tried(study, recipes, end, clock, at_least=1)
        return

    def work() -> Iterator[tuple[_Study, list[Recipe], float]]:
        # Asked for when a worker is about to be free; another machine's clock starts when it starts.
        for number, (_, alike) in enumerate(itertools.groupby(recipes, key=lambda recipe: recipe.features)):
            if number and clock() >= end:
                return
            yield study, list(alike), end - clock()

    for candidates in _done(_tried_within, work(), parallel):
        yield from candidates


def _tried_within(study: _Study, recipes: list[Recipe], seconds: float) -> list[Candidate]:
    return list(_tried(study, recipes, time.monotonic() + seconds, time.monotonic, at_least=1))


def _tried(
    study: _Study, recipes: list[Recipe], end: float, clock: Callable[[], float], at_least: int
) -> Iterator[Candidate]:
    counted: tuple[FeatureSettings, CorpusMatrices] | None = None
    for number, recipe in enumerate(recipes):
        if number >= at_least and clock() >= end:
            return
        if counted is None or counted[0] != recipe.features:
            counted = recipe.features, CorpusMatrices(study.contents, recipe.features)
        yield Candidate(
            recipe,
            tuple(
                _inner_score(counted[1], study.labels, study.groups, learn, recipe) for learn, _ in study.outer_folds
            ),
        )


def _done(task: Callable[..., R], work: Iterable[tuple[Any, ...]], parallel: "Parallel | None") -> Iterator[R]:
    """The results of a task on each piece of work, in order: here, or where `parallel` has it done."""
    if parallel is None:
        yield from itertools.starmap(task, work)
        return
    from joblib import delayed

    yield from parallel(delayed(task)(*piece) for piece in work)


def candidate_recipes(seed: int, *, articles: int) -> list[Recipe]:
    """Every candidate, at random: the default first, then features by features, since counting those costs most.

    Latent dimensions are tried where there are so few `articles` that the default has some.
    """
    default = with_latent(Recipe(lead="as features say", seed=seed), articles=articles)
    latents = dict.fromkeys((default.latent, None))
    chance = random.Random(seed)
    features = [
        FeatureSettings(words, lead, characters, min_df)
        for words, lead, characters, min_df in itertools.product(_WORDS, _LEADS, _CHARACTERS, (2, 3))
    ]
    chance.shuffle(features)
    features.sort(key=lambda settings: settings != default.features)
    recipes: list[Recipe] = []
    for settings in features:
        learners = [
            replace(
                default,
                features=settings,
                weighting=weighting,
                regularisation=c,
                class_weight=class_weight,
                most_terms=most_terms,
                latent=latent,
            )
            for weighting, c, class_weight, most_terms, latent in itertools.product(
                _WEIGHTINGS, _REGULARISATIONS, _CLASS_WEIGHTS, _MOST_TERMS, latents
            )
        ]
        chance.shuffle(learners)
        recipes += learners[:6]
    return [default, *(recipe for recipe in recipes if recipe != default)]


def _inner_score(matrices: CorpusMatrices, labels: Labels, groups: Rows, rows: Rows, recipe: Recipe) -> float:
    folds = [
        (rows[learn], rows[measure])
        for learn, measure in grouped_folds(labels[rows], groups[rows], INNER_FOLDS, recipe.seed)
    ]
    raw_scores = out_of_fold_scores(matrices, labels, folds, recipe, lambda: None)
    return mean_average_precision(raw_scores[rows], labels[rows])


def _outer_score(study: _Study, number: int, recipe: Recipe) -> float:
    learn, measure = study.outer_folds[number]
    worth = Worth(study.labels, recipe.most_terms)
    known, unknown = CorpusMatrices(study.contents, recipe.features).fold(learn, measure, worth)
    linears = fit_topics(known, study.labels[learn], recipe)
    raw_scores = np.column_stack([linear.raw_scores(unknown) for linear in linears])
    return mean_average_precision(raw_scores, study.labels[measure])
