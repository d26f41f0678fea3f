"""`slugline models`."""

from pathlib import Path

import click

from slugline.cli import options


@click.command("models")
@options.models_root
@options.as_json
def command(models: Path, as_json: bool) -> None:
    """List the versions on disk, their out-of-fold figures, and which one is current."""
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
