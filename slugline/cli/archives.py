"""Archives: files of any size through a classifier, in chunks, on all cores, to be taken up again after a kill.

A file of JSONL is cut into chunks of lines, which other processes read; of any other format the rows are read here.
While it lasts, the results stand in `.NAME.partial` beside the output, and `.NAME.progress` says how far they go and
what they were made of. When all is done the first takes the place of the output, and the second goes.
"""

import hashlib
import itertools
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType
from typing import TYPE_CHECKING, BinaryIO, NamedTuple, Protocol, TypeVar

import msgspec

from slugline.cli import resuming
from slugline.cli.classifiers import Classifier, Outcome
from slugline.corpus import Row, rows_of
from slugline.errors import DataNotFound, InputError
from slugline.formats.columns import Columns
from slugline.formats.jsonl import JSONL, bare_line
from slugline.formats.reading import Reading
from slugline.formats.records import Record
from slugline.names import ScorerName

if TYPE_CHECKING:
    from slugline.cli.classifiers import LocalClassifier

_CHUNK_BYTES = 1_000_000
_CHUNK_ROWS = 2000
ARTICLE_FIELDS = ("id", "title", "text")
"""All of a row that classifying needs."""
_ALONE_BYTES = 8_000_000
"""Files up to this size are done before other processes have started."""
_SECONDS_BETWEEN_RECORDS = 1.0
_LOADING = threading.Lock()


class Progress(msgspec.Struct, frozen=True):
    """How far an archive is done, and what its results were made of.

    `input_bytes` of the input, whose BLAKE2 is `input_digest`, gave `output_bytes` of the partial output; where the
    input is no plain JSONL, `done` rows of it did.
    `identity` is all that the results depend on besides: input file, model, settings.
    """

    identity: dict[str, str]
    input_bytes: int = 0
    input_digest: str = ""
    output_bytes: int = 0
    lines: int = 0
    done: int = 0
    failed: int = 0


class Lines(NamedTuple):
    """Lines of JSONL that follow one another, with their numbers."""

    lines: list[tuple[int, bytes]]
    columns: Mapping[str, str] = MappingProxyType({})

    def records(self) -> Iterator[Record]:
        """What is in the lines."""
        return JSONL.records(self.lines, Columns(self.columns), Path())


class Rows(NamedTuple):
    """Rows of any format that follow one another."""

    rows: list[Record]

    def records(self) -> Iterator[Record]:
        """The rows."""
        return iter(self.rows)


@dataclass(frozen=True, slots=True)
class Chunk:
    """A part of an input, and where the input stands after it."""

    content: Lines | Rows
    input_bytes: int = 0
    input_digest: str = ""
    last_line: int = 0


@dataclass(frozen=True, slots=True)
class Tagged:
    """The results of a chunk, one line of output each."""

    output: bytes
    done: int
    failed: int


W = TypeVar("W")
R = TypeVar("R")


class Workers(Protocol):
    """Does a task for each piece of work with a classifier, and gives what comes of it, in order."""

    def __call__(self, task: Callable[[Classifier, W], R], work: Iterable[W]) -> Iterator[R]:
        """The results of all the work."""


