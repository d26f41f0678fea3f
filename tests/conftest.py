"""Real parts that many tests share: a corpus, a model trained on it, a server that serves it."""

import os
import re
import shutil
import signal
import subprocess
import sys
import time
import urllib.request
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import grpc
import hypothesis
import pytest
from sklearn.pipeline import Pipeline

from slugline import store
from slugline.model import Model
from slugline.v1 import classification_pb2_grpc as pb_grpc
from tests.corpora import labelled_rows, write_rows
from training.progress import NoProgress
from training.publishing import TrainingRequest, train_and_publish

# Busy machines are slow machines; the time a test takes says nothing about the code.
hypothesis.settings.register_profile("slugline", deadline=None)
hypothesis.settings.load_profile("slugline")

Slugline = Callable[..., "subprocess.CompletedProcess[str]"]


@pytest.fixture(scope="session")
def corpus_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_rows(tmp_path_factory.mktemp("corpus") / "articles.jsonl", labelled_rows())


@pytest.fixture(scope="session")
def models(tmp_path_factory: pytest.TempPathFactory, corpus_file: Path) -> Path:
    """A models root with one version of `default`; tests that change it must copy it."""
    root = tmp_path_factory.mktemp("models")
    train_and_publish(TrainingRequest(data=(corpus_file,), models=root, name="default"), NoProgress())
    return root


@pytest.fixture(scope="session")
def model(models: Path) -> Model:
    return store.load(store.find(models))


@pytest.fixture(scope="session")
def pipeline(models: Path) -> Pipeline:
    """The scikit-learn pipeline of `model`."""
    found = store.load(store.find(models), "sklearn").pipeline
    assert found is not None
    return found


@pytest.fixture
def own_models(models: Path, tmp_path: Path) -> Path:
    """A copy of `models` that a test may change."""
    return shutil.copytree(models, tmp_path / "models")


def wait_until(condition: Callable[[], bool], seconds: float = 100) -> None:
    """Wait until `condition` holds, for so long at the most."""
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it did not come true in time"
        time.sleep(0.02)


@dataclass
class Server:
    """A `slugline serve` process and where it listens."""

    process: "subprocess.Popen[str]"
    address: str
    log: Path

    def stop(self, number: int = signal.SIGTERM, timeout: float = 30) -> int:
        self.process.send_signal(number)
        return self.wait(timeout)

    def wait(self, timeout: float = 30) -> int:
        code = self.process.wait(timeout)
        assert self.process.stdout is not None
        self.process.stdout.close()
        return code


def start_server(models: Path | str, folder: Path, *options: str) -> Server:
    """Start a server on a free port and wait until it says that it serves."""
    log = folder / "server.log"
    command = [sys.executable, "-m", "slugline", "serve", "--address", "127.0.0.1:0", "--models", str(models), *options]
    with log.open("w") as stderr:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=stderr, text=True)
    assert process.stdout is not None
    first = process.stdout.readline()
    if " on " not in first:
        process.wait(10)
        raise AssertionError(f"the server did not start: {log.read_text()}")
    return Server(process, first.split(" on ")[1].split(". ")[0], log)


def exposition(server: Server) -> str:
    """What a server started with `--metrics-address 127.0.0.1:0` shows, and says where in its log of either format."""
    lines = [line for line in server.log.read_text().splitlines() if "showing metrics" in line]
    found = re.search(r"127\.0\.0\.1:\d+", lines[0])
    assert found
    with urllib.request.urlopen(f"http://{found[0]}/metrics", timeout=30) as response:
        return str(response.read().decode())


def metrics_of(server: Server) -> dict[str, float]:
    """The value of each line of the exposition, by what stands before it."""
    lines = exposition(server).splitlines()
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines if line[0] != "#")}


@pytest.fixture(scope="session")
def server(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    running = start_server(models, tmp_path_factory.mktemp("server"), "--max-text-chars", "20000")
    yield running
    assert running.stop() == 0


@pytest.fixture
def channel(server: Server) -> Iterator[grpc.Channel]:
    with grpc.insecure_channel(server.address) as opened:
        yield opened


@pytest.fixture
def stub(channel: grpc.Channel) -> pb_grpc.ClassificationServiceStub:
    return pb_grpc.ClassificationServiceStub(channel)  # type: ignore[no-untyped-call]


@pytest.fixture
def slugline(tmp_path: Path) -> Slugline:
    """Run `slugline` as a user would, in an empty folder."""

    def run(*arguments: str | Path, stdin: str = "", **environment: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "slugline", *map(str, arguments)],
            input=stdin,
            capture_output=True,
            text=True,
            cwd=tmp_path,
            env=os.environ | environment,
            check=False,
        )

    return run
