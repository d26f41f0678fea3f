import re
from html.parser import HTMLParser

import numpy as np
import pytest

from slugline.corpus import Corpus, read_corpus
from slugline.topics import Topic
from tests.corpora import TOPICS, labelled_rows, write_rows
from training.data_card import DataCard
from training.evaluation import mean_average_precision
from training.plan import TrainingPlan
from training.report import analysis
from training.report.render import CARD_FILE, REPORT_FILE, render
from training.train import Trained, train

ALL = [Topic(name, f"About {name} <&>.") for name in TOPICS]


@pytest.fixture(scope="module")
def corpus(tmp_path_factory: pytest.TempPathFactory) -> Corpus:
    rows = labelled_rows(240)
    rows[3] = rows[3] | {"text": "<script>alert(1)</script> Troops shelled artillery offensive", "topics": []}
    return read_corpus([write_rows(tmp_path_factory.mktemp("report") / "a.jsonl", rows)])


@pytest.fixture(scope="module")
def trained(corpus: Corpus) -> Trained:
    return train(corpus, ALL, TrainingPlan())


@pytest.fixture(scope="module")
def files(corpus: Corpus, trained: Trained) -> dict[str, str]:
    rendered = render("news", trained, corpus.documents, DataCard.of(corpus.documents), TrainingPlan())
    return {name: content.decode() for name, content in rendered.items()}


class _References(HTMLParser):
    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []
        self.scripts = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.scripts += tag == "script"
        self.found += [str(value) for name, value in attrs if name in ("src", "href", "xlink:href")]


def test_the_report_refers_to_nothing_outside_of_itself(files: dict[str, str]) -> None:
    parser = _References()
    parser.feed(files[REPORT_FILE])
    assert all(reference.startswith("#") for reference in parser.found)
    assert parser.scripts == 0, "the text of an article must not become markup"
    urls = set(re.findall(r"https?://[^\"'\s<)]+", files[REPORT_FILE]))
    assert urls <= {"http://www.w3.org/2000/svg", "http://www.w3.org/1999/xlink"}


def test_the_report_shows_every_topic_picture_and_figure(files: dict[str, str], trained: Trained) -> None:
    report = files[REPORT_FILE]
    assert report.count("<svg") == 4 + len(TOPICS)
    assert f"{trained.model.manifest.metrics.macro_f1:.3f}" in report
    assert trained.model.manifest.fingerprint in report
    assert all(name in report for name in TOPICS)


def test_the_mislabelled_article_is_among_the_worst_errors(files: dict[str, str]) -> None:
    assert "&lt;script&gt;alert(1)" in files[REPORT_FILE]
    assert "<code>a3</code>" in files[REPORT_FILE]


def test_the_card_tells_data_use_limits_and_figures(files: dict[str, str], trained: Trained) -> None:
    card = files[CARD_FILE]
    for heading in ("# Model card: news", "## Intended use", "## Data", "## Figures", "## Limits"):
        assert heading in card
    assert trained.model.manifest.data_digest in card
    assert "About diplomacy <&>." in card


def test_the_same_training_gives_the_same_report(corpus: Corpus, trained: Trained, files: dict[str, str]) -> None:
    again = render("news", trained, corpus.documents, DataCard.of(corpus.documents), TrainingPlan())
    assert {name: content.decode() for name, content in again.items()} == files


def test_the_curve_ends_at_the_out_of_fold_figure_of_the_folds_it_is_measured_on(
    trained: Trained, monkeypatch: pytest.MonkeyPatch
) -> None:
    for enough, folds in ((10**9, trained.folds[:2]), (1, trained.folds[:1])):
        monkeypatch.setattr(analysis, "_ENOUGH_MEASURED", enough)
        points = analysis.learning_curve(trained)
        rows = np.concatenate([measure for _, measure in folds])
        learned = len(trained.folds[0][0])
        assert points[-1].articles == learned
        assert points[-1].mean_average_precision == mean_average_precision(trained.scores[rows], trained.labels[rows])
        assert [point.articles for point in points] == sorted(point.articles for point in points)
