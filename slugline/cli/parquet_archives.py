"""Archives of Parquet: tables through a classifier, all their columns kept, to be taken up again after a kill.

While it lasts, everything stands in the folder `.NAME.partial` beside the output: finished files in `done`, the rows of
the file that is being read in `parts`, each a small Parquet file of one row group, and in `progress.json` how far they
go and what they were made of. A Parquet file cannot be written on after a kill; parts can be added to.
"""

import os
import shutil
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec

from slugline.cli import resuming
from slugline.cli.archives import ARTICLE_FIELDS, Rows, Workers, classified
from slugline.cli.classifiers import Classifier, Outcome
from slugline.errors import InputError
from slugline.formats.arrow import PARQUET, checked, library, parquet_batches, records
from slugline.formats.columns import Columns, table_problem

_PART_SECONDS = 1.0
_PART_ROWS = 65_536
_PART_BYTES = 1 << 26


class TableProgress(msgspec.Struct, frozen=True):
    """How far an archive is done: `files` whole, of the next one `rows` in `parts`; `done` and `failed` altogether."""

    identity: dict[str, str]
    files: int = 0
    rows: int = 0
    parts: int = 0
    done: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class AddedColumns:
    """The columns that tables get: `topics`, a `score_` of each topic, `model_version`, `error`; after a `prefix`.

    `topics` has the threshold of each, and `codes` what a newsroom's standard calls them. All of it is written into the
    metadata of the file, under the key ``slugline``, too.
    """

    model: str
    topics: Mapping[str, float]
    codes: Mapping[str, str]
    prefix: str = ""

    def schema(self, path: Path, schema: Any) -> Any:
        """The schema of a table with the columns added.

        Raises:
            InputError: the table has a column of the same name.
        """
        pa = library()
        added = [pa.field(f"{self.prefix}topics", pa.list_(pa.string()))]
        added += [pa.field(f"{self.prefix}score_{topic}", pa.float64()) for topic in self.topics]
        added += [pa.field(f"{self.prefix}{name}", pa.string()) for name in ("model_version", "error")]
        taken = [field.name for field in added if field.name in schema.names]
        if taken:
            raise InputError(f"{path}: has a column {taken[0]!r} already; give --prefix to name the new ones otherwise")
        topics = [{"name": t, "threshold": v, "code": self.codes.get(t, "")} for t, v in self.topics.items()]
        about = msgspec.json.encode({"model": self.model, "prefix": self.prefix, "topics": topics})
        # What Hugging Face's library wrote names every column, and would be wrong.
        kept = {key: value for key, value in (schema.metadata or {}).items() if key != b"huggingface"}
        return pa.schema([*schema, *added], metadata=kept | {b"slugline": about})

    def arrays(self, outcomes: list[Outcome], schema: Any) -> list[Any]:
        """The columns of rows, null where a row has an error."""
        pa = library()
        version = self.model.split()[0]
        values: list[list[Any]] = [[None if o.error else list(o.topics) for o in outcomes]]
        values += [[(o.scores or {}).get(topic) for o in outcomes] for topic in self.topics]
        values += [[version] * len(outcomes), [o.error or None for o in outcomes]]
        types = [field.type for field in schema][-len(values) :]
        return [pa.array(column, kind) for column, kind in zip(values, types, strict=True)]


