"""Malicious models, in each way they can come in; nothing of them may run."""

import hashlib
import io
import json
import os
import pickle
import shutil
from pathlib import Path

import joblib
import numpy as np
import pytest

from slugline import store
from slugline.errors import ModelCorrupt, ModelNotFound, ModelUntrusted
from slugline.manifest import MANIFEST_FILE, SIGNATURE_FILE
from slugline.model import Model
from slugline.names import ScorerName
from slugline.promotions import CURRENT_FILE
from slugline.signing import SigningKey
from slugline.verification import trusted_manifest

SCORERS: tuple[ScorerName, ...] = ("compiled", "sklearn")


class Malicious:
    """A pickle that makes a folder when it is loaded."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.mkdir, (str(self.path),)


@pytest.fixture
def key() -> SigningKey:
    return SigningKey.new()


@pytest.fixture
def trusted(tmp_path: Path, key: SigningKey) -> Path:
    return key.write(tmp_path / "release.key")


@pytest.fixture
def folder(models: Path, tmp_path: Path, key: SigningKey) -> Path:
    """A version of one's own, signed."""
    found = store.find(shutil.copytree(models, tmp_path / "models"))
    store.sign(found, key)
    return found


@pytest.fixture
def ran(tmp_path: Path) -> Path:
    """What is there once the malicious code has run."""
    return tmp_path / "ran"


def swap(folder: Path, name: str, content: bytes, *, adjust: bool) -> None:
    """Put another content into a file of a version, and its digest into the manifest if that is to be adjusted."""
    (folder / name).write_bytes(content)
    if adjust:
        path = folder / MANIFEST_FILE
        manifest = json.loads(path.read_text())
        manifest["files"][name] = {"sha256": hashlib.sha256(content).hexdigest(), "size": len(content)}
        path.write_text(json.dumps(manifest))


def malicious_joblib(ran: Path) -> bytes:
    buffer = io.BytesIO()
    joblib.dump(Malicious(ran), buffer)
    return buffer.getvalue()


def test_the_malicious_file_does_run_where_nobody_looks(ran: Path) -> None:
    joblib.load(io.BytesIO(malicious_joblib(ran)))
    assert ran.exists()


@pytest.mark.parametrize("scorer", SCORERS)
@pytest.mark.parametrize("with_keys", [True, False])
def test_a_swapped_file_is_refused(folder: Path, trusted: Path, ran: Path, scorer: ScorerName, with_keys: bool) -> None:
    swap(folder, store.MODEL_FILE, malicious_joblib(ran), adjust=False)
    with pytest.raises(ModelCorrupt, match="is not the file that was published"):
        store.load(folder, scorer, trusted if with_keys else None)
    assert not ran.exists()


@pytest.mark.parametrize("scorer", SCORERS)
@pytest.mark.parametrize("signature", ["as it was", "none", "by a stranger", "by a stranger in the name of the key"])
def test_a_swapped_file_with_its_digest_adjusted_is_refused(
    folder: Path, trusted: Path, ran: Path, key: SigningKey, scorer: ScorerName, signature: str
) -> None:
    swap(folder, store.MODEL_FILE, malicious_joblib(ran), adjust=True)
    path, stranger = folder / SIGNATURE_FILE, SigningKey.new()
    if signature == "none":
        path.unlink()
    elif signature != "as it was":
        store.sign(folder, stranger)
    if signature == "by a stranger in the name of the key":
        path.write_bytes(path.read_bytes().replace(stranger.key_id.encode(), key.key_id.encode()))
    with pytest.raises(ModelUntrusted):
        store.load(folder, scorer, trusted)
    assert not ran.exists()


def test_compiled_scoring_runs_no_pickle_whoever_wrote_it(folder: Path, ran: Path, model: Model) -> None:
    swap(folder, store.MODEL_FILE, malicious_joblib(ran), adjust=True)
    assert store.load(folder).scores(["Troops shelled"]).tolist() == model.scores(["Troops shelled"]).tolist()
    assert not ran.exists()


