"""Reading: which files hold the articles, and how they are to be read."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from slugline.errors import DataNotFound, UnknownFormat
from slugline.formats.columns import Columns
from slugline.formats.hugging_face import is_dataset, splits
from slugline.formats.jsonl import JSONL
from slugline.formats.records import Format, Record
from slugline.formats.registry import format_named, format_of_suffix, recognise

Unlabelled = Literal["fault", "skip", "none"]
"""What an article is that nobody has labelled: a fault of the data, left out, or an article without topics."""


@dataclass(frozen=True, slots=True)
class Reading:
    """How files are read: `format` by name, or told from each file; the `columns` of fields where they are unusual."""

    format: str | None = None
    columns: Mapping[str, str] = field(default_factory=dict)
    unlabelled: Unlabelled = "fault"

    def format_of(self, path: Path) -> Format:
        """The format of a file.

        Raises:
            UnknownFormat: it cannot be told, or there is none of the name that was given.
        """
        return format_named(self.format) if self.format else recognise(path)

    def records(self, path: Path) -> Iterator[Record]:
        """The rows of a file.

        Raises:
            InputError: the file cannot be read at all.
        """
        return self.format_of(path).read(path, Columns(self.columns))

    def files(self, paths: Sequence[Path]) -> list[Path]:
        """The files that `paths` name: files as they are, for folders what is in them, sorted.

        A folder stands for its JSONL files, all others aside; for those of another format where it has none of these.
        A dataset of Hugging Face is one file, a folder of its splits as many.

        Raises:
            DataNotFound: a path does not exist, or a folder holds no file of articles.
            UnknownFormat: a folder holds files of several formats, and none was named.
        """
        return [file for path in paths for file in self._files_of(path)]

    def _files_of(self, path: Path) -> list[Path]:
        if not path.exists():
            raise DataNotFound(f"{path}: no such file or folder")
        if not path.is_dir() or is_dataset(path):
            return [path]
        return splits(path) or self._files_in(path)

    def _files_in(self, folder: Path) -> list[Path]:
        by_format: dict[str, list[Path]] = {}
        for file in sorted(folder.rglob("*")):
            known = format_of_suffix(file)
            # Files whose names begin with a dot are being made.
            if known and file.is_file() and not file.name.startswith("."):
                by_format.setdefault(known.name, []).append(file)
        if self.format:
            suffixed = format_named(self.format).suffixes
            # Label tools have no suffix of their own; theirs are those of JSON.
            return by_format.get(self.format if suffixed else JSONL.name) or self._none_in(folder)
        if JSONL.name in by_format or len(by_format) == 1:
            return by_format.get(JSONL.name) or next(iter(by_format.values()))
        if not by_format:
            return self._none_in(folder)
        raise UnknownFormat(f"{folder}: holds files of {', '.join(by_format)}; name one with --format")

    def _none_in(self, folder: Path) -> list[Path]:
        raise DataNotFound(
            f"{folder}: holds no .jsonl file, nor one of {self.format or 'another format'}; put articles there, "
            "one JSON object a line"
        )


PLAIN = Reading()
"""Every format told from the file, every column by its usual name, unlabelled articles as faults."""
