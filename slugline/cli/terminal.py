"""What commands show: results on standard output, everything else on standard error."""

import sys
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import msgspec
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.table import Table
from rich.text import Text

_PIPED_WIDTH = 120


def print_json(value: Any) -> None:
    """Print one JSON value on one line of standard output."""
    sys.stdout.write(msgspec.json.encode(value).decode() + "\n")


def print_table(columns: Sequence[str], rows: Iterable[Sequence[str]], title: str = "") -> None:
    """Print a table on standard output; every column but the first is aligned to the right."""
    table = Table(title=title or None, title_justify="left")
    for number, column in enumerate(columns):
        table.add_column(column, justify="left" if number == 0 else "right", overflow="fold")
    for row in rows:
        table.add_row(*row)
    Console(width=None if sys.stdout.isatty() else _PIPED_WIDTH, markup=False, highlight=False).print(table)


def note(text: str) -> None:
    """Tell the user something on standard error."""
    print(text, file=sys.stderr)


class StageBars:
    """A progress bar for each stage of long work; a Progress of the training package."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._task: TaskID | None = None

    def stage(self, name: str, steps: int | None) -> None:
        """Finish the bar of the last stage and begin another."""
        self.finish()
        self._task = self._progress.add_task(name, total=steps)

    def advance(self, steps: int = 1) -> None:
        """So many steps of the stage are done."""
        if self._task is not None:
            self._progress.advance(self._task, steps)

    def finish(self) -> None:
        """Show the last stage as done."""
        if self._task is not None:
            task = self._progress.tasks[self._task]
            # Of a stage that nobody knew the length of, what was done is all there was.
            done = task.completed if task.total is None else task.total
            self._progress.update(self._task, total=done, completed=done)


@contextmanager
def stage_bars() -> Iterator[StageBars]:
    """Show bars on standard error while the work lasts; without a terminal, each stage is one line when it is done."""
    with Progress(
        SpinnerColumn(),
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    ) as progress:
        bars = StageBars(progress)
        yield bars
        bars.finish()


class _Rate(ProgressColumn):
    def render(self, task: Task) -> Text:
        return Text(f"{task.speed or 0:,.0f}/s")


@contextmanager
def counting_bar(name: str) -> Iterator[Progress]:
    """Count documents, and how many a second, on standard error."""
    with Progress(
        SpinnerColumn(),
        TextColumn(name),
        TextColumn("{task.completed:,.0f} documents"),
        _Rate(),
        TimeElapsedColumn(),
        console=Console(stderr=True),
    ) as progress:
        yield progress
