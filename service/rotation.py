"""Files that are replaced while the server runs: read again when they change; faulty ones change nothing."""

import asyncio
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, Generic, TypeVar

import structlog

from slugline.errors import CannotServe, SluglineError

log = structlog.get_logger("slugline.rotation")

T = TypeVar("T")


class Rotated(Generic[T]):
    """What a group of files says; `value` is of the last content that was without fault.

    `read` makes it from the content of each of the `paths`, and raises a SluglineError where it cannot.
    """

    def __init__(self, name: str, paths: Sequence[Path], read: Callable[[list[bytes]], T]) -> None:
        """Read the files for the first time.

        Raises:
            CannotServe: one cannot be read, or they are faulty.
        """
        self._name = name
        self._paths = paths
        self._read = read
        try:
            self._seen = self._content()
            self.value = read(self._seen)
        except SluglineError as error:
            raise CannotServe(str(error)) from None
        self._reason = ""

    def look(self) -> None:
        """Read the files again; a fault is logged once, until it is another or gone."""
        try:
            # Whole contents, since a file may be replaced by one of the same size within a tick of the clock.
            content = self._content()
            if content == self._seen:
                self._reason = ""
                return
            self.value = self._read(content)
        except SluglineError as error:
            if str(error) != self._reason:
                log.warning(f"{self._name} refused, those before stay in use", reason=str(error))
            self._reason = str(error)
            return
        self._seen, self._reason = content, ""
        log.info(f"{self._name} reread", paths=[str(path) for path in self._paths])

    def _content(self) -> list[bytes]:
        return [_content_of(path) for path in self._paths]


async def follow(files: Sequence[Rotated[Any]], seconds: float) -> None:
    """Look at `files` every `seconds` until cancelled; never where it is 0."""
    while files and seconds:
        await asyncio.sleep(seconds)
        for each in files:
            each.look()


def _content_of(path: Path) -> bytes:
    try:
        return path.read_bytes()
    except OSError as error:
        raise CannotServe(f"{path}: cannot be read ({error.strerror}); name a file that this user may read") from None
