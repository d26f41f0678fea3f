"""Columns: by which names a file calls the fields of an article."""

from collections.abc import Iterable, Mapping, Sequence
from functools import cached_property
from typing import Any

import msgspec

USUAL_NAMES = {
    "id": ("id", "article_id", "document_id", "doc_id", "uid", "guid"),
    "title": ("title", "headline"),
    "text": ("text", "body", "content", "article", "document"),
    "topics": ("topics", "topic", "labels", "label", "categories", "category"),
    "published": ("published", "published_at", "publication_date", "date"),
    "source": ("source", "publisher"),
}
"""The names that are understood, best first; upper and lower case are the same."""

JSON_SUFFIX = ":json"
"""What follows the name of a column of a table whose cells are JSON, as no type of the table holds its values."""

_REMEMBERED = 1000


class FaultyRow(Exception):
    """A row that its format cannot be read from; caught by the reader, which makes a Record with the problem of it."""


class Columns:
    """Finds the fields of an article among the columns of a file.

    `chosen` names the column of a field where the usual names do not serve. A column that has the name of a field but
    is not it takes the name of the column that is: nothing is lost.
    """

    def __init__(self, chosen: Mapping[str, str] | None = None, fields: Iterable[str] = tuple(USUAL_NAMES)) -> None:
        self.chosen = dict(chosen or {})
        self._fields = tuple(fields)
        self._remembered: dict[tuple[str, ...], dict[str, str]] = {}

    @cached_property
    def but_topics(self) -> "Columns":
        """The same for files of label tools, which keep their labels elsewhere than in a column."""
        return Columns(self.chosen, [field for field in self._fields if field != "topics"])

    def found(self, names: Iterable[str]) -> dict[str, str]:
        """Which column each field is in, of those that are there."""
        key = tuple(names)
        if key in self._remembered:
            return self._remembered[key]
        by_lower = {name.casefold(): name for name in reversed(key)} | {name: name for name in key}
        found: dict[str, str] = {}
        for field in self._fields:
            wanted = (self.chosen[field],) if field in self.chosen else USUAL_NAMES[field]
            column = next((by_lower[name] for name in wanted if name in by_lower), None)
            if column is not None and column not in found.values():
                found[field] = column
        if len(self._remembered) < _REMEMBERED:
            self._remembered[key] = found
        return found

    def named(self, row: Mapping[str, Any]) -> dict[str, Any]:
        """The row by the names of the fields, without what is null."""
        found = self.found(row)
        if all(field == column for field, column in found.items()):
            return {name: value for name, value in row.items() if value is not None}
        taken = {column: field for field, column in found.items()}
        displaced = {field: column for field, column in found.items() if field != column and field not in taken}
        fields = {}
        for name, value in row.items():
            if value is not None:
                fields[taken.get(name) or displaced.get(name, name)] = value
        return fields


def json_in(cell: str, name: str) -> Any:
    """The value of a cell in a column whose name ends in `JSON_SUFFIX`.

    Raises:
        FaultyRow: it is not JSON.
    """
    try:
        return msgspec.json.decode(cell)
    except (msgspec.DecodeError, UnicodeEncodeError, RecursionError, TypeError) as error:
        raise FaultyRow(f"{name}: is not JSON: {error}") from None


def labels_in(cell: object) -> object:
    """The topics in a cell of a table: a JSON list, or names between ``|`` or ``;``; None where the cell is empty.

    What is neither text nor empty comes back as it is.
    """
    if not isinstance(cell, str):
        return cell
    cell = cell.strip()
    if not cell:
        return None
    if cell.startswith("["):
        try:
            return msgspec.json.decode(cell)
        except (msgspec.DecodeError, UnicodeEncodeError, RecursionError):
            return cell
    return [name.strip() for name in cell.replace(";", "|").split("|") if name.strip()]


def table_problem(names: Sequence[str], columns: Columns) -> str:
    """What is wrong with the columns of a table: one stands there twice, or none has the text; empty if nothing is."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        return f"has the column {twice[0]!r} twice; each needs a name of its own"
    found = columns.found(names)
    absent = [name for field, name in columns.chosen.items() if field not in found]
    if absent:
        return f"has no column {absent[0]!r}; it has {', '.join(names)}"
    if "text" not in found:
        return f"has no column of texts, but {', '.join(names)}; name the one with --column text=NAME"
    return ""


def spelled_out(fields: Mapping[str, Any]) -> dict[str, Any]:
    """The fields with null for each that is absent, but that another column would be taken for."""
    return {field: None for field in _USUAL.found(fields) if field not in fields} | dict(fields)


_USUAL = Columns()
