import hashlib
import json
import os
import pickle
import random
import subprocess
import sys
import time
from pathlib import Path

import msgspec
import pytest
from sklearn.pipeline import Pipeline

from slugline import store
from slugline.errors import InputError, ModelCorrupt, ModelIncompatible, ModelNotFound
from slugline.manifest import MANIFEST_FILE, SIGNATURE_FILE, Manifest
from slugline.model import Model
from slugline.promotions import CURRENT_FILE
from slugline.signing import SigningKey
from slugline.verification import trusted_manifest


def edit_manifest(folder: Path, **changes: object) -> None:
    path = folder / MANIFEST_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


def test_a_published_model_loads_and_scores_alike(own_models: Path, model: Model, pipeline: Pipeline) -> None:
    folder = store.publish(own_models, "copy", model, pipeline, {"notes.txt": b"x"})
    loaded = store.load(folder)
    text = ["Troops shelled the port"]
    assert loaded.scores(text).tolist() == model.scores(text).tolist()
    assert loaded.manifest.name == "copy"
    assert loaded.version == folder.name
    assert {"model.joblib", "notes.txt", "compiled-words-steps.npy"} < set(loaded.manifest.files)
    assert store.current_version(own_models, "copy") is None


def test_a_model_is_published_with_its_signature(own_models: Path, model: Model, pipeline: Pipeline) -> None:
    key = SigningKey.new()
    folder = store.publish(own_models, "default", model, pipeline, signing_key=key)
    assert key.has_signed(folder, (folder / MANIFEST_FILE).read_bytes())
    assert SIGNATURE_FILE not in store.load(folder).manifest.files
    assert not (store.publish(own_models, "default", model, pipeline) / SIGNATURE_FILE).exists()


def test_signing_again_takes_the_place_of_a_signature(own_models: Path) -> None:
    folder = store.find(own_models)
    files = {path.name for path in folder.iterdir()}
    for key in (SigningKey.new(), SigningKey.new()):
        store.sign(folder, key)
        assert key.has_signed(folder, (folder / MANIFEST_FILE).read_bytes())
    assert {path.name for path in folder.iterdir()} == files | {SIGNATURE_FILE}


def test_two_publications_within_a_second_are_two_versions(own_models: Path, model: Model, pipeline: Pipeline) -> None:
    folders = {store.publish(own_models, "default", model, pipeline) for _ in range(3)}
    assert len(folders) == 3
    assert len(store.versions(own_models, "default")) == 4


@pytest.mark.parametrize("name", ["", "..", "a/b", ".hidden", "x" * 65])
def test_names_that_are_no_folders_are_refused(tmp_path: Path, model: Model, pipeline: Pipeline, name: str) -> None:
    with pytest.raises(InputError, match="cannot name a model"):
        store.publish(tmp_path, name, model, pipeline)


def test_find_takes_a_version_a_name_or_a_root(own_models: Path, model: Model, pipeline: Pipeline) -> None:
    version = own_models / "default" / model.version
    assert store.find(version) == store.find(own_models / "default") == store.find(own_models) == version
    other = store.publish(own_models, "other", model, pipeline)
    store.promote(own_models, "other", other.name)
    assert store.find(own_models) == version
    assert store.find(own_models, "other") == other


