"""Archives: files of any size through a classifier, in chunks, on all cores, to be taken up again after a kill.

While it lasts, the results stand in `.NAME.partial` beside the output, and `.NAME.progress` says how far they go and
what they were made of. When all is done the first takes the place of the output, and the second goes.
"""

import fcntl
import hashlib
import os
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, BinaryIO

import msgspec

from slugline.cli.classifiers import Classifier, Outcome
from slugline.corpus import bare_line, rows_of
from slugline.errors import DataNotFound, InputError
from slugline.names import ScorerName

if TYPE_CHECKING:
    from slugline.cli.classifiers import LocalClassifier

_CHUNK_BYTES = 1_000_000
_ALONE_BYTES = 8_000_000
"""Files up to this size are done before other processes have started."""
_SECONDS_BETWEEN_RECORDS = 1.0


class Progress(msgspec.Struct, frozen=True):
    """How far an archive is done, and what its results were made of.

    `input_bytes` of the input, whose BLAKE2 is `input_digest`, gave `output_bytes` of the partial output.
    `identity` is all that the results depend on besides: input file, model, settings.
    """

    identity: dict[str, str]
    input_bytes: int = 0
    input_digest: str = ""
    output_bytes: int = 0
    lines: int = 0
    done: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Chunk:
    """Lines that follow one another, with their numbers, and where the file stands after them."""

    lines: list[tuple[int, bytes]]
    input_bytes: int
    input_digest: str
    last_line: int


@dataclass(frozen=True, slots=True)
class Tagged:
    """The results of a chunk, one line of output each."""

    output: bytes
    done: int
    failed: int


Tagger = Callable[[Iterable[Chunk]], Iterator[Tagged]]
"""Turns chunks into their results, in order."""


def chunks(path: Path, start: Progress) -> Iterator[Chunk]:
    """The chunks of a file, from where `start` stands.

    Raises:
        DataNotFound: the file cannot be read.
        InputError: what stands before is not what was read then.
    """
    digest = hashlib.blake2b(digest_size=16)
    try:
        with path.open("rb") as file:
            _skip(file, digest, start)
            number, position = start.lines, start.input_bytes
            lines, size = list[tuple[int, bytes]](), 0
            for line in file:
                number += 1
                digest.update(line)
                size += len(line)
                if stripped := bare_line(number, line):
                    lines.append((number, stripped))
                if size >= _CHUNK_BYTES:
                    position += size
                    yield Chunk(lines, position, digest.hexdigest(), number)
                    lines, size = [], 0
            if size:
                yield Chunk(lines, position + size, digest.hexdigest(), number)
    except OSError as error:
        raise DataNotFound(f"{path}: cannot be read: {error.strerror or error}") from None


def _skip(file: BinaryIO, digest: "hashlib.blake2b", start: Progress) -> None:
    left = start.input_bytes
    while left and (block := file.read(min(left, _CHUNK_BYTES))):
        digest.update(block)
        left -= len(block)
    if start.input_bytes and digest.hexdigest() != start.input_digest:
        raise InputError(f"{file.name}: has changed since the results were begun; leave --resume out to begin again")


def tag_lines(classifier: Classifier, lines: list[tuple[int, bytes]]) -> Tagged:
    """The results of numbered lines."""
    rows = list(rows_of(lines, max_text_chars=classifier.max_text_chars))
    outcomes = iter(classifier.classify_many([row.document for row in rows if row.document is not None]))
    output, failed = bytearray(), 0
    for row in rows:
        outcome = Outcome(error=row.problem) if row.document is None else next(outcomes)
        output += msgspec.json.encode(outcome.row(row.id)) + b"\n"
        failed += bool(outcome.error)
    return Tagged(bytes(output), len(rows), failed)


def tagger_alone(classifier: Classifier) -> Tagger:
    """A tagger in this process."""
    return lambda archive: (tag_lines(classifier, chunk.lines) for chunk in archive)


def tagger_on_all_cores(folder: Path, scorer: ScorerName, trusted_keys: Path | None, input_path: Path) -> Tagger:
    """A tagger with a process on every core, each with the model in `folder`; small files are done in this one."""
    cores = len(os.sched_getaffinity(0))
    if cores == 1 or input_path.stat().st_size <= _ALONE_BYTES:
        return tagger_alone(_loaded(folder, scorer, trusted_keys))

    def tag(archive: Iterable[Chunk]) -> Iterator[Tagged]:
        from joblib import Parallel, delayed

        # A few chunks wait for each core, and no more are read, whatever the size of the file.
        parallel = Parallel(n_jobs=cores, return_as="generator", pre_dispatch=2 * cores, batch_size=1)
        return parallel(delayed(_tag_with)(folder, scorer, trusted_keys, chunk.lines) for chunk in archive)  # type: ignore[no-any-return]

    return tag


