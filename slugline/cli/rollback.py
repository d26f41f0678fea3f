"""`slugline rollback`."""

from pathlib import Path

import click

from slugline.cli import options


@click.command("rollback")
@options.models_root
@options.model_name
@options.trusted_keys
@options.as_json
def command(models: Path, name: str, trusted_keys: Path | None, as_json: bool) -> None:
    """Make the version current again that was before the current one; once more goes further back.

    Nothing changes where there is no such version, or where it is gone or damaged.
    """
    from slugline import lifecycle
    from slugline.cli.terminal import note, print_json

    done = lifecycle.rollback(models, name, trusted_keys)
    if as_json:
        print_json({"name": name, "version": done.version, "before": done.before})
    note(f"{name}: {done.version} is current again, before it {done.before}.")
