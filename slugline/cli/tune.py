"""`slugline tune`."""

import re
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import click

from slugline.cli import options
from slugline.formats.reading import Reading
from slugline.names import DEFAULT_SEEDS

_UNITS = {"s": 1, "m": 60, "h": 3600}


def _seconds(ctx: click.Context, param: click.Parameter, value: str) -> float:
    matched = re.fullmatch(r"(\d+(?:\.\d+)?)([smh]?)", value)
    if not matched:
        raise click.BadParameter(f"{value!r} is no time; write 90s, 10m or 1h")
    return float(matched[1]) * _UNITS[matched[2] or "s"]


@click.command("tune")
@options.data_paths
@options.labelled_rows
@options.topics_file
@click.option("--budget", default="10m", show_default=True, callback=_seconds, help="Time to spend: 90s, 10m, 1h.")
@click.option(
    "--output", type=click.Path(path_type=Path), help="File for the best recipe, for `slugline train --recipe`."
)
@click.option("--seed", default=0, show_default=True, help="Seed of all chance.")
@options.dask
@options.as_json
def command(
    data: tuple[Path, ...],
    reading: Reading,
    topics_file: Path | None,
    budget: float,
    output: Path | None,
    seed: int,
    scheduler: str | None,
    as_json: bool,
) -> None:
    """Find the recipe that learns these articles best, by nested cross-validation within a budget of time."""
    from slugline.cli.terminal import note, print_json, print_table, stage_bars
    from training.publishing import read_labelled
    from training.recipe import write_recipe
    from training.tuning import tune

    corpus, topics = read_labelled(data or (Path(DEFAULT_SEEDS),), topics_file, reading)
    if corpus.left_out:
        note(f"{corpus.left_out} articles that nobody has labelled were left out.")
    with _workers(scheduler) as parallel, stage_bars() as bars:
        tuning = tune(corpus, topics, budget, bars, seed, parallel=parallel)
    if output:
        write_recipe(output, tuning.best)
    if as_json:
        tried = [{"recipe": candidate.recipe, "inner": candidate.inner} for candidate in tuning.candidates]
        print_json({"tried": tried, "outer": tuning.outer, "best": tuning.best})
        return
    print_table(
        (
            "words",
            "lead",
            "characters",
            "min_df",
            "terms",
            "latent",
            "weighting",
            "C",
            "class weight",
            "mean AP, inner folds",
        ),
        [
            (
                _range(recipe.features.word_ngrams),
                str(recipe.features.lead_chars or "none"),
                _range(recipe.features.char_ngrams),
                str(recipe.features.min_df),
                str(recipe.most_terms or "all"),
                str(recipe.latent or "none"),
                recipe.weighting,
                f"{recipe.regularisation:g}",
                recipe.class_weight or "",
                f"{candidate.mean:.4f}",
            )
            for candidate in tuning.candidates
            for recipe in [candidate.recipe]
        ],
        title=f"{len(tuning.candidates)} recipes tried, best first",
    )
    honest = " ".join(f"{score:.4f}" for score in tuning.outer)
    note(f"Mean average precision of the choice on outer folds that had no say in it: {honest}")
    if output:
        note(f"The best recipe is in {output}: slugline train --recipe {output}")


@contextmanager
def _workers(scheduler: str | None) -> Iterator[Any]:
    """joblib's way to the workers of a Dask cluster; None, which is this process, without a scheduler."""
    if scheduler is None:
        yield None
        return
    from joblib import Parallel, parallel_config

    from slugline.cli.cluster import cluster

    # Articles travel with every task: kept on one worker they would be lost with it.
    warnings.filterwarnings("ignore", "Sending large graph")
    with cluster(scheduler) as client:
        client.wait_for_workers(1)
        with parallel_config("dask", client=client):
            # No more is handed out than there are hands: what waits would be done after the time is over.
            yield Parallel(n_jobs=-1, return_as="generator", pre_dispatch="n_jobs", batch_size=1)


def _range(ngrams: tuple[int, int] | None) -> str:
    return f"{ngrams[0]}-{ngrams[1]}" if ngrams else "none"
