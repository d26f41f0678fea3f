"""`slugline check`."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slugline.cli import options
from slugline.cli.exit_codes import FAULTY_INPUT
from slugline.corpus import Corpus, LabelledDocument, digest, examine, topics_file_beside
from slugline.formats.reading import Reading
from slugline.topics import TOPICS_FILE, Topic, read_topics, topics_from_labels

if TYPE_CHECKING:
    from training.suspects import Conflict, Mislabel


@click.command("check")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@options.labelled_rows
@options.topics_file
@click.option("--labels/--no-labels", default=True, show_default=True, help="Look for suspected mislabels, too.")
@click.option("--most", default=50, show_default=True, type=click.IntRange(1), help="Most suspects of a kind to show.")
@options.as_json
def command(
    paths: tuple[Path, ...], reading: Reading, topics_file: Path | None, labels: bool, most: int, as_json: bool
) -> None:
    """Find every fault in files of labelled articles, each as path:line: what is wrong; path:row in tables.

    Topics must be from the topics file, or from topics.toml beside the data where there is one. Where there are no
    faults, near-duplicates with different topics and suspected mislabels are listed, most suspect first. The exit
    status is 2 for faults alone: suspects may be right.
    """
    from slugline.cli.terminal import note, print_json

    topics_file = topics_file or topics_file_beside(paths)
    topics = read_topics(topics_file) if topics_file else None
    documents, faults, left_out = examine(paths, [topic.name for topic in topics] if topics else None, reading)
    conflicts: list[Conflict] = []
    mislabels: list[Mislabel] = []
    if labels and documents and not faults:
        corpus = Corpus(tuple(documents), digest(documents))
        conflicts, mislabels = _suspects(corpus, topics or topics_from_labels(corpus.labels()))
    if as_json:
        print_json(
            {
                "documents": len(documents),
                "left_out": left_out,
                "faults": [{"path": str(fault.path), "line": fault.line, "problem": fault.problem} for fault in faults],
                "conflicts": [
                    {"first": _labelled(c.first), "second": _labelled(c.second), "containment": c.containment}
                    for c in conflicts
                ],
                "mislabels": [
                    _labelled(m.document) | {"topic": m.topic, "has_topic": m.has_topic, "score": m.score}
                    for m in mislabels
                ],
            }
        )
    else:
        for finding in (*faults, *conflicts[:most], *mislabels[:most]):
            click.echo(str(finding))
        against = f" against {topics_file}" if topics_file else f"; no {TOPICS_FILE} beside them, so any topic is taken"
        note(f"{len(documents)} good articles, {len(faults)} faults{against}.")
        if left_out:
            note(f"{left_out} articles that nobody has labelled were left out.")
        note(f"{len(conflicts)} conflicting near-duplicates, {len(mislabels)} suspected mislabels.")
    if faults:
        sys.exit(FAULTY_INPUT)


def _labelled(labelled: LabelledDocument) -> dict[str, object]:
    place = {"id": labelled.document.id, "path": str(labelled.path), "line": labelled.line}
    return place | {"topics": list(labelled.topics)}


def _suspects(corpus: Corpus, topics: tuple[Topic, ...]) -> tuple[list["Conflict"], list["Mislabel"]]:
    from slugline.cli.terminal import note, stage_bars
    from slugline.errors import NotEnoughExamples
    from training.suspects import conflicts, mislabels

    found = conflicts(corpus.documents)
    try:
        with stage_bars() as bars:
            return found, mislabels(corpus, topics, bars) if topics else []
    except NotEnoughExamples as error:
        note(f"No label was doubted: {error}.")
        return found, []
