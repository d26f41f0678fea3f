"""The wheel of the Python client, built and used where nothing but what it asks for is installed."""

import shutil
import subprocess
import sys
import sysconfig
import venv
import zipfile
from email.parser import Parser
from pathlib import Path

import pytest

from tests.conftest import Server

PACKAGE = Path(__file__).parent.parent.parent.parent / "clients" / "python"
ASKED_FOR = ("grpc", "google/protobuf", "google/_upb", "typing_extensions.py")
"""What grpcio, protobuf and what they ask for consist of."""

USE = """
import importlib.util, sys
from slugline_client import Client, Document

with Client(sys.argv[1]) as client:
    outcomes = list(client.classify_many([Document("Envoys held talks.", id="a")], evidence_terms=1))
    print(outcomes[0].document_id, len(outcomes[0].topics[0].evidence.terms), len(client.get_model().topics))
for name in ("service", "training", "protos", "slugline", "grpc_status", "google.rpc", "numpy"):
    assert importlib.util.find_spec(name) is None, name
"""


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built with the setuptools of the lock file, without a network."""
    folder = tmp_path_factory.mktemp("wheel")
    shutil.copytree(PACKAGE, folder / "source", ignore=shutil.ignore_patterns("build", "*.egg-info", "__pycache__"))
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-index", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", str(folder), str(folder / "source")], check=True)
    return next(folder.glob("*.whl"))


def test_the_wheel_holds_the_package_and_nothing_with_a_name_of_others(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
        information = next(name for name in names if name.endswith("METADATA"))
        asks = Parser().parsestr(archive.read(information).decode()).get_all("Requires-Dist") or []
    assert {name.split("/")[0] for name in names} == {"slugline_client", information.split("/")[0]}
    assert {"slugline_client/py.typed", "slugline_client/wire/classification_pb2.pyi"} <= set(names)
    assert any(name.endswith("licenses/LICENSE") for name in names)
    assert {line.split(">")[0].split("<")[0] for line in asks} == {"grpcio", "protobuf"}


def test_the_wheel_works_where_nothing_else_is(wheel: Path, server: Server, tmp_path: Path) -> None:
    home = tmp_path / "venv"
    venv.create(home, with_pip=False)
    site = next(home.glob("lib/python3*/site-packages"))
    (site / "google").mkdir()
    for name in ASKED_FOR:
        (site / name).symlink_to(Path(sysconfig.get_path("purelib")) / name)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--no-index", "--no-deps", "--target", str(site)]
    subprocess.run([*pip, str(wheel)], check=True)
    done = subprocess.run(
        [home / "bin" / "python", "-c", USE, server.address],
        capture_output=True,
        text=True,
        check=False,
        cwd=tmp_path,
        env={},
    )
    assert done.stdout.startswith("a ") and done.stdout.endswith(" 3\n"), done.stderr
