"""Prodigy: the JSON lines of its text classification, from `db-out` and for `db-in`.

Three spellings are read: choices (`accept` lists the topics), one label a row (`label`, with the answer whether it
holds), and `cats`. Only an accepted answer says what a text is about: ignored, rejected and unanswered rows are
unlabelled, for a rejected label tells nothing of the other topics. Choices are written.
"""

from pathlib import Path
from typing import Any

from slugline.formats.columns import Columns, FaultyRow
from slugline.formats.jsonl import JsonLines, with_id
from slugline.formats.records import Fields, Record, Survey
from slugline.formats.spacy_cats import topics_of_cats

ANSWERS = ("accept", "reject", "ignore")
_SPELLINGS = ("accept", "cats", "label")


class Prodigy(JsonLines):
    """Rows of `text`, `options`, `accept` and `answer`; other columns stand beside them, where Prodigy keeps them."""

    name = "prodigy"
    suffixes: tuple[str, ...] = ()
    own_names = frozenset({"accept", "answer", "label", "cats"})

    def record(self, number: int, row: Fields, columns: Columns, path: Path) -> Record:
        """The record of one row.

        Raises:
            FaultyRow: the answer or the labels are none of Prodigy's.
        """
        answer = row.get("answer")
        if answer is not None and answer not in ANSWERS:
            raise FaultyRow(f"answer: must be accept, reject or ignore, not {answer!r:.40}")
        spelling = next((name for name in _SPELLINGS if name in row), None)
        why = "" if answer == "accept" else f"its answer is {answer}" if answer else "it has no answer"
        if not why and spelling is None:
            why = "it has none of accept, label and cats"
        rest = {name: value for name, value in row.items() if name not in self.own_names | {"topics"}}
        if _is_plain(rest.get("options")):
            del rest["options"]
        fields = with_id(columns.but_topics.named(rest), path, number)
        if why:
            return Record(number, fields, why_unlabelled=why)
        return Record(number, fields | {"topics": _topics(spelling or "", row)})

    def lost(self, fields: Fields, survey: Survey) -> list[str]:
        """Columns of Prodigy's own names, and options that are the plain list of topics, which is made anew."""
        lost = super().lost(fields, survey)
        return lost + (["column 'options'"] if _is_plain(fields.get("options")) else [])

    def row(self, fields: Fields, survey: Survey) -> dict[str, Any]:
        """The row as Prodigy writes it after a choice, or as a task of its own where it is unlabelled."""
        topics = fields.get("topics")
        rest = {name: value for name, value in fields.items() if name != "topics"}
        options = [{"id": name, "text": name} for name in sorted(survey.topics)]
        answered = {} if topics is None else {"accept": topics, "answer": "accept"}
        return {"options": options} | rest | answered


def _topics(spelling: str, row: Fields) -> Any:
    if spelling == "cats":
        return topics_of_cats(row["cats"])
    return [row["label"]] if spelling == "label" else row["accept"]


def _is_plain(options: Any) -> bool:
    """Whether options say no more than the names of the topics."""
    return isinstance(options, list) and all(
        isinstance(option, dict) and option == {"id": option.get("id"), "text": option.get("id")} for option in options
    )


PRODIGY = Prodigy()
