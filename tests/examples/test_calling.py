"""docs/calling.md says what the examples do, and what it shows works."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from tests.conftest import Server

ROOT = Path(__file__).parent.parent.parent
PAGE = (ROOT / "docs" / "calling.md").read_text(encoding="utf-8")
BLOCKS: dict[str, str] = dict(re.findall(r"```(\w+)\n(.*?)```", PAGE, re.DOTALL))
SOURCES = {"js": "node/classify.js", "go": "go/main.go", "java": "java/Classify.java"}
ADDRESS = "127.0.0.1:50051"


def test_each_language_has_ten_lines() -> None:
    assert set(BLOCKS) == {"python", "sh", *SOURCES}
    for block in BLOCKS.values():
        assert len([line for line in block.splitlines() if line.strip()]) <= 10


@pytest.mark.parametrize("language", SOURCES)
def test_the_lines_are_those_of_the_example(language: str) -> None:
    source = (ROOT / "examples" / SOURCES[language]).read_text(encoding="utf-8")
    lines = {line.strip() for line in source.splitlines()}
    shown = {line.strip() for line in BLOCKS[language].splitlines()} - {"// ..."}
    assert shown - lines == set()


def test_the_lines_of_python_run(server: Server) -> None:
    done = subprocess.run(
        [sys.executable, "-c", BLOCKS["python"].replace(ADDRESS, server.address)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PYTHONPATH": str(ROOT / "clients" / "python")},
    )
    assert done.stdout.startswith("('military_action',) {"), done.stderr
    assert done.stdout.endswith("b BLANK_TEXT is blank; send the text of the article\n")


def test_the_lines_of_the_shell_run(server: Server) -> None:
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        ["sh", "-c", BLOCKS["sh"].replace(ADDRESS, server.address)],
        capture_output=True,
        text=True,
        check=False,
        env=os.environ | {"PATH": path},
    )
    assert '"contribution"' in done.stdout, done.stderr


def test_the_versions_of_node_packages_are_those_that_are_pinned() -> None:
    for name, version in re.findall(r"(@grpc/\S+) (\d+\.\d+\.\d+)", PAGE):
        assert f'"{name}": "{version}"' in (ROOT / "examples" / "node" / "package.json").read_text()
