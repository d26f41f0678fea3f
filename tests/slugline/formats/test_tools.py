"""Files as the tools themselves write them, and what is wrong in them."""

import json
from pathlib import Path

import pytest

from slugline.corpus import examine
from slugline.errors import DataNotFound, InputError, LossyConversion, UnknownFormat
from slugline.formats.conversion import convert
from slugline.formats.reading import PLAIN, Reading
from slugline.formats.records import Fields
from tests.slugline.formats.rows import PLAIN_ROWS, fields_in, write_jsonl

DOCCANO = """\
{"id": 7, "text": "Troops shelled two villages.", "label": ["war"], "Comments": []}
{"id": 8, "text": "Envoys met.", "label": ["diplomacy", "war"], "desk": "world", "Comments": ["sure?"]}
{"id": 9, "text": "The harvest was good.", "label": [], "Comments": []}
"""
DOCCANO_OLD = """\
{"id": 1, "text": "Troops moved.", "meta": {}, "annotation_approver": "ann", "labels": ["war"]}
{"id": 2, "text": "Harvest.", "meta": {}, "annotation_approver": "ann", "labels": []}
{"id": 3, "text": "Talks.", "meta": {}, "annotation_approver": null, "labels": []}
"""
DOCCANO_INTENTS = '{"id": 4, "data": "Talks.", "cats": ["diplomacy"], "entities": []}\n'
PRODIGY_CHOICE = """\
{"text":"Troops moved.","_input_hash":-15,"_task_hash":20,\
"options":[{"id":"war","text":"War"},{"id":"peace","text":"Peace"}],\
"_view_id":"choice","accept":["war"],"config":{"choice_style":"multiple"},"answer":"accept","_timestamp":1700000000}
{"text":"Harvest.","_input_hash":1,"_task_hash":2,"options":[{"id":"war","text":"War"}],"accept":[],"answer":"accept"}
{"text":"Unclear.","_input_hash":3,"_task_hash":4,"options":[{"id":"war","text":"War"}],"accept":[],"answer":"ignore"}
"""
PRODIGY_BINARY = """\
{"text":"Troops moved.","label":"war","answer":"accept","_input_hash":1,"_task_hash":2,"meta":{"score":0.5}}
{"text":"Harvest.","label":"war","answer":"reject","_input_hash":3,"_task_hash":4}
"""
LABEL_STUDIO = [
    {
        "id": 11,
        "data": {"text": "Troops moved.", "headline": "Border"},
        "annotations": [
            {
                "id": 5,
                "completed_by": 1,
                "was_cancelled": False,
                "ground_truth": False,
                "lead_time": 4.2,
                "result": [
                    {
                        "id": "Dx",
                        "from_name": "topic",
                        "to_name": "text",
                        "type": "choices",
                        "value": {"choices": ["war", "diplomacy"]},
                    }
                ],
            }
        ],
        "predictions": [],
        "project": 83,
    },
    {"id": 12, "data": {"text": "Harvest."}, "annotations": [{"id": 6, "was_cancelled": False, "result": []}]},
    {"id": 13, "data": {"text": "Unclear."}, "annotations": [{"id": 7, "was_cancelled": True, "result": []}]},
    {"id": 14, "data": {"text": "Unread."}, "annotations": []},
]
SPACY_2 = [
    {
        "id": 0,
        "paragraphs": [
            {
                "raw": "Troops moved.",
                "sentences": [],
                "cats": [{"label": "war", "value": 1}, {"label": "x", "value": 0}],
            }
        ],
    }
]
FASTTEXT = (
    "__label__war __label__diplomacy Envoys met.\n__label__act%20of%20terror A blast.\n__label__ Harvest.\nUnread.\n"
)


def topics_of(path: Path, reading: Reading = PLAIN) -> list[object]:
    return [fields.get("topics") for fields in fields_in(path, reading)]


def written(tmp_path: Path, name: str, content: object) -> Path:
    path = tmp_path / name
    path.write_text(content if isinstance(content, str) else json.dumps(content, indent=2), encoding="utf-8")
    return path


