"""Parquet and Arrow: tables of typed columns, read and written a batch at a time by pyarrow.

Topics are a list of texts; null is unlabelled. A column with values of one kind has Arrow's type for it; one of mixed
or nested values is JSON in text, under its name with ``:json`` after it. Dates and times are read as text. Labels that
a file keeps as numbers are read by the names that Hugging Face's metadata gives them.
"""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from slugline.errors import InputError, LibraryMissing
from slugline.formats.columns import JSON_SUFFIX, Columns, FaultyRow, json_in, labels_in, table_problem
from slugline.formats.compression import opened
from slugline.formats.jsonl import with_id
from slugline.formats.records import Fields, Format, Record, Survey

BATCH_ROWS = 1024
_GROUP_ROWS = 8192
_GROUP_CHARS = 1 << 26
_AS_JSON = {b"slugline": b"json"}
_ALWAYS_TEXT = ("id", "title", "text")


def library() -> Any:
    """pyarrow, with its modules for Parquet, streams and computing.

    Raises:
        LibraryMissing: it is not installed.
    """
    try:
        import pyarrow as pa
        import pyarrow.compute
        import pyarrow.ipc
        import pyarrow.parquet
    except ImportError:
        raise LibraryMissing("Parquet and Arrow", "pyarrow", "formats") from None
    return pa


class ArrowTable(Format):
    """A file of Arrow's family, which differ in how batches are read from it and written."""

    def __init__(
        self,
        name: str,
        suffixes: tuple[str, ...],
        batches: Callable[[Path], Iterator[Any]],
        writer: Callable[[Path, Any], Any],
    ) -> None:
        self.name = name
        self.suffixes = suffixes
        self._batches = batches
        self._writer = writer

    def read(self, path: Path, columns: Columns) -> Iterator[Record]:
        """The rows of a file, numbered from 1."""
        number = 0
        for batch in checked(path, self.name, self._batches(path)):
            yield from records(batch, number, columns, path)
            number += batch.num_rows

    def write(self, path: Path, rows: Iterator[Fields], survey: Survey) -> None:
        """Write rows in groups of thousands."""
        write_table(self._writer, path, rows, survey)


def checked(path: Path, name: str, batches: Iterator[Any]) -> Iterator[Any]:
    """The batches, and Arrow's errors as ours.

    Raises:
        InputError: the file is damaged, or of another format.
    """
    pa = library()
    try:
        yield from batches
    except (pa.ArrowException, OSError) as error:
        raise InputError(f"{path}: cannot be read as {name}: {error}") from None


def parquet_batches(path: Path, columns: list[str] | None = None) -> Iterator[Any]:
    """The record batches of a Parquet file, of at most `BATCH_ROWS` rows."""
    # Without pre_buffer, a row group is read as it is needed and not at once.
    with library().parquet.ParquetFile(path, pre_buffer=False, buffer_size=1 << 20) as file:
        yield from file.iter_batches(BATCH_ROWS, columns=columns)


def _file_batches(path: Path) -> Iterator[Any]:
    pa = library()
    with pa.memory_map(str(path)) as mapped, pa.ipc.open_file(mapped) as file:
        for index in range(file.num_record_batches):
            yield from _slices(file.get_batch(index))


def stream_batches(path: Path) -> Iterator[Any]:
    """The record batches of an Arrow stream, compressed or not, of at most `BATCH_ROWS` rows."""
    with opened(path) as file, library().ipc.open_stream(file) as stream:
        for batch in stream:
            yield from _slices(batch)


def _slices(batch: Any) -> Iterator[Any]:
    for start in range(0, batch.num_rows, BATCH_ROWS):
        yield batch.slice(start, BATCH_ROWS)


def records(
    batch: Any, before: int, columns: Columns, path: Path, features: dict[str, Any] | None = None
) -> Iterator[Record]:
    """The records of a batch that has `before` rows before it; `features` are Hugging Face's, where they are known."""
    names = [name.removesuffix(JSON_SUFFIX) for name in batch.schema.names]
    problem = table_problem(names, columns)
    if problem:
        yield from (Record(before + row + 1, None, problem) for row in range(batch.num_rows))
        return
    found = columns.found(names)
    labels = _label_names(features or _features(batch.schema), found.get("topics", ""))
    plain = [_plain_column(batch, index) for index in range(len(names))]
    as_json = [name for name, written in zip(names, batch.schema.names, strict=True) if name != written]
    for number, values in enumerate(zip(*plain, strict=True), start=before + 1):
        try:
            row = dict(zip(names, values, strict=True))
            row |= {name: json_in(row[name], name) for name in as_json if row[name] is not None}
            yield _record(number, row, columns, labels, path)
        except FaultyRow as fault:
            yield Record(number, None, str(fault))


