"""`slugline classify`."""

import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

import click

from slugline.cli import options
from slugline.cli.exit_codes import FAULTY_INPUT
from slugline.cli.model_place import ModelPlace
from slugline.formats.compression import is_compressed
from slugline.formats.jsonl import JSONL
from slugline.formats.reading import Reading

if TYPE_CHECKING:
    from rich.progress import Progress as Bar

    from slugline.cli.archives import Chunk, Lines, Progress, ResumableOutput, Rows, Workers
    from slugline.cli.classifiers import Classifier, Outcome
    from slugline.manifest import Manifest


@click.command("classify")
@click.argument("text", required=False)
@click.option(
    "--input",
    "input_path",
    type=click.Path(exists=True, path_type=Path),
    help="File of articles, each with id, text and maybe title, or folder of such files.",
)
@click.option(
    "--output",
    "output_path",
    type=click.Path(path_type=Path),
    help="File for the results, replaced when all is done; without it they go to standard output. They are JSONL, or "
    "Parquet with all columns of the input where that is Parquet and this ends in .parquet or is a folder, as that is.",
)
@options.rows
@options.model_place
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
@options.dask
@click.option("--prefix", default="", help="Put before the names of the columns that are added to Parquet.")
@click.option("--resume", is_flag=True, help="Go on where an interrupted run to the same --output stopped.")
@options.as_json
def command(
    text: str | None,
    input_path: Path | None,
    output_path: Path | None,
    reading: Reading,
    model: ModelPlace,
    trusted_keys: Path | None,
    scorer: Any,
    server: str | None,
    credentials: options.Credentials,
    scheduler: str | None,
    prefix: str,
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
    for option, given in (("--prefix", prefix), ("--resume", resume), ("--dask", scheduler)):
        if given and output_path is None:
            raise click.UsageError(f"{option} goes with --output")
    source = _Source(model, trusted_keys, scorer, server, credentials)
    if input_path is not None:
        archive = _Archive(input_path, output_path, reading, prefix)
        run = partial(_classify_on_cluster, scheduler=scheduler) if scheduler else _classify_archive
        failed = run(archive, source, resume=resume)
    else:
        with _classifier(source) as classifier:
            failed = _classify_text(classifier, sys.stdin.read() if text is None else text, as_json)
    if failed:
        sys.exit(FAULTY_INPUT)


class _Source(NamedTuple):
    """Where topics come from: a model on disk, signed by a trusted key if there are any, with a scorer; or a server."""

    model: ModelPlace
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

        yield LocalClassifier(store.load(source.model.find(source.trusted_keys), source.scorer, source.trusted_keys))


def _classify_text(classifier: "Classifier", text: str, as_json: bool) -> bool:
    from slugline.cli.terminal import note, print_json
    from slugline.documents import Document

    outcome = classifier.classify(Document(text))
    if as_json:
        print_json(outcome.row(None, classifier.codes))
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


class _Archive(NamedTuple):
    """What is to be read and written, and how."""

    input_path: Path
    output_path: Path | None
    reading: Reading
    prefix: str


def _classify_archive(archive: _Archive, source: _Source, *, resume: bool) -> bool:
    """Classify every row; whether any failed."""
    from slugline.cli.resuming import identity_of
    from slugline.cli.terminal import counting_bar, note

    files = archive.reading.files([archive.input_path])
    to_tables = _makes_tables(archive, files)
    with _working(source, files) as working, counting_bar("Classifying") as bar:
        identity = identity_of(
            files, model=working.known.model, settings=_settings(archive, source), prefix=archive.prefix
        )
        run = _to_tables if to_tables else _to_lines
        done, failed = run(archive, files, working, identity, resume, bar)
    note(f"{done} articles to {archive.output_path or 'standard output'}, {failed} of them with an error.")
    return failed > 0


def _settings(archive: _Archive, source: _Source) -> str:
    """What the results depend on besides input and model."""
    settings = f"scorer {source.scorer}, server {source.server}"
    if unusual := [repr(option) for option in (archive.reading.format, archive.reading.columns) if option]:
        settings += f", read by {', '.join(unusual)}"
    return settings


def _classify_on_cluster(archive: _Archive, source: _Source, scheduler: str, *, resume: bool) -> bool:
    """Classify every row of a folder of Parquet on the workers of a Dask cluster; whether any failed."""
    from slugline.cli.cluster import cluster
    from slugline.cli.dask_archives import ClusterArchive, Job
    from slugline.cli.parquet_archives import AddedColumns
    from slugline.cli.resuming import identity_of
    from slugline.cli.terminal import note, stage_bars
    from slugline.errors import InputError
    from slugline.formats.columns import Columns
    from slugline.verification import trusted_manifest

    assert archive.output_path is not None  # noqa: S101
    if source.server or not archive.input_path.is_dir():
        raise click.UsageError("--dask goes with a folder as --input, and not with --server")
    folder, output = archive.input_path.resolve(), archive.output_path.resolve()
    files = archive.reading.files([folder])
    if not _makes_tables(archive, files):
        raise InputError(f"{output}: a cluster makes a folder of Parquet; name one, without a suffix")
    model, place = source.model.pinned(source.trusted_keys)
    known = _known(trusted_manifest(model, source.trusted_keys))
    identity = identity_of(files, model=known.model, settings=_settings(archive, source), prefix=archive.prefix)
    added = AddedColumns(*known, archive.prefix)
    job = Job(place, source.scorer, source.trusted_keys, Columns(archive.reading.columns), added, identity)
    with cluster(scheduler) as client, stage_bars() as bars:
        tables = ClusterArchive(folder, output, identity, resume=resume)
        note(f"{len(files)} files; the workers at {scheduler} have {sum(client.nthreads().values())} threads so far.")
        bars.stage("Classifying files", len(files))
        rows, failed = tables.run(client, files, job, bars.advance)
    note(f"{rows} articles to {archive.output_path}, {failed} of them with an error.")
    return failed > 0


def _makes_tables(archive: _Archive, files: list[Path]) -> bool:
    """Whether the results are Parquet; they are JSONL where not.

    Raises:
        InputError: the output cannot be made of this input.
    """
    from slugline.errors import InputError
    from slugline.formats.arrow import PARQUET
    from slugline.formats.registry import format_of_suffix

    if archive.output_path is None:
        return False
    suffixed = format_of_suffix(archive.output_path)
    is_folder = archive.input_path.is_dir() and not archive.output_path.suffix
    if suffixed is not PARQUET and not is_folder:
        if suffixed not in (None, JSONL):
            raise InputError(f"{archive.output_path}: results are written as JSONL or Parquet, not as {suffixed.name}")
        return False
    other = next((file for file in files if archive.reading.format_of(file) is not PARQUET), None)
    if other is not None:
        raise InputError(f"{other}: is not Parquet, and only its results can be; `slugline convert` makes it Parquet")
    return True


class _Known(NamedTuple):
    """What is known of a model: version and fingerprint, thresholds and codes of its topics."""

    model: str
    thresholds: dict[str, float]
    codes: dict[str, str]


def _known(manifest: "Manifest") -> _Known:
    return _Known(
        f"{manifest.version} {manifest.fingerprint}",
        {topic.name: topic.threshold for topic in manifest.topics},
        {topic.name: topic.code for topic in manifest.topics if topic.code},
    )


class _Working(NamedTuple):
    """What classifies, and what is known of its model."""

    workers: "Workers"
    known: _Known


@contextmanager
def _working(source: _Source, files: list[Path]) -> Iterator[_Working]:
    from slugline.cli.archives import workers_alone, workers_on_all_cores

    if source.server:
        from slugline.cli.remote import connect

        with connect(source.server, source.credentials) as remote:
            yield _Working(workers_alone(remote), _Known(remote.model_version, remote.thresholds, remote.codes))
    else:
        from slugline.verification import trusted_manifest

        folder = source.model.find(source.trusted_keys)
        # Its files are verified where they are loaded.
        manifest = trusted_manifest(folder, source.trusted_keys)
        yield _Working(
            workers_on_all_cores(folder, source.scorer, source.trusted_keys, files),
            _known(manifest),
        )


def _to_tables(
    archive: _Archive, files: list[Path], working: _Working, identity: dict[str, str], resume: bool, bar: "Bar"
) -> tuple[int, int]:
    from slugline.cli.parquet_archives import AddedColumns, TableArchive
    from slugline.cli.terminal import note
    from slugline.formats.columns import Columns

    assert archive.output_path is not None  # noqa: S101
    added = AddedColumns(*working.known, archive.prefix)
    tables = TableArchive(archive.input_path, archive.output_path, identity, resume=resume)
    if resume:
        note(f"Going on after {tables.progress.done} articles.")
    task = bar.add_task("", total=None)
    try:
        tables.run(
            files,
            working.workers,
            Columns(archive.reading.columns),
            added,
            lambda rows: bar.advance(task, rows),
        )
    except BaseException:
        _tell_of_interruption(tables.progress.done)
        raise
    return tables.progress.done, tables.progress.failed


def _to_lines(
    archive: _Archive, files: list[Path], working: _Working, identity: dict[str, str], resume: bool, bar: "Bar"
) -> tuple[int, int]:
    from slugline.cli.archives import Progress, ResumableOutput
    from slugline.cli.terminal import note

    if archive.output_path is None:
        return _to_stdout(working.workers, _chunks(archive, files, Progress(identity)), bar)
    output = ResumableOutput(archive.output_path, identity, resume=resume)
    if resume:
        note(f"Going on after {output.progress.done} articles.")
    _to_file(working.workers, _chunks(archive, files, output.progress), output, bar)
    return output.progress.done, output.progress.failed


def _chunks(archive: _Archive, files: list[Path], start: "Progress") -> Iterator["Chunk"]:
    """The chunks of the input: lines for other processes to read where it is one plain file of JSONL, or else rows."""
    from slugline.cli.archives import chunks, row_chunks

    if len(files) == 1 and archive.reading.format_of(files[0]) is JSONL and not is_compressed(files[0]):
        return chunks(files[0], start, archive.reading.columns)
    return row_chunks(files, start, archive.reading)


def _to_stdout(workers: "Workers", archive: Iterator["Chunk"], bar: "Bar") -> tuple[int, int]:
    from slugline.cli.archives import tag

    done = failed = 0
    task = bar.add_task("", total=None)
    for tagged in workers(tag, (chunk.content for chunk in archive)):
        sys.stdout.buffer.write(tagged.output)
        done += tagged.done
        failed += tagged.failed
        bar.advance(task, tagged.done)
    sys.stdout.buffer.flush()
    return done, failed


def _to_file(workers: "Workers", archive: Iterator["Chunk"], output: "ResumableOutput", bar: "Bar") -> None:
    from slugline.cli.archives import Chunk, Rows, tag

    # Chunks run ahead of their results; they wait here, without their content, for their results to be written.
    waiting: deque[Chunk] = deque()

    def remembered() -> Iterator["Lines | Rows"]:
        for chunk in archive:
            waiting.append(Chunk(Rows([]), chunk.input_bytes, chunk.input_digest, chunk.last_line))
            yield chunk.content

    task = bar.add_task("", total=None)
    try:
        for tagged in workers(tag, remembered()):
            output.add(waiting.popleft(), tagged)
            bar.advance(task, tagged.done)
        output.finish()
    except BaseException:
        output.abandon()
        _tell_of_interruption(output.progress.done)
        raise


def _tell_of_interruption(done: int) -> None:
    from slugline.cli.terminal import note

    if done:
        note(f"Interrupted after {done} articles; the same command with --resume goes on.")
