import math
import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.pipeline import Pipeline

from slugline.explanation import positions
from slugline.model import Model
from tests.corpora import PLAIN, WORDS
from tests.slugline.compiled.test_scorer import TEXT as UNICODE
from tests.slugline.plain_explanation import bare, plain_contributions

WORD = st.sampled_from([*PLAIN, *WORDS["diplomacy"], *WORDS["military_action"]])
TEXT = st.lists(WORD | st.text(max_size=8), min_size=1, max_size=30).map(" ".join)
MIXED = st.lists(TEXT | UNICODE, min_size=1, max_size=3).map(", ".join)


def test_words_of_a_topic_speak_for_it(model: Model) -> None:
    explanation = model.explain("Envoy, ambassador: summit talks")[model.topics.index("diplomacy")]
    strongest = [term for term, _ in explanation.strongest(3)]
    assert set(strongest) <= {"envoy", "ambassador", "summit", "talks", "summit talks"}


def test_terms_are_bare_of_punctuation(model: Model) -> None:
    explanation = model.explain('"Summit", (talks)!')[0]
    assert not any(term.startswith(('"', "(")) for term in explanation.contributions)


@settings(max_examples=60)
@given(text=TEXT)
def test_contributions_and_bias_sum_to_the_raw_score(model: Model, text: str) -> None:
    scores = model.scores([text])[0]
    for score, explanation in zip(scores, model.explain(text), strict=True):
        total = explanation.bias + math.fsum(explanation.contributions.values())
        assert math.isclose(total, explanation.raw_score, abs_tol=1e-9)
        assert math.isclose(1 / (1 + math.exp(-explanation.raw_score)), score, abs_tol=1e-12)


@settings(max_examples=30)
@given(text=TEXT, most=st.integers(1, 5))
def test_the_strongest_terms_and_the_others_sum_to_the_raw_score(model: Model, text: str, most: int) -> None:
    for explanation in model.explain(text):
        strongest = explanation.strongest(most)
        values = [value for _, value in strongest]
        assert len([value for value in values if value > 0]) <= most >= len([value for value in values if value < 0])
        total = explanation.bias + sum(values) + explanation.others(most)
        assert np.isclose(total, explanation.raw_score, atol=1e-9)


@settings(max_examples=80)
@given(text=MIXED)
def test_contributions_are_those_of_scikit_learns_features(model: Model, pipeline: Pipeline, text: str) -> None:
    expected = plain_contributions(pipeline, text)
    for topic, explanation in enumerate(model.explain(text)):
        found = explanation.contributions
        for term in found.keys() | expected.keys():
            plain = expected[term][topic] if term in expected else 0.0
            assert math.isclose(found.get(term, 0.0), plain, abs_tol=1e-9), term


@settings(max_examples=80)
@given(text=MIXED)
def test_spans_show_where_each_term_stands(model: Model, text: str) -> None:
    explanation = model.explain(text)[0]
    for term in explanation.contributions:
        spans = explanation.places.of(term)
        assert spans == sorted(set(spans)) != []
        for start, end in spans:
            assert 0 <= start < end <= len(text)
            there = text[start:end].lower()
            assert there == term or term in (" ".join(re.findall(r"\w\w+", there)), there.strip(), bare(there)), term


def test_every_place_of_a_term_is_told(model: Model) -> None:
    text = "İ Talks, talks\nand (TALKS)!"
    explanation = model.explain(text)[model.topics.index("diplomacy")]
    assert [text[start:end] for start, end in explanation.places.of("talks")] == ["Talks", "talks", "TALKS"]


@pytest.mark.parametrize("text", ["İstanbul İİ x", "Straße ẞ", "ΑΣ", "abc"])
def test_positions_follow_characters_that_grow_in_lower_case(text: str) -> None:
    lowered = text.lower()
    position = positions(text, lowered)
    assert len(position) == len(lowered)
    assert all(lowered[index] in text[position[index]].lower() + "\u03c2" for index in range(len(lowered)))
