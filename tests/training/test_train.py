import random
import subprocess
import sys
from pathlib import Path

import pytest

from slugline.corpus import read_corpus
from slugline.errors import NotEnoughExamples, UndatedArticles, UnknownTopic
from slugline.topics import Topic
from tests.corpora import TOPICS, labelled_rows, write_rows
from training.plan import TrainingPlan
from training.train import train

ALL = tuple(Topic(name) for name in TOPICS)


def test_scores_are_out_of_fold_and_figures_follow_from_them(tmp_path: Path) -> None:
    """Labels drawn by lot can be learned by heart but not foretold: honest figures stay near chance."""
    rows = [
        row | {"topics": ["odd"] if random.Random(number).random() < 0.5 else []}
        for number, row in enumerate(labelled_rows())
    ]
    corpus = read_corpus([write_rows(tmp_path / "a.jsonl", rows)])
    trained = train(corpus, [Topic("odd")], TrainingPlan())
    assert trained.scores.shape == (240, 1)
    assert trained.model.manifest.topics[0].metrics.average_precision < 0.65
    assert abs(trained.scores.mean() - trained.labels.mean()) < 0.02


def test_topics_that_can_be_learned_are(corpus_file: Path) -> None:
    trained = train(read_corpus([corpus_file]), ALL, TrainingPlan())
    assert trained.model.manifest.metrics.macro_f1 > 0.9


FINGERPRINT = """
import sys
from pathlib import Path
from slugline.corpus import read_corpus
from slugline.topics import Topic
from training.plan import TrainingPlan
from training.train import train
corpus = read_corpus([Path(sys.argv[1])])
print(train(corpus, [Topic("diplomacy"), Topic("terrorism")], TrainingPlan()).model.manifest.fingerprint)
"""


def test_two_processes_train_the_same_model(corpus_file: Path) -> None:
    command = [sys.executable, "-c", FINGERPRINT, str(corpus_file)]
    first, second = (subprocess.run(command, capture_output=True, text=True, check=True).stdout for _ in range(2))
    assert first == second
    assert len(first.strip()) == 64


def test_a_topic_with_too_few_articles_is_refused(tmp_path: Path) -> None:
    rows = labelled_rows(60)
    for row in rows[:4]:
        row["topics"] = ["rare"]
    corpus = read_corpus([write_rows(tmp_path / "a.jsonl", rows)])
    with pytest.raises(NotEnoughExamples, match="'rare' has 4 positive articles and needs at least 10"):
        train(corpus, [Topic("rare")], TrainingPlan())


def test_copies_of_one_article_count_as_one(tmp_path: Path) -> None:
    rows = labelled_rows(60)
    for number, row in enumerate(rows[:20]):
        row |= {"text": f"{rows[0]['text']} {number}", "topics": ["copied"]}
    corpus = read_corpus([write_rows(tmp_path / "a.jsonl", rows)])
    with pytest.raises(NotEnoughExamples, match="'copied' has 1 positive"):
        train(corpus, [Topic("copied")], TrainingPlan())


def test_a_topic_that_every_article_has_is_refused(tmp_path: Path) -> None:
    rows = [row | {"topics": ["news"]} for row in labelled_rows(60)]
    corpus = read_corpus([write_rows(tmp_path / "a.jsonl", rows)])
    with pytest.raises(NotEnoughExamples, match="'news' has 0 negative"):
        train(corpus, [Topic("news")], TrainingPlan())


def test_a_precision_that_was_asked_for_is_held(tmp_path: Path) -> None:
    rows = labelled_rows(300)
    for row in [row for row in rows if row["topics"] == ["terrorism"]][::4]:
        row["topics"] = []  # mislabelled on purpose, so that precision has a price
    corpus = read_corpus([write_rows(tmp_path / "a.jsonl", rows)])
    loose = train(corpus, ALL, TrainingPlan()).model.manifest.topics[2]
    wanted = loose.metrics.precision + 0.02
    strict = train(corpus, ALL, TrainingPlan(min_precision={"terrorism": wanted})).model.manifest.topics[2]
    assert strict.metrics.precision >= wanted
    assert strict.threshold > loose.threshold
    with pytest.raises(UnknownTopic, match="sport"):
        train(corpus, ALL, TrainingPlan(min_precision={"sport": 0.9}))


def test_a_split_by_time_measures_the_newest_fifth_by_a_model_of_the_past(tmp_path: Path) -> None:
    """A word that changes its meaning in the last years fools a model of the past, and only that."""
    rows = [row | {"published": str(1900 + number)} for number, row in enumerate(labelled_rows(300))]
    for row in rows[240:]:
        row["topics"] = [] if row["topics"] else ["terrorism"]
    corpus = read_corpus([write_rows(tmp_path / "a.jsonl", rows)])
    metrics = train(corpus, ALL, TrainingPlan(split="time")).model.manifest.metrics
    assert metrics.macro_f1 < 0.3 < train(corpus, ALL, TrainingPlan()).model.manifest.metrics.macro_f1


def test_a_split_by_time_needs_dates(corpus_file: Path) -> None:
    with pytest.raises(UndatedArticles, match=r":1: published: is missing, and in 240 articles"):
        train(read_corpus([corpus_file]), ALL, TrainingPlan(split="time"))
