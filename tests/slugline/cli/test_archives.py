"""Archives, and runs over them that are killed for real."""

import json
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from slugline import store
from slugline.cli.archives import Chunk, Lines, Progress, ResumableOutput, Tagged, chunks
from slugline.errors import InputError
from tests.conftest import Slugline
from tests.corpora import labelled_rows, write_rows

ROWS = 12_000


@pytest.fixture(scope="module")
def archive(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Large enough for all cores, by a field that nobody reads; some rows are bad."""
    rows: list[object] = [row | {"notes": "n" * 700} for row in labelled_rows(ROWS)]
    rows[1000:1000] = [["bad"], {"id": "b", "text": " "}]
    path = write_rows(tmp_path_factory.mktemp("archive") / "in.jsonl", rows)
    assert path.stat().st_size > 9_000_000
    return path


def command(archive: Path, output: Path, models: Path, *options: str) -> list[str]:
    base = [sys.executable, "-m", "slugline", "classify", "--model", str(models)]
    return [*base, "--input", str(archive), "--output", str(output), *options]


def run(*arguments: str | Path) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(list(map(str, arguments)), capture_output=True, text=True, check=False)


def kill_after_a_record(arguments: list[str], output: Path) -> None:
    record = output.with_name(f".{output.name}.progress")
    with subprocess.Popen(arguments, stderr=subprocess.DEVNULL) as process:
        while not record.exists() and process.poll() is None:
            time.sleep(0.01)
        process.send_signal(signal.SIGKILL)


@pytest.fixture(scope="module")
def whole(archive: Path, models: Path, tmp_path_factory: pytest.TempPathFactory) -> bytes:
    output = tmp_path_factory.mktemp("whole") / "out.jsonl"
    done = run(*command(archive, output, models))
    assert done.returncode == 2
    assert f"{ROWS + 2} articles" in done.stderr
    assert [path.name for path in output.parent.iterdir()] == ["out.jsonl"]
    return output.read_bytes()


def test_every_row_is_there_once_in_order(archive: Path, whole: bytes) -> None:
    expected = [
        row.get("id") if isinstance(row, dict) else None for row in map(json.loads, archive.read_text().splitlines())
    ]
    assert [json.loads(line)["id"] for line in whole.splitlines()] == expected


def test_all_cores_give_what_one_process_gives(archive: Path, models: Path, whole: bytes) -> None:
    done = subprocess.run(
        [*command(archive, Path("-"), models)[:-2], "--scorer", "sklearn"], capture_output=True, check=False
    )
    ours, plain = map(json.loads, whole.splitlines()), map(json.loads, done.stdout.splitlines())
    for one, other in zip(ours, plain, strict=True):
        assert (one["id"], one["topics"], one.get("error")) == (other["id"], other["topics"], other.get("error"))
        assert one["scores"] == pytest.approx(other["scores"], abs=1e-9)


def test_after_a_kill_resume_goes_on_without_losing_or_repeating_a_row(
    archive: Path, models: Path, whole: bytes, tmp_path: Path
) -> None:
    output = tmp_path / "out.jsonl"
    output.write_text("old\n")
    arguments = command(archive, output, models, "--scorer", "sklearn")
    kill_after_a_record(arguments, output)
    assert output.read_text() == "old\n"
    refused = run(*command(archive, output, models, "--resume"))
    assert refused.returncode == 2
    assert "its settings changed" in refused.stderr
    done = run(*arguments, "--resume")
    assert done.returncode == 2, done.stderr
    already = int(done.stderr.split("Going on after ")[1].split()[0])
    assert 0 < already < ROWS
    assert [json.loads(line)["id"] for line in output.read_text().splitlines()] == [
        json.loads(line)["id"] for line in whole.splitlines()
    ]
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]


def test_without_resume_all_is_made_anew(archive: Path, models: Path, whole: bytes, tmp_path: Path) -> None:
    output = tmp_path / "out.jsonl"
    kill_after_a_record(command(archive, output, models, "--scorer", "sklearn"), output)
    run(*command(archive, output, models))
    assert output.read_bytes() == whole
    assert [path.name for path in tmp_path.iterdir()] == ["out.jsonl"]


def test_resume_with_nothing_to_resume_starts_at_the_beginning(models: Path, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "in.jsonl", labelled_rows(5))
    output = tmp_path / "out.jsonl"
    done = run(*command(path, output, models, "--resume"))
    assert done.returncode == 0
    assert "Going on after 0 articles" in done.stderr
    assert len(output.read_text().splitlines()) == 5


def test_another_model_or_input_is_refused(archive: Path, models: Path, tmp_path: Path) -> None:
    own = shutil.copytree(models, tmp_path / "models")
    path, output = Path(shutil.copy(archive, tmp_path / "in.jsonl")), tmp_path / "out.jsonl"
    arguments = command(path, output, own, "--scorer", "sklearn")
    kill_after_a_record(arguments, output)
    model = store.load(store.find(own), "sklearn")
    assert model.pipeline is not None
    other = store.publish(own, "default", model, model.pipeline)
    store.promote(own, "default", other.name)
    refused = run(*arguments, "--resume")
    assert refused.returncode == 2
    assert "its model changed" in refused.stderr
    store.promote(own, "default", model.version)
    with path.open("a") as file:
        file.write("{}\n")
    refused = run(*arguments, "--resume")
    assert refused.returncode == 2
    assert "its input changed" in refused.stderr
    assert not output.exists()


def test_what_stood_before_must_be_the_same(tmp_path: Path) -> None:
    path = tmp_path / "in.jsonl"
    path.write_bytes(b'{"id": 1}\n{"id": 2}\n')
    first = next(chunks(path, Progress({})))
    so_far = Progress({}, first.input_bytes, first.input_digest, 0, first.last_line)
    with path.open("ab") as file:
        file.write(b"{}\n")
    assert [chunk.content for chunk in chunks(path, so_far)] == [Lines([(3, b"{}")])]
    path.write_bytes(b'{"id": 3}\n{"id": 2}\n{}\n')
    with pytest.raises(InputError, match="has changed"):
        list(chunks(path, so_far))


def test_two_runs_cannot_write_the_same_output(tmp_path: Path) -> None:
    first = ResumableOutput(tmp_path / "out", {}, resume=False)
    for resume in (False, True):
        with pytest.raises(InputError, match="another process"):
            ResumableOutput(tmp_path / "out", {}, resume=resume)
    first.abandon()
    assert list(tmp_path.iterdir()) == []


def test_what_was_written_after_the_last_record_is_taken_back(tmp_path: Path) -> None:
    path = tmp_path / "out"
    output = ResumableOutput(path, {"model": "m"}, resume=False)
    output.add(Chunk(Lines([]), 10, "d", 1), Tagged(b"one\n", 1, 0))
    output.record()
    output.add(Chunk(Lines([]), 20, "e", 2), Tagged(b"two\n", 1, 0))
    output._flush()
    output._file.close()
    again = ResumableOutput(path, {"model": "m"}, resume=True)
    assert again.progress.done == 1
    again.add(Chunk(Lines([]), 20, "e", 2), Tagged(b"two\n", 1, 0))
    again.finish()
    assert path.read_bytes() == b"one\ntwo\n"


@pytest.mark.parametrize("record", [b"", b"{", b"[]", b"\xff"])
def test_a_damaged_record_is_refused(tmp_path: Path, record: bytes) -> None:
    (tmp_path / ".out.partial").write_bytes(b"x")
    (tmp_path / ".out.progress").write_bytes(record)
    with pytest.raises(InputError, match="begin again"):
        ResumableOutput(tmp_path / "out", {}, resume=True)


def test_resume_needs_an_output(slugline: Slugline, tmp_path: Path) -> None:
    path = write_rows(tmp_path / "in.jsonl", labelled_rows(1))
    assert slugline("classify", "--input", path, "--resume").returncode == 2
