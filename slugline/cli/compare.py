"""`slugline compare`."""

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slugline.cli import options
from slugline.formats.reading import Reading

if TYPE_CHECKING:
    from training.comparison import Comparison, Difference


@click.command("compare")
@click.argument("a")
@click.argument("b")
@options.data_paths
@options.labelled_rows
@options.models_root
@options.model_name
@options.confidence
@click.option("--resamples", default=1000, show_default=True, type=click.IntRange(100), help="How often to draw anew.")
@click.option("--seed", default=0, show_default=True, help="Seed of all chance.")
@options.trusted_keys
@options.as_json
def command(
    a: str,
    b: str,
    data: tuple[Path, ...],
    reading: Reading,
    models: Path,
    name: str,
    confidence: float,
    resamples: int,
    seed: int,
    trusted_keys: Path | None,
    as_json: bool,
) -> None:
    """Say whether model B is better than model A on labelled articles, or only looks so.

    A and B are versions of --name, names in --models, or folders as --model takes them elsewhere. Each difference comes
    with an interval from a paired bootstrap over the articles, near-duplicates drawn together. B is better or worse
    where the interval lies on one side of 0, and worse as a whole where its macro-F1 or the F1 of any topic is.
    """
    from slugline import store
    from slugline.cli.terminal import print_json, stage_bars
    from slugline.corpus import read_corpus
    from training.comparison import Bootstrap, compare

    if not data:
        raise click.UsageError("name the labelled articles with --data")
    of_a, of_b = (store.load(_folder(given, models, name), trusted_keys=trusted_keys) for given in (a, b))
    corpus = read_corpus(data, {*of_a.topics, *of_b.topics}, reading)
    with stage_bars() as bars:
        comparison = compare(of_a, of_b, corpus, Bootstrap(resamples, confidence, seed), bars)
    if as_json:
        print_json(comparison)
    else:
        show(comparison)


def _folder(given: str, models: Path, name: str) -> Path:
    from slugline import store
    from slugline.errors import ModelNotFound

    for folder in (Path(given), models / name / given, models / given):
        if folder.is_dir():
            return store.find(folder, name)
    raise ModelNotFound(
        f"{given}: no folder, and no version of {models / name}; `slugline models` lists those there are"
    )


def show(comparison: "Comparison") -> None:
    """Print a comparison for people."""
    from slugline.cli.terminal import print_table

    print_table(
        ("topic", "figure", "A", "B", "difference", "interval", "verdict on B"),
        [
            (topic, figure, f"{row.a:.3f}", f"{row.b:.3f}", f"{row.difference:+.3f}")
            + (f"{row.low:+.3f} to {row.high:+.3f}", row.verdict)
            for topic, figure, row in _rows(comparison)
        ],
        title=f"A {comparison.a}, B {comparison.b}, on {comparison.articles} articles; "
        f"{100 * comparison.bootstrap.confidence:g} % intervals",
    )
    for line in _notes(comparison):
        click.echo(line)


def _rows(comparison: "Comparison") -> Iterator[tuple[str, str, "Difference"]]:
    for name, topic in comparison.topics.items():
        yield name, "F1", topic.f1
        yield "", "precision", topic.precision
        yield "", "recall", topic.recall
        yield "", "average precision", topic.average_precision
    means = comparison.means
    yield "all", "macro-F1", means.macro_f1
    yield "", "micro-F1", means.micro_f1
    yield "", "mean AP", means.mean_average_precision


def _notes(comparison: "Comparison") -> Iterator[str]:
    changes = ", ".join(f"{name} +{topic.gained} -{topic.lost}" for name, topic in comparison.topics.items())
    yield f"{comparison.changed} of {comparison.articles} articles change topics: {changes}."
    if comparison.stories < comparison.articles:
        yield f"The articles tell {comparison.stories} stories; near-duplicates are drawn together."
    for which, only in (("A", comparison.only_a), ("B", comparison.only_b)):
        if only:
            yield f"Only {which} has {', '.join(only)}, which was not compared."
    absent = [name for name, topic in comparison.topics.items() if not topic.support]
    if absent:
        yield f"No article has {', '.join(absent)}: nothing can be said about F1, precision and recall there."
    yield f"Overall, B against A: {comparison.verdict}."
