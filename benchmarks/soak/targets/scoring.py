"""Any text, read by the compiled scorer and by scikit-learn: both must see the same.

An input is a byte that chooses the model, and UTF-8, a title and a text with two NUL between them; what is no UTF-8 is
replaced, but halves of surrogate pairs are let in.
"""

import re

import numpy as np
from numpy.typing import NDArray
from sklearn.pipeline import Pipeline

from benchmarks.soak.articles import documents
from benchmarks.soak.targets.small import SETTINGS, pipeline_of
from slugline import store
from slugline.compiled.scorer import CompiledScorer
from slugline.compiled.tables import tables_of
from slugline.documents import Document
from slugline.explanation import explain
from slugline.features import families
from slugline.origins import Origins
from slugline.pipeline import linear_weights

_PIPELINES = [pipeline_of(settings) for settings in SETTINGS]
_SCORERS = [CompiledScorer(tables_of(pipeline)) for pipeline in _PIPELINES]
_BETWEEN = "\0\0"


def seeds() -> list[bytes]:
    """Documents in many scripts, for every model."""
    texts = [(document.title + _BETWEEN + document.text)[:600].encode() for document in documents(60)]
    return [bytes((number % len(SETTINGS),)) + text for number, text in enumerate(texts)]


def check(data: bytes) -> None:
    """Hold scores, counts of words, mentions and places of evidence to what they must be."""
    if not data:
        return
    number = data[0] % len(SETTINGS)
    title, _, text = _decoded(data[1:]).rpartition(_BETWEEN)
    document = Document(text, title)
    content = document.content()
    scorer = _SCORERS[number]
    reading = scorer.read([content])
    plain = _plain_scores(_PIPELINES[number], content)
    assert np.allclose(reading.scores[0], plain, rtol=0, atol=store.AGREEMENT), (reading.scores, plain)
    assert scorer.scores([title, content, text])[1].tolist() == reading.scores[0].tolist()
    _check_tokens(number, content, reading.tokens[0].tolist())
    _check_mentions(scorer, content, reading.scores[0])
    if content and (document.title or document.text):
        _check_places(scorer, document)


def _decoded(data: bytes) -> str:
    try:
        return data.decode("utf-8", "surrogatepass")
    except UnicodeDecodeError:
        return data.decode("utf-8", "replace")


def _plain_scores(pipeline: Pipeline, content: str) -> NDArray[np.float64]:
    """What `pipeline.predict_proba` gives, without the checks of arguments in which it spends its time."""
    weights, raw_scores = linear_weights(pipeline)
    first = 0
    for _, vectorizer in families(pipeline["features"]):
        vector = vectorizer.transform([content])
        raw_scores = raw_scores + vector @ weights[:, first : first + vector.shape[1]].T
        first += vector.shape[1]
    scores: NDArray[np.float64] = 1 / (1 + np.exp(-raw_scores[0]))
    return scores


def _check_tokens(number: int, content: str, found: list[int]) -> None:
    name, vectorizer = families(_PIPELINES[number]["features"])[0]
    if name == "characters":
        assert 0 <= found[1] <= found[0] <= len(content.lower())
        return
    words = re.findall(vectorizer.token_pattern, content.lower())
    terms = vectorizer.vocabulary_
    if vectorizer.ngram_range[0] == 1:
        assert found == [len(words), sum(word in terms for word in words)], (found, words)
    assert found[0] == len(words)


def _check_mentions(scorer: CompiledScorer, content: str, scores: NDArray[np.float64]) -> None:
    mentions, lowered = scorer.mentions(content), content.lower()
    total = scorer.biases + mentions.values.sum(axis=0)
    assert np.allclose(total, mentions.raw_scores, rtol=0, atol=1e-9)
    assert np.allclose(1 / (1 + np.exp(-mentions.raw_scores)), scores, rtol=0, atol=1e-12)
    for start, end in zip(mentions.starts.tolist(), mentions.ends.tolist(), strict=True):
        assert 0 <= start < end <= len(lowered)
        assert not lowered[start].isspace() and not lowered[end - 1].isspace()


def _check_places(scorer: CompiledScorer, document: Document) -> None:
    """Every place of evidence lies within the title or the text as it was sent, and is not empty."""
    sizes, origins = {"title": len(document.title), "text": len(document.text)}, Origins(document)
    for explanation in explain(scorer, document.content()):
        for term, _ in explanation.strongest(5):
            for start, end in explanation.places.of(term):
                assert 0 <= start < end <= len(document.content())
                for origin in origins.of(start, end):
                    assert 0 <= origin.start < origin.end <= sizes[origin.field], (term, origin)
