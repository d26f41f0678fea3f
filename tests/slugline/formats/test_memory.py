"""Large files in little memory: the address space of the process that reads them is bounded."""

import subprocess
import sys
from pathlib import Path

import pytest

from slugline.formats.conversion import convert
from slugline.formats.reading import PLAIN
from tests.slugline.formats.rows import write_jsonl

ROWS = 40_000
TEXT = "Troops shelled two villages before dawn, and envoys met. " * 30

# What reading adds to the memory of a process that has read a small file of the same format already.
PROGRAM = """
import re, sys
from pathlib import Path
from slugline.formats.reading import PLAIN

def peak():
    return int(re.search(r"VmHWM:\\s*(\\d+)", Path("/proc/self/status").read_text())[1])

def rows(path):
    return sum(record.fields is not None for record in PLAIN.records(Path(path)))

rows(sys.argv[1])
before = peak()
print(rows(sys.argv[2]), peak() - before)
"""


@pytest.fixture(scope="module")
def large(tmp_path_factory: pytest.TempPathFactory) -> Path:
    rows = ({"id": f"a{n}", "text": f"{n} {TEXT}", "topics": ["war"]} for n in range(ROWS))
    path = tmp_path_factory.mktemp("large") / "large.jsonl"
    write_jsonl(path, list(rows))
    assert path.stat().st_size > 65_000_000
    return path


@pytest.mark.parametrize(
    ("name", "to"),
    [
        ("jsonl", "a.jsonl.zst"),
        ("csv", "a.csv"),
        ("parquet", "a.parquet"),
        ("label-studio", "a.json"),
        ("arrow", "a.arrow"),
    ],
)
def test_memory_does_not_grow_with_the_file(large: Path, tmp_path: Path, name: str, to: str) -> None:
    small = write_jsonl(tmp_path / "small.jsonl", [{"id": f"a{n}", "text": TEXT, "topics": []} for n in range(3000)])
    files = []
    for source, folder in ((small, "small"), (large, "large")):
        (tmp_path / folder).mkdir()
        files.append(tmp_path / folder / to)
        convert(source, files[-1], PLAIN, to=name)
    done = subprocess.run([sys.executable, "-c", PROGRAM, *map(str, files)], capture_output=True, text=True, check=True)
    rows, more_kilobytes = map(int, done.stdout.split())
    assert rows == ROWS
    # Arrow's file is mapped, and what is mapped counts until it is let go of.
    assert more_kilobytes < (130_000 if name == "arrow" else 60_000)
