"""fastText: one text a line, after its labels, each with ``__label__`` before it.

A line has no place for ids, titles, other columns or line breaks. A line without labels is unlabelled, as it is to
fastText; an article without topics has the label of the empty name, ``__label__`` alone. White space and ``%`` in a
topic are percent-encoded, for a label ends at white space.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import unquote

from slugline.formats.columns import Columns
from slugline.formats.compression import created, opened
from slugline.formats.records import Fields, Format, Record, Survey, made_id

PREFIX = "__label__"
# fastText ends words at these characters alone, and lines at the line feed alone.
_SPACE = r" \t\v\f\r\0"
_FIRST_LABELS = re.compile(rf"(?:__label__[^{_SPACE}]*(?:[{_SPACE}]|$))*")
_LABEL = re.compile(rf"(?:^|(?<=[{_SPACE}]))__label__([^{_SPACE}]*)(?:[{_SPACE}]|$)")
_TO_ENCODE = " \t\v\f\r\0%"


class FastText(Format):
    """Lines of labels and text."""

    name = "fasttext"
    suffixes = (".fasttext", ".ft")

    def read(self, path: Path, columns: Columns) -> Iterator[Record]:
        """The rows of a file, numbered by lines, with ids made from them."""
        with opened(path) as lines:
            for number, raw in enumerate(lines, start=1):
                line = raw.removeprefix(b"\xef\xbb\xbf") if number == 1 else raw
                try:
                    text = line.decode().removesuffix("\n").removesuffix("\r")
                except UnicodeDecodeError as error:
                    yield Record(number, None, f"is not UTF-8: {error}")
                    continue
                if text.strip():
                    yield Record(number, {"id": made_id(path, number)} | _fields(text))

    def lost(self, fields: Fields, survey: Survey) -> list[str]:
        """All but text and topics, and what of these a line cannot hold."""
        held = {name: fields[name] for name in ("text", "topics") if fields.get(name) is not None}
        lost = [
            name if name in ("id", "title") else f"column {name!r}" for name in fields if name not in ("text", "topics")
        ]
        # What would be read otherwise than it was meant.
        return lost if _fields(_line(fields)) == held else [*lost, "line breaks and labels in the text"]

    def write(self, path: Path, rows: Iterator[Fields], survey: Survey) -> None:
        """Write one line an article, its title before its text as a model reads them."""
        with created(path) as file:
            for fields in rows:
                title = fields.get("title")
                text = f"{title}. {fields['text']}" if title else fields["text"]
                file.write((_line(fields | {"text": text}) + "\n").encode())


def _fields(line: str) -> dict[str, Any]:
    first = _FIRST_LABELS.match(line)
    end = first.end() if first else 0
    text, labels = line[end:], _LABEL.findall(line[:end])
    if PREFIX in text:
        labels += _LABEL.findall(text)
        text = _LABEL.sub("", text)
    return {"text": text} | ({"topics": [_decoded(label) for label in labels if label]} if labels else {})


def _line(fields: Fields) -> str:
    topics = fields.get("topics")
    labels = [""] if topics == [] else [_encoded(topic) for topic in topics or ()]
    text: str = fields["text"]
    text = text.replace("\r\n", " ").replace("\n", " ").removesuffix("\r")
    # A label within a text would be taken for one of the article.
    text = text.replace(PREFIX, "label__").removeprefix("\ufeff")
    return "".join(f"{PREFIX}{label} " for label in labels) + text


def _encoded(topic: str) -> str:
    return "".join(f"%{ord(character):02X}" if character in _TO_ENCODE else character for character in topic)


def _decoded(label: str) -> str:
    """The topic of a label; labels of others may have a ``%`` that means itself."""
    topic: str = unquote(label)
    return topic if _encoded(topic) == label else label


FASTTEXT = FastText()
