from dataclasses import replace
from pathlib import Path

import msgspec
import numpy as np
import pytest

from slugline import store
from slugline.corpus import Corpus, read_corpus
from slugline.errors import NoCommonTopic, TooFewArticles
from slugline.model import Model
from tests.corpora import labelled_rows, write_rows
from tests.training.test_resampling import plain_figures
from training.comparison import Bootstrap, Comparison, Difference, compare
from training.duplicates import story_groups
from training.progress import NoProgress
from training.resampling import resampled_counts
from training.splits import label_matrix


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    """Articles that no model has seen, some told twice."""
    rows = labelled_rows(150, seed=8)
    rows += [row | {"id": f"again-{row['id']}"} for row in rows[:10]]
    return read_corpus([write_rows(tmp_path_factory.mktemp("comparison") / "a.jsonl", rows)])


def with_topics(model: Model, **changes: float | None) -> Model:
    """The same tables, with other thresholds, or other names where a topic is mapped to None."""
    topics = [
        msgspec.structs.replace(topic, threshold=changes.get(topic.name, topic.threshold))
        if changes.get(topic.name, 0.0) is not None
        else msgspec.structs.replace(topic, name=f"not_{topic.name}")
        for topic in model.manifest.topics
    ]
    return replace(model, manifest=msgspec.structs.replace(model.manifest, topics=topics, version="other"))


def rows_of(comparison: Comparison) -> list[Difference]:
    """In the order of the plain figures."""
    kinds = ("precision", "recall", "f1", "average_precision")
    topics = [getattr(topic, kind) for kind in kinds for topic in comparison.topics.values()]
    means = comparison.means
    return [*topics, means.macro_f1, means.micro_f1, means.mean_average_precision]


def test_intervals_are_those_of_a_plain_bootstrap(model: Model, corpus: Corpus) -> None:
    other = with_topics(model, diplomacy=0.999, terrorism=0.05)
    bootstrap = Bootstrap(resamples=20, confidence=0.9, seed=5)
    comparison = compare(model, other, corpus, bootstrap, NoProgress())

    scores, labels = model.scores(corpus.contents()), label_matrix(corpus.labels(), model.topics)
    differences = []
    for block in resampled_counts(story_groups(corpus.contents()), 20, seed=5):
        for counts in block.T:
            drawn = np.repeat(np.arange(len(corpus)), counts)
            a, b = (plain_figures(scores[drawn], m.thresholds, labels[drawn]) for m in (model, other))
            differences.append(np.array(b) - np.array(a))
    lows, highs = np.percentile(differences, [5, 95], axis=0)

    rows = rows_of(comparison)
    assert [row.low for row in rows] == pytest.approx(lows, abs=1e-12)
    assert [row.high for row in rows] == pytest.approx(highs, abs=1e-12)
    assert [row.a for row in rows] == pytest.approx(plain_figures(scores, model.thresholds, labels), abs=1e-12)
    assert [row.b for row in rows] == pytest.approx(plain_figures(scores, other.thresholds, labels), abs=1e-12)
    assert [row.difference for row in rows] == pytest.approx([row.b - row.a for row in rows], abs=1e-12)
    assert comparison.topics["diplomacy"].recall.verdict == "worse"
    assert comparison.topics["terrorism"].average_precision.verdict == "no significant difference"


def test_a_gate_gives_each_row_its_share_of_the_doubt() -> None:
    few, many = Bootstrap.of_gate(3, 0.95), Bootstrap.of_gate(99, 0.95)
    assert few.confidence == pytest.approx(0.9875)
    assert many.confidence == pytest.approx(0.9995)
    for bootstrap in (few, many):
        assert bootstrap.resamples * (1 - bootstrap.confidence) / 2 >= 10 - 1e-6
    assert Bootstrap.of_gate(1, 0.5).resamples == 1000


def test_articles_that_change_topics_are_counted(model: Model, corpus: Corpus) -> None:
    other = with_topics(model, diplomacy=0.999, terrorism=0.0)
    comparison = compare(model, other, corpus, Bootstrap(resamples=100), NoProgress())
    scores = model.scores(corpus.contents())
    before, after = scores >= model.thresholds, scores >= other.thresholds
    assert comparison.changed == (before != after).any(axis=1).sum() > 0
    diplomacy, terrorism = comparison.topics["diplomacy"], comparison.topics["terrorism"]
    assert diplomacy.gained == 0 < diplomacy.lost
    assert terrorism.lost == 0 < terrorism.gained == (~before)[:, model.topics.index("terrorism")].sum()
    assert (comparison.articles, comparison.stories) == (160, 150)


def test_a_model_is_no_better_than_itself(model: Model, corpus: Corpus) -> None:
    comparison = compare(model, model, corpus, Bootstrap(resamples=100), NoProgress())
    assert {(row.difference, row.low, row.high, row.verdict) for row in rows_of(comparison)} == {
        (0.0, 0.0, 0.0, "no significant difference")
    }
    assert (comparison.verdict, comparison.changed, comparison.worse()) == ("no significant difference", 0, [])


def test_one_worse_topic_makes_a_model_worse_and_going_back_makes_it_better(model: Model, corpus: Corpus) -> None:
    other = with_topics(model, diplomacy=0.999)
    worse = compare(model, other, corpus, Bootstrap(), NoProgress())
    assert worse.verdict == "worse"
    assert [reason.split(" falls")[0] for reason in worse.worse()] == ["macro-F1", "F1 of diplomacy"]
    better = compare(other, model, corpus, Bootstrap(), NoProgress())
    assert (better.verdict, better.worse()) == ("better", [])
    assert better.means.macro_f1.low == -worse.means.macro_f1.high


def test_topics_that_only_one_model_has_are_named(model: Model, corpus: Corpus) -> None:
    comparison = compare(model, with_topics(model, terrorism=None), corpus, Bootstrap(resamples=100), NoProgress())
    assert list(comparison.topics) == ["diplomacy", "military_action"]
    assert (comparison.only_a, comparison.only_b) == (("terrorism",), ("not_terrorism",))
    assert comparison.worse() == ["it lacks the topic terrorism"]
    nothing = with_topics(model, terrorism=None, diplomacy=None, military_action=None)
    with pytest.raises(NoCommonTopic, match="no topic in common"):
        compare(model, nothing, corpus, Bootstrap(), NoProgress())


def test_too_few_stories_tell_nothing(models: Path, model: Model, tmp_path: Path) -> None:
    rows = [{"id": str(i), "text": "one story told over and over again", "topics": []} for i in range(50)]
    corpus = read_corpus([write_rows(tmp_path / "a.jsonl", rows)])
    with pytest.raises(TooFewArticles, match="1 different stories"):
        compare(model, store.load(store.find(models)), corpus, Bootstrap(), NoProgress())
