"""A Dask cluster of several worker processes, some of which are killed, as is the command that gave them their work."""

import importlib.util
import os
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from slugline.model import Model
from tests.conftest import wait_until
from tests.corpora import labelled_rows
from tests.slugline.cli.test_parquet_archives import classify, run

pytestmark = [
    pytest.mark.skipif(importlib.util.find_spec("distributed") is None, reason="needs dask and distributed"),
    pytest.mark.xdist_group("dask"),
]

FILES, ROWS = 4, 2500


@pytest.fixture(scope="module")
def partitions(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("partitions") / "in"
    rows: list[dict[str, Any]] = labelled_rows(FILES * ROWS)
    rows[ROWS + 7]["text"] = ""
    for number in range(FILES):
        part = folder / f"day={number}" / "part.parquet"
        part.parent.mkdir(parents=True)
        mine = range(number * ROWS, (number + 1) * ROWS)
        texts = [rows[n]["text"] and f"{rows[n]['text']} {n}" * 2 for n in mine]
        pq.write_table(pa.table({"nr": list(mine), "id": [str(n) for n in mine], "text": texts}), part)
    return folder


def holder_of(lock: Path) -> int | None:
    """The id of the process that has the file open."""
    for descriptor in Path("/proc").glob("[0-9]*/fd/*"):
        try:
            if descriptor.readlink() == lock:
                return int(descriptor.parts[2])
        except OSError:
            continue
    return None


def kill_a_worker_in_the_middle_of_a_file(work: Path) -> None:
    end = time.monotonic() + 200
    while time.monotonic() < end:
        for lock in work.glob("cluster-*/day=*/.part.parquet.partial/lock"):
            if worker := holder_of(lock):
                os.kill(worker, signal.SIGKILL)
                return
        time.sleep(0.02)
    raise AssertionError("no worker was in the middle of a file")


def finished(work: Path) -> list[Path]:
    return sorted(work.glob("cluster-*/day=*/part.parquet"))


def table_of(folder: Path) -> pa.Table:
    return pa.concat_tables(pq.ParquetFile(path).read() for path in sorted(folder.rglob("*.parquet")))


def test_kills_of_the_command_and_of_a_worker_lose_and_repeat_no_row(
    scheduler: str, partitions: Path, models: Path, model: Model, tmp_path: Path
) -> None:
    output, work = tmp_path / "out", tmp_path / ".out.partial"
    # Held back by a slower scorer, there is a middle; the workers download the model from its URL.
    slow = ["--dask", scheduler, "--scorer", "sklearn"]
    command = classify(partitions, output, f"file://{models}", *slow)
    with subprocess.Popen(command, stderr=subprocess.DEVNULL) as process:
        wait_until(lambda: bool(finished(work)) or process.poll() is not None, 200)
        process.send_signal(signal.SIGKILL)
    before = {path.parent.name: path.stat().st_mtime_ns for path in finished(work)}
    assert before
    assert not output.exists()
    again = subprocess.Popen([*command, "--resume"], stderr=subprocess.PIPE, text=True)
    kill_a_worker_in_the_middle_of_a_file(work)
    stderr = again.communicate(timeout=300)[1]
    assert again.returncode == 2, stderr
    assert f"{FILES * ROWS} articles to {output}, 1 of them with an error" in stderr
    assert [path.name for path in tmp_path.iterdir()] == ["out"]
    assert sorted(str(path.relative_to(output)) for path in output.rglob("*") if path.is_file()) == [
        f"day={number}/part.parquet" for number in range(FILES)
    ]
    found = table_of(output)
    assert found["nr"].to_pylist() == list(range(FILES * ROWS))
    assert found["error"].to_pylist()[ROWS + 7] == "text: is blank; send the text of the article"
    assert set(found["model_version"].to_pylist()) == {model.version}
    # What was finished before is the same file still.
    assert before.items() <= {path.parent.name: path.stat().st_mtime_ns for path in output.glob("*/*")}.items()
    local = classify(partitions, tmp_path / "local", models, "--scorer", "sklearn")
    assert run(local).returncode == 2
    assert found.equals(table_of(tmp_path / "local"))


def test_what_cannot_be_done_on_a_cluster_says_why_and_leaves_nothing(
    scheduler: str, partitions: Path, models: Path, tmp_path: Path
) -> None:
    one = run(classify(partitions / "day=0" / "part.parquet", tmp_path / "out", models, "--dask", scheduler))
    assert one.returncode == 2
    assert "--dask goes with a folder" in one.stderr
    broken = tmp_path / "in"
    broken.mkdir()
    (broken / "a.parquet").write_bytes(b"no parquet")
    refused = run(classify(broken, tmp_path / "out", models, "--dask", scheduler))
    assert refused.returncode == 2
    assert "a.parquet" in refused.stderr.splitlines()[-1]
    assert not (tmp_path / "out").exists()
    changed = run(classify(broken, tmp_path / "out", models, "--dask", scheduler, "--resume", "--scorer", "sklearn"))
    assert changed.returncode == 2
    assert "cannot be resumed: its input, model or settings changed" in changed.stderr
