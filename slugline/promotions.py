"""Promotions: which version of a name is current, and which were before it.

CURRENT holds the current version. HISTORY holds those that were current before it, one a line, oldest first; going
back needs it, loading never does. Each file is replaced by a rename. A kill between the two leaves the current version
at the end of HISTORY too, where it says nothing and is passed over.
"""

from pathlib import Path

from slugline.durable import replace_text

CURRENT_FILE = "CURRENT"
HISTORY_FILE = "HISTORY"
_LONGEST_NAME = 255
"""Bytes; file systems take no longer name, and say so with an error of their own."""


def current(home: Path) -> str | None:
    """The current version of the name whose folder is `home`, or None where it has none."""
    # What is no text names no version, and is found out like any other name of none.
    name = _text(home / CURRENT_FILE).strip()
    return name.encode()[:_LONGEST_NAME].decode(errors="ignore") or None


def earlier(home: Path) -> list[str]:
    """The versions that were current before the current one, oldest first; a version stands there once a promotion."""
    versions = _text(home / HISTORY_FILE).split()
    now = current(home)
    while versions and versions[-1] == now:
        versions.pop()
    return versions


def predecessor(home: Path) -> str | None:
    """The version that was current before the current one, or None where there was none."""
    versions = earlier(home)
    return versions[-1] if versions else None


def advance(home: Path, version: str) -> None:
    """Make a version current and remember the one before it. Needs the lock of `home`."""
    before = current(home)
    # A version that is not there, as one a damaged CURRENT names, is nothing to go back to.
    if before is not None and before != version and (home / before).is_dir():
        _write_history(home, [*earlier(home), before])
    replace_text(home / CURRENT_FILE, version + "\n")


def step_back(home: Path) -> None:
    """Make the predecessor current and forget that it was left. Needs the lock of `home`, and a predecessor."""
    *older, version = earlier(home)
    replace_text(home / CURRENT_FILE, version + "\n")
    _write_history(home, older)


def _write_history(home: Path, versions: list[str]) -> None:
    replace_text(home / HISTORY_FILE, "".join(version + "\n" for version in versions))


def _text(path: Path) -> str:
    try:
        return path.read_text(encoding="utf-8", errors="replace")
    except (FileNotFoundError, NotADirectoryError):
        return ""