def test_a_pickle_within_a_table_does_not_run(folder: Path, ran: Path) -> None:
    buffer = io.BytesIO()
    np.save(buffer, np.array([Malicious(ran)], dtype=object), allow_pickle=True)
    swap(folder, "compiled-biases.npy", buffer.getvalue(), adjust=True)
    with pytest.raises(ModelCorrupt, match="compiled tables are damaged"):
        store.load(folder)
    assert not ran.exists()


def test_a_current_that_leads_out_of_the_models_leads_to_nothing_untrusted(
    folder: Path, trusted: Path, ran: Path, tmp_path: Path
) -> None:
    elsewhere = shutil.copytree(folder, tmp_path / "elsewhere")
    swap(elsewhere, store.MODEL_FILE, malicious_joblib(ran), adjust=True)
    (folder.parent / CURRENT_FILE).write_text("../../elsewhere\n")
    with pytest.raises(ModelUntrusted):
        store.load(store.find(folder.parent), "sklearn", trusted)
    assert not ran.exists()


@pytest.mark.parametrize("scorer", SCORERS)
def test_a_signed_model_loads_from_wherever_it_is_copied(
    folder: Path, trusted: Path, tmp_path: Path, model: Model, scorer: ScorerName
) -> None:
    copy = shutil.copytree(folder, tmp_path / "elsewhere" / "copy")
    text = ["Envoys signed the treaty"]
    loaded = store.load(copy, scorer, trusted)
    assert np.allclose(loaded.scores(text), model.scores(text), rtol=0, atol=store.AGREEMENT)


@pytest.mark.parametrize("content", [b"{", b"[" * 100_000, b'{"format_version": 99}', b"\xff"])
def test_an_untrusted_manifest_is_not_even_parsed(folder: Path, trusted: Path, content: bytes) -> None:
    (folder / MANIFEST_FILE).write_bytes(content)
    with pytest.raises(ModelUntrusted, match="is not the one that was signed"):
        trusted_manifest(folder, trusted)


def test_without_a_manifest_there_is_no_model_whatever_is_trusted(folder: Path, trusted: Path) -> None:
    (folder / MANIFEST_FILE).unlink()
    with pytest.raises(ModelNotFound):
        store.load(folder, trusted_keys=trusted)


def test_what_is_written_into_a_file_after_it_was_verified_is_not_used(
    folder: Path, trusted: Path, model: Model
) -> None:
    loaded = store.load(folder, trusted_keys=trusted)
    for table in folder.glob("compiled-*-rows.npy"):
        # In place, as what is mapped would see it.
        with table.open("r+b") as file:
            file.seek(128)
            file.write(bytes(table.stat().st_size - 128))
    text = ["Envoys signed the treaty"]
    assert loaded.scores(text).tolist() == model.scores(text).tolist()


def test_keys_are_read_anew_with_every_model(folder: Path, tmp_path: Path, key: SigningKey) -> None:
    keys = tmp_path / "keys"
    keys.mkdir()
    SigningKey.new().write(tmp_path / "other.key").rename(keys / "other.pub")
    with pytest.raises(ModelUntrusted, match="not trusted"):
        store.load(folder, trusted_keys=keys)
    key.write(tmp_path / "release.key").rename(keys / "release.pub")
    store.load(folder, trusted_keys=keys)
    (keys / "release.pub").unlink()
    with pytest.raises(ModelUntrusted, match="not trusted"):
        store.load(folder, trusted_keys=keys)


def test_what_is_not_whole_is_not_signed(folder: Path) -> None:
    before = (folder / SIGNATURE_FILE).read_bytes()
    swap(folder, store.MODEL_FILE, pickle.dumps(1), adjust=False)
    with pytest.raises(ModelCorrupt):
        store.sign(folder, SigningKey.new())
    assert (folder / SIGNATURE_FILE).read_bytes() == before
