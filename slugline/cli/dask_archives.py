"""Archives on a Dask cluster: every Parquet file of a folder is a task, done by whichever worker is free.

A worker writes a file aside and renames it, as `parquet_archives` does on one machine, so a task that Dask does again
after a worker's death takes up what the dead one left, and gives the same file. While it lasts, finished files stand in
a folder of their own in `.NAME.partial` beside the output, named after all that the results depend on: a task left over
from a run with another model cannot put its file among these.
"""

import hashlib
import itertools
import shutil
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import Any, NamedTuple

from slugline.cli.archives import loaded_classifier, workers_alone
from slugline.cli.classifiers import LocalClassifier
from slugline.cli.model_place import ModelPlace
from slugline.cli.parquet_archives import AddedColumns, TableArchive
from slugline.cli.resuming import OutputBusy, held_folder
from slugline.errors import InputError, ModelCorrupt, ModelError, SluglineError, WorkersDied
from slugline.formats.arrow import library
from slugline.formats.columns import Columns
from slugline.names import ScorerName
from slugline.object_storage import is_url
from slugline.verification import trusted_manifest

_SECONDS_BETWEEN_TRIES = 1.0
_FINDING = threading.Lock()


@dataclass(frozen=True, slots=True)
class Job:
    """What a worker needs to know to do a file; `place` is the folder or the URL of the one version to use."""

    place: str
    scorer: ScorerName
    trusted_keys: Path | None
    columns: Columns
    added: AddedColumns
    identity: dict[str, str]


class FileDone(NamedTuple):
    """The rows of a file and how many of them have an error; or why it could not be done, and if the model is why."""

    rows: int = 0
    failed: int = 0
    problem: str = ""
    is_of_model: bool = False


def tag_file(source: Path, output: Path, job: Job) -> FileDone:
    """Classify the rows of one Parquet file; runs on a worker, and does nothing where the output is there."""
    try:
        while not output.exists():
            try:
                archive = TableArchive(source, output, job.identity, resume=True)
            except OutputBusy:
                # A worker that the scheduler took for dead is still at it.
                time.sleep(_SECONDS_BETWEEN_TRIES)
                continue
            archive.run([source], workers_alone(_classifier(job)), job.columns, job.added, lambda _: None)
        return counted(output, job.added)
    except SluglineError as error:
        return FileDone(problem=str(error), is_of_model=isinstance(error, ModelError))
    except OSError as error:
        return FileDone(problem=f"{source}: cannot be classified: {error}; workers must see the same folders as you")


def _classifier(job: Job) -> LocalClassifier:
    """The model of a job, found, and downloaded if need be, once in a worker process."""
    with _FINDING:
        folder = _folder(job.place, job.trusted_keys, job.added.model)
    return loaded_classifier(folder, job.scorer, job.trusted_keys)


@lru_cache(maxsize=1)
def _folder(place: str, trusted_keys: Path | None, model: str) -> Path:
    folder = ModelPlace(place if is_url(place) else Path(place)).find(trusted_keys)
    manifest = trusted_manifest(folder, trusted_keys)
    if f"{manifest.version} {manifest.fingerprint}" != model:
        raise ModelCorrupt(f"{folder}: is another model on this worker; give --model a folder that all workers share")
    return folder


def counted(output: Path, added: AddedColumns) -> FileDone:
    """The rows of a file that is done."""
    errors = library().parquet.read_table(output, columns=[f"{added.prefix}error"]).column(0)
    return FileDone(len(errors), len(errors) - errors.null_count)


class ClusterArchive:
    """A folder of Parquet files on the way to another of the same shape.

    Raises:
        InputError: the output exists or cannot be written, another process is writing it, or `resume` was asked for and
            what is done was made of something else than `identity`.
    """

    def __init__(self, source: Path, output: Path, identity: dict[str, str], *, resume: bool) -> None:
        self._source, self._output = source, output
        if output.exists():
            raise InputError(f"{output}: exists; remove it, or name another folder")
        self._work = output.with_name(f".{output.name}.partial")
        self._lock = held_folder(self._work, output)
        digest = hashlib.blake2b(repr(sorted(identity.items())).encode(), digest_size=8).hexdigest()
        self._done = self._work / f"cluster-{digest}"
        try:
            self._begin(resume=resume)
        except OSError as error:
            self._lock.close()
            raise InputError(f"{output}: cannot be written: {error.strerror or error}") from None
        except InputError:
            self._lock.close()
            raise

    def _begin(self, *, resume: bool) -> None:
        others = [path for path in self._work.iterdir() if path.is_dir() and path != self._done]
        if resume and others and not self._done.exists():
            raise InputError(
                f"{self._output}: cannot be resumed: its input, model or settings changed since it was begun; "
                "leave --resume out to begin again"
            )
        for path in others if resume else [*others, self._done]:
            shutil.rmtree(path, ignore_errors=True)
        self._done.mkdir(exist_ok=True)

    def run(self, client: Any, files: Sequence[Path], job: Job, advance: Callable[[], None]) -> tuple[int, int]:
        """Have every file done that is not yet, and put the folder in its place; how many rows it has, and failed.

        `advance` is called once for each file.

        Raises:
            InputError, ModelError, WorkersDied: a file cannot be done.
        """
        rows = failed = 0
        try:
            outputs = {path: self._done / path.relative_to(self._source) for path in files}
            there = [path for path, output in outputs.items() if output.exists()]
            before = [counted(outputs.pop(path), job.added) for path in there]
            for folder in {output.parent for output in outputs.values()}:
                folder.mkdir(parents=True, exist_ok=True)
            for done in itertools.chain(before, _results(client, outputs, job)):
                rows, failed = rows + done.rows, failed + done.failed
                advance()
            for leftover in self._done.rglob(".*.partial"):
                shutil.rmtree(leftover, ignore_errors=True)
            self._done.replace(self._output)
            shutil.rmtree(self._work)
        except OSError as error:
            raise InputError(f"{self._output}: cannot be written: {error.strerror or error}") from None
        finally:
            self._lock.close()
        return rows, failed


def _results(client: Any, outputs: dict[Path, Path], job: Job) -> Iterator[FileDone]:
    """What became of each file, as they are done.

    Raises:
        InputError, ModelError, WorkersDied: a file could not be done; the others are called off.
    """
    import distributed

    futures = client.map(tag_file, list(outputs), list(outputs.values()), job=job, pure=False)
    path_of = dict(zip((future.key for future in futures), outputs, strict=True))
    try:
        for future in distributed.as_completed(futures, loop=client.loop):
            try:
                done: FileDone = future.result()
            except distributed.KilledWorker:
                raise WorkersDied(
                    f"{path_of[future.key]}: workers died over it again and again; --resume goes on"
                ) from None
            if done.problem:
                raise (ModelError if done.is_of_model else InputError)(done.problem)
            yield done
    finally:
        client.cancel(futures)
