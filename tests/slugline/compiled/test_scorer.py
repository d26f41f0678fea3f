"""The compiled scorer is proved against scikit-learn, on every text that Python can hold."""

import re
import threading
from collections.abc import Iterator

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from sklearn.pipeline import Pipeline

from slugline.compiled.scorer import CompiledScorer
from slugline.compiled.tables import tables_of
from slugline.features import FeatureSettings, build_features, families
from slugline.pipeline import linear_pipeline
from slugline.scoring import PipelineScorer

CORPUS = [
    "Troops shelled the port; the port was shelled, shelled again.",
    "Envoys signed the treaty in Straße 7, İstanbul — «mир» ΣΟΦΟΣ",
    "войска отошли, войска вернулись",
    "部隊撤離 部隊 撤離 🚀🚀 🚀",
    "هدنة في المدينة هدنة",
    "a b c x. y, ½ cup naïve naïve ﬁne ʼn ẞ \x00 nul\x00nul",
    "_under_score_ 12 3 4567 don't e\u0301te\u0301 \u2028 line\x85break\x1c\x1dx",
    "\ud800 lone \udfff\ud800 surrogates",
]
ALL_SETTINGS = {
    "default": FeatureSettings(min_df=1),
    "words": FeatureSettings(word_ngrams=(1, 1), char_ngrams=None, min_df=1, sublinear_tf=False),
    "pairs alone": FeatureSettings(word_ngrams=(2, 2), char_ngrams=None, min_df=1),
    "trigrams": FeatureSettings(word_ngrams=(2, 4), char_ngrams=(2, 2), min_df=1),
    "lead": FeatureSettings(lead_chars=11, min_df=1),
    "single characters": FeatureSettings(word_ngrams=None, char_ngrams=(1, 2), min_df=1, sublinear_tf=False),
    "long n-grams": FeatureSettings(word_ngrams=None, char_ngrams=(5, 8), min_df=1),
    "all lengths": FeatureSettings(lead_chars=40, char_ngrams=(1, 6), min_df=1),
}

PIECE = (
    st.sampled_from(" ".join(CORPUS).split())
    | st.sampled_from(
        ["İ", "ẞ", "ŉ", "Σ", "ΑΣ", "ǰ", "\u0345", "e\u0301", "\u200d", "\u202e", "👩‍👩‍👧", "ﷺ", "𝔘", "\ufeff"]
    )
    | st.text(max_size=12)
    | st.text(st.characters(categories=["Cs", "Lu", "Nd", "Zs", "Mn"]), max_size=6)
)
TEXT = st.lists(PIECE, max_size=40).flatmap(
    lambda pieces: st.sampled_from(["", " ", "\n", "\u00a0", "\t\t", ", "]).map(lambda between: between.join(pieces))
)


def build(settings: FeatureSettings, topics: int = 2) -> Pipeline:
    features = build_features(settings).fit(CORPUS)
    chance = np.random.default_rng(8)
    weights = chance.normal(size=(topics, features.transform(CORPUS[:1]).shape[1]))
    return linear_pipeline(features, weights, chance.normal(size=topics))


PIPELINES = {name: build(settings) for name, settings in ALL_SETTINGS.items()}
SCORERS = {name: CompiledScorer(tables_of(pipeline)) for name, pipeline in PIPELINES.items()}


@pytest.mark.parametrize("name", ALL_SETTINGS)
@settings(max_examples=150)
@given(text=TEXT)
@example(text="")
@example(text="Σ" * 30 + " ΑΣ")
@example(text="🚀")
@example(text=" a")
@example(text="\ud83d\ude80")
def test_scores_are_those_of_scikit_learn(name: str, text: str) -> None:
    plain = PipelineScorer(PIPELINES[name]).scores([text])
    np.testing.assert_allclose(SCORERS[name].scores([text]), plain, rtol=0, atol=1e-9)


