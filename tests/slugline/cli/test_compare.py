import json
import shutil
from pathlib import Path

import pytest

from slugline.model import Model
from tests.conftest import Slugline
from tests.corpora import TOPICS, labelled_rows, write_rows


@pytest.fixture
def gate(tmp_path: Path) -> Path:
    return write_rows(tmp_path / "gate.jsonl", labelled_rows(100, seed=8))


def test_models_are_compared_for_people(slugline: Slugline, models: Path, model: Model, gate: Path) -> None:
    done = slugline("compare", "default", model.version, "--models", models, "--data", gate)
    assert done.returncode == 0, done.stderr
    assert all(f"│ {topic} " in done.stdout for topic in TOPICS)
    assert done.stdout.count("│ no significant difference │") == 4 * len(TOPICS) + 3
    assert "0 of 100 articles change topics: diplomacy +0 -0" in done.stdout
    assert done.stdout.endswith("Overall, B against A: no significant difference.\n")


def test_models_are_compared_for_machines(slugline: Slugline, models: Path, model: Model, gate: Path) -> None:
    folders = (models, models / "default" / model.version)
    done = slugline("compare", *folders, "--data", gate, "--json", "--resamples", "100", "--confidence", "0.9")
    found = json.loads(done.stdout)
    assert (found["a"], found["b"], found["articles"], found["changed"]) == (model.version, model.version, 100, 0)
    assert found["bootstrap"] == {"resamples": 100, "confidence": 0.9, "seed": 0}
    assert set(found["topics"]) == set(TOPICS)
    assert found["means"]["macro_f1"]["verdict"] == found["verdict"] == "no significant difference"


def test_what_cannot_be_compared_is_told(slugline: Slugline, models: Path, gate: Path, tmp_path: Path) -> None:
    unknown = slugline("compare", "nothing", "default", "--models", models, "--data", gate)
    assert unknown.returncode == 3
    assert "nothing: no folder, and no version of" in unknown.stderr
    assert slugline("compare", "default", "default", "--models", models).returncode == 2
    few = write_rows(tmp_path / "few.jsonl", labelled_rows(4))
    done = slugline("compare", "default", "default", "--models", models, "--data", few)
    assert (done.returncode, done.stdout) == (2, "")
    assert "too few to tell" in done.stderr


def test_a_damaged_model_is_not_compared(slugline: Slugline, models: Path, gate: Path, tmp_path: Path) -> None:
    own = shutil.copytree(models, tmp_path / "own")
    next((own / "default").rglob("model.joblib")).write_bytes(b"x")
    done = slugline("compare", models, own, "--data", gate)
    assert done.returncode == 3
    assert "is not the file that was published" in done.stderr
