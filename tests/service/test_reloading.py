"""A real server, while the current version of its model changes under it."""

import signal
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from sklearn.pipeline import Pipeline

from slugline import promotions, store
from slugline.manifest import MANIFEST_FILE
from slugline.model import Model
from slugline.signing import SigningKey, public_pem
from slugline.v1 import classification_pb2 as pb
from slugline.v1 import classification_pb2_grpc as pb_grpc
from tests.conftest import Server, Slugline, start_server, wait_until
from tests.corpora import labelled_rows, write_rows
from tests.slugline.test_verification import malicious_joblib, swap
from training.progress import NoProgress
from training.publishing import TrainingRequest, train_and_publish

REQUEST = pb.ClassifyRequest(document=pb.Document(text="Envoys signed the treaty at the summit"))


@pytest.fixture
def own_server(own_models: Path, tmp_path: Path) -> Iterator[Server]:
    running = start_server(own_models, tmp_path, "--reload-seconds", "0.1")
    yield running
    assert running.stop() == 0


def version_at(address: str) -> str:
    with grpc.insecure_channel(address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        stub = pb_grpc.ClassificationServiceStub(channel)  # type: ignore[no-untyped-call]
        return str(stub.Classify(REQUEST, timeout=20).model_version)


def publish(root: Path, model: Model, pipeline: Pipeline) -> str:
    version = store.publish(root, "default", model, pipeline).name
    store.promote(root, "default", version)
    return version


def test_a_version_in_a_folder_of_another_name_is_loaded_once(own_models: Path, model: Model, tmp_path: Path) -> None:
    home = own_models / "default"
    (home / model.version).rename(home / "blue")
    promotions.advance(home, "blue")
    running = start_server(own_models, tmp_path, "--reload-seconds", "0.05")
    assert version_at(running.address) == model.version
    time.sleep(0.5)
    assert running.stop() == 0
    assert "reloaded" not in running.log.read_text()


def test_a_new_version_takes_over_under_load_and_no_call_fails(
    own_server: Server, own_models: Path, model: Model, pipeline: Pipeline
) -> None:
    versions: list[str] = []
    failures: list[object] = []
    done = threading.Event()

    def call() -> None:
        with grpc.insecure_channel(own_server.address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
            stub = pb_grpc.ClassificationServiceStub(channel)  # type: ignore[no-untyped-call]
            while not done.is_set():
                try:
                    versions.append(stub.Classify(REQUEST, timeout=20).model_version)
                except grpc.RpcError as error:
                    failures.append(error)

    callers = [threading.Thread(target=call) for _ in range(3)]
    for caller in callers:
        caller.start()
    published = [model.version]
    for _ in range(5):
        published.append(publish(own_models, model, pipeline))
        wait_until(lambda: versions[-1:] == published[-1:])
    done.set()
    for caller in callers:
        caller.join(30)
    assert failures == []
    assert list(dict.fromkeys(versions)) == published


def refused(server: Server, times: int = 1) -> bool:
    return server.log.read_text().count("candidate refused") == times


def test_a_damaged_candidate_is_refused_once_and_the_old_version_serves_on(
    own_server: Server, own_models: Path, model: Model, pipeline: Pipeline
) -> None:
    version = store.publish(own_models, "default", model, pipeline).name
    table = own_models / "default" / version / "compiled-words-rows.npy"
    whole = table.read_bytes()
    table.write_bytes(whole[:-1] + b"x")
    store.promote(own_models, "default", version)
    wait_until(lambda: refused(own_server))
    assert version_at(own_server.address) == model.version
    time.sleep(0.5)
    assert refused(own_server)
    # Mended, it is tried again when the server is asked to.
    table.write_bytes(whole)
    own_server.process.send_signal(signal.SIGHUP)
    wait_until(lambda: version_at(own_server.address) == version)


@pytest.mark.parametrize("current", [b"", b"nowhere", b"../..", b"\xff\x00", b"x" * 300])
def test_a_damaged_current_changes_nothing_and_is_mended_by_promoting(
    own_server: Server, own_models: Path, model: Model, pipeline: Pipeline, current: bytes
) -> None:
    (own_models / "default" / promotions.CURRENT_FILE).write_bytes(current)
    wait_until(lambda: "candidate refused" in own_server.log.read_text())
    assert version_at(own_server.address) == model.version
    time.sleep(0.5)
    assert refused(own_server)
    version = publish(own_models, model, pipeline)
    wait_until(lambda: version_at(own_server.address) == version)


def test_a_candidate_without_a_topic_in_use_is_refused(own_server: Server, own_models: Path, model: Model) -> None:
    rows = [
        row | {"topics": [t for t in ("diplomacy", "military_action") if t in str(row["topics"])]}
        for row in labelled_rows(120)
    ]
    data = write_rows(own_models.parent / "fewer.jsonl", rows)
    train_and_publish(TrainingRequest((data,), own_models, "default", promote=True), NoProgress())
    wait_until(lambda: refused(own_server))
    assert "lacks terrorism" in own_server.log.read_text()
    assert version_at(own_server.address) == model.version


def test_a_candidate_with_other_scores_than_published_is_refused(
    own_server: Server, own_models: Path, model: Model, pipeline: Pipeline
) -> None:
    folder = store.publish(own_models, "default", model, pipeline)
    manifest = folder / MANIFEST_FILE
    score = str(model.manifest.probes[0].scores[0])
    manifest.write_text(manifest.read_text().replace(score, "0.123", 1))
    store.promote(own_models, "default", folder.name)
    wait_until(lambda: refused(own_server))
    assert "other scores" in own_server.log.read_text()
    assert version_at(own_server.address) == model.version


def test_every_worker_reloads_on_sighup(own_models: Path, tmp_path: Path, model: Model, pipeline: Pipeline) -> None:
    running = start_server(own_models, tmp_path, "--workers", "2", "--reload-seconds", "0")
    version = publish(own_models, model, pipeline)
    time.sleep(0.5)
    assert version_at(running.address) == model.version
    running.process.send_signal(signal.SIGHUP)
    wait_until(lambda: running.log.read_text().count("reloaded") == 2)
    assert {version_at(running.address) for _ in range(10)} == {version}
    assert running.stop() == 0


@pytest.fixture
def trusted_keys(tmp_path: Path) -> Path:
    folder = tmp_path / "trusted"
    folder.mkdir()
    return folder


@pytest.fixture
def old_key(own_models: Path, trusted_keys: Path) -> SigningKey:
    """A trusted key, which has signed the version there is."""
    key = SigningKey.new()
    (trusted_keys / "old.pub").write_bytes(public_pem(key.public))
    store.sign(store.find(own_models), key)
    return key


def test_only_what_a_trusted_key_signed_takes_over_and_keys_change_without_a_restart(
    own_models: Path, tmp_path: Path, trusted_keys: Path, old_key: SigningKey, model: Model, pipeline: Pipeline
) -> None:
    options = ("--workers", "2", "--reload-seconds", "0.1", "--trusted-keys", str(trusted_keys))
    running = start_server(own_models, tmp_path, *options)

    def log_has_twice(*words: str) -> bool:
        return sum(all(word in line for word in words) for line in running.log.read_text().splitlines()) == 2

    version = publish(own_models, model, pipeline)
    wait_until(lambda: log_has_twice("candidate refused", version, "is not signed"))
    assert version_at(running.address) == model.version
    # Signed by a key that is not trusted yet, then trusted: nobody has to start or to ask anything.
    new_key = SigningKey.new()
    store.sign(own_models / "default" / version, new_key)
    wait_until(lambda: log_has_twice("candidate refused", version, "which is not trusted"))
    assert version_at(running.address) == model.version
    (trusted_keys / "new.pub").write_bytes(public_pem(new_key.public))
    wait_until(lambda: log_has_twice("reloaded", f"version={version}"))
    assert version_at(running.address) == version
    # A key that is revoked signs nothing more.
    (trusted_keys / "old.pub").unlink()
    last = store.publish(own_models, "default", model, pipeline, signing_key=old_key).name
    store.promote(own_models, "default", last)
    wait_until(lambda: log_has_twice("candidate refused", last, "which is not trusted"))
    assert {version_at(running.address) for _ in range(10)} == {version}
    assert running.stop() == 0


@pytest.mark.parametrize("scorer", ["compiled", "sklearn"])
def test_malicious_code_in_a_candidate_does_not_run(
    own_models: Path,
    tmp_path: Path,
    trusted_keys: Path,
    old_key: SigningKey,
    model: Model,
    pipeline: Pipeline,
    scorer: str,
) -> None:
    options = ("--scorer", scorer, "--reload-seconds", "0.1", "--trusted-keys", str(trusted_keys))
    running = start_server(own_models, tmp_path, *options)
    ran = tmp_path / "ran"
    for adjust, reason in ((False, "is not the file that was published"), (True, "is not the one that was signed")):
        folder = store.publish(own_models, "default", model, pipeline, signing_key=old_key)
        swap(folder, store.MODEL_FILE, malicious_joblib(ran), adjust=adjust)
        store.promote(own_models, "default", folder.name)
        wait_until(lambda reason=reason: reason in running.log.read_text())  # type: ignore[misc]
        assert version_at(running.address) == model.version
    assert running.stop() == 0
    assert not ran.exists()


def test_a_server_does_not_start_with_what_nobody_signed(
    slugline: Slugline, own_models: Path, trusted_keys: Path, old_key: SigningKey, tmp_path: Path
) -> None:
    ran = tmp_path / "ran"
    swap(store.find(own_models), store.MODEL_FILE, malicious_joblib(ran), adjust=True)
    for workers in ("1", "2"):
        options = ("--workers", workers, "--trusted-keys", trusted_keys, "--scorer", "sklearn")
        done = slugline("serve", "--address", "127.0.0.1:0", "--models", own_models, *options)
        assert done.returncode == 3
        assert "is not the one that was signed" in done.stderr.splitlines()[-1]
        assert "Traceback" not in done.stderr
    assert not ran.exists()


def test_a_server_loads_the_library_of_keys_only_where_some_are_trusted(
    server: Server, own_models: Path, trusted_keys: Path, old_key: SigningKey, tmp_path: Path
) -> None:
    def library_of(running: Server) -> bool:
        return "/cryptography/" in Path(f"/proc/{running.process.pid}/maps").read_text()

    assert not library_of(server)
    trusting = start_server(own_models, tmp_path, "--scorer", "sklearn", "--trusted-keys", str(trusted_keys))
    assert library_of(trusting)
    assert "nobody vouches for" not in trusting.log.read_text()
    assert trusting.stop() == 0


def test_unpickling_what_nobody_signed_is_warned_of(own_models: Path, tmp_path: Path) -> None:
    running = start_server(own_models, tmp_path, "--scorer", "sklearn")
    assert "unpickling a model that nobody vouches for" in running.log.read_text()
    assert running.stop() == 0
