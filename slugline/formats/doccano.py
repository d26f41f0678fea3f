"""doccano: the JSON lines of its projects for text classification, as it has written them from version 1.0 on.

The text is in `text` or, in some versions, `data`; the labels in `label`, `labels` or, with slots and intents, `cats`.
doccano writes ``[]`` for texts that nobody has opened, too, so an empty list is unlabelled, unless the row names who
approved it, or carries the ``"topics": []`` that Slugline wrote beside it.

All other columns are written into one, ``meta``, which doccano keeps and gives back: columns of their own must be in
every row and always of one type, or doccano 1.8 refuses the whole file.
"""

from pathlib import Path
from typing import Any

from slugline.formats.columns import Columns, FaultyRow
from slugline.formats.jsonl import JsonLines, number_or_text, with_id
from slugline.formats.records import Fields, Record, Survey

_LABELS = ("label", "labels", "cats")


class Doccano(JsonLines):
    """Rows of `id`, `text` and `label`, with all other columns in `meta`."""

    name = "doccano"
    suffixes: tuple[str, ...] = ()
    own_names = frozenset({"label", "labels", "cats", "data", "annotations", "entities"})

    def record(self, number: int, row: Fields, columns: Columns, path: Path) -> Record:
        """The record of one row.

        Raises:
            FaultyRow: its labels are spans, or numbers without names.
        """
        row = _unpacked(row)
        if "annotations" in row and not any(name in row for name in _LABELS):
            raise FaultyRow("annotations: has numbers for labels; export JSONL with text labels")
        labelled = next((name for name in _LABELS if name in row), None)
        labels = None if labelled is None else row[labelled]
        if isinstance(labels, str):
            labels = [labels] if labels else []
        if isinstance(labels, list) and any(isinstance(label, list) for label in labels):
            raise FaultyRow(f"{labelled}: has spans of the text; only classification of whole texts can be read")
        nobody = not labels and row.get("topics") != [] and not row.get("annotation_approver")
        rest = {name: value for name, value in row.items() if name not in (labelled, "topics", "data")}
        if "data" in row:
            rest.setdefault("text", row["data"])
        if not rest.get("entities"):
            rest.pop("entities", None)
        fields = with_id(columns.but_topics.named(rest), path, number)
        if nobody:
            return Record(number, fields)
        return Record(number, fields | {"topics": labels})

    def row(self, fields: Fields, survey: Survey) -> dict[str, Any]:
        """The row as doccano takes it; an explicit ``[]`` is said once more, in its metadata."""
        topics = fields.get("topics")
        meta = {name: value for name, value in fields.items() if name not in ("id", "text", "topics")}
        if topics == []:
            meta["topics"] = []
        own = {"id": number_or_text(fields["id"]), "text": fields.get("text")}
        return own | {"label": topics or [], "meta": meta}


def _unpacked(row: Fields) -> Fields:
    """The row with what is in `meta` as columns of its own, unless there are others of their names."""
    meta = row.get("meta")
    own = {name: value for name, value in row.items() if name != "meta"}
    return own | meta if isinstance(meta, dict) and not meta.keys() & own.keys() else row


DOCCANO = Doccano()
