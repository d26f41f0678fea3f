"""`slugline check`."""

import sys
from pathlib import Path

import click

from slugline.cli import options
from slugline.cli.exit_codes import FAULTY_INPUT
from slugline.topics import TOPICS_FILE, read_topics


@click.command("check")
@click.argument("paths", nargs=-1, required=True, type=click.Path(path_type=Path), metavar="PATH...")
@click.option("--topics", "topics_file", type=click.Path(path_type=Path), help="Topics file that labels must be from.")
@options.as_json
def command(paths: tuple[Path, ...], topics_file: Path | None, as_json: bool) -> None:
    """Find every fault in files of labelled articles, each as path:line: what is wrong.

    Topics must be from the topics file, or from topics.toml beside the data where there is one.
    """
    from slugline.cli.terminal import note, print_json
    from slugline.corpus import examine, topics_file_beside

    topics_file = topics_file or topics_file_beside(paths)
    known = [topic.name for topic in read_topics(topics_file)] if topics_file else None
    documents, faults = examine(paths, known)
    if as_json:
        listed = [{"path": str(fault.path), "line": fault.line, "problem": fault.problem} for fault in faults]
        print_json({"documents": len(documents), "faults": listed})
    else:
        for fault in faults:
            click.echo(str(fault))
        against = f" against {topics_file}" if topics_file else f"; no {TOPICS_FILE} beside them, so any topic is taken"
        note(f"{len(documents)} good articles, {len(faults)} faults{against}.")
    if faults:
        sys.exit(FAULTY_INPUT)
