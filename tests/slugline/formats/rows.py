"""Rows of articles for the tests of formats."""

from collections.abc import Sequence
from pathlib import Path

import msgspec

from slugline.formats.columns import spelled_out
from slugline.formats.reading import PLAIN, Reading
from slugline.formats.records import Fields

PLAIN_ROWS: list[Fields] = [
    {"id": "a1", "title": "Border tense", "text": "Troops shelled two villages.", "topics": ["military_action"]},
    {"id": "a2", "text": "Envoys met.\nTalks go on.", "topics": ["diplomacy", "military_action"], "region": "Geneva"},
    {"id": "a3", "text": "The harvest was good.", "topics": [], "published": "2004-05-01", "source": "Reuters"},
    {"id": "a4", "text": "Nobody has read this.", "score": 0.5},
]


def write_jsonl(path: Path, rows: Sequence[Fields]) -> Path:
    path.write_bytes(b"".join(msgspec.json.encode(spelled_out(row)) + b"\n" for row in rows))
    return path


def fields_in(path: Path, reading: Reading = PLAIN) -> list[Fields]:
    """The fields of all rows, none of which may be faulty."""
    found = []
    for file in reading.files([path]):
        for record in reading.records(file):
            assert record.fields is not None, record
            found.append(record.fields)
    return found
