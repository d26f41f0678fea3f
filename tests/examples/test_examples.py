"""The examples for other languages, each run against real servers where its tools are at hand."""

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from slugline.v1 import classification_pb2 as pb
from slugline.v1 import classification_pb2_grpc as pb_grpc
from tests.authority import Authority
from tests.conftest import Server, start_server

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "examples"
TOKEN = "the-token-of-the-news-desk"
SERVICE = "slugline.v1.ClassificationService"

# Each example is built once.
pytestmark = pytest.mark.xdist_group("examples")


@dataclass(frozen=True)
class Toolchain:
    """What an example needs, and the command that installs it."""

    commands: tuple[str, ...] = ()
    files: tuple[Path, ...] = ()
    install: str = ""

    def missing(self) -> list[str]:
        """What is not on this machine."""
        return [name for name in self.commands if shutil.which(name) is None] + [
            str(path) for path in self.files if not path.exists()
        ]


TOOLCHAINS = {
    "python": Toolchain(),
    "node": Toolchain(("node",), (EXAMPLES / "node" / "node_modules",), "Node.js and `npm ci` in examples/node"),
    "go": Toolchain(
        ("make", "go", "protoc", "protoc-gen-go"),
        (Path("/usr/share/gocode/src/google.golang.org/grpc"),),
        "`apt-get install` of the packages that examples/go/Makefile lists",
    ),
    "java": Toolchain(
        ("make", "javac", "protoc", "grpc_java_plugin"),
        (Path("/usr/share/java/grpc-netty.jar"), Path("/usr/share/java/netty-tcnative.jar")),
        "`apt-get install` of the packages that examples/java/Makefile lists",
    ),
}


def make(language: str, folder: Path, *targets: str) -> list[str]:
    return ["make", "--silent", "-C", str(EXAMPLES / language), f"BUILD={folder}", *targets]


@pytest.fixture(scope="module", params=TOOLCHAINS)
def command(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """How to run an example, built if it has to be."""
    language: str = request.param
    if missing := TOOLCHAINS[language].missing():
        pytest.skip(f"{', '.join(missing)} not found; it takes {TOOLCHAINS[language].install}")
    if language == "python":
        return [sys.executable, str(EXAMPLES / "python" / "classify.py")]
    if language == "node":
        return ["node", str(EXAMPLES / "node" / "classify.js")]
    folder = tmp_path_factory.mktemp(language)
    subprocess.run(make(language, folder), check=True, timeout=600)
    return [str(folder / "classify")] if language == "go" else make(language, folder, "run")


def run(command: list[str], *arguments: str, **environment: str) -> "subprocess.CompletedProcess[str]":
    given = [f"ARGUMENTS={' '.join(arguments)}"] if command[0] == "make" else list(arguments)
    return subprocess.run(
        [*command, *given],
        capture_output=True,
        text=True,
        check=False,
        timeout=120,
        env=os.environ | {"PYTHONPATH": str(ROOT / "clients" / "python")} | environment,
    )


@pytest.fixture
def expected(stub: pb_grpc.ClassificationServiceStub) -> str:
    """What every example prints, from what the stubs of Slugline itself say."""
    text = "Ministers held talks on a treaty while troops shelled the border."
    request = pb.ClassifyRequest(document=pb.Document(title="Envoys in Geneva", text=text), evidence_terms=3)
    lines = [
        f"{topic.topic} {topic.score:.3f} {'yes' if topic.assigned else 'no'} {topic.evidence.terms[0].term}"
        for topic in stub.Classify(request).topics
    ]
    assert [line.split()[2] for line in lines] == ["yes", "yes", "no"]
    lines += ["a: diplomacy", "b: BLANK_TEXT: is blank; send the text of the article"]
    return "\n".join(lines) + "\n"


def test_an_example_prints_what_the_server_says(command: list[str], server: Server, expected: str) -> None:
    done = run(command, server.address)
    assert (done.stdout, done.stderr) == (expected, "")


@pytest.fixture(scope="module")
def guarded(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[Server, Authority]]:
    """A server that asks for a token over TLS."""
    folder = tmp_path_factory.mktemp("guarded")
    authority = Authority(folder)
    shown = authority.issue("server")
    (folder / "tokens").write_text(f"{TOKEN}\n")
    pair = ("--tls-cert", str(shown.cert), "--tls-key", str(shown.key))
    server = start_server(models, folder, *pair, "--tokens", str(folder / "tokens"))
    yield server, authority
    server.stop()


def test_an_example_speaks_tls_and_brings_a_token(
    command: list[str], guarded: tuple[Server, Authority], expected: str
) -> None:
    server, authority = guarded
    address = server.address.replace("127.0.0.1", "localhost")
    access = {"SLUGLINE_TLS_CA": str(authority.path), "SLUGLINE_TOKEN": TOKEN}
    assert run(command, address, **access).stdout == expected
    stranger = run(command, address, **access | {"SLUGLINE_TOKEN": "a-token-of-nobody-here"})
    assert stranger.returncode
    assert stranger.stderr.upper().startswith("UNAUTHENTICATED")


def test_an_example_tells_why_a_call_failed(command: list[str], server: Server) -> None:
    done = run(command, server.address, "never")
    assert (bool(done.returncode), done.stdout) == (True, "")
    assert done.stderr.upper().replace("_", "").startswith("FAILEDPRECONDITION")
    assert "'never' was asked for" in done.stderr


def test_buf_curl_calls_through_reflection(server: Server) -> None:
    buf = shutil.which("buf", path=f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}")
    assert buf
    curl = [buf, "curl", "--protocol", "grpc", "--http2-prior-knowledge", "--data"]
    request = json.dumps({"document": {"text": "Envoys held talks on the treaty."}, "topics": ["diplomacy"]})
    done = subprocess.run(
        [*curl, request, f"http://{server.address}/{SERVICE}/Classify"], capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    (topic,) = json.loads(done.stdout)["topics"]
    assert (topic["topic"], topic["assigned"]) == ("diplomacy", True)
