"""`slugline promote`."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

from slugline.cli import options
from slugline.formats.reading import Reading

if TYPE_CHECKING:
    from slugline.model import Model
    from training.comparison import Comparison


@click.command("promote")
@click.argument("version")
@click.option(
    "--data",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="PATH",
    envvar="SLUGLINE_GATE_DATA",
    show_envvar=True,
    help="Gate data: labelled articles that VERSION must not be worse on; may be given several times.",
)
@options.labelled_rows
@click.option("--force", is_flag=True, help="Promote even a version that is worse.")
@options.confidence
@options.models_root
@options.model_name
@options.trusted_keys
@options.as_json
def command(
    version: str,
    data: tuple[Path, ...],
    reading: Reading,
    force: bool,
    confidence: float,
    models: Path,
    name: str,
    trusted_keys: Path | None,
    as_json: bool,
) -> None:
    """Make VERSION the current one of its name; `slugline rollback` undoes it.

    A damaged version is refused. With gate data, so is one that lacks a topic of the current version, or whose macro-F1
    or F1 of a topic is significantly worse; the exit status is then 7. Intervals are wider than those of `slugline
    compare`, the more so the more topics there are, so that all of them together hold with --confidence.
    """
    from slugline import store
    from slugline.cli.compare import show
    from slugline.cli.terminal import note, print_json
    from slugline.errors import PromotionRefused

    candidate = store.load(store.version_folder(models, name, version), trusted_keys=trusted_keys)
    before = store.current_version(models, name)
    current = _current(models, name, before, trusted_keys) if data else None
    comparison, reasons = _gate(current, candidate, data, reading, confidence) if current else (None, [])
    promoted = force or not reasons
    if promoted:
        store.promote(models, name, version)
    if as_json:
        print_json(
            {"name": name, "version": version, "before": before, "promoted": promoted}
            | {"reasons": reasons, "comparison": comparison}
        )
    elif comparison:
        show(comparison)
    if not promoted:
        raise PromotionRefused(version, str(before), reasons)
    if reasons:
        note(f"Promoted by force, though {'; '.join(reasons)}.")
    note(f"{name}: {version} is current" + (f", before it {before}." if before not in {None, version} else "."))


def _current(models: Path, name: str, version: str | None, trusted_keys: Path | None) -> "Model | None":
    """The model to compare with; None where there is none, or one that cannot be loaded: any other is better."""
    from slugline import store
    from slugline.cli.terminal import note
    from slugline.errors import ModelError

    if version is None:
        return None
    try:
        return store.load(models / name / version, trusted_keys=trusted_keys)
    except ModelError as error:
        note(f"Nothing to compare with: {error}")
        return None


def _gate(
    current: "Model", candidate: "Model", data: tuple[Path, ...], reading: Reading, confidence: float
) -> tuple["Comparison | None", list[str]]:
    """The comparison, where there is something to compare, and what speaks against the candidate."""
    from slugline.cli.terminal import stage_bars
    from slugline.corpus import read_corpus
    from slugline.errors import NoCommonTopic
    from training.comparison import Bootstrap, compare

    corpus = read_corpus(data, {*current.topics, *candidate.topics}, reading)
    try:
        with stage_bars() as bars:
            comparison = compare(current, candidate, corpus, Bootstrap.of_gate(len(current.topics), confidence), bars)
    except NoCommonTopic as error:
        return None, [str(error)]
    return comparison, comparison.worse()