def test_find_says_what_to_do_where_there_is_nothing(tmp_path: Path, own_models: Path) -> None:
    with pytest.raises(ModelNotFound, match="slugline train"):
        store.find(tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(ModelNotFound, match="slugline train"):
        store.find(tmp_path / "empty")
    (own_models / "default" / "CURRENT").write_text("gone\n")
    with pytest.raises(ModelNotFound, match="'gone', which is not there"):
        store.find(own_models)


def test_a_current_that_is_no_text_names_no_version_and_is_mended_by_promoting(own_models: Path, model: Model) -> None:
    (own_models / "default" / "CURRENT").write_bytes(b"\xff")
    with pytest.raises(ModelNotFound, match="promote another version"):
        store.find(own_models)
    store.promote(own_models, "default", model.version)
    assert store.find(own_models).name == model.version


def test_promoting_a_version_that_is_not_there_changes_nothing(
    own_models: Path, model: Model, pipeline: Pipeline
) -> None:
    with pytest.raises(ModelNotFound, match="no version 'x'"):
        store.promote(own_models, "default", "x")
    assert store.current_version(own_models, "default") == model.version


@pytest.mark.parametrize("damage", ["truncate", "flip", "delete", "empty"])
def test_a_damaged_model_is_refused(own_models: Path, damage: str) -> None:
    folder = store.find(own_models)
    path = folder / store.MODEL_FILE
    content = bytearray(path.read_bytes())
    if damage == "delete":
        path.unlink()
    else:
        content[len(content) // 2] ^= 1
        path.write_bytes(content[: {"truncate": len(content) // 2, "flip": None, "empty": 0}[damage]])
    with pytest.raises(ModelCorrupt, match=r"model\.joblib"):
        store.load(folder)


@pytest.mark.parametrize(
    ("field", "value"), [("created", "yesterday"), ("created", "0001-01-01T00:00:00+14:00"), ("documents", -1)]
)
def test_a_manifest_that_its_readers_could_not_use_is_refused(own_models: Path, field: str, value: object) -> None:
    path = store.find(own_models) / MANIFEST_FILE
    path.write_text(json.dumps(json.loads(path.read_text()) | {field: value}))
    with pytest.raises(ModelCorrupt, match="is damaged"):
        store.load(path.parent)


def test_a_probe_of_other_topics_is_refused(own_models: Path) -> None:
    path = store.find(own_models) / MANIFEST_FILE
    manifest = json.loads(path.read_text())
    manifest["probes"][0]["scores"].append(0.5)
    path.write_text(json.dumps(manifest))
    with pytest.raises(ModelCorrupt, match="another number of scores"):
        store.load(path.parent)


@pytest.mark.parametrize("content", [b"x" * 300, "部".encode() * 10_000, b"a\0b", b"../" * 5000])
def test_a_current_that_can_be_no_name_leads_to_nothing(own_models: Path, content: bytes) -> None:
    (own_models / "default" / CURRENT_FILE).write_bytes(content)
    with pytest.raises(ModelNotFound, match="is not there"):
        store.find(own_models)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"format_version": "1"}', '{"format_version": 2}'])
def test_a_damaged_manifest_is_refused(own_models: Path, text: str) -> None:
    folder = store.find(own_models)
    (folder / MANIFEST_FILE).write_text(text)
    with pytest.raises(ModelCorrupt, match="is damaged"):
        store.load(folder)


def test_another_format_or_library_is_refused(own_models: Path) -> None:
    folder = store.find(own_models)
    edit_manifest(folder, libraries={"scikit-learn": "0.24.2"})
    with pytest.raises(ModelIncompatible, match=r"scikit-learn 0\.24\.2, installed is"):
        store.load(folder, "sklearn")
    store.load(folder)
    edit_manifest(folder, format_version=99)
    with pytest.raises(ModelIncompatible, match="format 99"):
        store.load(folder)


def test_a_manifest_cannot_name_files_elsewhere(own_models: Path) -> None:
    folder = store.find(own_models)
    edit_manifest(folder, files={"../../secret": {"sha256": "", "size": 0}})
    with pytest.raises(ModelCorrupt, match="outside"):
        store.load(folder)


def test_scores_other_than_those_of_the_publication_are_refused(own_models: Path, model: Model) -> None:
    folder = store.find(own_models)
    probes = [{"text": probe.text, "scores": probe.scores} for probe in model.manifest.probes]
    probes[2]["scores"] = [score + 1e-8 for score in model.manifest.probes[2].scores]
    edit_manifest(folder, probes=probes)
    with pytest.raises(ModelCorrupt, match="other scores"):
        store.load(folder)


def test_damaged_tables_with_the_right_digest_are_refused(own_models: Path, model: Model) -> None:
    folder = store.find(own_models)
    table = folder / "compiled-words-ends.npy"
    table.write_bytes(table.read_bytes()[:-4] + b"\xff\xff\xff\x7f")
    files = {name: {"sha256": digest.sha256, "size": digest.size} for name, digest in model.manifest.files.items()}
    files[table.name]["sha256"] = hashlib.sha256(table.read_bytes()).hexdigest()
    edit_manifest(folder, files=files)
    with pytest.raises(ModelCorrupt, match="outside of the letters"):
        store.load(folder)


def test_loading_for_the_compiled_scorer_imports_no_scikit_learn(own_models: Path) -> None:
    code = (
        "import sys; from pathlib import Path; from slugline import store\n"
        "model = store.load(store.find(Path(sys.argv[1]))); model.scores(['x']); model.explain('Troops shelled')\n"
        "print([name for name in ('sklearn', 'scipy', 'joblib', 'cryptography') if name in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code, own_models], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"


class _Malicious:
    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return os.mkdir, (str(self.path),)


def test_code_in_a_swapped_pickle_does_not_run(own_models: Path, tmp_path: Path) -> None:
    folder = store.find(own_models)
    (folder / store.MODEL_FILE).write_bytes(pickle.dumps(_Malicious(tmp_path / "ran")))
    for scorer in ("compiled", "sklearn"):
        with pytest.raises(ModelCorrupt):
            store.load(folder, scorer)
    assert not (tmp_path / "ran").exists()


PUBLISH_FOREVER = """
import sys
from pathlib import Path
from slugline import store
from slugline.signing import SigningKey
root, first, second = Path(sys.argv[1]), SigningKey.read(Path(sys.argv[2])), SigningKey.read(Path(sys.argv[3]))
model = store.load(store.find(root), "sklearn")
pipeline = model.pipeline
print("ready", flush=True)
while True:
    folder = store.publish(root, "default", model, pipeline, signing_key=first)
    store.promote(root, "default", folder.name)
    store.sign(folder, second)
"""


def test_a_publisher_killed_at_any_moment_leaves_a_loadable_current_version(own_models: Path, tmp_path: Path) -> None:
    chance = random.Random(5)
    trusted = tmp_path / "trusted"
    trusted.mkdir()
    first, second = (tmp_path / f"{number}.key" for number in (1, 2))
    for path in (first, second):
        public = SigningKey.new().write(path)
        public.rename(trusted / public.name)
    store.sign(store.find(own_models), SigningKey.read(first))
    for _ in range(6):
        command = [sys.executable, "-c", PUBLISH_FOREVER, str(own_models), str(first), str(second)]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as publisher:
            assert publisher.stdout is not None
            assert publisher.stdout.readline() == "ready\n"
            time.sleep(chance.uniform(0.01, 0.3))
            publisher.kill()
        store.load(store.find(own_models), trusted_keys=trusted)
        # Signed, too, by the one key or by the other, is whatever has come into its place.
        for manifest in store.versions(own_models, "default"):
            assert isinstance(manifest, Manifest)
            trusted_manifest(own_models / "default" / manifest.version, trusted)


def test_what_killed_publishers_left_is_swept_up(own_models: Path, model: Model, pipeline: Pipeline) -> None:
    leftover = own_models / "default" / ".partial-left"
    leftover.mkdir()
    (leftover / "model.joblib").write_bytes(b"half")
    store.publish(own_models, "default", model, pipeline)
    assert not leftover.exists()


def test_an_unreadable_version_is_listed_as_an_error(own_models: Path, model: Model, pipeline: Pipeline) -> None:
    broken = own_models / "default" / "20000101T000000Z-broken"
    broken.mkdir()
    (broken / MANIFEST_FILE).write_text("{")
    first, second = store.versions(own_models, "default")
    assert isinstance(first, ModelCorrupt)
    assert second == model.manifest


def test_the_manifest_round_trips(model: Model, pipeline: Pipeline) -> None:
    assert msgspec.json.decode(msgspec.json.encode(model.manifest), type=type(model.manifest)) == model.manifest
