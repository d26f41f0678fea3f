"""training -> slugline <- service, and the command line above all: nothing imports against the arrows."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
MODULES = sorted(path for folder in ("slugline", "service", "training") for path in (ROOT / folder).rglob("*.py"))


def imported(path: Path) -> set[str]:
    """The modules a file imports, at its top or inside of its functions."""
    names: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: imports relatively"
            names |= {str(node.module)} | {f"{node.module}.{alias.name}" for alias in node.names}
    return names


def forbidden_for(path: Path) -> tuple[str, ...]:
    folder = path.relative_to(ROOT).parts[0]
    if path.is_relative_to(ROOT / "slugline" / "cli") or path == ROOT / "slugline" / "__main__.py":
        return ()
    others = {"slugline": ("training", "service"), "service": ("training",), "training": ("service",)}
    return (*others[folder], "slugline.cli")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_imports_follow_the_arrows(path: Path) -> None:
    against = [
        name
        for name in imported(path)
        for package in forbidden_for(path)
        if name == package or name.startswith(package + ".")
    ]
    assert against == []


def test_the_search_sees_imports_inside_of_functions() -> None:
    assert "training.publishing" in imported(ROOT / "slugline" / "cli" / "train.py")


@pytest.mark.parametrize("path", MODULES, ids=lambda path: str(path.relative_to(ROOT)))
def test_modules_stay_short(path: Path) -> None:
    if path.parent.name not in ("v1", "inference"):
        assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


def test_no_module_has_a_name_that_says_nothing() -> None:
    nothing = {"utils", "util", "helpers", "helper", "manager", "managers", "common", "misc"}
    assert not nothing & {path.stem for path in MODULES}
