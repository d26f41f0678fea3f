from pathlib import Path

import pytest

from slugline.corpus import read_corpus
from slugline.errors import DataNotFound, FaultyData
from slugline.formats.reading import PLAIN, Reading
from slugline.topics import Topic
from tests.corpora import TOPICS, labelled_rows, write_rows
from training.data_card import DataCard
from training.progress import NoProgress
from training.streaming.spill import Spill
from training.streaming.survey import Survey, survey


def surveyed(folder: Path, *paths: Path, topics: tuple[Topic, ...] | None = None, reading: Reading = PLAIN) -> Survey:
    with Spill(folder) as spill:
        return survey(paths, topics, reading, spill, NoProgress())


def test_it_finds_what_reading_into_memory_finds(tmp_path: Path, corpus_file: Path) -> None:
    corpus = read_corpus([corpus_file])
    found = surveyed(tmp_path, corpus_file)
    assert (len(found), found.digest) == (len(corpus), corpus.digest)
    assert tuple(topic.name for topic in found.topics) == TOPICS
    assert found.card == DataCard.of(corpus.documents)
    assert tuple(found.documents()) == corpus.documents


def test_every_fault_is_told_with_its_place_and_ids_are_compared_across_files(tmp_path: Path) -> None:
    rows = labelled_rows(6)
    first = write_rows(tmp_path / "a.jsonl", [*rows, {"id": "x", "topics": []}, {"id": "y", "text": "Y"}])
    second = write_rows(tmp_path / "b.jsonl", [rows[2], {"id": "z", "text": "Z", "topics": []}, rows[2]])
    with pytest.raises(FaultyData) as caught:
        surveyed(tmp_path, first, second)
    told = str(caught.value).splitlines()
    assert told[0] == f"{first}:7: text: is missing"
    assert told[1].startswith(f"{first}:8: topics: is missing")
    assert told[2:] == [f"{second}:{line}: its id is taken by {first}:3; ids must be unique" for line in (1, 3)]


def test_of_very_many_faults_the_first_are_told_and_all_are_counted(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.jsonl", [{"id": str(number)} for number in range(1500)])
    with pytest.raises(FaultyData, match=r"and 2980 more; `slugline check` lists all") as caught:
        surveyed(tmp_path, path)
    assert len(caught.value.faults) == 1000


def test_unlabelled_articles_are_left_out_when_told(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.jsonl", [{"id": "a", "text": "A"}])
    with pytest.raises(DataNotFound, match="but 1 that nobody has labelled"):
        surveyed(tmp_path, path, reading=Reading(unlabelled="skip"))
    both = write_rows(tmp_path / "b.jsonl", [{"id": "a", "text": "A"}, *labelled_rows(3)])
    assert surveyed(tmp_path, both, reading=Reading(unlabelled="skip")).left_out == 1
