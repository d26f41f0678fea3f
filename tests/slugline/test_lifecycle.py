import random
import shutil
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from slugline import promotions, store
from slugline.durable import locked
from slugline.errors import CannotPrune, CannotRollBack, ModelNotFound
from slugline.lifecycle import prune, rollback
from slugline.model import Model

VERSIONS = [f"2000010{day}T000000Z-{day}" for day in range(1, 6)]
"""Versions, oldest first, of which the third is current, before it the first, and before that the second."""


@pytest.fixture
def root(models: Path, model: Model, tmp_path: Path) -> Path:
    for version in VERSIONS:
        shutil.copytree(models / "default" / model.version, tmp_path / "models" / "default" / version)
    for version in (VERSIONS[1], VERSIONS[0], VERSIONS[2]):
        store.promote(tmp_path / "models", "default", version)
    return tmp_path / "models"


def damage(root: Path, version: str) -> None:
    path = root / "default" / version / store.MODEL_FILE
    path.write_bytes(path.read_bytes()[:-1])


def test_going_back_again_goes_further_back_and_ends(root: Path) -> None:
    assert rollback(root, "default").version == VERSIONS[0] == store.current_version(root, "default")
    done = rollback(root, "default")
    assert (done.version, done.before) == (VERSIONS[1], VERSIONS[0])
    with pytest.raises(CannotRollBack, match="no version was current before"):
        rollback(root, "default")
    assert store.find(root).name == VERSIONS[1]


def test_a_version_promoted_after_going_back_is_left_by_going_back(root: Path) -> None:
    rollback(root, "default")
    store.promote(root, "default", VERSIONS[4])
    assert rollback(root, "default").version == VERSIONS[0]
    assert rollback(root, "default").version == VERSIONS[1]


def test_going_back_to_what_is_damaged_or_gone_changes_nothing(root: Path) -> None:
    damage(root, VERSIONS[0])
    with pytest.raises(CannotRollBack, match=r"model\.joblib.*nothing was changed.*slugline promote"):
        rollback(root, "default")
    shutil.rmtree(root / "default" / VERSIONS[0])
    with pytest.raises(CannotRollBack, match="has been removed"):
        rollback(root, "default")
    assert store.find(root).name == VERSIONS[2]
    with pytest.raises(ModelNotFound, match="no such model"):
        rollback(root, "absent")


@pytest.mark.parametrize(
    ("newest", "keep", "removed"),
    [(0, [], [1, 3, 4]), (1, [], [1, 3]), (2, [VERSIONS[1]], []), (0, [VERSIONS[3]], [1, 4]), (99, [], [])],
)
def test_the_current_version_its_predecessor_and_what_is_told_to_stay(
    root: Path, newest: int, keep: list[str], removed: list[int]
) -> None:
    planned = prune(root, "default", newest, keep, dry_run=True)
    assert store.version_names(root, "default") == VERSIONS
    done = prune(root, "default", newest, keep)
    assert done == planned
    assert done.removed == tuple(VERSIONS[number] for number in removed)
    assert done.kept == tuple(store.version_names(root, "default"))
    assert (done.removed_bytes > 0) == bool(removed)
    on_disk = {path.name for path in (root / "default").iterdir()}
    assert on_disk == {*done.kept, "CURRENT", "HISTORY", ".lock"}
    assert store.load(store.find(root)).version
    assert rollback(root, "default").version == VERSIONS[0]


def test_nothing_is_removed_where_the_current_version_is_of_no_use(root: Path) -> None:
    with pytest.raises(ModelNotFound, match="no version 'x' to keep"):
        prune(root, "default", keep=["x"])
    damage(root, VERSIONS[2])
    with pytest.raises(CannotPrune, match="another may be needed"):
        prune(root, "default")
    (root / "default" / promotions.CURRENT_FILE).unlink()
    with pytest.raises(CannotPrune, match="no version is current"):
        prune(root, "default")
    with pytest.raises(ModelNotFound, match="no such model"):
        prune(root, "absent")
    assert store.version_names(root, "default") == VERSIONS


def test_a_loaded_model_outlives_the_removal_of_its_version(root: Path, model: Model) -> None:
    loaded = store.load(root / "default" / VERSIONS[4])
    prune(root, "default")
    assert not (root / "default" / VERSIONS[4]).exists()
    text = ["Troops shelled the port"]
    assert loaded.scores(text).tolist() == model.scores(text).tolist()


def test_a_version_removed_while_its_promotion_waits_does_not_become_current(root: Path) -> None:
    home = root / "default"
    with ThreadPoolExecutor(1) as pool:
        with locked(home):
            promoting = pool.submit(store.promote, root, "default", VERSIONS[4])
            time.sleep(0.3)  # Long enough to have found the version and to wait for the lock.
            shutil.rmtree(home / VERSIONS[4])
        with pytest.raises(ModelNotFound, match="has no version"):
            promoting.result()
    assert store.find(root).name == VERSIONS[2]


CHANGE_FOREVER = """
import random, shutil, sys
from pathlib import Path
from slugline import lifecycle, store
from slugline.errors import ModelError
root, chance = Path(sys.argv[1]), random.Random(int(sys.argv[2]))
spare = root.parent / "spare"
print("ready", flush=True)
for number in range(10**9):
    step = chance.choice(["add", "promote", "back", "prune"])
    try:
        if step == "add":
            aside = root / "default" / f".aside-{sys.argv[2]}-{number}"
            shutil.copytree(spare, aside)
            aside.rename(root / "default" / f"2001-{sys.argv[2]}-{number:09}")
        elif step == "promote":
            store.promote(root, "default", chance.choice(store.version_names(root, "default")))
        elif step == "back":
            lifecycle.rollback(root, "default")
        else:
            lifecycle.prune(root, "default", newest=2)
    except ModelError:
        pass  # Another has removed the version, or there is none to go back to.
"""


def test_kills_while_promoting_going_back_and_pruning_leave_a_loadable_current_version(root: Path) -> None:
    shutil.copytree(root / "default" / VERSIONS[0], root.parent / "spare")
    chance = random.Random(5)
    seen = set()
    for turn in range(4):
        # Two at a time, so that one waits for the other's lock when that is killed.
        changers = [
            subprocess.Popen(
                [sys.executable, "-c", CHANGE_FOREVER, str(root), str(2 * turn + number)],
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
            )
            for number in range(2)
        ]
        for changer in changers:
            assert changer.stdout is not None
            assert changer.stdout.readline() == "ready\n"
        for changer in changers:
            time.sleep(chance.uniform(0.05, 0.3))
            changer.kill()
            _, errors = changer.communicate()
            assert errors == ""
            found = store.find(root)
            store.load(found)
            seen.add(found.name)
    assert len(seen) > 1
    before = promotions.predecessor(root / "default")
    done = prune(root, "default")
    assert set(store.version_names(root, "default")) == {*done.kept} <= {store.find(root).name, before}
    assert not list((root / "default").glob(".partial-*"))
