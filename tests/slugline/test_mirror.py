"""The mirror of a store: what it takes over, what it refuses, and what it keeps."""

import importlib.util
import shutil
from pathlib import Path

import pytest

from slugline import store
from slugline.errors import InputError, LibraryMissing, ModelCorrupt, ModelNotFound, ModelUntrusted, StoreUnavailable
from slugline.manifest import MANIFEST_FILE
from slugline.mirror import Mirror, mirror_root
from slugline.model import Model
from slugline.object_storage import RemoteFolder
from slugline.promotions import CURRENT_FILE
from slugline.signing import SigningKey, public_pem
from tests.slugline.test_verification import swap

TABLE = "compiled-words-rows.npy"


@pytest.fixture
def bucket(models: Path, tmp_path: Path) -> Path:
    return shutil.copytree(models, tmp_path / "bucket")


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return tmp_path / "cache" / "mirror"


def newer(bucket: Path, model: Model, version: str) -> Path:
    """Another version in the bucket, current there; its manifest says so."""
    folder = bucket / "default" / version
    shutil.copytree(bucket / "default" / model.version, folder)
    text = (folder / MANIFEST_FILE).read_text()
    (folder / MANIFEST_FILE).write_text(text.replace(model.version, version))
    (bucket / "default" / CURRENT_FILE).write_text(version + "\n")
    return folder


@pytest.mark.parametrize("below", ["", "/default", "/default/"])
def test_the_current_version_is_brought_once_and_its_successor_after_it(
    bucket: Path, root: Path, model: Model, below: str
) -> None:
    mirror = Mirror(f"file://{bucket}{below}", root)
    assert [mirror.refresh(), mirror.refresh()] == [model.version] * 2
    assert store.load(store.find(root)).version == model.version
    newer(bucket, model, "30000101T000000Z-next")
    assert mirror.refresh() == "30000101T000000Z-next"
    assert store.load(store.find(root)).version == "30000101T000000Z-next"
    # Going back in the store is followed as well, and what is no longer needed goes.
    (bucket / "default" / CURRENT_FILE).write_text(model.version)
    assert mirror.refresh() == model.version
    newer(bucket, model, "30000102T000000Z-after")
    assert mirror.refresh() == "30000102T000000Z-after"
    assert store.version_names(root, "default") == sorted([model.version, "30000102T000000Z-after"])
    assert list((root / "default").glob(".partial-*")) == []


def test_one_version_is_what_its_url_names_whatever_is_current(bucket: Path, root: Path, model: Model) -> None:
    newer(bucket, model, "30000101T000000Z-next")
    mirror = Mirror(f"file://{bucket}/default/{model.version}", root)
    assert [mirror.refresh(), mirror.refresh()] == [model.version] * 2
    assert mirror.current_url == f"file://{bucket}/default/{model.version}"
    assert store.find(root).name == model.version


def test_the_only_name_there_is_is_taken_and_among_several_none(bucket: Path, root: Path, model: Model) -> None:
    (bucket / "default").rename(bucket / "news")
    Mirror(f"file://{bucket}", root).refresh()
    assert store.find(root).name == model.version
    shutil.copytree(bucket / "news", bucket / "sports")
    with pytest.raises(ModelNotFound, match="no model called 'default' is current there"):
        Mirror(f"file://{bucket}", root.with_name("other")).refresh()
    Mirror(f"file://{bucket}", root.with_name("other"), "sports").refresh()
    assert store.find(root.with_name("other"), "sports").parent.name == "sports"


def test_what_was_tampered_with_or_is_not_whole_is_refused_until_it_is_mended(
    bucket: Path, root: Path, model: Model
) -> None:
    mirror = Mirror(f"file://{bucket}", root)
    mirror.refresh()
    folder = newer(bucket, model, "30000101T000000Z-next")
    whole = (folder / TABLE).read_bytes()
    for content, problem in ((whole[:-1] + b"x", "is not the file that was published"), (whole[:99], "is not whole")):
        (folder / TABLE).write_bytes(content)
        with pytest.raises(ModelCorrupt, match=f"file://{folder}/{TABLE}: {problem}"):
            mirror.refresh()
    (folder / TABLE).unlink()
    with pytest.raises(ModelCorrupt, match=f"0 bytes of {len(whole)}"):
        mirror.refresh()
    manifest = (folder / MANIFEST_FILE).read_bytes()
    (folder / MANIFEST_FILE).unlink()
    with pytest.raises(ModelNotFound):
        mirror.refresh()
    assert store.version_names(root, "default") == [model.version]
    assert store.find(root).name == model.version
    (folder / TABLE).write_bytes(whole)
    (folder / MANIFEST_FILE).write_bytes(manifest)
    mirror.refresh()
    assert store.find(root).name == "30000101T000000Z-next"


