"""Parquet, Arrow and datasets as other programs write them."""

import datetime
import json
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slugline.corpus import examine
from slugline.formats.conversion import convert
from slugline.formats.reading import PLAIN, Reading
from tests.slugline.formats.rows import PLAIN_ROWS, fields_in, write_jsonl

LABELS = {"label": {"names": ["none", "war"], "_type": "ClassLabel"}, "text": {"dtype": "string", "_type": "Value"}}


def dataset(folder: Path, table: pa.Table, features: dict[str, object]) -> Path:
    """A folder as `save_to_disk` writes it, in two files."""
    folder.mkdir(parents=True)
    names = ["data-00000-of-00002.arrow", "data-00001-of-00002.arrow"]
    for name, part in zip(names, (table.slice(0, 1), table.slice(1)), strict=True):
        with pa.ipc.new_stream(str(folder / name), table.schema) as writer:
            writer.write_table(part)
    state = {"_data_files": [{"filename": name} for name in names], "_fingerprint": "0", "_split": "train"}
    (folder / "state.json").write_text(json.dumps(state))
    (folder / "dataset_info.json").write_text(json.dumps({"features": features}))
    return folder


def test_a_dataset_of_hugging_face_names_its_labels(tmp_path: Path) -> None:
    table = pa.table({"text": ["Harvest.", "Troops.", "Unread.", "Odd."], "label": pa.array([0, 1, -1, 7])})
    folder = dataset(tmp_path / "one", table, LABELS)
    assert PLAIN.format_of(folder).name == "hugging-face"
    documents, faults, _ = examine([folder])
    assert [document.topics for document in documents] == [("none",), ("war",)]
    assert [str(fault).removeprefix(str(folder)) for fault in faults] == [
        ":3: topics: is missing; [] says that an article has none. --unlabelled skip leaves such articles out, "
        "--unlabelled none takes them as []",
        ":4: topics: 7 is the number of no label; there are 2, from 0 on",
    ]


def test_splits_are_read_together_and_told_apart(tmp_path: Path) -> None:
    table = pa.table({"text": ["Harvest.", "Troops."], "label": pa.array([[], [1]], pa.list_(pa.int64()))})
    features = LABELS | {"label": {"feature": LABELS["label"], "_type": "Sequence"}}
    for split in ("train", "test"):
        dataset(tmp_path / "both" / split, table, features)
    (tmp_path / "both" / "dataset_dict.json").write_text('{"splits": ["train", "test"]}')
    found = fields_in(tmp_path / "both")
    assert [fields["topics"] for fields in found] == [[], ["war"]] * 2
    assert [fields["split"] for fields in found] == ["train", "train", "test", "test"]
    assert convert(tmp_path / "both", tmp_path / "all.parquet", PLAIN).rows == 4
    assert fields_in(tmp_path / "all.parquet") == found


def test_types_of_parquet_come_as_json_has_them(tmp_path: Path) -> None:
    day = datetime.date(2004, 5, 1)
    table = pa.table(
        {
            "id": pa.array([7, 8]),
            "body": ["Troops.", "Talks."],
            "labels": pa.array(["war", None]).dictionary_encode(),
            "date": pa.array([day, None]),
            "seen": pa.array([1_000_000_001, None], pa.timestamp("ns", "UTC")),
            "score": [0.5, float("nan")],
            "nested": [{"a": [1]}, None],
        }
    )
    pq.write_table(table, tmp_path / "a.parquet")
    first, second = fields_in(tmp_path / "a.parquet")
    assert first.pop("seen").startswith("1970-01-01 00:00:01.000000001")
    assert first == {
        "id": "7",
        "text": "Troops.",
        "topics": ["war"],
        "published": "2004-05-01",
        "score": 0.5,
        "nested": {"a": [1]},
    }
    assert second == {"id": "8", "text": "Talks."}


def test_columns_have_types(tmp_path: Path) -> None:
    source = write_jsonl(tmp_path / "a.jsonl", PLAIN_ROWS)
    convert(source, tmp_path / "a.parquet", PLAIN)
    schema = pq.read_schema(tmp_path / "a.parquet")
    assert schema.field("topics").type == pa.list_(pa.string())
    assert schema.field("score").type == pa.float64()
    assert pq.read_table(tmp_path / "a.parquet")["topics"].to_pylist() == [row.get("topics") for row in PLAIN_ROWS]


@pytest.mark.parametrize("suffix", [".parquet", ".arrow", ".arrows"])
def test_a_table_that_is_cut_short_is_said_to_be(tmp_path: Path, suffix: str) -> None:
    rows = [{"id": f"a{n}", "text": f"Troops {n}."} for n in range(20_000)]
    whole = tmp_path / f"a{suffix}"
    convert(write_jsonl(tmp_path / "a.jsonl", rows), whole, PLAIN)
    whole.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    with pytest.raises(Exception, match=f"{whole}: cannot be read"):
        fields_in(whole, Reading())


def test_spacy_reads_and_writes_its_own_files(tmp_path: Path) -> None:
    pytest.importorskip("spacy", reason="spaCy is not installed")
    source = write_jsonl(tmp_path / "a.jsonl", PLAIN_ROWS)
    convert(source, tmp_path / "a.spacy", PLAIN)
    assert fields_in(tmp_path / "a.spacy") == PLAIN_ROWS


@pytest.mark.parametrize(
    ("library", "path", "told"),
    [
        ("pyarrow", "a.parquet", "pip install 'slugline[formats]'"),
        ("zstandard", "a.jsonl.zst", "pip install 'slugline[formats]'"),
        ("spacy", "a.spacy", "pip install 'spacy'"),
    ],
)
def test_a_library_that_is_not_there_is_named(tmp_path: Path, library: str, path: str, told: str) -> None:
    source = write_jsonl(tmp_path / "a.jsonl", PLAIN_ROWS)
    program = f"import sys; sys.modules[{library!r}] = None; from slugline.cli.main import main; main()"
    done = subprocess.run(
        [sys.executable, "-c", program, "convert", str(source), str(tmp_path / path)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 2
    assert told in done.stderr
    assert "Traceback" not in done.stderr
    assert [path.name for path in tmp_path.iterdir()] == ["a.jsonl"]
