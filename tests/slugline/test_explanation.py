import math

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st

from slugline.model import Model
from tests.corpora import PLAIN, WORDS

WORD = st.sampled_from([*PLAIN, *WORDS["diplomacy"], *WORDS["military_action"]])
TEXT = st.lists(WORD | st.text(max_size=8), min_size=1, max_size=30).map(" ".join)


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