@pytest.mark.parametrize("current", [b"", b"../../outside", b"a/b", b"\xff\x00"])
def test_a_current_that_names_no_version_leads_nowhere(bucket: Path, root: Path, model: Model, current: bytes) -> None:
    (bucket / "default" / CURRENT_FILE).write_bytes(current)
    with pytest.raises(ModelCorrupt, match="does not name a version"):
        Mirror(f"file://{bucket}", root).refresh()


def test_a_manifest_that_names_files_elsewhere_writes_none(bucket: Path, root: Path, model: Model) -> None:
    manifest = bucket / "default" / model.version / MANIFEST_FILE
    manifest.write_text(manifest.read_text().replace(f'"{TABLE}"', '"../../../escaped"'))
    with pytest.raises(ModelCorrupt):
        Mirror(f"file://{bucket}", root).refresh()
    assert list(root.parent.rglob("escaped")) == []


def test_only_what_a_trusted_key_has_signed_is_taken(bucket: Path, root: Path, model: Model, tmp_path: Path) -> None:
    key = SigningKey.new()
    trusted = tmp_path / "trusted.pub"
    trusted.write_bytes(public_pem(key.public))
    Mirror(f"file://{bucket}", root).refresh()
    # It is here, unsigned, from a process that trusts everybody.
    mirror = Mirror(f"file://{bucket}", root, trusted_keys=trusted)
    with pytest.raises(ModelUntrusted, match="is not signed"):
        mirror.refresh()
    with pytest.raises(ModelUntrusted):
        mirror.refresh_or_keep()
    store.sign(bucket / "default" / model.version, key)
    mirror.refresh()
    assert store.load(store.find(root), trusted_keys=trusted).version == model.version
    swap(bucket / "default" / model.version, TABLE, b"other", adjust=True)
    with pytest.raises(ModelUntrusted):
        Mirror(f"file://{bucket}", root.with_name("other"), trusted_keys=trusted).refresh()


def test_without_the_store_the_good_copy_stays_and_a_damaged_one_is_none(
    bucket: Path, root: Path, model: Model
) -> None:
    url = f"file://{bucket}"
    assert Mirror(url, root).refresh_or_keep() is None
    bucket.rename(bucket.with_name("gone"))
    assert isinstance(Mirror(url, root).refresh_or_keep(), ModelNotFound)
    table = root / "default" / model.version / TABLE
    table.write_bytes(table.read_bytes()[:-1] + b"x")
    with pytest.raises(ModelNotFound):
        Mirror(url, root).refresh_or_keep()
    # Once the store is back, what is damaged here is brought anew.
    bucket.with_name("gone").rename(bucket)
    assert Mirror(url, root).refresh_or_keep() is None
    assert store.load(store.find(root)).version == model.version


def test_places_that_cannot_be_used_say_why(tmp_path: Path) -> None:
    with pytest.raises(StoreUnavailable, match="no URL of object storage"):
        RemoteFolder("nothing://here")
    if importlib.util.find_spec("gcsfs") is None:
        with pytest.raises(LibraryMissing, match="pip install 'gcsfs'"):
            RemoteFolder("gs://bucket")
    (tmp_path / "file").touch()
    with pytest.raises(InputError, match="--models-cache"):
        Mirror(f"file://{tmp_path}", mirror_root(tmp_path / "file", "file://x"))


def test_every_url_has_a_folder_of_its_own(tmp_path: Path) -> None:
    urls = ["s3://a/b", "s3://a-b", "s3://a/b/c", "gs://a/b"]
    assert len({mirror_root(tmp_path, url) for url in urls}) == len(urls)
    assert mirror_root(tmp_path, "s3://a/b/") == mirror_root(tmp_path, "s3://a/b")
