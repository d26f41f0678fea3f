"""CSV and TSV: tables as text, with a header.

An empty cell is an absent value. Topics are written as a JSON list, and read as one or as names between ``|`` or ``;``.
A column with values that text alone does not tell, numbers or lists or the empty text, is written as JSON under its
name with ``:json`` after it, and read back as what it was.
"""

import csv
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any, BinaryIO

import msgspec

from slugline.formats.columns import JSON_SUFFIX, Columns, FaultyRow, json_in, labels_in, table_problem
from slugline.formats.compression import created, opened
from slugline.formats.records import Fields, Format, Record, Survey, made_id

_ALWAYS_TEXT = ("id", "title", "text", "topics")
_MOST_CHARS = 1 << 26
"""The longest cell that is read; a quote that never ends must not take in the rest of a large file."""


class Delimited(Format):
    """A table whose cells are parted by one character."""

    def __init__(self, name: str, suffixes: tuple[str, ...], delimiters: str) -> None:
        self.name = name
        self.suffixes = suffixes
        self._delimiters = delimiters

    def read(self, path: Path, columns: Columns) -> Iterator[Record]:
        """The rows of a file, numbered by the lines they begin on."""
        with opened(path) as file:
            yield from _records(_Rows(file, self._delimiters), columns, path)

    def write(self, path: Path, rows: Iterator[Fields], survey: Survey) -> None:
        """Write a header and one row an article."""
        names = survey.columns()
        as_json = {name for name in names if _needs_json(name, survey)}
        with created(path) as file:
            writer = csv.writer(_Encoding(file), delimiter=self._delimiters[0])
            writer.writerow([name + JSON_SUFFIX if name in as_json else name for name in names])
            for fields in rows:
                writer.writerow([_cell(fields.get(name), name in as_json or name == "topics") for name in names])


class _Encoding:
    """Takes the csv module's text into a stream of bytes."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def write(self, text: str) -> int:
        return self._file.write(text.encode())


class _Rows:
    """The rows of a table, each with the number of its first line; what is no row comes as its problem."""

    def __init__(self, file: BinaryIO, delimiters: str) -> None:
        self._file = file
        self._line = 0
        self._ahead: str | None = self._next_line().removeprefix("\ufeff")
        csv.field_size_limit(_MOST_CHARS)
        delimiter = max(delimiters, key=self._ahead.count)
        self._reader = csv.reader(self._lines(), delimiter=delimiter, strict=True)

    def numbered(self) -> Iterator[tuple[int, list[str], str]]:
        """Number, cells and problem of each row that is not blank."""
        while True:
            number = self._reader.line_num + 1
            try:
                cells, problem = next(self._reader), ""
            except StopIteration:
                return
            except csv.Error as error:
                cells, problem = [], f"is no row of a table: {error}"
            if not all(map(_is_utf8, cells)):
                problem = "is not UTF-8"
            if cells or problem:
                yield number, cells, problem

    def _lines(self) -> Iterator[str]:
        while line := self._ahead or self._next_line():
            self._ahead = None
            yield line

    def _next_line(self) -> str:
        # Bytes that are not UTF-8 must not stop the rows after them; they are told from what becomes of them.
        return self._file.readline().decode(errors="surrogateescape")


def _is_utf8(cell: str) -> bool:
    if cell.isascii():
        return True
    try:
        cell.encode()
    except UnicodeEncodeError:
        return False
    return True


def _records(rows: _Rows, columns: Columns, path: Path) -> Iterator[Record]:
    numbered = rows.numbered()
    line, header, problem = next(numbered, (1, [], ""))
    names = [name.removesuffix(JSON_SUFFIX) for name in header]
    problem = problem or table_problem(names, columns) if header or problem else ""
    if problem:
        yield Record(line, None, problem)
        return
    has_id = "id" in columns.found(names)
    for number, cells, problem in numbered:
        try:
            if problem or len(cells) != len(header):
                raise FaultyRow(problem or f"has {len(cells)} cells, and the header has {len(header)}")
            fields = _fields(header, names, cells, columns)
            yield Record(number, fields if has_id else {"id": made_id(path, number)} | fields)
        except FaultyRow as fault:
            yield Record(number, None, str(fault))


def _fields(header: list[str], names: list[str], cells: list[str], columns: Columns) -> Fields:
    row: dict[str, Any] = {}
    for written, name, cell in zip(header, names, cells, strict=True):
        row[name] = (json_in(cell, name) if written != name else cell) if cell else None
    fields = columns.named(row)
    topics = labels_in(fields.pop("topics", None))
    return fields if topics is None else fields | {"topics": topics}


def _needs_json(name: str, survey: Survey) -> bool:
    if name in _ALWAYS_TEXT:
        return False
    return name.endswith(JSON_SUFFIX) or bool(survey.kinds.get(name, set()) - {"text"})


def _cell(value: Any, as_json: bool) -> str:
    if value is None:
        return ""
    return msgspec.json.encode(value).decode() if as_json else str(value)


CSV = Delimited("csv", (".csv",), ",;\t|")
TSV = Delimited("tsv", (".tsv", ".tab"), "\t")