@pytest.mark.parametrize(
    ("name", "content", "recognised", "topics"),
    [
        ("a.jsonl", DOCCANO, "doccano", [["war"], ["diplomacy", "war"], None]),
        ("a.jsonl", DOCCANO_OLD, "doccano", [["war"], [], None]),
        ("a.jsonl", DOCCANO_INTENTS, "doccano", [["diplomacy"]]),
        ("a.jsonl", PRODIGY_CHOICE, "prodigy", [["war"], [], None]),
        ("a.jsonl", PRODIGY_BINARY, "prodigy", [["war"], None]),
        ("a.json", LABEL_STUDIO, "label-studio", [["war", "diplomacy"], [], None, None]),
        ("a.json", SPACY_2, "spacy-json", [["war"]]),
        ("a.json", [["Troops moved.", {"cats": {"war": 1.0, "x": 0.0}}]], "spacy-json", [["war"]]),
        ("a.jsonl", '{"text": "Harvest.", "cats": {"war": 0}}\n{"text": "Unread."}\n', "spacy-json", [[], None]),
        ("a.txt", FASTTEXT, "fasttext", [["war", "diplomacy"], ["act of terror"], [], None]),
        (
            "a.csv",
            "Headline;Body;Category\nBorder;Troops moved.;war|x\n;Harvest.;[]\n;Unread.;\n",
            "csv",
            [["war", "x"], [], None],
        ),
        ("a.tsv", "id\ttext\tlabels\n7\tTroops moved.\twar\n", "tsv", [["war"]]),
        ("a.jsonl", '{"id": "a", "body": "Troops moved.", "label": "war"}\n', "jsonl", [["war"]]),
    ],
)
def test_what_tools_write_is_recognised_and_read(
    tmp_path: Path, name: str, content: object, recognised: str, topics: list[object]
) -> None:
    path = written(tmp_path, name, content)
    assert PLAIN.format_of(path).name == recognised
    assert topics_of(path) == topics
    ids = [fields["id"] for fields in fields_in(path)]
    assert len(set(ids)) == len(ids)


@pytest.mark.parametrize(
    ("name", "content"),
    [("doccano", DOCCANO), ("doccano", DOCCANO_OLD), ("prodigy", PRODIGY_CHOICE), ("label-studio", LABEL_STUDIO)],
)
def test_what_a_tool_wrote_goes_back_to_it_through_our_own_format(tmp_path: Path, name: str, content: object) -> None:
    theirs = written(tmp_path, "theirs.json", content)
    ours, back = tmp_path / "ours.jsonl", tmp_path / "back.json"
    convert(theirs, ours, PLAIN)
    convert(ours, back, Reading("jsonl"), to=name)
    assert fields_in(back, Reading(name)) == fields_in(theirs)


def test_rows_for_doccano_have_the_same_columns_whatever_the_articles_have(tmp_path: Path) -> None:
    """As written by doccano 1.8.4 after it was given these rows; with columns here and not there it takes none."""
    rows: list[Fields] = [{"id": "a1", "title": "T", "text": "x", "topics": ["war"]}, {"id": "a2", "text": "y"}]
    convert(write_jsonl(tmp_path / "in.jsonl", rows), tmp_path / "out.jsonl", PLAIN, to="doccano")
    assert [json.loads(line) for line in (tmp_path / "out.jsonl").read_text().splitlines()] == [
        {"id": "a1", "text": "x", "label": ["war"], "meta": {"title": "T"}},
        {"id": "a2", "text": "y", "label": [], "meta": {}},
    ]
    exported = '{"id":"a1","text":"x","meta":{"title":"T"},"label":["war"],"Comments":[]}\n'
    assert fields_in(written(tmp_path, "back.jsonl", exported)) == [rows[0] | {"Comments": []}]


