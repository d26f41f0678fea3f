"""Label Studio: its JSON of tasks with choices, as it exports them in full ("JSON") and imports them.

A task that nobody has finished is unlabelled: it has no annotation, or only skipped ones. An annotation without a
choice says that no topic applies. Whatever a task has besides its data is kept in the column `label_studio`, and goes
back where it came from as long as the topics are the same.
"""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import msgspec

from slugline.formats.columns import Columns, FaultyRow, spelled_out
from slugline.formats.compression import created, opened
from slugline.formats.json_array import elements
from slugline.formats.jsonl import object_in, with_id
from slugline.formats.records import Fields, Format, Record, Survey

TASK = "label_studio"
_CONTROL = "topics"


class LabelStudio(Format):
    """An array of tasks, each with `data` and `annotations`."""

    name = "label-studio"

    def read(self, path: Path, columns: Columns) -> Iterator[Record]:
        """The rows of a file, numbered by tasks."""
        with opened(path) as file:
            for number, element in elements(file, str(path)):
                try:
                    record = _record(number, object_in(element), columns, path)
                except FaultyRow as fault:
                    record = Record(number, None, str(fault))
                yield record

    def lost(self, fields: Fields, survey: Survey) -> list[str]:
        """The column that is kept for what tasks have besides their data, where it is something else."""
        task = fields.get(TASK)
        if task is not None and (not isinstance(task, dict) or "data" in task):
            return [f"column {TASK!r}"]
        return []

    def write(self, path: Path, rows: Iterator[Fields], survey: Survey) -> None:
        """Write the rows as tasks with finished annotations, whose control has the name `topics`."""
        with created(path) as file:
            between = b"[\n"
            for fields in rows:
                file.write(between + msgspec.json.encode(_task(fields)))
                between = b",\n"
            file.write(b"\n]\n" if between == b",\n" else b"[]\n")


def _record(number: int, task: Fields, columns: Columns, path: Path) -> Record:
    data = task.get("data")
    if not isinstance(data, dict):
        raise FaultyRow("data: is missing; export the full JSON of Label Studio, not JSON-MIN")
    fields = columns.but_topics.named(data)
    topics, why = _topics(task, columns.chosen.get("topics"))
    besides = {name: value for name, value in task.items() if name != "data"}
    if besides and besides != _besides(topics):
        fields = fields | {TASK: besides}
    if "id" not in fields:
        fields = {"id": task.get("id")} | fields
    fields = with_id(fields, path, number)
    return Record(number, fields if topics is None else fields | {"topics": topics}, why_unlabelled=why)


def _topics(task: Fields, control: str | None) -> tuple[list[Any] | None, str]:
    """What the annotators chose, or None and why there is nothing."""
    annotations = task.get("annotations", task.get("completions"))
    if not isinstance(annotations, list) or not all(isinstance(annotation, dict) for annotation in annotations):
        if annotations is None:
            return None, "it has no annotation"
        raise FaultyRow("annotations: must be a list of objects")
    finished = [annotation for annotation in annotations if not annotation.get("was_cancelled")]
    finished = [annotation for annotation in finished if annotation.get("ground_truth")] or finished
    if not finished:
        return None, "every annotation of it was skipped" if annotations else "it has no annotation"
    chosen = [_choices(annotation, control) for annotation in finished]
    if any(sorted(map(str, one)) != sorted(map(str, chosen[0])) for one in chosen):
        raise FaultyRow(f"annotations: {len(chosen)} disagree; settle them, or mark one as ground truth")
    return chosen[0], ""


def _choices(annotation: Fields, control: str | None) -> list[Any]:
    results = annotation.get("result")
    if not isinstance(results, list) or not all(isinstance(result, dict) for result in results):
        raise FaultyRow("annotations: `result` must be a list of objects")
    choices = [result for result in results if result.get("type") == "choices"]
    controls = {str(result.get("from_name")) for result in choices}
    if control is None and len(controls) > 1:
        raise FaultyRow(
            f"annotations: choices of several controls, {', '.join(sorted(controls))}; "
            "name the one of the topics with --column topics=NAME"
        )
    values = [result.get("value") for result in choices if control in (None, result.get("from_name"))]
    if not all(isinstance(value, dict) and isinstance(value.get("choices"), list) for value in values):
        raise FaultyRow("annotations: a choice must have a value with a list of choices")
    return [choice for value in values if isinstance(value, dict) for choice in value["choices"]]


def _task(fields: Fields) -> dict[str, Any]:
    data = {name: value for name, value in fields.items() if name not in ("topics", TASK)}
    topics, besides = fields.get("topics"), fields.get(TASK)
    if not isinstance(besides, dict) or "data" in besides or not _is_of(besides, topics):
        besides = _besides(topics)
    return {"data": spelled_out(data)} | besides


def _is_of(besides: Fields, topics: list[str] | None) -> bool:
    """Whether a task as it once came still says the same of its topics."""
    control = None
    try:
        return _topics(besides, control)[0] == topics
    except FaultyRow:
        return False


def _besides(topics: list[Any] | None) -> dict[str, Any]:
    """What stands beside the data of a task that Slugline writes."""
    if topics is None:
        return {"annotations": []}
    choice = {"from_name": _CONTROL, "to_name": "text", "type": "choices", "value": {"choices": topics}}
    return {"annotations": [{"result": [choice] if topics else []}]}


LABEL_STUDIO = LabelStudio()
