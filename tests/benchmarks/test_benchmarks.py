"""That the benchmark works, and what it writes; no times are asserted."""

import json
import subprocess
import sys
from pathlib import Path

import pytest

from benchmarks.measure import percentile, take_turns
from benchmarks.results import Table
from benchmarks.texts import accented, generated

ROOT = Path(__file__).parent.parent.parent


@pytest.mark.parametrize("part", ["in-process", "grpc", "fitting", "streaming"])
def test_a_quick_run_writes_tables_figures_and_a_plot(
    part: str, models: Path, corpus_file: Path, tmp_path: Path
) -> None:
    command = [sys.executable, "-m", "benchmarks", "--quick", "--part", part, "--out", str(tmp_path)]
    command += ["--model", str(models), "--data", str(corpus_file)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)
    assert done.returncode == 0, done.stderr
    written = json.loads((tmp_path / f"{part}.json").read_text())
    assert {"date", "cores", "python", "scikit-learn"} <= written["machine"].keys()
    for table in written["tables"]:
        assert table["rows"]
        for row in table["rows"]:
            assert len(row) == len(table["columns"])
            assert all(figure >= 0 for figure in row[1:])
        assert f"## {table['title']}" in (tmp_path / f"{part}.md").read_text()
    assert (tmp_path / f"{part}.png").read_bytes().startswith(b"\x89PNG")


def test_texts_are_of_the_size_and_the_same_every_time(corpus_file: Path) -> None:
    texts = generated(corpus_file, 5, 300)
    assert [len(text) for text in texts] == [300] * 5
    assert texts == generated(corpus_file, 5, 300)
    assert not accented(texts)[0].isascii()


def test_contenders_take_turns() -> None:
    order: list[str] = []

    def contender(name: str, documents: int) -> int:
        order.append(name)
        return documents

    turns = take_turns({"a": lambda: contender("a", 1), "b": lambda: contender("b", 2)}, 3)
    assert order == ["a", "b"] * 4
    assert turns["b"].documents == 2


def test_percentile_of_known_values() -> None:
    assert percentile([float(value) for value in range(101)], 0.99) == pytest.approx(99)


def test_a_table_in_markdown() -> None:
    table = Table("T", ("what", "µs"), [("x", 1234.5), ("y", 0.12345)], "A note.")
    assert table.markdown() == "## T\n\n| what | µs |\n|---|---|\n| x | 1,234 |\n| y | 0.123 |\n\nA note.\n"
