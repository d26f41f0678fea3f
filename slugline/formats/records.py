"""Records: the rows of articles that every format is read as and written from.

The fields of a row are those of Slugline's own JSONL: `id`, `title`, `text`, `topics`, `published`, `source`, and
whatever else the file has, under its own name. A row without `topics` is unlabelled, and ``[]`` says that someone
looked and found none. A field that is null is the same as none.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from slugline.formats.columns import Columns, spelled_out

Fields = dict[str, Any]

ARTICLE_FIELDS = ("id", "title", "text", "topics", "published", "source")


@dataclass(frozen=True, slots=True)
class Record:
    """A row of a file: its fields, or None and the problem why it has none.

    `number` counts from 1: lines where a format has them, rows or elements where it has not. `why_unlabelled` is what
    the label tool says where it says that nobody has labelled the row.
    """

    number: int
    fields: Fields | None
    problem: str = ""
    why_unlabelled: str = ""


@dataclass(slots=True)
class Survey:
    """What a first reading of all rows found: their number, topics, and the kinds of value in each other column."""

    rows: int = 0
    topics: set[str] = field(default_factory=set)
    kinds: dict[str, set[str]] = field(default_factory=dict)

    def add(self, fields: Fields) -> None:
        """Take in a row."""
        self.rows += 1
        self.topics.update(fields.get("topics") or ())
        for name, value in fields.items():
            if name != "topics":
                self.kinds.setdefault(name, set()).add(kind_of(value))

    def columns(self) -> list[str]:
        """The columns that occur: those of articles first, then the others as they came."""
        others = [name for name in self.kinds if name not in ARTICLE_FIELDS]
        # A column that would be taken for a field that is absent must not be.
        expected = {"topics", *self.kinds, *spelled_out(dict.fromkeys(self.kinds))}
        return [name for name in ARTICLE_FIELDS if name in expected] + others


def kind_of(value: object) -> str:
    """`text`, `empty` for the empty text, `bool`, `integer` of 64 bits, `number`, or `json` for all else."""
    if isinstance(value, str):
        return "text" if value else "empty"
    if isinstance(value, bool):
        return "bool"
    if isinstance(value, int):
        return "integer" if -(2**63) <= value < 2**63 else "json"
    return "number" if isinstance(value, float) else "json"


class Format(ABC):
    """One format: its `name`, as options take it, the `suffixes` of its files, and how it is read and written."""

    name: str
    suffixes: tuple[str, ...] = ()

    @abstractmethod
    def read(self, path: Path, columns: Columns) -> Iterator[Record]:
        """The rows of a file, in constant memory; every row that cannot be read comes as its problem.

        Raises:
            InputError: the file cannot be read at all.
        """

    def lost(self, fields: Fields, survey: Survey) -> list[str]:
        """What of a row the format has no place for; nothing, unless it says otherwise."""
        return []

    @abstractmethod
    def write(self, path: Path, rows: Iterator[Fields], survey: Survey) -> None:
        """Write rows, in constant memory; what has no place is left out, or in the way that `docs/formats.md` tells."""


def made_id(path: Path, number: int) -> str:
    """The id of a row in a file that has none: its file and its number, the same whenever it is read."""
    return f"{path.name}:{number}"