def test_label_studio_keeps_whatever_a_task_has(tmp_path: Path) -> None:
    theirs = written(tmp_path, "theirs.json", LABEL_STUDIO)
    convert(theirs, tmp_path / "ours.jsonl", PLAIN)
    convert(tmp_path / "ours.jsonl", tmp_path / "back.json", PLAIN, to="label-studio")
    first = json.loads((tmp_path / "back.json").read_text())[0]
    assert first["annotations"] == LABEL_STUDIO[0]["annotations"]
    assert first["data"]["id"] == "11"


@pytest.mark.parametrize(
    ("name", "content", "faults"),
    [
        ("a.jsonl", DOCCANO, ["3: topics: is missing"]),
        ("a.jsonl", PRODIGY_CHOICE, ["3: topics: is missing: its answer is ignore"]),
        ("a.jsonl", PRODIGY_BINARY, ["2: topics: is missing: its answer is reject"]),
        ("a.json", LABEL_STUDIO, ["3: topics: is missing: every annotation", "4: topics: is missing: it has no annot"]),
        ("a.txt", FASTTEXT, ["4: topics: is missing"]),
        (
            "a.jsonl",
            DOCCANO + '{"id": 5, "text": "x", "label": [[0, 4, "PER"]]}\n',
            ["3: topics", "4: label: has spans"],
        ),
        ("a.jsonl", PRODIGY_BINARY + '{"text": "x", "answer": "maybe"}\n', ["2: topics", "3: answer: must be accept"]),
        ("a.jsonl", '{"text": "x", "cats": {"a": 1}}\n{"text": "y", "cats": {"a": 0.4}}\n', ["2: cats: 'a' is 0.4"]),
        ("a.csv", "id,text,topics\n1,x,[]\n2,y\n3,z,[]\n", ["3: has 2 cells, and the header has 3"]),
        ("a.csv", 'id,text,topics\n1,"x\nx",[]\n2,y,"[""a"\n', ["4: topics: must be a list"]),
        ("a.csv", 'id,text,topics\n1,x,[]\n2,"y,[]\n', ["3: is no row of a table"]),
        ("a.csv", "id,text,topics,x:json\n1,x,[],{\n", ["2: x: is not JSON"]),
        ("a.csv", "id,prose\n1,x\n", ["1: has no column of texts, but id, prose"]),
        ("a.csv", "id,text,text\n1,x,y\n", ["1: has the column 'text' twice"]),
        ("a.json", [LABEL_STUDIO[1], {"id": 1}], ["2: data: is missing"]),
        ("a.jsonl", '{"body": "x", "id": "a", "label": "w"}\n{"body": "x", "id": "b", "topics": 3}\n', ["2: topics"]),
    ],
)
def test_every_fault_has_its_path_and_row(tmp_path: Path, name: str, content: object, faults: list[str]) -> None:
    path = written(tmp_path, name, content)
    found = [str(fault) for fault in examine([path]).faults]
    assert len(found) == len(faults), found
    for told, expected in zip(found, faults, strict=True):
        assert told.startswith(f"{path}:{expected}")


def test_bytes_that_are_not_utf8_are_a_fault_of_their_row_alone(tmp_path: Path) -> None:
    for name, head in (("a.csv", b"id,text,topics\n"), ("a.ft", b"")):
        path = tmp_path / name
        good = b"1,Troops,[]\n" if head else b"__label__ Troops\n"
        path.write_bytes(head + good + good.replace(b"Troops", b"caf\xe9").replace(b"1", b"2"))
        examined = examine([path])
        assert len(examined.documents) == 1
        (fault,) = examined.faults
        assert "is not UTF-8" in fault.problem
        assert fault.line == len(head and b"x") + 2


def test_annotators_who_disagree_are_a_fault(tmp_path: Path) -> None:
    task = json.loads(json.dumps(LABEL_STUDIO[0]))
    other = json.loads(json.dumps(task["annotations"][0]))
    other["result"][0]["value"]["choices"] = ["war"]
    task["annotations"].append(other)
    path = written(tmp_path, "a.json", [task])
    assert "2 disagree" in examine([path]).faults[0].problem
    other["ground_truth"] = True
    written(tmp_path, "a.json", [task])
    assert topics_of(path) == [["war"]]


