from collections import Counter

import numpy as np

from training.streaming.frequencies import Frequencies

CHANCE = np.random.default_rng(3)
# Few n-grams are frequent and most are rare, as in a language.
DRAWN = [np.unique(CHANCE.zipf(1.3, 400)).astype(np.uint64) for _ in range(300)]
TRUE = Counter(ngram for ngrams in DRAWN for ngram in ngrams.tolist())


def counted(room: int) -> Frequencies:
    frequencies = Frequencies(room)
    for ngrams in DRAWN:
        frequencies.add(ngrams, np.ones(len(ngrams), dtype=np.uint32))
    return frequencies


def test_with_room_for_all_the_counts_are_exact() -> None:
    frequencies = counted(10 * len(TRUE))
    ngrams, bounds = frequencies.bounds()
    assert frequencies.lost == 0
    assert dict(zip(ngrams.tolist(), bounds.tolist(), strict=True)) == TRUE
    assert ngrams.tolist() == sorted(TRUE)


def test_without_room_only_rare_ones_are_forgotten_and_no_bound_is_too_low() -> None:
    frequencies = counted(2000)
    ngrams, bounds = frequencies.bounds()
    known = dict(zip(ngrams.tolist(), bounds.tolist(), strict=True))
    assert len(known) <= 2000 < len(TRUE)
    assert 0 < frequencies.lost < 10
    for ngram, articles in TRUE.items():
        assert articles <= frequencies.lost or articles <= known[ngram] <= articles + frequencies.lost


def test_of_nothing_nothing_is_known() -> None:
    assert [part.tolist() for part in Frequencies(10).bounds()] == [[], []]
