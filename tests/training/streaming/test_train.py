import random
import signal
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from slugline import store
from slugline.corpus import read_corpus
from slugline.errors import TooFewHeldOut, UnknownTopic
from slugline.features import families
from slugline.topics import Topic
from tests.corpora import PLAIN, TOPICS, WORDS, write_rows
from training.evaluation import evaluate
from training.plan import TrainingPlan
from training.progress import NoProgress
from training.publishing import Published, Streaming, TrainingRequest, train_and_publish
from training.recipe import Recipe
from training.splits import label_matrix
from training.streaming.memory import LEAST_MEMORY
from training.streaming.spill import Spill
from training.streaming.survey import survey
from training.streaming.train import Streamed, train_streaming
from training.train import train

PLAN = TrainingPlan(Recipe(latent=None))


def rows(articles: int, seed: int) -> list[dict[str, object]]:
    """Articles that are hard to tell apart: few words of their topics, and some of others."""
    chance = random.Random(seed)
    everything = [*PLAIN, *(word for words in WORDS.values() for word in words)]
    made: list[dict[str, object]] = []
    for number in range(articles):
        topics = [topic for topic in TOPICS if chance.random() < 0.3]
        words = chance.choices(everything, k=16) + [w for topic in topics for w in chance.choices(WORDS[topic], k=4)]
        chance.shuffle(words)
        made.append({"id": f"{seed}-{number}", "text": " ".join(words), "topics": topics})
    return made


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rows(tmp_path_factory.mktemp("streaming") / "articles.jsonl", rows(1500, seed=1))


def streamed(data: Path, plan: TrainingPlan = PLAN, topics: tuple[Topic, ...] | None = None) -> Streamed:
    with Spill(data.parent) as spill:
        found = survey((data,), topics, TrainingRequest((data,), data.parent, "x").reading, spill, NoProgress())
        result = train_streaming(found, plan, LEAST_MEMORY, spill, NoProgress())
        assert [labelled.document.id for labelled in result.documents]
        return result


@pytest.fixture(scope="module")
def first(data: Path) -> Streamed:
    return streamed(data)


@pytest.fixture(scope="module")
def published(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Published:
    models = tmp_path_factory.mktemp("models")
    request = TrainingRequest((data,), models, "news", streaming=Streaming(LEAST_MEMORY))
    return train_and_publish(request, NoProgress())


def test_it_does_as_well_as_training_in_memory(data: Path, first: Streamed) -> None:
    others = rows(1000, seed=2)
    contents, labels = [str(row["text"]) for row in others], label_matrix([row["topics"] for row in others], TOPICS)  # type: ignore[misc]
    in_memory = train(read_corpus([data]), [Topic(name) for name in TOPICS], PLAN)
    mine, theirs = (
        evaluate(trained.model.scores(contents), trained.model.thresholds, labels).means.macro_f1
        for trained in (first, in_memory)
    )
    assert 0.6 < theirs < 0.98
    assert abs(mine - theirs) < 0.02


def test_no_more_terms_are_kept_than_asked_for_and_they_are_those_kept_in_memory(data: Path) -> None:
    plan = replace(PLAN, recipe=replace(PLAN.recipe, most_terms=25))
    in_memory = train(read_corpus([data]), [Topic(name) for name in TOPICS], plan)
    mine, theirs = (
        [set(vectorizer.vocabulary_) for _, vectorizer in families(trained.pipeline["features"])]
        for trained in (streamed(data, plan), in_memory)
    )
    assert [len(terms) for terms in mine] == [25, 25] == [len(terms) for terms in theirs]
    # A tenth of the articles was held out, so a few words that are nearly as telling may differ; parts of words do.
    assert len(mine[0] & theirs[0]) > 20


def test_the_same_seed_gives_the_same_model(data: Path, first: Streamed) -> None:
    assert streamed(data).model.manifest.fingerprint == first.model.manifest.fingerprint
    other = streamed(data, replace(PLAN, recipe=replace(PLAN.recipe, seed=1)))
    assert other.model.manifest.fingerprint != first.model.manifest.fingerprint


def test_what_is_measured_on_was_not_learned_from(tmp_path: Path) -> None:
    """Labels drawn by lot can be learned by heart but not foretold."""
    chance = random.Random(5)
    drawn = [row | {"topics": ["odd"] if chance.random() < 0.5 else []} for row in rows(900, seed=3)]
    # Every article is told again in nearly the same words: learned from once and measured on once, it would be known.
    again = [row | {"id": f"again-{row['id']}", "text": f"{row['text']} again"} for row in drawn]
    trained = streamed(write_rows(tmp_path / "a.jsonl", [*drawn, *again]))
    assert trained.model.manifest.topics[0].metrics.average_precision < 0.75
    assert trained.learned > 1500


def test_the_model_is_of_the_same_kind(published: Published) -> None:
    model = store.load(published.folder)
    assert published.is_current
    assert model.manifest.settings["streaming"] == {"memory": LEAST_MEMORY}
    texts = [str(row["text"]) for row in rows(20, seed=4)]
    plain = store.load(published.folder, "sklearn")
    np.testing.assert_allclose(model.scores(texts), plain.scores(texts), rtol=0, atol=1e-9)
    explained = model.explain(texts[0])[0]
    assert explained.contributions
    assert "held out" in (published.folder / "report.html").read_text()
    assert "Trained past memory" in (published.folder / "README.md").read_text()


def test_nothing_is_trained_again_where_nothing_changed(data: Path, published: Published) -> None:
    request = TrainingRequest(
        (data,), published.folder.parent.parent, "news", if_changed=True, streaming=Streaming(LEAST_MEMORY)
    )
    assert not train_and_publish(request, NoProgress()).is_new


def test_a_topic_with_too_few_held_out_articles_is_refused(tmp_path: Path) -> None:
    few = [row | {"topics": ["rare"] if number < 40 else []} for number, row in enumerate(rows(400, seed=6))]
    with pytest.raises(TooFewHeldOut, match=r"held out to measure on: .*'rare' has \d+ positive"):
        streamed(write_rows(tmp_path / "a.jsonl", few))


def test_a_precision_for_no_topic_is_refused(data: Path) -> None:
    with pytest.raises(UnknownTopic, match="sport"):
        streamed(data, replace(PLAN, min_precision={"sport": 0.9}))


def test_a_kill_leaves_nothing_behind(data: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "slugline", "train", "--streaming", "--data", str(data)]
    process = subprocess.Popen([*command, "--models", str(tmp_path / "models")], stderr=subprocess.DEVNULL)
    descriptors = Path(f"/proc/{process.pid}/fd")
    while not any("(deleted)" in str(link.readlink()) for link in descriptors.iterdir() if link.is_symlink()):
        assert process.poll() is None, "it was done before it could be killed"
        time.sleep(0.01)
    process.send_signal(signal.SIGKILL)
    assert process.wait(30) == -signal.SIGKILL
    assert list((tmp_path / "models").rglob("*")) == []
