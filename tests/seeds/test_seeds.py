"""The seed articles: sound, varied, labelled as the topics file says, and nobody else's text."""

import json
import os
import re
from collections import Counter, defaultdict
from itertools import combinations
from pathlib import Path

import pytest

from slugline.corpus import Corpus, read_corpus
from slugline.topics import read_topics
from training.duplicates import near_duplicates

SEEDS = Path(__file__).parent.parent.parent / "seeds"
EVALUATION = Path(os.environ.get("SLUGLINE_EVALUATION", SEEDS.parent.parent / "shared" / "eval"))
WORDS = re.compile(r"\w+")


@pytest.fixture(scope="module")
def corpus() -> Corpus:
    return read_corpus([SEEDS], [topic.name for topic in read_topics(SEEDS / "topics.toml")])


def words_of(text: str) -> list[str]:
    return WORDS.findall(text.lower())


def sequences(words: list[str], length: int) -> set[tuple[str, ...]]:
    return {tuple(words[start : start + length]) for start in range(len(words) - length + 1)}


def test_every_topic_alone_every_pair_and_all_three_occur(corpus: Corpus) -> None:
    found = Counter(frozenset(topics) for topics in corpus.labels())
    names = [topic.name for topic in read_topics(SEEDS / "topics.toml")]
    for size in range(4):
        for combination in combinations(names, size):
            assert found[frozenset(combination)] >= 30, combination


def test_two_in_five_or_more_have_no_topic(corpus: Corpus) -> None:
    assert sum(not topics for topics in corpus.labels()) >= 0.4 * len(corpus)


def test_no_two_seeds_are_near_duplicates(corpus: Corpus) -> None:
    ids = [labelled.document.id for labelled in corpus.documents]
    assert [(ids[i], ids[j], share) for i, j, share in near_duplicates(corpus.contents())] == []


def test_no_two_seeds_share_twelve_words_in_a_row(corpus: Corpus) -> None:
    seen: dict[tuple[str, ...], str] = {}
    shared = []
    for labelled in corpus.documents:
        for sequence in sequences(words_of(labelled.document.content()), 12):
            other = seen.setdefault(sequence, labelled.document.id)
            if other != labelled.document.id:
                shared.append((other, labelled.document.id, " ".join(sequence)))
    assert shared == []


@pytest.mark.skipif(not EVALUATION.is_dir(), reason="the evaluation files are not here")
def test_no_seed_shares_eight_words_in_a_row_with_the_evaluation_files(corpus: Corpus) -> None:
    sequences_of_seeds = defaultdict(set)
    for labelled in corpus.documents:
        for sequence in sequences(words_of(labelled.document.content()), 8):
            sequences_of_seeds[sequence].add(labelled.document.id)
    shared = []
    for path in EVALUATION.glob("*.jsonl"):
        for line in path.read_text(encoding="utf-8").splitlines():
            for sequence in sequences(words_of(json.loads(line)["text"]), 8):
                shared += [(seed, " ".join(sequence)) for seed in sequences_of_seeds.get(sequence, ())]
    assert shared == []
