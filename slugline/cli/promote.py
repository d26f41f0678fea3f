"""`slugline promote`."""

from pathlib import Path

import click

from slugline.cli import options


@click.command("promote")
@click.argument("version")
@options.models_root
@options.model_name
def command(version: str, models: Path, name: str) -> None:
    """Make VERSION the current one of its name."""
    from slugline import store
    from slugline.cli.terminal import note

    before = store.current_version(models, name)
    store.promote(models, name, version)
    note(f"{name}: {version} is current" + (f", before it {before}." if before else "."))
