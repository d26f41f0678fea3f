"""Servers of models from a bucket, over HTTP, of a store that is killed, tampered with, and uploaded to."""

import importlib.util
import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from slugline import store
from slugline.manifest import MANIFEST_FILE
from slugline.model import Model
from slugline.promotions import CURRENT_FILE
from tests.conftest import Server, Slugline, start_server, wait_until
from tests.service.test_reloading import version_at

pytestmark = [
    pytest.mark.skipif(
        not all(map(importlib.util.find_spec, ("flask", "moto", "s3fs"))),
        reason="needs moto[server], an S3-compatible server, and s3fs",
    ),
    pytest.mark.xdist_group("bucket"),
]

NEXT = "30000101T000000Z-next"
AUTHORIZATION = "AWS4-HMAC-SHA256 Credential=test/20200101/us-east-1/s3/aws4_request, SignedHeaders=host, Signature=0"
TABLE = "compiled-words-rows.npy"


@dataclass
class Bucket:
    """A store in a process of its own, with one bucket, which forgets all when it is killed."""

    log: Path
    port: int = 0
    process: "subprocess.Popen[bytes]" = field(init=False)

    def start(self) -> None:
        if not self.port:
            with socket.create_server(("127.0.0.1", 0)) as free:
                self.port = free.getsockname()[1]
        command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(self.port)]
        with self.log.open("a") as log:
            self.process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_until(lambda: self.process.poll() is None and self._answers())
        self.put("")

    def kill(self) -> None:
        self.process.kill()
        self.process.wait()

    def put(self, key: str, content: bytes = b"") -> None:
        place = f"http://127.0.0.1:{self.port}/news/{key}".rstrip("/")
        # Not a form, which urllib would call it; and nothing else is written over by somebody without a name.
        headers = {"Content-Type": "application/octet-stream", "Authorization": AUTHORIZATION}
        request = urllib.request.Request(place, content, headers, method="PUT")
        urllib.request.urlopen(request, timeout=60).close()

    def upload(self, folder: Path, version: str, *, leave_out: str = "") -> None:
        for path in (folder / version).iterdir():
            if path.name != leave_out:
                self.put(f"live/default/{version}/{path.name}", path.read_bytes())

    def promote(self, version: str) -> None:
        self.put(f"live/default/{CURRENT_FILE}", version.encode())

    def gets(self, name: str) -> int:
        return sum('"GET ' in line and name in line for line in self.log.read_text().splitlines())

    def _answers(self) -> bool:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/moto-api/", timeout=5).close()
        except (urllib.error.URLError, OSError):
            return False
        return True


@pytest.fixture(scope="module")
def store_process(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Bucket]:
    running = Bucket(tmp_path_factory.mktemp("bucket") / "moto.log")
    try:
        running.start()
        yield running
    finally:
        running.kill()


@pytest.fixture
def bucket(
    store_process: Bucket, home: Path, model: Model, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Bucket]:
    """The store, in which the model is current."""
    for name in ("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY"):
        monkeypatch.setenv(name, "test")
    monkeypatch.setenv("AWS_DEFAULT_REGION", "us-east-1")
    monkeypatch.setenv("AWS_ENDPOINT_URL", f"http://127.0.0.1:{store_process.port}")
    monkeypatch.setenv("SLUGLINE_MODELS_CACHE", str(tmp_path / "cache"))
    if store_process.process.poll() is not None:
        store_process.start()
    store_process.upload(home, model.version)
    store_process.promote(model.version)
    yield store_process


@pytest.fixture
def home(models: Path, model: Model, tmp_path: Path) -> Path:
    """The folder of a model with two versions, of which the second has not been uploaded."""
    home = shutil.copytree(models, tmp_path / "models") / "default"
    shutil.copytree(home / model.version, home / NEXT)
    manifest = home / NEXT / MANIFEST_FILE
    manifest.write_text(manifest.read_text().replace(model.version, NEXT))
    return home


def serve(folder: Path, *options: str) -> Server:
    folder.mkdir(exist_ok=True)
    return start_server("s3://news/live", folder, "--reload-seconds", "0.2", *options)


def said(server: Server, what: str) -> int:
    return server.log.read_text().count(what)


def test_workers_follow_the_bucket_and_outlive_it(bucket: Bucket, home: Path, model: Model, tmp_path: Path) -> None:
    before = bucket.gets(TABLE)
    server = serve(tmp_path / "server", "--workers", "2")
    try:
        assert version_at(server.address) == model.version
        assert bucket.gets(TABLE) == before + 1
        # An upload that is under way, and was promoted too early.
        bucket.upload(home, NEXT, leave_out=TABLE)
        bucket.promote(NEXT)
        wait_until(lambda: said(server, "is not whole there: 0 bytes") == 1)
        bucket.put(f"live/default/{NEXT}/{TABLE}", b"x" * (home / NEXT / TABLE).stat().st_size)
        wait_until(lambda: said(server, "is not the file that was published") == 1)
        assert version_at(server.address) == model.version
        bucket.upload(home, NEXT)
        wait_until(lambda: all(version_at(server.address) == NEXT for _ in range(6)))
        assert said(server, "can be followed again") == 1
        bucket.kill()
        wait_until(lambda: said(server, "last good version stays") >= 3)
        assert version_at(server.address) == NEXT
        bucket.start()
        bucket.upload(home, model.version)
        bucket.promote(model.version)
        wait_until(lambda: all(version_at(server.address) == model.version for _ in range(6)))
    finally:
        assert server.stop() == 0


def test_a_server_starts_from_its_copy_while_the_store_is_down(
    bucket: Bucket, home: Path, model: Model, tmp_path: Path, slugline: Slugline
) -> None:
    assert serve(tmp_path / "first").stop() == 0
    bucket.kill()
    server = serve(tmp_path / "second")
    try:
        assert said(server, "serving the copy from before") == 1
        assert version_at(server.address) == model.version
        bucket.start()
        bucket.upload(home, NEXT)
        bucket.promote(NEXT)
        server.process.send_signal(signal.SIGHUP)
        wait_until(lambda: version_at(server.address) == NEXT)
    finally:
        assert server.stop() == 0


def test_without_store_and_copy_commands_say_so(bucket: Bucket, slugline: Slugline, tmp_path: Path) -> None:
    told = slugline("classify", "--model", "s3://news/live", "Troops shelled the frontline", "--json")
    assert told.returncode == 0, told.stderr
    bucket.kill()
    again = slugline("classify", "--model", "s3://news/live", "Troops shelled the frontline", "--json")
    assert again.stdout == told.stdout
    assert "the copy from before is used" in again.stderr
    empty = str(tmp_path / "empty")
    refused = slugline("classify", "--model", "s3://news/live", "--models-cache", empty, "Troops shelled")
    assert refused.returncode == 3
    assert refused.stderr.startswith("slugline: s3://news/live: cannot be read")
    assert len(refused.stderr.splitlines()) == 1


def test_servers_that_start_together_download_once(bucket: Bucket, model: Model, tmp_path: Path) -> None:
    before = bucket.gets(TABLE)
    command = [sys.executable, "-m", "slugline", "classify", "--model", "s3://news/live", "Troops shelled"]
    together = [subprocess.Popen(command, stdout=subprocess.DEVNULL, env=dict(os.environ)) for _ in range(3)]
    assert [process.wait(120) for process in together] == [0, 0, 0]
    assert bucket.gets(TABLE) == before + 1
    (root,) = (tmp_path / "cache").iterdir()
    assert store.load(store.find(root)).version == model.version
