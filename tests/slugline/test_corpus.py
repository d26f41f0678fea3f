import json
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from slugline.corpus import examine, read_corpus, rows_of, topics_file_beside
from slugline.errors import DataNotFound, FaultyData, InputError
from slugline.formats.reading import PLAIN
from tests.corpora import write_rows

GOOD = {"id": "a", "text": "Troops moved.", "topics": ["war"]}


def problems(path: Path, known: list[str] | None = None) -> list[str]:
    return [str(fault) for fault in examine([path], known)[1]]


def test_rows_become_documents_with_topics(tmp_path: Path) -> None:
    path = write_rows(
        tmp_path / "a.jsonl", [GOOD | {"title": "T", "region": "x"}, {"id": "b", "text": "b", "topics": []}]
    )
    corpus = read_corpus([path])
    assert corpus.contents() == ["T. Troops moved.", "b"]
    assert corpus.labels() == [("war",), ()]
    assert [labelled.line for labelled in corpus.documents] == [1, 2]


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("{", "is not JSON"),
        ("[1]", "must be a JSON object"),
        ('{"text": "x", "topics": []}', "id: is missing"),
        ('{"id": 7, "text": "x", "topics": []}', "id: must be a string, not 7"),
        ('{"id": "a", "topics": []}', "text: is missing"),
        ('{"id": "a", "text": " ", "topics": []}', "text: is blank"),
        ('{"id": "a", "text": "x", "title": [], "topics": []}', "title: must be a string"),
        ('{"id": "a", "text": "x"}', "topics: is missing"),
        ('{"id": "a", "text": "x", "topics": "war"}', "topics: must be a list"),
        ('{"id": "a", "text": "x", "topics": ["peace"]}', "'peace' is not a topic; known are war"),
        ('{"id": "a", "text": "x", "topics": ["war", "war"]}', "'war' stands there twice"),
        ('{"id": "", "text": "x", "topics": []}', "id: is missing"),
        ('{"id": "a", "text": "\\ud800", "topics": []}', "JSON"),
    ],
)
def test_every_fault_has_its_path_and_line(tmp_path: Path, line: str, problem: str) -> None:
    path = tmp_path / "a.jsonl"
    path.write_text(json.dumps(GOOD | {"id": "first"}) + "\n\n" + line + "\n")
    found = problems(path, ["war"])
    assert len(found) == 1
    assert found[0].startswith(f"{path}:3: ")
    assert problem in found[0]


def test_one_line_can_have_several_faults(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.jsonl", [{"id": "a", "topics": ["peace"]}])
    assert len(problems(path, ["war"])) == 2


def test_an_id_taken_in_another_file_is_a_fault(tmp_path: Path) -> None:
    write_rows(tmp_path / "a.jsonl", [GOOD])
    second = write_rows(tmp_path / "b.jsonl", [GOOD])
    assert problems(tmp_path) == [f"{second}:1: id 'a' is taken by {tmp_path / 'a.jsonl'}:1; ids must be unique"]


def test_bytes_that_are_not_utf8_are_a_fault_of_their_line(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(json.dumps(GOOD).encode() + b'\n{"id": "b", "text": "caf\xe9", "topics": []}\n')
    (fault,) = problems(path)
    assert fault.startswith(f"{path}:2: is not JSON")


def test_a_byte_order_mark_does_no_harm(tmp_path: Path) -> None:
    path = tmp_path / "a.jsonl"
    path.write_bytes(b"\xef\xbb\xbf" + json.dumps(GOOD).encode())
    assert len(read_corpus([path])) == 1


def test_reading_a_faulty_corpus_names_all_faults_and_gives_nothing(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.jsonl", [GOOD, 1, 2])
    with pytest.raises(FaultyData) as caught:
        read_corpus([path])
    assert [fault.line for fault in caught.value.faults] == [2, 3]


def test_nothing_to_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(DataNotFound, match="no such file"):
        PLAIN.files([tmp_path / "absent"])
    with pytest.raises(DataNotFound, match=r"holds no \.jsonl"):
        PLAIN.files([tmp_path])
    with pytest.raises(DataNotFound, match="no articles"):
        read_corpus([write_rows(tmp_path / "empty.jsonl", [])])


def test_the_digest_follows_what_can_be_learned(tmp_path: Path) -> None:
    def digest(name: str, row: Mapping[str, object]) -> str:
        return read_corpus([write_rows(tmp_path / name, [row])]).digest

    same = digest("a.jsonl", GOOD)
    assert digest("b.jsonl", GOOD | {"region": "elsewhere"}) == same
    assert digest("c.jsonl", GOOD | {"topics": []}) != same
    assert digest("d.jsonl", GOOD | {"title": "T"}) != same


def test_topics_file_beside_data(tmp_path: Path) -> None:
    path = write_rows(tmp_path / "a.jsonl", [GOOD])
    assert topics_file_beside([path]) is None
    (tmp_path / "topics.toml").touch()
    assert topics_file_beside([path]) == topics_file_beside([tmp_path]) == tmp_path / "topics.toml"


def test_unlabelled_rows_keep_their_ids_and_tell_their_problem(tmp_path: Path) -> None:
    path = write_rows(
        tmp_path / "a.jsonl", [GOOD, {"id": "b", "text": ""}, {"text": "x"}, "x", {"id": "c", "text": "y" * 99}]
    )
    rows = list(rows_of(PLAIN.records(path), max_text_chars=50))
    assert [row.id for row in rows] == ["a", "b", None, None, "c"]
    assert [row.problem.split(":")[0] for row in rows] == [
        "",
        "text",
        "id",
        "must be a JSON object with id, text and topics",
        "text",
    ]
    assert [row.document is None for row in rows] == [False, True, True, True, True]


JSON = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(["id", "text", "title", "topics", "x"]), inner),
    max_leaves=8,
)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(lines=st.lists(st.binary(max_size=40) | JSON.map(lambda value: json.dumps(value).encode()), max_size=5))
def test_no_file_at_all_breaks_the_readers(tmp_path: Path, lines: list[bytes]) -> None:
    path = tmp_path / "any.jsonl"
    path.write_bytes(b"\n".join(lines))
    try:
        documents, faults, _ = examine([path])
    except InputError as error:
        # What begins like compressed data and is none is refused whole.
        assert str(error).startswith(f"{path}: ")
        return
    rows = list(rows_of(PLAIN.records(path), max_text_chars=100))
    assert len(rows) == len({labelled.line for labelled in documents} | {fault.line for fault in faults})
    assert all((row.document is None) == bool(row.problem) for row in rows)
