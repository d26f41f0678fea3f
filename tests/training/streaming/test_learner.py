import tracemalloc
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from scipy.sparse import vstack

from slugline.features import FeatureSettings
from tests.corpora import TOPICS, labelled_rows
from training.learner import Linear, fit_topics
from training.matrices import smoothed_idf
from training.progress import NoProgress
from training.recipe import Recipe
from training.splits import label_matrix
from training.streaming.blocks import Blocks
from training.streaming.learner import StreamingLearner, presence_in
from training.streaming.ngrams import Counting
from training.streaming.spill import Spill
from training.weighting import Weighting

ROWS = labelled_rows(400)
CONTENTS = [str(row["text"]) for row in ROWS]
LABELS = label_matrix([row["topics"] for row in ROWS], TOPICS)  # type: ignore[misc]
FEATURES = FeatureSettings(char_ngrams=None)


def learned(recipe: Recipe, folder: Path, entries: int) -> tuple[list[Linear], list[Linear]]:
    """The topics learned from blocks, so many entries at a time, and from all their rows at once."""
    counting = Counting(FEATURES, 10**6)
    counting.add(CONTENTS)
    _, candidates = counting.candidates(2, 10**6)
    with Spill(folder) as spill:
        blocks = Blocks(spill, candidates, learn=True)
        for first in range(0, len(CONTENTS), 25):
            blocks.add(CONTENTS[first : first + 25], LABELS[first : first + 25])
        idfs = [smoothed_idf(candidate.articles, len(CONTENTS), FEATURES) for candidate in candidates]
        rows = [features for features, _ in blocks.read(idfs, blocks.blocks)]
        presence = presence_in(blocks, idfs, NoProgress())
        learner = StreamingLearner(blocks, idfs, presence, recipe, spill, entries=entries, threads=2)
        return learner.fit(NoProgress()), fit_topics(vstack(rows).tocsr(), LABELS, recipe)


@pytest.mark.parametrize("weighting", ["none", "chi2", "log-count-ratio", "both"])
def test_in_one_part_it_learns_what_the_learner_in_memory_learns(tmp_path: Path, weighting: Weighting) -> None:
    for mine, theirs in zip(*learned(Recipe(FEATURES, latent=None, weighting=weighting), tmp_path, 10**9), strict=True):
        np.testing.assert_allclose(mine.weights, theirs.weights, atol=2e-3 * np.abs(theirs.weights).max())
        assert mine.bias == pytest.approx(theirs.bias, abs=2e-3)


def test_in_many_parts_it_comes_near_to_that(tmp_path: Path) -> None:
    recipe = Recipe(FEATURES, latent=None, class_weight="balanced")
    for mine, theirs in zip(*learned(recipe, tmp_path, 3000), strict=True):
        apart = np.linalg.norm(mine.weights - theirs.weights) / np.linalg.norm(theirs.weights)
        assert 1e-9 < apart < 0.15


def test_the_same_seed_gives_the_same_weights(tmp_path: Path) -> None:
    first, second = (learned(Recipe(FEATURES, latent=None), tmp_path, 3000)[0] for _ in range(2))
    other = learned(replace(Recipe(FEATURES, latent=None), seed=1), tmp_path, 3000)[0]
    assert all((mine.weights == again.weights).all() for mine, again in zip(first, second, strict=True))
    assert any((mine.weights != again.weights).any() for mine, again in zip(first, other, strict=True))


def test_memory_does_not_grow_with_the_articles(tmp_path: Path) -> None:
    counting = Counting(FEATURES, 10**6)
    counting.add(CONTENTS)
    _, candidates = counting.candidates(2, 10**6)
    peaks = []
    for copies in (6, 24):
        with Spill(tmp_path) as spill:
            blocks = Blocks(spill, candidates, learn=True)
            for _ in range(copies):
                blocks.add(CONTENTS, LABELS)
            idfs = [smoothed_idf(candidate.articles, 400 * copies, FEATURES) for candidate in candidates]
            tracemalloc.start()
            presence = presence_in(blocks, idfs, NoProgress())
            learner = StreamingLearner(
                blocks, idfs, presence, Recipe(FEATURES, latent=None), spill, entries=30_000, threads=1
            )
            learner.fit(NoProgress())
            peaks.append(tracemalloc.get_traced_memory()[1])
            tracemalloc.stop()
    assert peaks[1] < 1.2 * peaks[0]
