"""`slugline train --streaming` as a user runs it; what is learned is tried in tests/training/streaming."""

import json
import sys
from pathlib import Path

import pytest

from benchmarks.measure import spent_by
from tests.conftest import Slugline
from tests.corpora import TOPICS, labelled_rows, write_rows


def test_it_prints_json_alone_and_keeps_within_its_memory(tmp_path: Path) -> None:
    data = write_rows(tmp_path / "a.jsonl", labelled_rows(1500))
    models, out, log = tmp_path / "models", tmp_path / "out.json", tmp_path / "log"
    command = [sys.executable, "-m", "slugline", "train", "--streaming", "--memory", "512M", "--json"]
    with out.open("w") as stdout, log.open("w") as stderr:
        spent = spent_by([*command, "--data", str(data), "--models", str(models)], stdout, stderr)
    assert spent.code == 0, log.read_text()
    # A tenth more for what the libraries take, which differs from one environment to another.
    assert spent.peak_mb <= 1.1 * 512
    told = json.loads(out.read_text())
    assert (told["documents"], [topic["name"] for topic in told["topics"]]) == (1500, list(TOPICS))
    assert "Counting words" in log.read_text()
    assert "1500/1500" in log.read_text()
    assert sorted(path.name for path in models.iterdir()) == ["default"]


def test_faulty_rows_are_told_and_nothing_is_published(slugline: Slugline, tmp_path: Path) -> None:
    data = write_rows(tmp_path / "a.jsonl", [*labelled_rows(20), {"id": "x"}, *labelled_rows(1)])
    done = slugline("train", "--streaming", "--data", data, "--models", tmp_path / "models")
    assert done.returncode == 2
    assert f"{data}:21: text: is missing" in done.stderr
    assert f"{data}:22: its id is taken by {data}:1" in done.stderr
    assert "Traceback" not in done.stderr
    assert list((tmp_path / "models").iterdir()) == []


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--memory", "100M"], "is no size of at least 512M"),
        (["--memory", "much"], "is no size of at least 512M"),
        (["--split", "time"], "works without it"),
    ],
)
def test_what_cannot_be_is_refused_at_once(slugline: Slugline, options: list[str], problem: str) -> None:
    done = slugline("train", "--streaming", "--data", "none.jsonl", *options)
    assert done.returncode == 2
    assert problem in " ".join(done.stderr.split())


def test_a_recipe_with_latent_dimensions_is_refused_at_once(slugline: Slugline, tmp_path: Path) -> None:
    recipe = tmp_path / "recipe.json"
    recipe.write_text('{"latent": 50}')
    done = slugline("train", "--streaming", "--data", "none.jsonl", "--recipe", recipe)
    assert done.returncode == 2
    assert '"latent": null' in " ".join(done.stderr.split())
