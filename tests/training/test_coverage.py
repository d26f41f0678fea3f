import random

import pytest

from slugline.features import FeatureSettings
from training.coverage import known_share_floor
from training.matrices import CorpusMatrices

COMMON = [f"word{number}" for number in range(50)]


def floor(contents: list[str], settings: FeatureSettings | None = None) -> float:
    features, _ = CorpusMatrices(contents, settings or FeatureSettings()).whole()
    return known_share_floor(features, contents)


def texts(rare: int, articles: int = 300) -> list[str]:
    """Articles of twenty words, `rare` of which stand in that article and its neighbour alone."""
    chance = random.Random(1)
    return [
        " ".join([*chance.choices(COMMON, k=20 - rare), *(f"rare{number // 2}x{position}" for position in range(rare))])
        for number in range(articles)
    ]


def test_words_that_only_the_article_itself_would_know_do_not_count() -> None:
    assert floor(texts(0)) == pytest.approx(0.75)
    # Each rare word is in two articles: without one of them it would not be in the vocabulary.
    assert floor(texts(5)) == pytest.approx(0.75 * 15 / 20)


def test_a_word_is_known_by_its_pairs_too() -> None:
    fixed = " ".join(COMMON)
    assert floor(
        [f"{fixed} rare{number}" for number in range(300)], FeatureSettings(word_ngrams=(2, 2))
    ) == pytest.approx(0.75 * 50 / 51)


def test_without_words_or_without_long_texts_nothing_can_be_said() -> None:
    assert floor(texts(0), FeatureSettings(word_ngrams=None)) == 0.0
    assert floor(["one two", "one two", "two one"]) == 0.0