def test_unlabelled_articles_are_faults_or_left_out_or_negatives_as_asked(tmp_path: Path) -> None:
    path = written(tmp_path, "a.jsonl", DOCCANO)
    assert len(examine([path]).faults) == 1
    skipped = examine([path], reading=Reading(unlabelled="skip"))
    assert (len(skipped.documents), skipped.faults, skipped.left_out) == (2, [], 1)
    negatives = examine([path], reading=Reading(unlabelled="none"))
    assert [document.topics for document in negatives.documents] == [("war",), ("diplomacy", "war"), ()]
    # What an annotator rejected or ignored is nobody's word that no topic applies.
    rejected = written(tmp_path, "b.jsonl", PRODIGY_BINARY)
    assert len(examine([rejected], reading=Reading(unlabelled="none")).faults) == 1


def test_columns_by_option_and_what_they_displace(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "nr,prose,text,desk\n7,Troops moved.,short,war\n")
    fields: list[Fields] = fields_in(path, Reading(columns={"id": "nr", "text": "prose", "topics": "desk"}))
    assert fields == [{"id": "7", "text": "Troops moved.", "prose": "short", "topics": ["war"]}]
    (fault,) = examine([path], reading=Reading(columns={"text": "absent"})).faults
    assert "has no column 'absent'" in fault.problem


def test_folders_hold_the_files_of_one_format(tmp_path: Path) -> None:
    write_jsonl(tmp_path / "in.jsonl", PLAIN_ROWS[:3])
    (tmp_path / "tables").mkdir()
    for name in ("a.csv", "b.csv.gz"):
        convert(tmp_path / "in.jsonl", tmp_path / "tables" / name, PLAIN)
    assert [path.name for path in PLAIN.files([tmp_path / "tables"])] == ["a.csv", "b.csv.gz"]
    # As ever, a folder with JSONL stands for that.
    assert PLAIN.files([tmp_path]) == [tmp_path / "in.jsonl"]
    assert len(Reading("csv").files([tmp_path])) == 2
    (tmp_path / "tables" / "c.parquet").touch()
    with pytest.raises(UnknownFormat, match="holds files of csv, parquet"):
        PLAIN.files([tmp_path / "tables"])


def test_what_cannot_be_told_or_read_is_said(tmp_path: Path) -> None:
    with pytest.raises(UnknownFormat, match="--format"):
        PLAIN.format_of(written(tmp_path, "notes.txt", "just words\n"))
    with pytest.raises(UnknownFormat, match="--to"):
        convert(write_jsonl(tmp_path / "a.jsonl", PLAIN_ROWS), tmp_path / "b.txt", PLAIN)
    for name in ("a.parquet", "a.arrow", "a.arrows"):
        (tmp_path / name).write_bytes(b"nothing of the kind")
        with pytest.raises(InputError, match="cannot be read as"):
            fields_in(tmp_path / name)
    cut = written(tmp_path, "cut.json", json.dumps(LABEL_STUDIO)[:-40])
    with pytest.raises(InputError, match="no whole JSON array"):
        fields_in(cut)
    with pytest.raises(DataNotFound, match="no articles"):
        convert(written(tmp_path, "empty.jsonl", ""), tmp_path / "b.csv", PLAIN)


def test_nothing_is_lost_unsaid(tmp_path: Path) -> None:
    source, there = write_jsonl(tmp_path / "a.jsonl", PLAIN_ROWS), tmp_path / "a.ft"
    with pytest.raises(LossyConversion) as caught:
        convert(source, there, PLAIN)
    assert caught.value.lost["id"] == 4
    assert caught.value.lost["title"] == 1
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]
    assert convert(source, there, PLAIN, lossy=True).lost == caught.value.lost
    assert there.read_text().splitlines() == [
        "__label__military_action Border tense. Troops shelled two villages.",
        "__label__diplomacy __label__military_action Envoys met. Talks go on.",
        "__label__ The harvest was good.",
        "Nobody has read this.",
    ]
    with pytest.raises(InputError, match="--force"):
        convert(source, there, PLAIN, lossy=True)
