import numpy as np

from training.streaming.hashing import hashes, scrambled


def hashed(texts: list[str]) -> list[int]:
    characters = np.frombuffer("".join(texts).encode("utf-32-le"), dtype=np.uint32)
    lengths = np.array([len(text) for text in texts], dtype=np.int64)
    ends = np.cumsum(lengths)
    found: list[int] = hashes(characters, ends - lengths, ends).tolist()
    return found


def test_equal_texts_have_equal_hashes_and_others_have_not() -> None:
    texts = [f"{letter}{number}" for letter in ("a", "b", "ab", "ba", "é") for number in range(2000)]
    found = hashed([*texts, *texts])
    assert found[: len(texts)] == found[len(texts) :]
    assert len(set(found)) == len(texts)


def test_the_order_of_characters_counts_and_none_gives_none() -> None:
    assert len(set(hashed(["abc", "acb", "bac", "cab", "aabc"]))) == 5
    assert hashed([]) == []


def test_scrambling_is_one_to_one() -> None:
    assert len(set(scrambled(np.arange(100_000, dtype=np.uint64)).tolist())) == 100_000