@pytest.mark.parametrize("name", ALL_SETTINGS)
@settings(max_examples=25)
@given(texts=st.lists(TEXT, max_size=9))
def test_many_texts_score_as_each_alone(name: str, texts: list[str]) -> None:
    together = SCORERS[name].scores(texts)
    assert together.shape == (len(texts), 2)
    for text, row in zip(texts, together, strict=True):
        alone = SCORERS[name].read([text])
        assert alone.scores[0].tolist() == row.tolist()
        assert SCORERS[name].read_one(text) == (row.tolist(), alone.tokens[0].tolist())


@settings(max_examples=100)
@given(texts=st.lists(TEXT, max_size=4))
@example(texts=["troops troops zzzz a ß"])
def test_words_and_those_known_are_those_of_scikit_learn(texts: list[str]) -> None:
    vectorizer = families(PIPELINES["default"]["features"])[0][1]
    words_of = re.compile(vectorizer.token_pattern).findall
    expected = [
        [len(words), sum(word in vectorizer.vocabulary_ for word in words)]
        for words in (words_of(text.lower()) for text in texts)
    ]
    assert SCORERS["default"].read(texts).tokens.tolist() == expected


@pytest.mark.parametrize("name", ALL_SETTINGS)
@settings(max_examples=60)
@given(text=TEXT)
def test_mentions_and_bias_sum_to_the_raw_score(name: str, text: str) -> None:
    scorer = SCORERS[name]
    mentions = scorer.mentions(text)
    total = scorer.biases + mentions.values.sum(axis=0)
    np.testing.assert_allclose(total, mentions.raw_scores, rtol=0, atol=1e-9)
    np.testing.assert_allclose(1 / (1 + np.exp(-mentions.raw_scores)), scorer.scores([text])[0], rtol=0, atol=1e-12)
    lowered = text.lower()
    for start, end in zip(mentions.starts.tolist(), mentions.ends.tolist(), strict=True):
        assert 0 <= start < end <= len(lowered)
        assert not lowered[start].isspace()
        assert not lowered[end - 1].isspace()


@pytest.mark.parametrize("unit", ["troops shelled ", "x", "ß🚀 ", "a ", " "])
def test_megabytes_score_alike(unit: str) -> None:
    text = unit * (2_000_000 // len(unit))
    plain = PipelineScorer(PIPELINES["default"]).scores([text])
    np.testing.assert_allclose(SCORERS["default"].scores([text]), plain, rtol=0, atol=1e-9)


def test_no_word_is_taken_for_one_met_before() -> None:
    """More words than are remembered, in an order of chance, and many that differ in what a memory could lose."""
    alike = ["\uffff\uffff", "ab", "ab\0", "a" * 12, "a" * 13, *(chr(0x20000 + number) * 2 for number in range(2000))]
    words = [*alike, *(f"w{number:x}" for number in range(70_000))]
    features = build_features(FeatureSettings(min_df=1)).fit([" ".join(words)])
    chance = np.random.default_rng(3)
    weights = chance.normal(size=(2, features.transform(["a"]).shape[1]))
    pipeline = linear_pipeline(features, weights, chance.normal(size=2))
    scorer = CompiledScorer(tables_of(pipeline))
    texts = [" ".join(chance.permutation([*alike, *chance.choice(words, 900)])) for _ in range(150)]
    np.testing.assert_allclose(scorer.scores(texts), PipelineScorer(pipeline).scores(texts), rtol=0, atol=1e-9)


@pytest.mark.parametrize("topics", [1, 5])
def test_any_number_of_topics(topics: int) -> None:
    pipeline = build(ALL_SETTINGS["default"], topics)
    scores = CompiledScorer(tables_of(pipeline)).scores(CORPUS)
    np.testing.assert_allclose(scores, PipelineScorer(pipeline).scores(CORPUS), rtol=0, atol=1e-9)


def test_threads_share_a_scorer() -> None:
    scorer = SCORERS["all lengths"]
    expected = scorer.scores(CORPUS).tolist()
    found: list[list[list[float]]] = []

    def work() -> Iterator[None]:
        for _ in range(300):
            found.append(scorer.scores(CORPUS).tolist())
        yield

    threads = [threading.Thread(target=lambda: list(work())) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(found) == 1200
    assert all(scores == expected for scores in found)
