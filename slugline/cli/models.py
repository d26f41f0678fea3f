"""`slugline models`."""

from pathlib import Path

import click
from click.core import ParameterSource

from slugline.cli import options


@click.group("models", invoke_without_command=True)
@options.models_root
@options.as_json
@click.pass_context
def command(context: click.Context, models: Path, as_json: bool) -> None:
    """List the versions on disk, their out-of-fold figures, and which one is current."""
    if context.invoked_subcommand is None:
        _list(models, as_json)
    elif any(context.get_parameter_source(option) is ParameterSource.COMMANDLINE for option in context.params):
        # They would say nothing there, and pruning must not go to another folder than was meant.
        raise click.UsageError(f"write the options behind `{context.invoked_subcommand}`")


def _list(models: Path, as_json: bool) -> None:
    from slugline import store
    from slugline.cli.terminal import note, print_json, print_table
    from slugline.errors import ModelError
    from slugline.manifest import Manifest

    rows: list[Manifest] = []
    current: dict[str, str | None] = {}
    for name in store.model_names(models):
        current[name] = store.current_version(models, name)
        for manifest in store.versions(models, name):
            if isinstance(manifest, ModelError):
                note(f"slugline: {manifest}")
            else:
                rows.append(manifest)
    if as_json:
        print_json(
            [
                {"name": m.name, "version": m.version, "current": current[m.name] == m.version, "created": m.created}
                | {"documents": m.documents, "topics": m.topic_names(), "metrics": m.metrics}
                for m in rows
            ]
        )
        return
    if not rows:
        note(f"{models}: holds no model yet; `slugline train` makes one.")
        return
    print_table(
        ("version", "name", "current", "created", "articles", "topics", "macro-F1", "mean AP"),
        [
            (m.version, m.name, "yes" if current[m.name] == m.version else "", m.created, str(m.documents))
            + (str(len(m.topics)), f"{m.metrics.macro_f1:.3f}", f"{m.metrics.mean_average_precision:.3f}")
            for m in rows
        ],
        title=f"Models in {models}; figures out of fold, each on its own training data",
    )


@command.command("prune", short_help="Remove versions that are no longer needed.")
@click.option("--keep", default=0, show_default=True, type=click.IntRange(0), help="Newest versions to keep as well.")
@click.option(
    "--keep-version", multiple=True, metavar="VERSION", help="A version to keep as well; may be given several times."
)
@click.option("--dry-run", is_flag=True, help="Only say what would be removed.")
@options.models_root
@options.model_name
@options.as_json
def prune(keep: int, keep_version: tuple[str, ...], dry_run: bool, models: Path, name: str, as_json: bool) -> None:
    """Remove all versions of a name but the current one, the one before it, and those to keep.

    Servers that still use a removed version go on with it.
    """
    from slugline import lifecycle
    from slugline.cli.terminal import note, print_json

    pruning = lifecycle.prune(models, name, keep, keep_version, dry_run=dry_run)
    if as_json:
        print_json(
            {"name": name, "dry_run": dry_run, "kept": pruning.kept, "removed": pruning.removed}
            | {"removed_bytes": pruning.removed_bytes}
        )
        return
    for version in pruning.removed:
        click.echo(version)
    done = "Would remove" if dry_run else "Removed"
    note(f"{done} {len(pruning.removed)} versions, {pruning.removed_bytes / 1e6:.1f} MB; {len(pruning.kept)} stay.")
