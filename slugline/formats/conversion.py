"""Conversion: articles from one format into another, in constant memory, with nothing lost unsaid.

The rows are read twice: once for their faults and for what columns and topics there are, and once to be written.
"""

import shutil
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

from slugline.corpus import article_problems
from slugline.errors import DataNotFound, Fault, FaultyData, InputError, LossyConversion
from slugline.formats.reading import Reading
from slugline.formats.records import Fields, Format, Survey
from slugline.formats.registry import format_for_output

_TELL_EVERY = 1000


@dataclass(frozen=True, slots=True)
class Conversion:
    """What was done: `rows` from files of the formats `sources` into `target`, without what `lost` counts rows of."""

    rows: int
    sources: tuple[str, ...]
    target: str
    lost: dict[str, int]


def convert(
    source: Path,
    output: Path,
    reading: Reading,
    to: str | None = None,
    *,
    lossy: bool = False,
    force: bool = False,
    read_on: Callable[[int], None] = lambda _: None,
) -> Conversion:
    """Convert a file or folder; the output takes its place when all is written. `read_on` hears of rows read.

    Raises:
        FaultyData: rows are faulty; all of them are named.
        LossyConversion: the format has no place for what rows hold, and not `lossy`.
        InputError: the input cannot be read, or the output exists, and not `force`, or cannot be written.
    """
    target = format_for_output(output, to)
    if output.exists() and (not force or output.is_dir()):
        raise InputError(f"{output}: exists; {'remove it' if output.is_dir() else 'give --force'} to put another there")
    if source.exists() and not source.is_file() and not source.is_dir():
        raise InputError(f"{source}: is a pipe, and articles are read twice; put them into a file before")
    files = reading.files([source])
    survey = _surveyed(files, reading, read_on)
    if not survey.rows:
        raise DataNotFound(f"{source}: no articles in there")
    lost: Counter[str] = Counter()
    rows = _written(files, reading, survey, target, lost)
    partial = output.with_name(f".partial-{output.name}")
    _remove(partial)
    try:
        target.write(partial, rows, survey)
        if lost and not lossy:
            raise LossyConversion(output, target.name, lost)
        partial.replace(output)
    except OSError as error:
        raise InputError(f"{output}: cannot be written: {error.strerror or error}") from None
    finally:
        _remove(partial)
    sources = dict.fromkeys(reading.format_of(file).name for file in files)
    return Conversion(survey.rows, tuple(sources), target.name, dict(lost))


def _surveyed(files: list[Path], reading: Reading, read_on: Callable[[int], None]) -> Survey:
    survey = Survey()
    faults: list[Fault] = []
    for path in files:
        for record in reading.records(path):
            problems = [record.problem] if record.fields is None else article_problems(record.fields)
            faults += [Fault(path, record.number, problem) for problem in problems]
            if record.fields is not None and not problems:
                survey.add(record.fields)
                if survey.rows % _TELL_EVERY == 0:
                    read_on(_TELL_EVERY)
    if faults:
        raise FaultyData(faults)
    read_on(survey.rows % _TELL_EVERY)
    return survey


def _written(
    files: list[Path], reading: Reading, survey: Survey, target: Format, lost: Counter[str]
) -> Iterator[Fields]:
    rows = 0
    for path in files:
        for record in reading.records(path):
            if record.fields is None or rows == survey.rows:
                raise InputError(f"{path}: has changed while it was read; convert it again")
            rows += 1
            lost.update(target.lost(record.fields, survey))
            yield record.fields


def _remove(partial: Path) -> None:
    if partial.is_dir():
        shutil.rmtree(partial)
    else:
        partial.unlink(missing_ok=True)
