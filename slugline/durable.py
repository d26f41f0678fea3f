"""Changes of a folder on disk that a kill or a power cut cannot leave half done.

Whatever takes more than one step is made under a name that readers pass over, flushed to disk, and renamed into place.
"""

import fcntl
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from slugline.errors import NotWritable

PARTIAL_PREFIX = ".partial-"
"""How the name begins of everything that is not in place yet, or no longer."""


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """One process at a time changes the folder; the lock goes with the process that holds it.

    Raises:
        NotWritable: the folder cannot be written to.
    """
    try:
        lock = (folder / ".lock").open("w")
    except OSError as error:
        raise NotWritable(folder, error.strerror or str(error)) from None
    with lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def sweep(folder: Path) -> None:
    """Remove all that is not in place: what was set aside, and what killed processes left. Needs the lock."""
    for leftover in folder.glob(PARTIAL_PREFIX + "*"):
        shutil.rmtree(leftover) if leftover.is_dir() else leftover.unlink(missing_ok=True)


def replace_text(path: Path, text: str) -> None:
    """Give a file a new content, so that readers see the old or the new one, whole. Needs the lock."""
    partial = path.with_name(PARTIAL_PREFIX + path.name)
    partial.write_text(text, encoding="utf-8")
    flush(partial)
    partial.replace(path)
    flush(path.parent)


def flush(path: Path) -> None:
    """Wait until a file's content, or a folder's names, are on disk."""
    descriptor = os.open(path, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
