"""`slugline train`."""

import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import click

from slugline.cli import options
from slugline.formats.reading import Reading
from slugline.names import DEFAULT_SEEDS

_UNITS = {"M": 1 << 20, "G": 1 << 30}
_LEAST_MEMORY = 512 << 20


def _precisions(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, float]:
    chosen: dict[str, float] = {}
    for value in values:
        topic, _, number = value.rpartition("=")
        try:
            chosen[topic] = float(number)
        except ValueError:
            chosen[topic] = -1.0
        if not topic or not 0.0 < chosen[topic] <= 1.0:
            raise click.BadParameter(f"{value!r} is not TOPIC=PRECISION with a precision above 0 and at most 1")
    return chosen


def _bytes(ctx: click.Context, param: click.Parameter, value: str) -> int:
    found = re.fullmatch(r"(\d+(?:\.\d+)?)([MG])i?B?", value.strip(), re.IGNORECASE)
    size = int(float(found[1]) * _UNITS[found[2].upper()]) if found else 0
    if size < _LEAST_MEMORY:
        raise click.BadParameter(f"{value!r} is no size of at least 512M; write it as 800M or 2G")
    return size


@click.command("train")
@options.data_paths
@options.labelled_rows
@options.topics_file
@options.models_root
@options.model_name
@click.option("--promote", is_flag=True, help="Make the new version current even where another is, without a gate.")
@click.option("--if-changed", is_flag=True, help="Train only if data or settings differ from the current version's.")
@click.option(
    "--min-precision",
    multiple=True,
    metavar="TOPIC=P",
    callback=_precisions,
    help="Choose the topic's threshold so that its precision is at least P; may be given several times.",
)
@click.option(
    "--split",
    type=click.Choice(["folds", "time"]),
    default="folds",
    show_default=True,
    help="Measure on every article, by a model that has not seen it, or on the newest fifth by a model of the past.",
)
@click.option(
    "--recipe",
    "recipe_file",
    type=click.Path(path_type=Path),
    help="Recipe file, as `slugline tune` writes it; without it the default recipe.",
)
@click.option(
    "--no-topic-share",
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="Share of the articles of your feed that have no topic; without it as in the topics file or the data.",
)
@click.option(
    "--sign",
    "private_file",
    type=click.Path(path_type=Path),
    metavar="PRIVATE_FILE",
    envvar="SLUGLINE_SIGN",
    show_envvar=True,
    help="Sign the model with this private key, as `slugline keys new` writes it.",
)
@click.option(
    "--streaming",
    is_flag=True,
    help="Read the articles from disk over and over, where they do not fit in memory; measures on held-out ones.",
)
@click.option(
    "--memory",
    default="2G",
    show_default=True,
    metavar="SIZE",
    callback=_bytes,
    help="The most memory to take with --streaming, at least 512M.",
)
@click.option(
    "--scratch",
    type=click.Path(path_type=Path, file_okay=False),
    metavar="FOLDER",
    help="Folder on a disk with room for the counts of all articles with --streaming; without it that of the models.",
)
@click.option("--seed", default=0, show_default=True, help="Seed of all chance in training.")
@options.as_json
def command(
    data: tuple[Path, ...],
    reading: Reading,
    topics_file: Path | None,
    models: Path,
    name: str,
    promote: bool,
    if_changed: bool,
    min_precision: dict[str, float],
    split: Any,
    recipe_file: Path | None,
    no_topic_share: float | None,
    private_file: Path | None,
    streaming: bool,
    memory: int,
    scratch: Path | None,
    seed: int,
    as_json: bool,
) -> None:
    """Learn topics from labelled articles and publish the model as a new version.

    The version becomes current when the name has none yet, or with --promote; otherwise nothing goes live by itself.
    """
    from slugline.cli.keys import signing_key
    from slugline.cli.terminal import note, print_json, print_table, stage_bars
    from training.plan import TrainingPlan
    from training.publishing import Streaming, TrainingRequest, train_and_publish
    from training.recipe import Recipe, read_recipe

    if streaming and split == "time":
        raise click.UsageError("--streaming measures on articles held out at random; --split time works without it")
    recipe = replace(read_recipe(recipe_file) if recipe_file else Recipe(), seed=seed)
    if streaming and isinstance(recipe.latent, int):
        raise click.UsageError('--streaming learns no latent dimensions; in the recipe say "latent": null')
    request = TrainingRequest(
        data=data or (Path(DEFAULT_SEEDS),),
        reading=reading,
        topics_file=topics_file,
        models=models,
        name=name,
        promote=promote,
        if_changed=if_changed,
        plan=TrainingPlan(recipe, min_precision, split, no_topic_share),
        # Opened before the work: who mistypes a passphrase should not wait for a model to be trained.
        signing_key=signing_key(private_file) if private_file else None,
        streaming=Streaming(memory, scratch) if streaming else None,
    )
    with stage_bars() as bars:
        published = train_and_publish(request, bars)
    manifest = published.manifest
    if as_json:
        print_json(
            {
                "name": manifest.name,
                "version": manifest.version,
                "path": str(published.folder),
                "current": published.is_current,
                "trained": published.is_new,
                "documents": manifest.documents,
                "left_out": published.left_out,
                "fingerprint": manifest.fingerprint,
                "signed_by": request.signing_key.key_id if request.signing_key else None,
                "topics": manifest.topics,
                "metrics": manifest.metrics,
            }
        )
        return
    if published.left_out:
        note(f"{published.left_out} articles that nobody has labelled were left out.")
    if not published.is_new:
        note(f"Nothing changed since {manifest.version} was trained; it stays.")
        return
    print_table(
        ("topic", "articles", "precision", "recall", "F1", "average precision", "threshold"),
        [
            (topic.name, str(m.support), f"{m.precision:.3f}", f"{m.recall:.3f}", f"{m.f1:.3f}")
            + (f"{m.average_precision:.3f}", f"{topic.threshold:.3f}")
            for topic, m in ((topic, topic.metrics) for topic in manifest.topics)
        ],
        title=f"Learned from {manifest.documents} articles; figures {'held out' if streaming else 'out of fold'}",
    )
    means = manifest.metrics
    note(f"Macro-F1 {means.macro_f1:.3f}, calibration error {means.expected_calibration_error:.3f}.")
    signed = f", signed by the key {request.signing_key.key_id}" if request.signing_key else ""
    note(f"Published {published.folder}{signed}" + (", now current." if published.is_current else "."))
    if not published.is_current:
        note(
            f"The current version is still {published.current}. Compare them on articles of your own:\n"
            f"  slugline compare {published.folder.parent} {published.folder} --data PATH\n"
            f"and put the new one live with this line; with --data PATH it is refused where it is worse\n"
            f"  slugline promote {manifest.version} --models {models} --name {name}"
        )
