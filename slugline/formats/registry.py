"""The formats there are, and how a file's is recognised: by what is in it, or by its suffix where that says nothing."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from slugline.errors import InputError, UnknownFormat
from slugline.formats.arrow import ARROW, ARROW_STREAM, PARQUET
from slugline.formats.compression import SUFFIXES as COMPRESSED
from slugline.formats.compression import bare_name, opened
from slugline.formats.delimited import CSV, TSV
from slugline.formats.doccano import DOCCANO
from slugline.formats.fasttext import FASTTEXT, PREFIX
from slugline.formats.hugging_face import HUGGING_FACE, is_dataset
from slugline.formats.json_array import elements
from slugline.formats.jsonl import JSONL, bare_line
from slugline.formats.label_studio import LABEL_STUDIO
from slugline.formats.prodigy import ANSWERS, PRODIGY
from slugline.formats.records import Format
from slugline.formats.spacy_cats import SPACY_CATS
from slugline.formats.spacy_docbin import SPACY_DOCBIN

FORMATS: Mapping[str, Format] = {
    known.name: known
    for known in (
        JSONL,
        CSV,
        TSV,
        PARQUET,
        ARROW,
        ARROW_STREAM,
        FASTTEXT,
        DOCCANO,
        LABEL_STUDIO,
        PRODIGY,
        SPACY_DOCBIN,
        SPACY_CATS,
        HUGGING_FACE,
    )
}
"""Every format by the name that `--format` and `--to` take."""

_MAGIC: Mapping[bytes, Format] = {b"PAR1": PARQUET, b"ARROW1": ARROW, b"\xff\xff\xff\xff": ARROW_STREAM}
_STREAMED = {JSONL.name, CSV.name, TSV.name, FASTTEXT.name, DOCCANO.name, PRODIGY.name, SPACY_CATS.name}
_COMPRESSIBLE = _STREAMED | {LABEL_STUDIO.name}
_HEAD_BYTES = 1 << 20
_HEAD_LINES = 20


def format_named(name: str) -> Format:
    """The format of this name.

    Raises:
        UnknownFormat: there is none.
    """
    if name not in FORMATS:
        raise UnknownFormat(f"no format {name!r}; there are {', '.join(FORMATS)}")
    return FORMATS[name]


def format_of_suffix(path: Path) -> Format | None:
    """The format whose files have this suffix, that of the compression aside; None where the suffix does not say."""
    suffix = Path(bare_name(path)).suffix.lower()
    return next((known for known in FORMATS.values() if suffix and suffix in known.suffixes), None)


def recognise(path: Path) -> Format:
    """The format of a file or folder.

    Raises:
        UnknownFormat: neither its content nor its suffix tells.
        InputError: it cannot be read.
    """
    if is_dataset(path):
        return HUGGING_FACE
    by_suffix = format_of_suffix(path)
    if path.exists() and not path.is_file():
        # A pipe can be read but once.
        return by_suffix or JSONL
    with opened(path) as file:
        head = file.read(_HEAD_BYTES)
    found = next((known for magic, known in _MAGIC.items() if head.startswith(magic)), None)
    # What is in a table looks like anything, so that its suffix is believed.
    if found is None and by_suffix in (CSV, TSV, SPACY_DOCBIN):
        return by_suffix
    found = found or _by_text(path, head) or by_suffix
    if found is None:
        raise UnknownFormat(f"{path}: its format cannot be told; name it with --format: {', '.join(FORMATS)}")
    return found


def format_for_output(path: Path, name: str | None) -> Format:
    """The format to write a file in: the one named, or the one its suffix tells.

    Raises:
        UnknownFormat: the suffix does not tell, or the format cannot be compressed as the suffix says.
    """
    chosen = format_named(name) if name else format_of_suffix(path)
    if chosen is None:
        raise UnknownFormat(f"{path}: its suffix tells no format; name it with --to: {', '.join(FORMATS)}")
    if path.suffix.lower() in COMPRESSED and chosen.name not in _COMPRESSIBLE:
        raise UnknownFormat(f"{path}: {chosen.name} cannot be written as {path.suffix}; leave that suffix out")
    return chosen


def _by_text(path: Path, head: bytes) -> Format | None:
    bare = bare_line(1, head)
    if bare.startswith(PREFIX.encode()):
        return FASTTEXT
    if bare.startswith(b"["):
        return _by_first_element(path)
    return next((known for row in _first_objects(head) if (known := _by_row(row))), None) or (
        JSONL if bare.startswith(b"{") else None
    )


def _by_first_element(path: Path) -> Format | None:
    try:
        with opened(path) as file:
            first = next(elements(file, str(path)), (0, b""))[1]
    except InputError:
        return None
    value = _decoded(first)
    if isinstance(value, dict) and isinstance(value.get("data"), dict):
        return LABEL_STUDIO
    if isinstance(value, list) or (isinstance(value, dict) and not {"cats", "paragraphs"}.isdisjoint(value)):
        return SPACY_CATS
    return None


def _first_objects(head: bytes) -> list[dict[str, Any]]:
    values = [_decoded(bare_line(1, line)) for line in head.split(b"\n", _HEAD_LINES)[:_HEAD_LINES]]
    return [value for value in values if isinstance(value, dict)]


def _decoded(text: bytes) -> Any:
    try:
        return msgspec.json.decode(text)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None


def _by_row(row: dict[str, Any]) -> Format | None:
    """The format of a row that has what no other has; a row of Slugline's own has its own names for all."""
    if {"text", "topics"} <= row.keys() and "label" not in row:
        return JSONL
    if row.get("answer") in ANSWERS or "_task_hash" in row:
        return PRODIGY
    if isinstance(row.get("cats"), dict):
        return SPACY_CATS
    labels = next((row[name] for name in ("label", "labels", "cats") if name in row), None)
    if isinstance(labels, list) and {"id", "data", "Comments", "entities"} & row.keys():
        return DOCCANO
    return None
