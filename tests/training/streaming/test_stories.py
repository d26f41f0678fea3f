import random

import numpy as np

from tests.corpora import PLAIN
from training.streaming.stories import LEAST_SHARED, PLACES, sketches

WORDS = [word + ending for word in PLAIN for ending in ("", "s", "ed", "ing", "er")]


def article(seed: int, words: int = 120) -> list[str]:
    return random.Random(seed).choices(WORDS, k=words)


def shared(first: str, second: str) -> int:
    one, other = sketches([first, second])
    return int((one == other).sum())


def test_copies_have_the_same_sketch_whatever_the_case_and_marks() -> None:
    text = " ".join(article(1))
    assert shared(text, text.upper().replace(" ", ", ") + "!") == PLACES


def test_a_sketch_is_the_articles_own_wherever_it_stands() -> None:
    texts = [" ".join(article(seed)) for seed in range(5)]
    together = sketches([*texts, "", "two words", texts[0]])
    np.testing.assert_array_equal(together[:5], np.vstack([sketches([text]) for text in texts]))
    np.testing.assert_array_equal(together[-1], together[0])
    assert (together[6] == sketches(["two  words."])[0]).all()


def test_near_duplicates_agree_and_others_do_not() -> None:
    near = sum(
        shared(" ".join(article(seed)), " ".join(article(seed)[:90] + article(1000 + seed, 30))) >= LEAST_SHARED
        for seed in range(100)
    )
    other = sum(shared(" ".join(article(seed)), " ".join(article(2000 + seed))) >= LEAST_SHARED for seed in range(100))
    assert near >= 90
    assert other == 0