class TableArchive:
    """A Parquet file, or a folder of them, on the way to an output of the same shape.

    Raises:
        InputError: the output cannot be written, another process is writing it, or `resume` was asked for and what is
            done was made of something else than `identity`.
    """

    def __init__(self, source: Path, output: Path, identity: dict[str, str], *, resume: bool) -> None:
        self._source = source
        self._output = output
        self._work = output.with_name(f".{output.name}.partial")
        if source.is_dir() and output.exists():
            raise InputError(f"{output}: exists; remove it, or name another folder")
        self._lock = resuming.held_folder(self._work, output)
        try:
            self.progress = self._resumed(identity) if resume else TableProgress(identity)
            # From here on, nothing that was made before with other settings is taken for a part of this.
            self._record()
            self._clear()
        except BaseException:
            self._lock.close()
            raise

    def run(
        self,
        files: Sequence[Path],
        workers: Workers,
        columns: Columns,
        added: AddedColumns,
        tell: Callable[[int], None],
    ) -> None:
        """Classify every row of the files that are left, and put the output in its place. `tell` hears of rows done."""
        try:
            for path in files[self.progress.files :]:
                self._tag(path, workers, columns, added, tell)
                self._finish_file(path)
            done = self._work / "done"
            (done if self._source.is_dir() else self._done_file(files[0])).replace(self._output)
            shutil.rmtree(self._work)
        except OSError as error:
            raise InputError(f"{self._output}: cannot be written: {error.strerror or error}") from None
        finally:
            if not self.progress.done:
                shutil.rmtree(self._work, ignore_errors=True)
            self._lock.close()

    def _tag(
        self, path: Path, workers: Workers, columns: Columns, added: AddedColumns, tell: Callable[[int], None]
    ) -> None:
        # Batches run ahead of their outcomes; they wait here.
        waiting: deque[Any] = deque()
        schema = added.schema(path, _schema(path, columns))
        part = _Part(schema)

        def work() -> Iterator[Rows]:
            for before, batch in _batches_after(path, self.progress.rows):
                waiting.append(batch)
                yield Rows(_articles(batch, before, columns, path))

        for outcomes in workers(_outcomes, work()):
            batch = waiting.popleft()
            part.add([*batch.columns, *added.arrays(outcomes, schema)], sum(bool(o.error) for o in outcomes))
            tell(batch.num_rows)
            if part.is_full():
                self._add(part)
                part = _Part(schema)
        if part.rows or not self.progress.parts:
            self._add(part)

    def _add(self, part: "_Part") -> None:
        """Make the rows of a part safe from a kill."""
        before = self.progress
        path = self._part(before.parts)
        part.write(path)
        self.progress = msgspec.structs.replace(
            before,
            rows=before.rows + part.rows,
            parts=before.parts + 1,
            done=before.done + part.rows,
            failed=before.failed + part.failed,
        )
        self._record()

    def _finish_file(self, path: Path) -> None:
        """Put the parts of a file together, one row group each."""
        done = self._done_file(path)
        done.parent.mkdir(parents=True, exist_ok=True)
        pa = library()
        parts = [self._part(number) for number in range(self.progress.parts)]
        whole = self._work / "whole.parquet"
        with pa.parquet.ParquetWriter(whole, pa.parquet.read_schema(parts[0]), compression="zstd") as writer:
            for part in parts:
                writer.write_table(pa.parquet.read_table(part, memory_map=True), row_group_size=_PART_ROWS)
        whole.replace(done)
        self.progress = msgspec.structs.replace(self.progress, files=self.progress.files + 1, rows=0, parts=0)
        self._record()
        self._clear()

    def _done_file(self, path: Path) -> Path:
        return self._work / "done" / (path.relative_to(self._source) if self._source.is_dir() else path.name)

    def _part(self, number: int) -> Path:
        return self._work / "parts" / f"{number:06}.parquet"

    def _clear(self) -> None:
        """Remove what is not recorded as done."""
        if not self.progress.files:
            shutil.rmtree(self._work / "done", ignore_errors=True)
        parts = self._work / "parts"
        parts.mkdir(exist_ok=True)
        kept = {self._part(number) for number in range(self.progress.parts)}
        for path in parts.iterdir():
            if path not in kept:
                path.unlink()

    def _record(self) -> None:
        resuming.record(self._work / "progress.json", self.progress)

    def _resumed(self, identity: dict[str, str]) -> TableProgress:
        def is_there(found: TableProgress) -> bool:
            return all(self._part(number).is_file() for number in range(found.parts))

        return resuming.resumed(self._work / "progress.json", TableProgress(identity), is_there, self._output)


class _Part:
    """Rows of the output, until there are enough of them for a row group."""

    def __init__(self, schema: Any) -> None:
        self.rows = self.failed = 0
        self._schema = schema
        self._batches: list[Any] = []
        self._bytes = 0
        self._begun = time.monotonic()

    def add(self, columns: list[Any], failed: int) -> None:
        """Add the columns of a batch."""
        batch = library().RecordBatch.from_arrays(columns, schema=self._schema)
        self._batches.append(batch)
        self._bytes += batch.nbytes
        self.rows += batch.num_rows
        self.failed += failed

    def is_full(self) -> bool:
        """Whether it is time to make the rows safe."""
        late = time.monotonic() - self._begun > _PART_SECONDS
        return late or self.rows >= _PART_ROWS or self._bytes >= _PART_BYTES

    def write(self, path: Path) -> None:
        """Write the rows as one row group."""
        pa = library()
        aside = path.with_suffix(".new")
        table = pa.Table.from_batches(self._batches, self._schema)
        pa.parquet.write_table(table, aside, compression="zstd", row_group_size=max(1, self.rows))
        with aside.open("rb") as file:
            os.fsync(file.fileno())
        aside.replace(path)


def _outcomes(classifier: Classifier, content: Rows) -> list[Outcome]:
    return classified(classifier, content)[1]


def _schema(path: Path, columns: Columns) -> Any:
    schema = next(checked(path, PARQUET.name, map(library().parquet.read_schema, [path])))
    if problem := table_problem(schema.names, columns):
        raise InputError(f"{path}: {problem}")
    return schema


def _batches_after(path: Path, rows: int) -> Iterator[tuple[int, Any]]:
    """The batches after so many rows, each with the number of rows before it."""
    before = 0
    for batch in checked(path, PARQUET.name, parquet_batches(path)):
        skipped = min(max(rows - before, 0), batch.num_rows)
        if skipped < batch.num_rows:
            yield before + skipped, batch.slice(skipped)
        before += batch.num_rows


def _articles(batch: Any, before: int, columns: Columns, path: Path) -> list[Any]:
    """The articles of a batch, without the columns that classifying does not need."""
    found = columns.found(batch.schema.names)
    needed = [found[field] for field in ARTICLE_FIELDS if field in found]
    chosen = Columns({field: found[field] for field in ARTICLE_FIELDS if field in found})
    return list(records(batch.select(needed or batch.schema.names[:1]), before, chosen, path))
