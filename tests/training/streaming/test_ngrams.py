import numpy as np
import pytest
from sklearn.feature_extraction.text import TfidfVectorizer

from slugline.features import FeatureSettings, build_features, families
from tests.corpora import labelled_rows
from training.counting import count
from training.streaming.ngrams import Candidates, Counting

CONTENTS = [str(row["text"]) for row in labelled_rows(300)]
SETTINGS = FeatureSettings(lead_chars=60)
CHUNKS = [CONTENTS[first : first + 40] for first in range(0, len(CONTENTS), 40)]


def candidates(room: int, most: int = 10**9) -> tuple[int, list[Candidates]]:
    counting = Counting(SETTINGS, room)
    for chunk in CHUNKS:
        counting.add(chunk)
    return counting.candidates(SETTINGS.min_df, most)


def expected(family: int, min_df: int) -> tuple[TfidfVectorizer, dict[str, int]]:
    """The n-grams of a family in at least `min_df` articles, and in how many each is, counted in memory."""
    vectorizer = families(build_features(SETTINGS))[family][1]
    vectorizer.min_df = min_df
    vocabulary, counted = count(CONTENTS, vectorizer)
    articles = counted.document_frequencies(np.arange(len(CONTENTS)))
    return vectorizer, {term: int(articles[column]) for term, column in vocabulary.items()}


@pytest.mark.parametrize("room", [10**7, 3000])
def test_chunks_give_the_vocabulary_that_counting_all_at_once_gives(room: int) -> None:
    """Where the room is short, n-grams must be in more articles; of those that are, none is missing."""
    min_df, found = candidates(room)
    assert (min_df > 2) == (room == 3000)
    for family, candidate in enumerate(found):
        for chunk in CHUNKS:
            candidate.count(chunk, learn=True)
        pairs = zip(candidate.terms, candidate.articles.tolist(), strict=True)
        assert {term: articles for term, articles in pairs if articles >= min_df} == expected(family, min_df)[1]


def test_a_chunk_may_hold_nothing() -> None:
    counting = Counting(SETTINGS, 100)
    for contents in ([], ["?"], []):
        counting.add(contents)
    min_df, found = counting.candidates(2, 100)
    assert (min_df, [len(candidate.ngrams) for candidate in found]) == (2, [0, 0, 0])
    assert found[0].count(["some words", ""], learn=False).starts.tolist() == [0, 0, 0]


def test_the_frequent_are_kept_where_not_all_may_be() -> None:
    min_df, found = candidates(10**7, most=500)
    assert 100 < sum(len(candidate.ngrams) for candidate in found) <= 500
    assert min_df > 2


def test_counts_of_a_chunk_are_those_of_counting_in_memory() -> None:
    _, found = candidates(10**7)
    for family, candidate in enumerate(found):
        for chunk in CHUNKS:
            candidate.count(chunk, learn=True)
        counted = candidate.count(CONTENTS, learn=False)
        vocabulary, plain = count(CONTENTS, expected(family, 2)[0])
        row = slice(plain.starts[7], plain.starts[8])
        mine = slice(counted.starts[7], counted.starts[8])
        terms = dict(zip([candidate.terms[i] for i in counted.columns[mine]], counted.frequencies[mine], strict=True))
        names = list(vocabulary)
        assert terms == dict(zip([names[i] for i in plain.columns[row]], plain.frequencies[row], strict=True))
