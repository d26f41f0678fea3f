"""`slugline convert`, and the other commands on other formats."""

import json
from pathlib import Path

from tests.conftest import Slugline
from tests.corpora import labelled_rows, write_rows
from tests.slugline.formats.rows import PLAIN_ROWS, fields_in, write_jsonl


def test_converting_says_what_was_done(slugline: Slugline, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", PLAIN_ROWS)
    done = slugline("convert", "a.jsonl", "a.csv.gz")
    assert done.returncode == 0, done.stderr
    assert "4 articles from jsonl to a.csv.gz, as csv." in done.stderr
    answer = json.loads(slugline("convert", "a.csv.gz", "b.json", "--to", "label-studio", "--json").stdout)
    assert answer == {"documents": 4, "from": ["csv"], "to": "label-studio", "lost": {}}
    assert fields_in(tmp_path / "b.json") == PLAIN_ROWS


def test_what_would_be_lost_and_what_is_faulty_is_said(slugline: Slugline, tmp_path: Path) -> None:
    write_jsonl(tmp_path / "a.jsonl", PLAIN_ROWS)
    refused = slugline("convert", "a.jsonl", "a.ft")
    assert refused.returncode == 2
    assert "a.ft: fasttext has no place for id (of 4 articles); title (of 1 articles)" in refused.stderr
    lossy = slugline("convert", "a.jsonl", "a.ft", "--lossy")
    assert lossy.returncode == 0
    assert "Left out: id, of 4 articles." in lossy.stderr
    (tmp_path / "bad.csv").write_text("id,text\n1,x\n2\n3, \n")
    faulty = slugline("convert", "bad.csv", "bad.jsonl")
    assert faulty.returncode == 2
    assert "bad.csv:3: has 1 cells" in faulty.stderr
    assert "bad.csv:4: text: is blank" in faulty.stderr
    assert not (tmp_path / "bad.jsonl").exists()


def test_a_csv_trains_and_measures_as_its_jsonl_does(slugline: Slugline, tmp_path: Path) -> None:
    rows = [{"nr" if name == "id" else name: value for name, value in row.items()} for row in labelled_rows()]
    write_rows(tmp_path / "a.jsonl", [row | {"id": row["nr"]} for row in rows])
    slugline("convert", "a.jsonl", "a.csv")
    with (tmp_path / "a.csv").open("a") as file:
        file.write("a-unread,Nobody has read this.,,a-unread\r\n")
    refused = slugline("train", "--data", "a.csv")
    assert refused.returncode == 2
    assert "a.csv:242: topics: is missing" in refused.stderr
    trained = slugline("train", "--data", "a.csv", "--column", "id=nr", "--unlabelled", "skip", "--json")
    assert trained.returncode == 0, trained.stderr
    answer = json.loads(trained.stdout)
    assert (answer["documents"], answer["left_out"]) == (240, 1)
    measured = slugline("evaluate", "--data", "a.csv", "--unlabelled", "skip", "--json")
    assert json.loads(measured.stdout)["documents"] == 240
    checked = json.loads(slugline("check", "a.csv", "--no-labels", "--json").stdout)
    assert [fault["line"] for fault in checked["faults"]] == [242]


def test_a_column_must_be_of_a_field(slugline: Slugline) -> None:
    done = slugline("check", "x.csv", "--column", "body")
    assert done.returncode == 2
    assert "FIELD=NAME" in done.stderr


def test_codes_of_topics_come_with_the_answer(slugline: Slugline, corpus_file: Path, tmp_path: Path) -> None:
    topics = tmp_path / "topics.toml"
    topics.write_text(
        '[[topic]]\nname = "diplomacy"\ncode = "medtop:20000638"\n[[topic]]\nname = "military_action"\n'
        '[[topic]]\nname = "terrorism"\ncode = "medtop:20000053"\n'
    )
    assert slugline("train", "--data", corpus_file, "--topics", topics).returncode == 0
    answer = json.loads(slugline("classify", "--json", "envoy talks summit treaty troops shelled artillery").stdout)
    assert answer["topics"] == ["diplomacy", "military_action"]
    assert answer["codes"] == ["medtop:20000638"]