def _tag_with(folder: Path, scorer: ScorerName, trusted_keys: Path | None, lines: list[tuple[int, bytes]]) -> Tagged:
    return tag_lines(_loaded(folder, scorer, trusted_keys), lines)


@lru_cache(maxsize=1)
def _loaded(folder: Path, scorer: ScorerName, trusted_keys: Path | None) -> "LocalClassifier":
    from slugline import store
    from slugline.cli.classifiers import LocalClassifier

    return LocalClassifier(store.load(folder, scorer, trusted_keys))


class ResumableOutput:
    """The output of an archive while it is being made.

    Raises:
        InputError: the output cannot be written, another process is writing it, or `resume` was asked for and the
            results so far were made of something else than `identity`.
    """

    def __init__(self, path: Path, identity: dict[str, str], *, resume: bool) -> None:
        self._path = path
        self._partial = path.with_name(f".{path.name}.partial")
        self._record = path.with_name(f".{path.name}.progress")
        self._file = self._locked()
        try:
            self.progress = self._resumed(identity) if resume else Progress(identity)
        except InputError:
            self._file.close()
            raise
        self._file.truncate(self.progress.output_bytes)
        self._file.seek(self.progress.output_bytes)
        self._recorded = time.monotonic()

    def add(self, chunk: Chunk, tagged: Tagged) -> None:
        """Write the results of the next chunk."""
        self._file.write(tagged.output)
        before = self.progress
        self.progress = Progress(
            before.identity,
            chunk.input_bytes,
            chunk.input_digest,
            before.output_bytes + len(tagged.output),
            chunk.last_line,
            before.done + tagged.done,
            before.failed + tagged.failed,
        )
        if time.monotonic() - self._recorded > _SECONDS_BETWEEN_RECORDS:
            self.record()

    def record(self) -> None:
        """Make what has been done safe from a kill."""
        self._flush()
        aside = self._record.with_name(self._record.name + ".new")
        aside.write_bytes(msgspec.json.encode(self.progress))
        aside.replace(self._record)
        self._recorded = time.monotonic()

    def finish(self) -> None:
        """Put the results in the place of the output."""
        self._flush()
        self._partial.replace(self._path)
        self._record.unlink(missing_ok=True)
        self._file.close()

    def abandon(self) -> None:
        """Stop, keeping what `resume` needs if anything was done."""
        if self.progress.done:
            self.record()
        else:
            with suppress(OSError):
                self._partial.unlink(missing_ok=True)
                self._record.unlink(missing_ok=True)
        self._file.close()

    def _locked(self) -> BinaryIO:
        try:
            # Nothing may be truncated before it is certain that nobody else is writing it.
            file = os.fdopen(os.open(self._partial, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o666), "r+b")
        except OSError as error:
            raise InputError(f"{self._path}: cannot be written: {error.strerror}") from None
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            file.close()
            raise InputError(f"{self._path}: another process is writing it; wait for that one") from None
        return file

    def _flush(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())

    def _resumed(self, identity: dict[str, str]) -> Progress:
        try:
            progress = msgspec.json.decode(self._record.read_bytes(), type=Progress)
        except FileNotFoundError:
            return Progress(identity)
        except (OSError, msgspec.DecodeError, UnicodeDecodeError) as error:
            raise InputError(f"{self._record}: cannot be read: {error}; leave --resume out to begin again") from None
        changed = [name for name in identity if identity[name] != progress.identity.get(name)]
        if changed or progress.output_bytes > self._partial.stat().st_size:
            what = ", ".join(changed) or "partial output"
            raise InputError(
                f"{self._path}: cannot be resumed: its {what} changed since it was begun; "
                "leave --resume out to begin again"
            )
        return progress


def identity_of(input_path: Path, **others: str) -> dict[str, str]:
    """What the results of a file depend on, to be compared when they are taken up again."""
    status = input_path.stat()
    return {"input": f"{input_path.resolve()}, {status.st_size} bytes, of {status.st_mtime_ns}"} | others
