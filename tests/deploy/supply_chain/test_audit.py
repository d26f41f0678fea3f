"""The audit, run as `make audit` runs it, against a real HTTP server that speaks the protocol of OSV."""

import json
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from deploy.supply_chain.audit import BROKEN, FOUND, PASSED, SKIPPED, locked_releases, main

ROOT = Path(__file__).parents[3]
HASH = "    --hash=sha256:" + "0" * 64 + "\n"


class Service(ThreadingHTTPServer):
    """Answers queries from `known`, by name and version; gives up after `patience` of them."""

    daemon_threads = True

    def __init__(self, known: dict[tuple[str, str], str], patience: int) -> None:
        super().__init__(("127.0.0.1", 0), Query)
        self.known, self.patience = known, patience
        self.asked: list[tuple[str, str]] = []

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.server_address[1]}/v1/query"


class Query(BaseHTTPRequestHandler):
    server: Service

    def do_POST(self) -> None:
        asked = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        name, version = asked["package"]["name"], asked["version"]
        self.server.asked.append((name, version))
        failing = len(self.server.asked) > self.server.patience
        identifier = self.server.known.get((name, version))
        affected = [{"package": {"name": name, "ecosystem": "PyPI"}, "ranges": [fixed("99.1")]}]
        answer: dict[str, Any] = {"vulns": [{"id": identifier, "affected": affected}]} if identifier else {}
        self.send_response(503 if failing else 200)
        self.end_headers()
        self.wfile.write(json.dumps(answer).encode())

    def log_message(self, *arguments: object) -> None:
        """Nothing: the tests read what was asked from `asked`."""


def fixed(version: str) -> dict[str, object]:
    return {"type": "ECOSYSTEM", "events": [{"introduced": "0"}, {"fixed": version}]}


CANARY = {("jinja2", "2.10"): "GHSA-462w-v97r-4m45"}


@pytest.fixture
def serve() -> Iterator[Callable[..., Service]]:
    services: list[Service] = []

    def start(known: dict[tuple[str, str], str], patience: int = 10_000) -> Service:
        services.append(Service(known, patience))
        threading.Thread(target=services[-1].serve_forever, daemon=True).start()
        return services[-1]

    yield start
    for service in services:
        service.shutdown()
        service.server_close()


def audit(lock: Path, url: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "deploy.supply_chain.audit", str(lock), "--osv-url", url]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=False)


@pytest.fixture
def lock(tmp_path: Path) -> Path:
    """Two packages, one of them in two versions for different Pythons, as a universal lock has them."""
    path = tmp_path / "requirements.lock"
    path.write_text(
        f"Good_Name==1.0 \\\n{HASH}    # via slugline\nnumpy==1.1 ; python_full_version < '3.0' \\\n{HASH}"
        f"numpy==1.2 ; python_full_version >= '3.0' \\\n{HASH}"
    )
    return path


def test_a_lock_without_known_vulnerabilities_passes_after_every_release_was_looked_up(
    lock: Path, serve: Callable[..., Service]
) -> None:
    service = serve(CANARY)
    finished = audit(lock, service.url)
    assert finished.returncode == PASSED, finished.stderr
    assert set(service.asked) == {("jinja2", "2.10"), ("good-name", "1.0"), ("numpy", "1.1"), ("numpy", "1.2")}
    assert "3 releases looked up, 0 known" in finished.stderr


def test_a_known_vulnerability_fails_also_of_a_release_for_another_python(
    lock: Path, serve: Callable[..., Service]
) -> None:
    finished = audit(lock, serve(CANARY | {("numpy", "1.1"): "GHSA-xxxx"}).url)
    assert finished.returncode == FOUND
    assert "numpy==1.1: GHSA-xxxx, fixed in 99.1" in finished.stdout


@pytest.mark.parametrize(
    ("known", "patience", "reason"),
    [
        pytest.param({}, 10_000, "knows of nothing against jinja2==2.10", id="a service that knows nothing"),
        pytest.param(CANARY, 2, "", id="a service that stops to answer"),
        pytest.param(CANARY, 0, "", id="a service that is down"),
    ],
)
def test_what_could_not_be_looked_up_is_skipped_aloud_and_never_passes(
    known: dict[tuple[str, str], str], patience: int, reason: str, lock: Path, serve: Callable[..., Service]
) -> None:
    finished = audit(lock, serve(known, patience).url)
    assert finished.returncode == SKIPPED
    assert finished.stderr.startswith("SKIPPED: could not look packages up: ")
    assert reason in finished.stderr


@pytest.mark.parametrize(
    ("text", "where"),
    [
        ("", "pins nothing"),
        ("numpy>=1.0\n", ":1: is neither"),
        ("numpy==1.0\nscipy==1.0 \\\n" + HASH, "has no hash of numpy==1.0"),
    ],
)
def test_a_lock_that_pins_too_little_is_a_fault_of_its_own(
    text: str, where: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "lock").write_text(text)
    assert main([str(tmp_path / "lock"), "--osv-url", "http://127.0.0.1:9/v1/query"]) == BROKEN
    assert where in capsys.readouterr().err


def test_make_says_skipped_and_does_not_fail_then(lock: Path) -> None:
    """The recipe as it stands in the Makefile, with this Python and a service that cannot be reached."""
    recipe = (ROOT / "Makefile").read_text().split("\naudit:")[1].split("\n\n")[0].split("\n", 1)[1]
    command = recipe.replace("$(BIN)/python", sys.executable).replace("$$", "$").lstrip("\t@")
    assert "requirements.lock" in command
    command = command.replace("requirements.lock", f"{lock} --osv-url http://127.0.0.1:9/")
    finished = subprocess.run(command, shell=True, capture_output=True, text=True, cwd=ROOT, check=False)
    assert finished.returncode == 0
    assert finished.stderr.startswith("SKIPPED: could not look packages up: ")
    assert "make audit: SKIPPED" in finished.stdout
    broken = command.replace(str(lock), str(lock) + ".missing")
    assert subprocess.run(broken, shell=True, capture_output=True, cwd=ROOT, check=False).returncode != 0


def test_the_projects_own_locks_can_be_audited() -> None:
    for name in ("requirements.lock", "requirements-dev.lock"):
        releases = locked_releases(ROOT / name)
        assert len(releases) == sum(
            "==" in line for line in (ROOT / name).read_text().splitlines() if line[:1].isalnum()
        )
