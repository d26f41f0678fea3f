"""Rows of articles through a classifier, and into a file that is replaced as a whole."""

import os
import sys
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import BinaryIO

import msgspec

from slugline.cli.classifiers import Classifier, Outcome
from slugline.corpus import Row
from slugline.errors import InputError

_ROWS_AT_ONCE = 256


def classify_rows(classifier: Classifier, rows: Iterable[Row]) -> Iterator[tuple[bytes, bool]]:
    """One line of output for each row, in their order, and whether the row failed."""
    remaining = iter(rows)
    while chunk := list(islice(remaining, _ROWS_AT_ONCE)):
        outcomes = iter(classifier.classify_many([row.document for row in chunk if row.document is not None]))
        for row in chunk:
            outcome = Outcome(error=row.problem) if row.document is None else next(outcomes)
            yield msgspec.json.encode(outcome.row(row.id)) + b"\n", bool(outcome.error)


@contextmanager
def replacing(path: Path | None) -> Iterator[BinaryIO]:
    """A file that takes the place of `path` when the block ends well, and leaves no trace otherwise.

    None means standard output.
    """
    if path is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    try:
        descriptor, temporary = tempfile.mkstemp(prefix=f".{path.name}.", dir=path.parent)
    except OSError as error:
        raise InputError(f"{path}: cannot be written: {error.strerror}") from None
    try:
        with os.fdopen(descriptor, "wb") as output:
            yield output
            output.flush()
            os.fsync(output.fileno())
        umask = os.umask(0)
        os.umask(umask)
        Path(temporary).chmod(0o666 & ~umask)
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise
