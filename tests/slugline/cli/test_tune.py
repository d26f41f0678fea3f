"""`slugline tune`, alone and on a cluster."""

import importlib.util
import json
from pathlib import Path

import pytest

from tests.conftest import Slugline
from tests.corpora import labelled_rows, write_rows


@pytest.mark.skipif(importlib.util.find_spec("distributed") is None, reason="needs dask and distributed")
@pytest.mark.xdist_group("dask")
def test_a_cluster_finds_the_figures_that_one_process_finds(scheduler: str, slugline: Slugline, tmp_path: Path) -> None:
    data = write_rows(tmp_path / "a.jsonl", labelled_rows(120))
    alone = slugline("tune", "--data", data, "--budget", "0s", "--json")
    assert alone.returncode == 0, alone.stderr
    longer = slugline("tune", "--data", data, "--budget", "3s", "--json", "--dask", scheduler)
    assert longer.returncode == 0, longer.stderr
    tried = json.loads(longer.stdout)["tried"]
    assert len({str(candidate["recipe"]["features"]) for candidate in tried}) > 1
    assert json.loads(alone.stdout)["tried"][0] in tried
    assert len(json.loads(longer.stdout)["outer"]) == len(json.loads(alone.stdout)["outer"])
