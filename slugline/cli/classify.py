"""`slugline classify`."""

import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from slugline.cli import options
from slugline.cli.exit_codes import FAULTY_INPUT

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from slugline.cli.archives import Chunk, ResumableOutput, Tagger
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
@options.trusted_keys
@options.scorer
@click.option(
    "--server",
    metavar="HOST:PORT",
    envvar="SLUGLINE_SERVER",
    show_envvar=True,
    help="Ask this server instead of loading a model.",
)
@options.credentials
@click.option("--resume", is_flag=True, help="Go on where an interrupted run to the same --output stopped.")
@options.as_json
def command(
    text: str | None,
    input_path: Path | None,
    output_path: Path | None,
    model: Path,
    trusted_keys: Path | None,
    scorer: Any,
    server: str | None,
    credentials: options.Credentials,
    resume: bool,
    as_json: bool,
) -> None:
    """Say which topics an article is about: TEXT, standard input, or every article of a file.

    The exit status is 2 where an article could not be classified; the others are classified all the same.
    """
    if text is not None and input_path is not None:
        raise click.UsageError("give either TEXT or --input")
    if output_path is not None and input_path is None:
        raise click.UsageError("--output goes with --input")
    if resume and output_path is None:
        raise click.UsageError("--resume goes with --output")
    source = _Source(model, trusted_keys, scorer, server, credentials)
    if input_path is not None:
        failed = _classify_file(input_path, output_path, source, resume=resume)
    else:
        with _classifier(source) as classifier:
            failed = _classify_text(classifier, sys.stdin.read() if text is None else text, as_json)
    if failed:
        sys.exit(FAULTY_INPUT)


class _Source(NamedTuple):
    """Where topics come from: a model on disk, signed by a trusted key if there are any, with a scorer; or a server."""

    model: Path
    trusted_keys: Path | None
    scorer: Any
    server: str | None
    credentials: options.Credentials


@contextmanager
def _classifier(source: _Source) -> Iterator["Classifier"]:
    if source.server:
        from slugline.cli.remote import connect

        with connect(source.server, source.credentials) as remote:
            yield remote
    else:
        from slugline import store
        from slugline.cli.classifiers import LocalClassifier

        yield LocalClassifier(store.load(store.find(source.model), source.scorer, source.trusted_keys))


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
    from slugline.cli.terminal import note, print_table

    rows = [
        (name, f"{score:.4f}", f"{classifier.thresholds[name]:.4f}", "yes" if name in outcome.topics else "")
        for name, score in (outcome.scores or {}).items()
    ]
    print_table(("topic", "score", "threshold", "assigned"), rows)
    for warning in outcome.warnings:
        note(f"Doubtful: {warning}.")


def _classify_file(input_path: Path, output_path: Path | None, source: _Source, *, resume: bool) -> bool:
    """Classify every row; whether any failed."""
    from slugline.cli.archives import Progress, ResumableOutput, chunks, identity_of
    from slugline.cli.terminal import counting_bar, note

    with _tagger(source, input_path) as (tagger, version), counting_bar("Classifying") as bar:
        identity = identity_of(input_path, model=version, settings=f"scorer {source.scorer}, server {source.server}")
        if output_path is None:
            done, failed = _to_stdout(tagger, chunks(input_path, Progress(identity)), bar)
        else:
            output = ResumableOutput(output_path, identity, resume=resume)
            if resume:
                note(f"Going on after {output.progress.done} articles.")
            _to_file(tagger, input_path, output, bar)
            done, failed = output.progress.done, output.progress.failed
    note(f"{done} articles to {output_path or 'standard output'}, {failed} of them with an error.")
    return failed > 0


@contextmanager
def _tagger(source: _Source, input_path: Path) -> Iterator[tuple["Tagger", str]]:
    """What tags chunks, and the version of the model it does so with."""
    from slugline.cli.archives import tagger_alone, tagger_on_all_cores

    if source.server:
        from slugline.cli.remote import connect

        with connect(source.server, source.credentials) as remote:
            yield tagger_alone(remote), remote.model_version
    else:
        from slugline import store
        from slugline.verification import trusted_manifest

        folder = store.find(source.model)
        # Its files are verified where they are loaded.
        manifest = trusted_manifest(folder, source.trusted_keys)
        tagger = tagger_on_all_cores(folder, source.scorer, source.trusted_keys, input_path)
        yield tagger, f"{manifest.version} {manifest.fingerprint}"


def _to_stdout(tagger: "Tagger", archive: Iterator["Chunk"], bar: "Bar") -> tuple[int, int]:
    done = failed = 0
    task = bar.add_task("", total=None)
    for tagged in tagger(archive):
        sys.stdout.buffer.write(tagged.output)
        done += tagged.done
        failed += tagged.failed
        bar.advance(task, tagged.done)
    sys.stdout.buffer.flush()
    return done, failed


def _to_file(tagger: "Tagger", input_path: Path, output: "ResumableOutput", bar: "Bar") -> None:
    from slugline.cli.archives import Chunk, chunks
    from slugline.cli.terminal import note

    # Chunks run ahead of their results; they wait here, without their lines, for their results to be written.
    waiting: deque[Chunk] = deque()

    def remembered() -> Iterator[Chunk]:
        for chunk in chunks(input_path, output.progress):
            waiting.append(Chunk([], chunk.input_bytes, chunk.input_digest, chunk.last_line))
            yield chunk

    task = bar.add_task("", total=None)
    try:
        for tagged in tagger(remembered()):
            output.add(waiting.popleft(), tagged)
            bar.advance(task, tagged.done)
        output.finish()
    except BaseException:
        output.abandon()
        if output.progress.done:
            note(f"Interrupted after {output.progress.done} articles; the same command with --resume goes on.")
        raise
