"""Parquet through `slugline classify`, and runs over it that are killed for real."""

import json
import shutil
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slugline.model import Model
from tests.conftest import Server, wait_until
from tests.corpora import labelled_rows, write_rows

ROWS = 7_000


def classify(source: Path, output: Path, models: Path | str, *options: str) -> list[str]:
    command = [sys.executable, "-m", "slugline", "classify", "--model", str(models), "--input", str(source)]
    return [*command, "--output", str(output), *options]


def run(arguments: list[str]) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(arguments, capture_output=True, text=True, check=False)


def table_of(rows: list[dict[str, Any]]) -> pa.Table:
    """A table with columns of several types that have nothing to do with classifying."""
    return pa.table(
        {
            "nr": pa.array(range(len(rows)), pa.int32()),
            "id": [row["id"] for row in rows],
            "body": [row["text"] for row in rows],
            "seen": pa.array(range(len(rows)), pa.timestamp("us")),
            "tags": [[str(row["id"])] for row in rows],
            "notes": [f"{n:01500}" for n in range(len(rows))],
        }
    )


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Large enough for all cores; some rows are bad."""
    rows: list[dict[str, Any]] = [row | {"text": f"{row['text']} {n}" * 3} for n, row in enumerate(labelled_rows(ROWS))]
    rows[1000]["text"] = " "
    rows[2000]["text"] = None
    path = tmp_path_factory.mktemp("archive") / "in.parquet"
    pq.write_table(table_of(rows), path, compression="none", row_group_size=2_500, use_dictionary=False)
    assert path.stat().st_size > 9_000_000
    return path


@pytest.fixture(scope="module")
def whole(archive: Path, models: Path, tmp_path_factory: pytest.TempPathFactory) -> pa.Table:
    output = tmp_path_factory.mktemp("whole") / "out.parquet"
    done = run(classify(archive, output, models))
    assert done.returncode == 2, done.stderr
    assert f"{ROWS} articles to {output}, 2 of them with an error" in done.stderr
    assert [path.name for path in output.parent.iterdir()] == ["out.parquet"]
    return pq.read_table(output)


def test_all_columns_are_kept_and_results_added(archive: Path, whole: pa.Table, model: Model) -> None:
    before = pq.read_table(archive)
    assert whole.select(before.column_names).equals(before)
    added = whole.column_names[len(before.column_names) :]
    assert added == ["topics", *(f"score_{topic}" for topic in model.topics), "model_version", "error"]
    texts = before["body"].slice(0, 500).to_pylist()
    scores = model.scores(texts)
    for column, topic in enumerate(model.topics):
        assert whole[f"score_{topic}"].slice(0, 500).to_pylist() == scores[:, column].tolist()
    assert whole["topics"].slice(0, 500).to_pylist() == [list(model.assigned(row)) for row in scores]
    assert set(whole["model_version"].to_pylist()) == {model.version}


def test_rows_that_cannot_be_classified_say_why(whole: pa.Table) -> None:
    errors = {n: error for n, error in enumerate(whole["error"].to_pylist()) if error}
    assert errors == {1000: "text: is blank; send the text of the article", 2000: "text: is missing"}
    assert whole["topics"][1000].as_py() is None
    assert whole["score_terrorism"][2000].as_py() is None


def test_the_file_says_which_model_and_topics(whole: pa.Table, model: Model) -> None:
    about = json.loads(whole.schema.metadata[b"slugline"])
    assert about["model"].startswith(model.version)
    assert [topic["name"] for topic in about["topics"]] == list(model.topics)
    assert [topic["threshold"] for topic in about["topics"]] == model.thresholds.tolist()


def done_so_far(work: Path) -> int:
    progress = work / "progress.json"
    return int(json.loads(progress.read_text())["done"]) if progress.exists() else 0


def test_after_a_kill_resume_goes_on_without_losing_or_repeating_a_row(
    archive: Path, models: Path, whole: pa.Table, tmp_path: Path
) -> None:
    output = tmp_path / "out.parquet"
    arguments = classify(archive, output, models)
    # Held back by a slower scorer, it is killed in the middle.
    slow = [*arguments, "--scorer", "sklearn"]
    with subprocess.Popen(slow, stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: done_so_far(tmp_path / ".out.parquet.partial") > 0 or process.poll() is not None)
        process.send_signal(signal.SIGKILL)
    assert not output.exists()
    refused = run([*arguments, "--resume"])
    assert refused.returncode == 2
    assert "its settings changed" in refused.stderr
    done = run([*slow, "--resume"])
    assert done.returncode == 2, done.stderr
    assert 0 < int(done.stderr.split("Going on after ")[1].split()[0]) < ROWS
    again = pq.read_table(output)
    assert again["nr"].to_pylist() == list(range(ROWS))
    assert again["topics"].equals(whole["topics"])
    assert pq.ParquetFile(output).num_row_groups > 1
    assert [path.name for path in tmp_path.iterdir()] == ["out.parquet"]


def test_a_folder_becomes_a_folder_of_the_same_shape(models: Path, tmp_path: Path) -> None:
    rows = labelled_rows(50)
    source = tmp_path / "in"
    for name, part in (("year=2003/a.parquet", rows[:20]), ("year=2004/b.parquet", rows[20:])):
        (source / name).parent.mkdir(parents=True)
        pq.write_table(table_of(part), source / name)
    done = run(classify(source, tmp_path / "out", models))
    assert done.returncode == 0, done.stderr
    found = sorted(path.relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*.parquet"))
    assert found == [Path("year=2003/a.parquet"), Path("year=2004/b.parquet")]
    assert pq.ParquetFile(tmp_path / "out" / found[1]).metadata.num_rows == 30
    again = run(classify(source, tmp_path / "out", models))
    assert again.returncode == 2
    assert "exists; remove it" in again.stderr
    lines = run(classify(source, tmp_path / "out.jsonl", models))
    assert lines.returncode == 0, lines.stderr
    assert [json.loads(line)["id"] for line in (tmp_path / "out.jsonl").read_text().splitlines()] == [
        row["id"] for row in rows
    ]


def test_an_empty_table_gives_an_empty_table(models: Path, tmp_path: Path) -> None:
    pq.write_table(table_of(labelled_rows(1)).slice(0, 0), tmp_path / "in.parquet")
    assert run(classify(tmp_path / "in.parquet", tmp_path / "out.parquet", models)).returncode == 0
    assert pq.read_table(tmp_path / "out.parquet").num_rows == 0


def test_columns_that_are_there_already_are_not_written_over(models: Path, tmp_path: Path) -> None:
    table = table_of(labelled_rows(3)).append_column("topics", pa.array([["x"]] * 3))
    pq.write_table(table, tmp_path / "in.parquet")
    arguments = classify(tmp_path / "in.parquet", tmp_path / "out.parquet", models)
    refused = run(arguments)
    assert refused.returncode == 2
    assert "has a column 'topics' already" in refused.stderr
    assert run([*arguments, "--prefix", "found_"]).returncode == 0
    out = pq.read_table(tmp_path / "out.parquet")
    assert out["topics"].to_pylist() == [["x"]] * 3
    assert "found_score_diplomacy" in out.column_names
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []


@pytest.mark.parametrize("name", ["in.csv", "in.tsv", "in.jsonl.gz", "in.parquet"])
def test_every_format_gives_what_its_jsonl_gives(models: Path, tmp_path: Path, name: str) -> None:
    source = write_rows(tmp_path / "in.jsonl", labelled_rows(300))
    other = tmp_path / name
    assert run([sys.executable, "-m", "slugline", "convert", str(source), str(other)]).returncode == 0
    for path in (source, other):
        assert run(classify(path, path.with_suffix(".out"), models)).returncode == 0
    assert other.with_suffix(".out").read_bytes() == source.with_suffix(".out").read_bytes()
    wrong = run(classify(source, tmp_path / "out.parquet", models))
    assert wrong.returncode == 2
    assert "is not Parquet" in wrong.stderr


def test_a_server_tags_tables_as_the_model_does(models: Path, server: Server, tmp_path: Path) -> None:
    pq.write_table(table_of(labelled_rows(100)), tmp_path / "in.parquet")
    assert run(classify(tmp_path / "in.parquet", tmp_path / "local.parquet", models)).returncode == 0
    remote = classify(tmp_path / "in.parquet", tmp_path / "remote.parquet", models, "--server", server.address)
    assert run(remote).returncode == 0
    assert pq.read_table(tmp_path / "remote.parquet").equals(pq.read_table(tmp_path / "local.parquet"))


def test_another_input_is_refused_and_a_first_run_kept_out(archive: Path, models: Path, tmp_path: Path) -> None:
    from slugline.cli.parquet_archives import TableArchive
    from slugline.errors import InputError

    source = Path(shutil.copy(archive, tmp_path / "in.parquet"))
    first = TableArchive(source, tmp_path / "out", {"input": "a"}, resume=False)
    with pytest.raises(InputError, match="another process"):
        TableArchive(source, tmp_path / "out", {"input": "a"}, resume=True)
    first._lock.close()
    with pytest.raises(InputError, match="its input changed"):
        TableArchive(source, tmp_path / "out", {"input": "b"}, resume=True)
