from pathlib import Path

from slugline.corpus import read_corpus
from slugline.topics import Topic
from tests.corpora import TOPICS, labelled_rows, write_rows
from training.progress import NoProgress
from training.suspects import conflicts, mislabels

ALL = [Topic(name) for name in TOPICS]


def test_labels_that_were_swapped_on_purpose_come_first(tmp_path: Path) -> None:
    rows = labelled_rows(300)
    swapped = {"a7", "a70", "a170"}
    for row in rows:
        if row["id"] in swapped:
            row["topics"] = [] if row["topics"] else ["terrorism"]
    corpus = read_corpus([write_rows(tmp_path / "a.jsonl", rows)])
    found = mislabels(corpus, ALL, NoProgress())
    assert {mislabel.document.document.id for mislabel in found[:3]} == swapped
    assert str(found[0]).startswith(f"{tmp_path / 'a.jsonl'}:")
    assert "is the label right?" in str(found[0])


def test_near_duplicates_with_different_topics_conflict(tmp_path: Path) -> None:
    story = "Gunmen ambushed a convoy near the northern town on Tuesday and killed four soldiers before dawn"
    rows = [
        {"id": "a", "text": story, "topics": ["war"]},
        {"id": "b", "text": story + " the army said", "topics": []},
        {"id": "c", "text": story + " again", "topics": ["war"]},
    ]
    corpus = read_corpus([write_rows(tmp_path / "a.jsonl", rows)])
    found = conflicts(corpus.documents)
    assert {(conflict.first.document.id, conflict.second.document.id) for conflict in found} == {("a", "b"), ("b", "c")}
    assert "but has topics [] and not ['war']" in str(found[0])
