"""`python -m benchmarks.soak`: put Slugline under duress, and write what came of it."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import click

from benchmarks import results
from benchmarks.soak import fuzzing, kills, mixed, overload, reloads
from benchmarks.soak.outcome import Outcome

MINUTES = {
    "fuzz": (60.0, 0.05),
    "soak": (30.0, 0.05),
    "reloads": (60.0, 0.01),
    "overload": (3.0, 0.05),
    "kill": (1.5, 0.01),
}
"""How long each part lasts, and its quick form; the reloads end after a thousand."""


@click.command()
@click.option("--model", type=click.Path(path_type=Path), default=Path("models"), show_default=True)
@click.option("--out", type=click.Path(path_type=Path), default=Path("benchmarks/results"), show_default=True)
@click.option(
    "--inputs",
    type=click.Path(path_type=Path),
    default=Path("build/fuzz"),
    show_default=True,
    help="Where fuzzing keeps the inputs that reached something, and those that found a fault.",
)
@click.option(
    "--part",
    "parts",
    multiple=True,
    type=click.Choice(list(MINUTES)),
    default=list(MINUTES),
    help="Run this part alone.",
)
@click.option("--minutes", type=click.FloatRange(min=0, min_open=True), help="How long each part lasts.")
@click.option("--quick", is_flag=True, help="A few seconds each, to see that it works; the figures mean little.")
def main(model: Path, out: Path, inputs: Path, parts: tuple[str, ...], minutes: float | None, quick: bool) -> None:
    """Fuzz, soak, reload, overload and kill; exit with 1 where anything happened that must not."""
    runs: dict[str, Callable[[Path, float], Outcome]] = {
        "fuzz": partial(fuzzing.run, folder=inputs),
        "soak": mixed.run,
        "reloads": reloads.run,
        "overload": overload.run,
        "kill": kills.run,
    }
    faults: list[str] = []
    for part in parts:
        outcome = runs[part](model, minutes or MINUTES[part][quick])
        if outcome.skipped:
            click.echo(f"{part}: SKIPPED: {outcome.skipped}")
            continue
        results.write(out, part, outcome.tables)
        if outcome.lines:
            results.plot_lines(out / f"{part}.png", outcome.lines)
        for table in outcome.tables:
            click.echo(table.markdown())
        faults += [f"{part}: {fault}" for fault in outcome.faults]
    for fault in faults:
        click.echo(fault, err=True)
    sys.exit(1 if faults else 0)


main()
