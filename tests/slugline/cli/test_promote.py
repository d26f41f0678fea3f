"""Promoting behind a gate, and going back."""

import json
import random
import shutil
from dataclasses import dataclass
from pathlib import Path

import pytest

from slugline import store
from slugline.model import Model
from tests.conftest import Slugline
from tests.corpora import TOPICS, labelled_rows, write_rows
from training.progress import NoProgress
from training.publishing import TrainingRequest, train_and_publish


@dataclass(frozen=True)
class Candidates:
    """A models root and, beside the current version, one as good, one of scrambled labels, one that lacks a topic."""

    root: Path
    gate: Path
    current: str
    equal: str
    scrambled: str
    lacking: str

    def now(self) -> str | None:
        return store.current_version(self.root, "default")


@pytest.fixture(scope="module")
def published(models: Path, model: Model, tmp_path_factory: pytest.TempPathFactory) -> Candidates:
    folder = tmp_path_factory.mktemp("candidates")
    root = shutil.copytree(models, folder / "models")
    chance = random.Random(3)
    rows = labelled_rows()
    scrambled = [row | {"topics": [t for t in TOPICS if chance.random() < 0.3]} for row in rows]
    lacking = [row for row in rows if row["topics"] != ["terrorism"]]

    def version(name: str, taught: list[dict[str, object]]) -> str:
        request = TrainingRequest((write_rows(folder / f"{name}.jsonl", taught),), root, "default")
        return train_and_publish(request, NoProgress()).manifest.version

    versions = [
        version(name, taught) for name, taught in (("equal", rows), ("scrambled", scrambled), ("lacking", lacking))
    ]
    gate = write_rows(folder / "gate.jsonl", labelled_rows(150, seed=9))
    return Candidates(root, gate, model.version, *versions)


@pytest.fixture
def candidates(published: Candidates, tmp_path: Path) -> Candidates:
    """A copy to change."""
    root = shutil.copytree(published.root, tmp_path / "models")
    return Candidates(root, **{k: v for k, v in vars(published).items() if k != "root"})


def test_a_version_as_good_is_promoted(slugline: Slugline, candidates: Candidates) -> None:
    done = slugline("promote", candidates.equal, "--data", candidates.gate)
    assert done.returncode == 0, done.stderr
    assert "Overall, B against A: no significant difference." in done.stdout
    assert f"{candidates.equal} is current, before it {candidates.current}" in done.stderr
    assert candidates.now() == candidates.equal


def test_a_worse_version_is_refused_with_a_status_of_its_own_unless_forced(
    slugline: Slugline, candidates: Candidates
) -> None:
    done = slugline("promote", candidates.scrambled, "--data", candidates.gate)
    assert done.returncode == 7
    assert "is worse than the current version: macro-F1 falls from" in done.stderr
    assert "--force" in done.stderr
    assert candidates.now() == candidates.current
    forced = slugline("promote", candidates.scrambled, "--force", SLUGLINE_GATE_DATA=str(candidates.gate))
    assert forced.returncode == 0
    assert "Promoted by force, though macro-F1 falls" in forced.stderr
    assert candidates.now() == candidates.scrambled


def test_a_version_that_lacks_a_topic_is_refused_for_machines(slugline: Slugline, candidates: Candidates) -> None:
    done = slugline("promote", candidates.lacking, "--json", SLUGLINE_GATE_DATA=str(candidates.gate))
    assert done.returncode == 7
    answer = json.loads(done.stdout)
    assert answer["promoted"] is False
    assert answer["reasons"] == ["it lacks the topic terrorism"]
    assert answer["comparison"]["only_a"] == ["terrorism"]
    assert candidates.now() == answer["before"] == candidates.current


def test_without_gate_data_nothing_but_damage_is_refused(slugline: Slugline, candidates: Candidates) -> None:
    promoted = slugline("promote", candidates.scrambled, "--json")
    assert promoted.returncode == 0
    assert json.loads(promoted.stdout) == {
        "name": "default",
        "version": candidates.scrambled,
        "before": candidates.current,
        "promoted": True,
        "reasons": [],
        "comparison": None,
    }
    (candidates.root / "default" / candidates.equal / store.MODEL_FILE).write_bytes(b"x")
    for options in ([], ["--force"]):
        done = slugline("promote", candidates.equal, *options)
        assert done.returncode == 3
        assert "is not the file that was published" in done.stderr
    assert candidates.now() == candidates.scrambled


def test_a_current_version_that_cannot_be_loaded_is_no_bar(slugline: Slugline, candidates: Candidates) -> None:
    (candidates.root / "default" / candidates.current / store.MODEL_FILE).write_bytes(b"x")
    done = slugline("promote", candidates.equal, "--data", candidates.gate)
    assert done.returncode == 0
    assert "Nothing to compare with" in done.stderr
    assert candidates.now() == candidates.equal


def test_faulty_gate_data_changes_nothing(slugline: Slugline, candidates: Candidates, tmp_path: Path) -> None:
    assert slugline("promote", candidates.equal, "--data", tmp_path / "absent").returncode == 2
    assert slugline("promote", "absent", "--data", candidates.gate).returncode == 3
    assert candidates.now() == candidates.current


def test_rolling_back_step_by_step(slugline: Slugline, candidates: Candidates) -> None:
    slugline("promote", candidates.scrambled)
    slugline("promote", candidates.equal)
    done = slugline("rollback")
    assert done.returncode == 0
    assert f"{candidates.scrambled} is current again, before it {candidates.equal}" in done.stderr
    again = slugline("rollback", "--json")
    assert json.loads(again.stdout) == {
        "name": "default",
        "version": candidates.current,
        "before": candidates.scrambled,
    }
    end = slugline("rollback")
    assert (end.returncode, end.stdout) == (3, "")
    assert "no version was current before" in end.stderr
    assert candidates.now() == candidates.current
