"""spaCy: texts with `cats`, as JSON lines, or as a JSON array of version 2 or 3.

Each topic stands in `cats` with 1 where it applies and 0 where not. A text without `cats` is unlabelled, and so is one
whose `cats` are empty, as they are in every document that spaCy makes.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from slugline.formats.columns import Columns, FaultyRow
from slugline.formats.compression import opened
from slugline.formats.json_array import elements
from slugline.formats.jsonl import JsonLines, bare_line, with_id
from slugline.formats.records import Fields, Record, Survey


def topics_of_cats(cats: Any) -> list[str]:
    """The topics whose value is 1.

    Raises:
        FaultyRow: a value is neither 0 nor 1, or there is no object of values.
    """
    if not isinstance(cats, dict):
        raise FaultyRow(f"cats: must be an object of topics with 0 or 1, not {cats!r:.40}")
    for name, value in cats.items():
        if value not in (0, 1):
            raise FaultyRow(f"cats: {name!r} is {value!r:.40}; a topic applies with 1 or does not with 0")
    return [name for name, value in cats.items() if value == 1]


def cats_of_topics(topics: list[str], survey: Survey) -> dict[str, float]:
    """All topics of a file with 1 or 0, those that apply first, in their order."""
    return dict.fromkeys(topics, 1.0) | dict.fromkeys(sorted(survey.topics - set(topics)), 0.0)


def lost_by_cats(fields: Fields, survey: Survey) -> list[str]:
    """That nothing applies cannot be said where there are no topics."""
    return ["topics that are [], where no article has one"] if fields.get("topics") == [] and not survey.topics else []


class SpacyCats(JsonLines):
    """Rows of `text` and `cats`; other columns stand beside them."""

    name = "spacy-json"
    suffixes: tuple[str, ...] = ()
    own_names = frozenset({"cats", "paragraphs"})

    def read(self, path: Path, columns: Columns) -> Iterator[Record]:
        """The rows of a file, numbered by lines, or by elements where it is one array."""
        with opened(path) as file:
            is_array = bare_line(1, file.read(64)).startswith(b"[")
        if not is_array:
            yield from super().read(path, columns)
            return
        with opened(path) as file:
            for number, element in elements(file, str(path)):
                try:
                    rows = _rows_of_element(element)
                except FaultyRow as fault:
                    yield Record(number, None, str(fault))
                    continue
                for row in rows:
                    yield self._record_or_fault(number, row, columns, path)

    def record(self, number: int, row: Fields, columns: Columns, path: Path) -> Record:
        """The record of one row.

        Raises:
            FaultyRow: its `cats` are no cats.
        """
        rest = {name: value for name, value in row.items() if name not in ("cats", "topics")}
        fields = with_id(columns.but_topics.named(rest), path, number)
        cats = row.get("cats")
        if not cats and cats in (None, {}):
            return Record(number, fields)
        return Record(number, fields | {"topics": topics_of_cats(cats)})

    def lost(self, fields: Fields, survey: Survey) -> list[str]:
        """Columns of spaCy's own names, and an explicit ``[]`` where there is no topic at all."""
        return [*super().lost(fields, survey), *lost_by_cats(fields, survey)]

    def row(self, fields: Fields, survey: Survey) -> dict[str, Any]:
        """The row as spaCy's users write it."""
        topics = fields.get("topics")
        rest = {name: value for name, value in fields.items() if name != "topics"}
        return rest if topics is None else rest | {"cats": cats_of_topics(topics, survey)}

    def _record_or_fault(self, number: int, row: Fields, columns: Columns, path: Path) -> Record:
        try:
            return self.record(number, row, columns, path)
        except FaultyRow as fault:
            return Record(number, None, str(fault))


def _rows_of_element(element: bytes) -> list[Fields]:
    """The rows of one element: an object, a pair of text and annotations, or a document of version 2."""
    try:
        value = msgspec.json.decode(element)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        raise FaultyRow(f"is not JSON: {error}") from None
    match value:
        case [str(text), dict(annotations)]:
            return [{"text": text} | annotations]
        case {"paragraphs": list(paragraphs)} if all(isinstance(paragraph, dict) for paragraph in paragraphs):
            return [_paragraph(value, number, paragraph) for number, paragraph in enumerate(paragraphs)]
        case dict():
            return [value]
    raise FaultyRow("must be an object with text and cats, a document with paragraphs, or a pair of text and cats")


def _paragraph(document: Fields, number: int, paragraph: Fields) -> Fields:
    """The row of a paragraph of version 2, whose `cats` are a list of labels with values."""
    cats = paragraph.get("cats", [])
    if not isinstance(cats, list) or not all(isinstance(cat, dict) and "label" in cat for cat in cats):
        raise FaultyRow("cats: must be a list of objects with label and value")
    row = {"id": f"{document.get('id', 'paragraph')}.{number}", "text": paragraph.get("raw")}
    return row | {"cats": {str(cat["label"]): cat.get("value") for cat in cats}}


SPACY_CATS = SpacyCats()
