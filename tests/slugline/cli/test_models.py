import json
import shutil
from pathlib import Path

import pytest

from slugline import store
from slugline.model import Model
from tests.conftest import Slugline


@pytest.fixture
def root(models: Path, model: Model, tmp_path: Path) -> Path:
    """The model beside two copies older than it."""
    root = shutil.copytree(models, tmp_path / "models")
    for version in ("20000101T000000Z-a", "20000102T000000Z-b"):
        shutil.copytree(root / "default" / model.version, root / "default" / version)
    return root


def test_pruning_says_what_goes_and_removes_it(slugline: Slugline, root: Path, model: Model) -> None:
    planned = slugline("models", "prune", "--keep-version", "20000102T000000Z-b", "--dry-run")
    assert planned.stdout == "20000101T000000Z-a\n"
    assert "Would remove 1 versions" in planned.stderr
    assert len(store.version_names(root, "default")) == 3
    done = slugline("models", "prune", "--keep", "2")
    assert (done.returncode, done.stdout) == (0, "20000101T000000Z-a\n")
    assert store.version_names(root, "default") == ["20000102T000000Z-b", model.version]
    answer = json.loads(slugline("models", "prune", "--json").stdout)
    assert (answer["kept"], answer["removed"]) == ([model.version], ["20000102T000000Z-b"])
    assert answer["removed_bytes"] > 0
    assert store.find(root).name == model.version


def test_options_before_prune_are_refused_not_ignored(slugline: Slugline, root: Path) -> None:
    done = slugline("models", "--models", root, "prune")
    assert done.returncode == 2
    assert "write the options behind `prune`" in done.stderr
    assert len(store.version_names(root, "default")) == 3


def test_a_version_to_keep_that_is_not_there_stops_it(slugline: Slugline, root: Path) -> None:
    done = slugline("models", "prune", "--keep-version", "typo")
    assert done.returncode == 3
    assert "no version 'typo' to keep" in done.stderr
    assert len(store.version_names(root, "default")) == 3


def test_models_alone_still_lists(slugline: Slugline, root: Path, model: Model) -> None:
    (listed,) = {row["version"] for row in json.loads(slugline("models", "--json").stdout)}
    assert listed == model.version
    assert model.version in slugline("models").stdout
