"""What is on its way to an output, of whatever kind: written by one process at a time, and taken up again after a kill.

Beside the output stands a record of how far it is and of what it was made; it is replaced whole, never written on.
"""

import fcntl
import hashlib
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import IO, Protocol, TypeVar

import msgspec

from slugline.errors import InputError

_BEGIN_AGAIN = "leave --resume out to begin again"


class OutputBusy(InputError):
    """Another process is writing the output."""


class Resumable(Protocol):
    """How far an output is; `identity` is all that it depends on."""

    @property
    def identity(self) -> dict[str, str]:
        """What the output is made of: input file, model, settings."""


P = TypeVar("P", bound=Resumable)


def hold(lock: IO[bytes], output: Path) -> None:
    """Keep others from writing `output` as long as `lock` is open, which is closed where it is held already.

    Raises:
        OutputBusy: another process holds it.
    """
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        lock.close()
        raise OutputBusy(f"{output}: another process is writing it; wait for that one") from None


def held_folder(work: Path, output: Path) -> IO[bytes]:
    """Make the folder `work`, in which `output` is made, and give its lock, held.

    Raises:
        InputError: the folder cannot be made.
        OutputBusy: another process is at work in it.
    """
    try:
        work.mkdir(exist_ok=True)
        lock = (work / "lock").open("wb")
    except OSError as error:
        raise InputError(f"{output}: cannot be written: {error.strerror}") from None
    hold(lock, output)
    return lock


def record(path: Path, progress: msgspec.Struct) -> None:
    """Write down how far an output is."""
    aside = path.with_name(path.name + ".new")
    aside.write_bytes(msgspec.json.encode(progress))
    aside.replace(path)


def resumed(path: Path, start: P, is_there: Callable[[P], bool], output: Path) -> P:
    """How far `output` is by the record in `path`, and `start` where there is none.

    Raises:
        InputError: the record cannot be read, was made of something else than `start`, or tells of more than `XX
    """
    try:
        found = msgspec.json.decode(path.read_bytes(), type=type(start))
    except FileNotFoundError:
        return start
    except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
        raise InputError(f"{path}: cannot be read: {error}; {_BEGIN_AGAIN}") from None
    changed = [name for name, value in start.identity.items() if value != found.identity.get(name)]
    if changed or not is_there(found):
        what = ", ".join(changed) or "partial output"
        raise InputError(f"{output}: cannot be resumed: its {what} changed since it was begun; {_BEGIN_AGAIN}")
    return found


def identity_of(files: Sequence[Path], **others: str) -> dict[str, str]:
    """What the results of files depend on, to be compared when they are taken up again."""
    described = []
    for path in files:
        status = path.stat()
        described.append(f"{path.resolve()}, {status.st_size} bytes, of {status.st_mtime_ns}")
    if len(described) > 1:
        described = [f"{len(described)} files, {hashlib.blake2b(str(described).encode(), digest_size=16).hexdigest()}"]
    return {"input": described[0]} | others
