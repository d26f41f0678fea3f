"""JSON lines: one object a line, as Slugline itself writes articles; the base of the label tools that do so, too."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from slugline.formats.columns import Columns, FaultyRow, spelled_out
from slugline.formats.compression import created, opened
from slugline.formats.records import Fields, Format, Record, Survey, made_id


def bare_line(number: int, line: bytes) -> bytes:
    """A line without the white space around it, and the first one without a byte order mark."""
    return line.removeprefix(b"\xef\xbb\xbf").strip() if number == 1 else line.strip()


def numbered_lines(path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines of a file that are not blank, bare, with their numbers.

    Raises:
        DataNotFound: the file cannot be read.
    """
    with opened(path) as lines:
        for number, line in enumerate(lines, start=1):
            if stripped := bare_line(number, line):
                yield number, stripped


def object_in(line: bytes) -> Fields:
    """The JSON object in a line.

    Raises:
        FaultyRow: there is none.
    """
    try:
        fields = msgspec.json.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FaultyRow(f"is not JSON: {error}") from None
    if not isinstance(fields, dict):
        raise FaultyRow("must be a JSON object with id, text and topics")
    return fields


class JsonLines(Format):
    """Slugline's own rows. Formats of label tools override how a row is spelled."""

    name = "jsonl"
    suffixes: tuple[str, ...] = (".jsonl", ".ndjson")
    own_names: frozenset[str] = frozenset()
    """Names that mean something to the tool, so that columns of these names cannot be written."""

    def read(self, path: Path, columns: Columns) -> Iterator[Record]:
        """The rows of a file, numbered by lines."""
        return self.records(numbered_lines(path), columns, path)

    def records(self, lines: Iterable[tuple[int, bytes]], columns: Columns, path: Path) -> Iterator[Record]:
        """The rows of numbered lines; `path` is where they come from."""
        for number, line in lines:
            try:
                record = self.record(number, object_in(line), columns, path)
            except FaultyRow as fault:
                record = Record(number, None, str(fault))
            yield record

    def record(self, number: int, row: Fields, columns: Columns, path: Path) -> Record:
        """The record of one row as the format spells it.

        Raises:
            FaultyRow: it cannot be read as an article.
        """
        fields = columns.named(row)
        # `topics` must be a list; a column by another name has a single topic where it has a text.
        if isinstance(fields.get("topics"), str) and columns.found(row).get("topics") != "topics":
            fields["topics"] = [fields["topics"]] if fields["topics"] else None
        return Record(number, fields)

    def lost(self, fields: Fields, survey: Survey) -> list[str]:
        """Nothing, but for columns that have a name of the tool's own."""
        return [f"column {name!r}" for name in fields if name in self.own_names]

    def row(self, fields: Fields, survey: Survey) -> dict[str, Any]:
        """The row as the format spells it."""
        return fields

    def write(self, path: Path, rows: Iterator[Fields], survey: Survey) -> None:
        """Write one row a line."""
        with created(path) as file:
            for fields in rows:
                kept = {name: value for name, value in fields.items() if name not in self.own_names}
                file.write(msgspec.json.encode(self.row(spelled_out(kept), survey)) + b"\n")


def with_id(fields: Fields, path: Path, number: int) -> Fields:
    """The fields with an id that is a text: a number becomes its digits, and one is made where there is none."""
    raw = fields.get("id")
    if raw is None:
        return {"id": made_id(path, number)} | fields
    if isinstance(raw, int) and not isinstance(raw, bool):
        return fields | {"id": str(raw)}
    return fields


def number_or_text(document_id: str) -> int | str:
    """An id as tools that number their rows have it: a number where it is the digits of one."""
    is_number = document_id.isascii() and document_id.isdecimal() and document_id == str(int(document_id))
    return int(document_id) if is_number and len(document_id) < 16 else document_id


JSONL = JsonLines()
