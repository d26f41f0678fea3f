"""What the image is held to, where a check needs no container: on files that break it."""

import json
from pathlib import Path

import pytest

from deploy.image.checks import CORPUS, loose_permissions, sizes, unwanted_programs, write_corpus

SEEDS = Path(__file__).parents[3] / "seeds"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A root file system with nothing wrong in it."""
    for folder in ("tmp", "opt/slugline/bin", "opt/slugline/lib/python3.11/site-packages/numpy"):
        (tmp_path / folder).mkdir(parents=True)
    (tmp_path / "tmp").chmod(0o1777)
    (tmp_path / "opt/slugline/bin/python").touch(0o755)
    (tmp_path / "opt/slugline/lib/python3.11/site-packages/numpy/array.so").write_bytes(b"x" * 1000)
    return tmp_path


def test_an_orderly_root_is_passed(root: Path) -> None:
    assert loose_permissions(root) == []
    assert unwanted_programs(root) == []


@pytest.mark.parametrize("mode", [0o4755, 0o2755, 0o666])
def test_loose_permissions_are_found(mode: int, root: Path) -> None:
    (root / "opt/slugline/bin/python").chmod(mode)
    assert [found.split()[0] for found in loose_permissions(root)] == ["/opt/slugline/bin/python"]


def test_a_tmp_where_everyone_may_delete_is_found(root: Path) -> None:
    (root / "tmp").chmod(0o777)
    assert loose_permissions(root) == ["/tmp is for everyone to write"]


@pytest.mark.parametrize("name", ["gcc-12", "x86_64-linux-gnu-gcc", "pip3.11", "sh", "bash", "apt-get", "dpkg", "ld"])
def test_what_an_image_must_not_hold_is_found(name: str, root: Path) -> None:
    (root / "opt/slugline/bin" / name).touch(0o755)
    (root / "opt" / name).symlink_to("slugline/bin/python")
    assert set(unwanted_programs(root)) == {f"/opt/{name}", f"/opt/slugline/bin/{name}"}


def test_sizes_tell_packages_apart_and_count_a_hard_link_once(root: Path) -> None:
    array = root / "opt/slugline/lib/python3.11/site-packages/numpy/array.so"
    (root / "opt/again").hardlink_to(array)
    (root / "models").write_bytes(b"x" * 10)
    counted = sizes(root)
    assert counted["/models"] == 10
    assert sum(counted.values()) == 1010


def test_the_corpus_of_the_checks_is_even_and_small(tmp_path: Path) -> None:
    write_corpus(SEEDS, tmp_path, documents=300)
    rows = [json.loads(line) for line in (tmp_path / CORPUS).read_text().splitlines()]
    assert len(rows) == 300
    for topic in ("military_action", "diplomacy", "terrorism"):
        assert sum(topic in row["topics"] for row in rows) >= 10
