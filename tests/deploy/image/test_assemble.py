"""Assembling for real: the Python that runs the tests in a root of its own, and a container on it."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from deploy.image import container

ASSEMBLE = Path(__file__).parents[3] / "deploy/image/assemble.py"
PACKAGES = ("slugline", "service", "training")
pytestmark = pytest.mark.skipif(
    not all(map(shutil.which, ("ldd", "ldconfig", "unshare", "mount"))) or os.geteuid() != 0,
    reason="making a root file system and a container of it takes root, util-linux and the GNU linker",
)


@pytest.fixture(scope="module")
def root() -> Iterator[Path]:
    """An image of a virtual environment in which three empty packages stand for Slugline's."""
    # Not below /tmp, over which containers have memory of their own.
    with tempfile.TemporaryDirectory(dir="/var/tmp") as folder:
        yield assembled(Path(folder))


def assembled(folder: Path) -> Path:
    environment = folder / "venv"
    command = [sys.executable, "-m", "venv", "--copies", "--without-pip", str(environment)]
    subprocess.run(command, check=True)
    site = next(environment.glob("lib/python3.*/site-packages"))
    for name in (*PACKAGES, "pip", "library/tests", "library"):
        (site / name).mkdir(parents=True, exist_ok=True)
        (site / name / "__init__.py").write_text("")
    for name in ("library/fast.c", "library/fast.pyi"):
        (site / name).write_text("")
    (folder / "models/default").mkdir(parents=True)
    (folder / "models/default/CURRENT").write_text("1")
    run = [str(environment / "bin/python"), str(ASSEMBLE), "--models", str(folder / "models")]
    variables = {name: value for name, value in os.environ.items() if not name.startswith("PYTHON")}
    subprocess.run([*run, "--to", str(folder / "root")], check=True, cwd=folder, env=variables)
    return folder / "root"


def inside(root: Path, path: Path) -> Path:
    return root / path.relative_to("/")


def contained(root: Path, *command: str, check: bool = True) -> "subprocess.CompletedProcess[str]":
    python = str(next(root.parent.glob("venv/bin/python")))
    inner = [sys.executable, "-I", str(Path(container.__file__)), str(root), str(root.parent / "models")]
    words = ["unshare", *container.NAMESPACES, "--fork", "--kill-child", *inner, "10001", "10001", "COLOUR=red"]
    return subprocess.run([*words, python, *command], capture_output=True, text=True, check=check)


def test_python_runs_there_with_its_extension_modules(root: Path) -> None:
    finished = contained(root, "-c", "import ssl, sqlite3, ctypes, zlib, slugline; print(ssl.OPENSSL_VERSION)")
    assert "SSL" in finished.stdout


def test_what_only_building_needs_stays_behind(root: Path) -> None:
    library = inside(root, next(root.parent.glob("venv/lib/python3.*/site-packages")))
    assert (library / "library/__init__.py").exists()
    assert not (library / "library/tests").exists()
    assert not list((library / "library").glob("fast.*"))
    assert not (library / "pip").exists()
    assert {path.name for path in inside(root, root.parent / "venv/bin").iterdir()} <= {
        "python",
        "python3",
        f"python3.{sys.version_info.minor}",
    }
    assert inside(root, root.parent / "models/default/CURRENT").read_text() == "1"


def test_nothing_is_setuid_and_there_is_no_shell(root: Path) -> None:
    files = [path for path in root.rglob("*") if path.is_file() and not path.is_symlink()]
    assert not [path for path in files if path.stat().st_mode & 0o6000]
    assert not {path.name for path in files} & {"sh", "bash", "dash", "apt-get", "dpkg", "su", "gcc"}


def test_its_container_is_unprivileged_read_only_and_alone(root: Path) -> None:
    program = """
import json, os, socket
def refused(path):
    try: open(path, "w")
    except OSError as error: return error.errno
status = dict(line.split(":", 1) for line in open("/proc/self/status").read().splitlines())
open("/tmp/new", "w")
server = socket.create_server(("127.0.0.1", 50051))
print(json.dumps({
    "ids": os.getresuid() + os.getresgid() + tuple(os.getgroups()),
    "capabilities": status["CapEff"].strip(), "no_new": status["NoNewPrivs"].strip(),
    "refused": [refused(path) for path in ("/new", "/mnt/new", "/dev/shm/../new")],
    "mounted": os.listdir("/mnt"), "number": os.getpid(), "interfaces": [name for _, name in socket.if_nameindex()],
    "variables": os.environ.get("COLOUR"), "home": os.environ.get("HOME")}))
"""
    told = json.loads(contained(root, "-c", program).stdout)
    assert told["ids"] == [10001] * 6
    assert told["capabilities"] == "0" * 16
    assert told["no_new"] == "1"
    read_only, forbidden = 30, 13
    assert told["refused"] == [read_only, read_only, forbidden]
    assert told["mounted"] == ["default"]
    assert told["number"] == 1
    assert "lo" in told["interfaces"]
    assert (told["variables"], told["home"]) == ("red", None)


def test_the_exit_status_of_the_command_comes_out(root: Path) -> None:
    assert contained(root, "-c", "raise SystemExit(7)", check=False).returncode == 7
