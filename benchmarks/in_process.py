"""Scoring in one process: the compiled scorer beside the scikit-learn pipeline, fastText, Vowpal Wabbit and ONNX."""

import re
import tempfile
from collections.abc import Callable, Sequence
from copy import copy
from pathlib import Path

import numpy as np
from sklearn.pipeline import Pipeline

from benchmarks.measure import Turn, take_turns
from benchmarks.results import Table
from benchmarks.texts import accented
from slugline import store
from slugline.corpus import Corpus, read_corpus
from slugline.features import families
from slugline.scoring import Scorer

_TOKEN = re.compile(r"\w+")
Contender = Callable[[], int]


def run(model_path: Path, data: Path, texts: Sequence[str], *, quick: bool) -> list[Table]:
    """Documents per second of CPU, one at a time and in batches, for plain and for accented texts."""
    folder = store.find(model_path)
    compiled, plain = store.load(folder), store.load(folder, "sklearn")
    corpus = read_corpus([data])
    tables = []
    for kind, given in (("as given", list(texts)), ("with accents", accented(texts))):
        few = given[: max(1, len(given) // 20)]
        contenders: dict[str, Contender] = {
            "compiled, one at a time": one_at_a_time(compiled, given),
            "compiled, batches of 64": _batches(compiled, given, 64),
            "scikit-learn pipeline, one at a time": one_at_a_time(plain, few),
            "scikit-learn pipeline, batches of 64": _batches(plain, given, 64),
        }
        contenders |= _fasttext(corpus, given) | _vowpal_wabbit(corpus, given) | _onnx(plain.pipeline, few)
        tables.append(_table(kind, take_turns(contenders, 3 if quick else 15), given))
    return tables


def _table(kind: str, turns: dict[str, Turn], texts: Sequence[str]) -> Table:
    singly = turns["scikit-learn pipeline, one at a time"]
    batches = turns["scikit-learn pipeline, batches of 64"]
    characters = sum(map(len, texts)) / len(texts)
    table = Table(
        f"In one process, texts {kind}",
        ("scorer", "documents/s", "µs each", "times scikit-learn one at a time", "times scikit-learn in batches"),
        note=f"CPU time; {len(texts)} texts of {characters:,.0f} characters on average; contenders took turns.",
    )
    for name, turn in sorted(turns.items(), key=lambda item: item[1].cpu / item[1].documents):
        each = turn.cpu / turn.documents
        ratios = (singly.cpu / singly.documents / each, batches.cpu / batches.documents / each)
        table.rows.append((name, 1 / each, each * 1e6, *ratios))
    return table


def one_at_a_time(scorer: Scorer, texts: Sequence[str]) -> Contender:
    """Scores the texts, each for itself."""

    def score() -> int:
        for text in texts:
            scorer.scores([text])
        return len(texts)

    return score


def _batches(scorer: Scorer, texts: Sequence[str], size: int) -> Contender:
    def score() -> int:
        for start in range(0, len(texts), size):
            scorer.scores(texts[start : start + size])
        return len(texts)

    return score


def _normalised(text: str) -> str:
    return " ".join(_TOKEN.findall(text.lower()))


def _fasttext(corpus: Corpus, texts: Sequence[str]) -> dict[str, Contender]:
    """FastText's supervised model with its own pairs of words, if `fasttext-wheel` is installed."""
    try:
        import fasttext
    except ImportError:
        return {}
    with tempfile.NamedTemporaryFile("w", suffix=".txt", encoding="utf-8") as file:
        for content, topics in zip(corpus.contents(), corpus.labels(), strict=True):
            labels = " ".join(f"__label__{topic}" for topic in topics or ("none",))
            file.write(f"{labels} {_normalised(content)}\n")
        file.flush()
        model = fasttext.train_supervised(file.name, wordNgrams=2, loss="ova", epoch=5, verbose=0, thread=1)

    def score() -> int:
        for text in texts:
            # Past its Python wrapper, which does not run with NumPy 2.
            model.f.predict(_normalised(text) + "\n", 4, 0.0, "strict")
        return len(texts)

    return {"fastText, normalised in Python": score}


def _vowpal_wabbit(corpus: Corpus, texts: Sequence[str]) -> dict[str, Contender]:
    """Vowpal Wabbit, one model for each topic's worth of work in one (`--oaa`), if `vowpalwabbit` is installed."""
    try:
        import vowpalwabbit
    except ImportError:
        return {}
    names = sorted({topic for topics in corpus.labels() for topic in topics})
    model = vowpalwabbit.Workspace(f"--oaa {len(names) + 1} --ngram 2 --quiet --probabilities --loss_function logistic")
    for content, topics in list(zip(corpus.contents(), corpus.labels(), strict=True))[:2000]:
        label = names.index(topics[0]) + 1 if topics else len(names) + 1
        model.learn(f"{label} | {_normalised(content)}")

    def score() -> int:
        for text in texts:
            model.predict(f"| {_normalised(text)}")
        return len(texts)

    return {"Vowpal Wabbit, normalised in Python": score}


def _onnx(pipeline: Pipeline | None, texts: Sequence[str]) -> dict[str, Contender]:
    """The words of one topic in ONNX Runtime, if it and `skl2onnx` are installed: it knows no n-grams within words."""
    try:
        import onnxruntime
        from skl2onnx import to_onnx
        from skl2onnx.common.data_types import StringTensorType
    except ImportError:
        return {}
    assert pipeline is not None
    words = families(pipeline["features"])[0][1]
    topic = copy(pipeline["topics"].estimators_[0])
    topic.n_features_in_ = len(words.vocabulary_)
    topic.coef_ = topic.coef_[:, : topic.n_features_in_]
    options = {id(words): {"locale": "C"}, id(topic): {"zipmap": False}}
    whole = to_onnx(
        Pipeline([("words", words), ("topic", topic)]),
        initial_types=[("text", StringTensorType([None, 1]))],
        options=options,
    )
    bounded = onnxruntime.SessionOptions()
    bounded.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(whole.SerializeToString(), bounded)

    def score() -> int:
        for text in texts:
            session.run(None, {"text": np.array([[text]], dtype=object)})
        return len(texts)

    return {"ONNX Runtime, words of one topic, one at a time": score}