def _record(number: int, row: Fields, columns: Columns, labels: list[str], path: Path) -> Record:
    fields = columns.named(row)
    topics = labels_in(fields.pop("topics", None))
    if labels:
        topics = _named_labels(topics, labels)
    if "id" not in columns.found(row) or isinstance(fields.get("id"), int):
        fields = with_id(fields, path, number)
    return Record(number, fields if topics is None else fields | {"topics": topics})


def _plain_column(batch: Any, index: int) -> list[Any]:
    """The values of a column as JSON has them."""
    pa = library()
    field, column = batch.schema.field(index), batch.column(index)
    if pa.types.is_temporal(field.type):
        column = column.cast(pa.string())
    values: list[Any] = column.to_pylist()
    if pa.types.is_floating(field.type):
        # pandas writes NaN where there is nothing.
        return [None if value is None or value != value else value for value in values]  # noqa: PLR0124
    if pa.types.is_nested(field.type) or pa.types.is_decimal(field.type) or pa.types.is_binary(field.type):
        return [msgspec.to_builtins(value) for value in values]
    return values


def _features(schema: Any) -> dict[str, Any]:
    """The features that Hugging Face's library writes into the metadata of a schema, by column."""
    raw = (schema.metadata or {}).get(b"huggingface")
    if raw is None:
        return {}
    try:
        features = msgspec.json.decode(raw)["info"]["features"]
    except (msgspec.DecodeError, KeyError, TypeError):
        return {}
    return features if isinstance(features, dict) else {}


def _label_names(features: dict[str, Any], column: str) -> list[str]:
    """The names of the labels of a column of numbers, alone or in lists; none where it is no such column."""
    feature = features.get(column)
    if isinstance(feature, list) and feature:
        feature = feature[0]
    if isinstance(feature, dict) and isinstance(feature.get("feature"), dict):
        feature = feature["feature"]
    names = feature.get("names") if isinstance(feature, dict) and feature.get("_type") == "ClassLabel" else None
    return [str(name) for name in names] if isinstance(names, list) else []


def _named_labels(labels: object, names: list[str]) -> list[str] | None:
    if labels is None or labels == -1:
        return None
    named = []
    for label in labels if isinstance(labels, list) else [labels]:
        if not isinstance(label, int) or not 0 <= label < len(names):
            raise FaultyRow(f"topics: {label!r} is the number of no label; there are {len(names)}, from 0 on")
        named.append(names[label])
    return named


def schema_of(survey: Survey) -> Any:
    """The schema that holds rows as they were surveyed."""
    pa = library()
    simple = {"text": pa.string(), "bool": pa.bool_(), "integer": pa.int64(), "number": pa.float64()}
    fields = []
    for name in survey.columns():
        kinds = {"text" if kind == "empty" else kind for kind in survey.kinds.get(name, set())} or {"text"}
        if name == "topics":
            fields.append(pa.field(name, pa.list_(pa.string())))
        elif name in _ALWAYS_TEXT:
            fields.append(pa.field(name, pa.string()))
        elif len(kinds) == 1 and kinds <= set(simple) and not name.endswith(JSON_SUFFIX):
            fields.append(pa.field(name, simple[kinds.pop()]))
        else:
            fields.append(pa.field(name + JSON_SUFFIX, pa.string(), metadata=_AS_JSON))
    return pa.schema(fields)


def write_table(writer_of: Callable[[Path, Any], Any], path: Path, rows: Iterator[Fields], survey: Survey) -> None:
    """Write rows by a writer of Arrow's, some thousands at a time."""
    schema = schema_of(survey)
    with writer_of(path, schema) as writer:
        group: list[Fields] = []
        chars = 0
        for fields in rows:
            group.append(fields)
            chars += len(fields["text"])
            if len(group) >= _GROUP_ROWS or chars >= _GROUP_CHARS:
                writer.write_batch(_batch(group, schema))
                group, chars = [], 0
        if group:
            writer.write_batch(_batch(group, schema))


def _batch(group: list[Fields], schema: Any) -> Any:
    pa = library()
    arrays = []
    for field in schema:
        name = field.name.removesuffix(JSON_SUFFIX) if field.metadata == _AS_JSON else field.name
        values = [fields.get(name) for fields in group]
        if field.metadata == _AS_JSON:
            values = [None if value is None else msgspec.json.encode(value).decode() for value in values]
        arrays.append(pa.array(values, field.type))
    return pa.RecordBatch.from_arrays(arrays, schema=schema)


PARQUET = ArrowTable(
    "parquet",
    (".parquet", ".pq"),
    parquet_batches,
    lambda path, schema: library().parquet.ParquetWriter(path, schema, compression="zstd"),
)
ARROW = ArrowTable(
    "arrow", (".arrow", ".feather"), _file_batches, lambda path, schema: library().ipc.new_file(str(path), schema)
)
ARROW_STREAM = ArrowTable(
    "arrow-stream", (".arrows",), stream_batches, lambda path, schema: library().ipc.new_stream(str(path), schema)
)
