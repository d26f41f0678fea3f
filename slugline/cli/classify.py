"""`slugline classify`."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from slugline.cli import options
from slugline.cli.exit_codes import FAULTY_INPUT

if TYPE_CHECKING:
    from slugline.cli.classifiers import Classifier, Outcome


@click.command("classify")
@click.argument("text", required=False)
@click.option(
    "--input",
    "input_path",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="JSONL file of articles, each with id, text and maybe title.",
)
@click.option(
    "--output",
    "output_path",
    type=click.Path(dir_okay=False, path_type=Path),
    help="JSONL file for the results, replaced when all is done; without it they go to standard output.",
)
@options.model_path
@options.scorer
@click.option(
    "--server",
    metavar="HOST:PORT",
    envvar="SLUGLINE_SERVER",
    show_envvar=True,
    help="Ask this server instead of loading a model.",
)
@options.as_json
def command(
    text: str | None,
    input_path: Path | None,
    output_path: Path | None,
    model: Path,
    scorer: Any,
    server: str | None,
    as_json: bool,
) -> None:
    """Say which topics an article is about: TEXT, standard input, or every article of a file.

    The exit status is 2 where an article could not be classified; the others are classified all the same.
    """
    if text is not None and input_path is not None:
        raise click.UsageError("give either TEXT or --input")
    if output_path is not None and input_path is None:
        raise click.UsageError("--output goes with --input")
    with _classifier(model, scorer, server) as classifier:
        if input_path is not None:
            failed = _classify_file(classifier, input_path, output_path)
        else:
            failed = _classify_text(classifier, sys.stdin.read() if text is None else text, as_json)
    if failed:
        sys.exit(FAULTY_INPUT)


@contextmanager
def _classifier(model: Path, scorer: Any, server: str | None) -> Iterator["Classifier"]:
    if server:
        from slugline.cli.remote import connect

        with connect(server) as remote:
            yield remote
    else:
        from slugline import store
        from slugline.cli.classifiers import LocalClassifier

        yield LocalClassifier(store.load(store.find(model), scorer))


def _classify_text(classifier: "Classifier", text: str, as_json: bool) -> bool:
    from slugline.cli.terminal import note, print_json
    from slugline.documents import Document

    outcome = classifier.classify(Document(text))
    if as_json:
        print_json(outcome.row(None))
    elif outcome.error:
        note(f"slugline: {outcome.error}")
    else:
        _print_outcome(classifier, outcome)
    return bool(outcome.error)


def _print_outcome(classifier: "Classifier", outcome: "Outcome") -> None:
    from slugline.cli.terminal import print_table

    rows = [
        (name, f"{score:.4f}", f"{classifier.thresholds[name]:.4f}", "yes" if name in outcome.topics else "")
        for name, score in (outcome.scores or {}).items()
    ]
    print_table(("topic", "score", "threshold", "assigned"), rows)


def _classify_file(classifier: "Classifier", input_path: Path, output_path: Path | None) -> bool:
    """Classify every row; whether any failed."""
    from slugline.cli.rows import classify_rows, replacing
    from slugline.cli.terminal import counting_bar, note
    from slugline.corpus import read_rows

    failed = done = 0
    with replacing(output_path) as output, counting_bar("Classifying") as bar:
        task = bar.add_task("", total=None)
        for line, bad in classify_rows(classifier, read_rows(input_path, max_text_chars=classifier.max_text_chars)):
            output.write(line)
            done += 1
            failed += bad
            bar.advance(task)
    where = str(output_path) if output_path else "standard output"
    note(f"{done} articles to {where}, {failed} of them with an error.")
    return failed > 0