def chunks(path: Path, start: Progress, columns: Mapping[str, str] | None = None) -> Iterator[Chunk]:
    """The chunks of a file of JSONL, from where `start` stands.

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
                    yield Chunk(Lines(lines, columns or {}), position, digest.hexdigest(), number)
                    lines, size = [], 0
            if size:
                yield Chunk(Lines(lines, columns or {}), position + size, digest.hexdigest(), number)
    except OSError as error:
        raise DataNotFound(f"{path}: cannot be read: {error.strerror or error}") from None


def _skip(file: BinaryIO, digest: "hashlib.blake2b", start: Progress) -> None:
    left = start.input_bytes
    while left and (block := file.read(min(left, _CHUNK_BYTES))):
        digest.update(block)
        left -= len(block)
    if start.input_bytes and digest.hexdigest() != start.input_digest:
        raise InputError(f"{file.name}: has changed since the results were begun; leave --resume out to begin again")


def row_chunks(files: Iterable[Path], start: Progress, reading: Reading) -> Iterator[Chunk]:
    """The chunks of files of any format, from the row on that comes after those that are done.

    Raises:
        InputError: a file cannot be read.
    """
    rows, size = list[Record](), 0
    every = (record for path in files for record in reading.records(path))
    for record in itertools.islice(every, start.done, None):
        rows.append(_article_alone(record))
        size += len(str((record.fields or {}).get("text")))
        if size >= _CHUNK_BYTES or len(rows) >= _CHUNK_ROWS:
            yield Chunk(Rows(rows))
            rows, size = [], 0
    if rows:
        yield Chunk(Rows(rows))


def _article_alone(record: Record) -> Record:
    """The record without what no other process needs to know."""
    if record.fields is None:
        return record
    return Record(record.number, {name: record.fields[name] for name in ARTICLE_FIELDS if name in record.fields})


def tag(classifier: Classifier, content: Lines | Rows) -> Tagged:
    """The results of what is in a chunk."""
    rows, outcomes = classified(classifier, content)
    output = b"".join(
        msgspec.json.encode(outcome.row(row.id, classifier.codes)) + b"\n"
        for row, outcome in zip(rows, outcomes, strict=True)
    )
    return Tagged(output, len(rows), sum(bool(outcome.error) for outcome in outcomes))


def classified(classifier: Classifier, content: Lines | Rows) -> tuple[list[Row], list[Outcome]]:
    """The rows of a chunk and an outcome for each."""
    rows = list(rows_of(content.records(), max_text_chars=classifier.max_text_chars))
    good = iter(classifier.classify_many([row.document for row in rows if row.document is not None]))
    return rows, [Outcome(error=row.problem) if row.document is None else next(good) for row in rows]


def workers_alone(classifier: Classifier) -> Workers:
    """This process."""

    def work_off(task: Callable[[Classifier, W], R], work: Iterable[W]) -> Iterator[R]:
        return (task(classifier, piece) for piece in work)

    return work_off


def workers_on_all_cores(folder: Path, scorer: ScorerName, trusted_keys: Path | None, files: Sequence[Path]) -> Workers:
    """A process on every core, each with the model in `folder`; small files are done in this one."""
    cores = len(os.sched_getaffinity(0))
    if cores == 1 or sum(map(size_of, files)) <= _ALONE_BYTES:
        return workers_alone(loaded_classifier(folder, scorer, trusted_keys))

    def work_off(task: Callable[[Classifier, W], R], work: Iterable[W]) -> Iterator[R]:
        from joblib import Parallel, delayed

        # A few pieces wait for each core, and no more are read, whatever the size of the file.
        parallel = Parallel(n_jobs=cores, return_as="generator", pre_dispatch=2 * cores, batch_size=1)
        return parallel(delayed(_do)(task, folder, scorer, trusted_keys, piece) for piece in work)  # type: ignore[no-any-return]

    return work_off


def _do(task: Callable[[Classifier, W], R], folder: Path, scorer: ScorerName, trusted_keys: Path | None, piece: W) -> R:
    return task(loaded_classifier(folder, scorer, trusted_keys), piece)


@lru_cache(maxsize=1)
def _loaded(folder: Path, scorer: ScorerName, trusted_keys: Path | None) -> "LocalClassifier":
    from slugline import store
    from slugline.cli.classifiers import LocalClassifier

    return LocalClassifier(store.load(folder, scorer, trusted_keys))


def loaded_classifier(folder: Path, scorer: ScorerName, trusted_keys: Path | None) -> "LocalClassifier":
    """The model in `folder`, loaded once in a process, whichever threads ask."""
    with _LOADING:
        return _loaded(folder, scorer, trusted_keys)


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
        resuming.record(self._record, self.progress)
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
        resuming.hold(file, self._path)
        return file

    def _flush(self) -> None:
        self._file.flush()
        os.fsync(self._file.fileno())

    def _resumed(self, identity: dict[str, str]) -> Progress:
        def is_there(found: Progress) -> bool:
            return found.output_bytes <= self._partial.stat().st_size

        return resuming.resumed(self._record, Progress(identity), is_there, self._path)


def size_of(path: Path) -> int:
    """The bytes of a file, or of all files in a folder."""
    return sum(map(size_of, path.iterdir())) if path.is_dir() else path.stat().st_size
