import subprocess
import sys
from pathlib import Path

import pytest

from slugline.durable import PARTIAL_PREFIX, locked, replace_text, sweep
from slugline.errors import NotWritable

HOLD = """
import sys, time
from pathlib import Path
from slugline.durable import locked
with locked(Path(sys.argv[1])):
    print("held", flush=True)
    sys.stdin.readline()
    time.sleep(0.2)
    Path(sys.argv[1], "first").touch()
"""


def test_the_lock_keeps_other_processes_out_until_it_is_given_back(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdin is not None
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        holder.stdin.write("\n")
        holder.stdin.flush()
        with locked(tmp_path):
            assert (tmp_path / "first").exists()


def test_the_lock_goes_with_a_process_that_is_killed(tmp_path: Path) -> None:
    command = [sys.executable, "-c", HOLD, str(tmp_path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as holder:
        assert holder.stdout is not None
        assert holder.stdout.readline() == "held\n"
        holder.kill()
    with locked(tmp_path):
        assert not (tmp_path / "first").exists()


def test_a_folder_that_cannot_be_written_to_is_told(tmp_path: Path) -> None:
    with pytest.raises(NotWritable, match="cannot be changed: No such file"), locked(tmp_path / "absent"):
        pass


def test_a_file_is_replaced_and_nothing_is_left_aside(tmp_path: Path) -> None:
    replace_text(tmp_path / "CURRENT", "a\n")
    replace_text(tmp_path / "CURRENT", "b\n")
    assert [path.name for path in tmp_path.iterdir()] == ["CURRENT"]
    assert (tmp_path / "CURRENT").read_text() == "b\n"


def test_sweeping_removes_only_what_is_not_in_place(tmp_path: Path) -> None:
    (tmp_path / f"{PARTIAL_PREFIX}file").write_text("x")
    (tmp_path / f"{PARTIAL_PREFIX}folder" / "deep").mkdir(parents=True)
    (tmp_path / "version").mkdir()
    sweep(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["version"]
