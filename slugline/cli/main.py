"""`slugline`: one console command with subcommands, each in the module of its name, imported when it is called."""

import importlib
import os
import sys

import click

from slugline import __version__
from slugline.cli.exit_codes import exit_code_of
from slugline.errors import SluglineError

COMMANDS = {
    "train": "Learn topics from labelled articles and publish a model.",
    "tune": "Find the recipe that learns best.",
    "evaluate": "Measure a model on labelled articles.",
    "compare": "Say whether one model is better than another.",
    "classify": "Say which topics articles are about.",
    "explain": "Show the terms that spoke for and against each topic.",
    "convert": "Write articles in another format: tables, label tools, datasets.",
    "check": "Find every fault in files of labelled articles.",
    "models": "List the models on disk and which one is current, or prune them.",
    "promote": "Make a version of a model the current one, unless it is worse.",
    "rollback": "Go back to the version that was current before.",
    "keys": "Make and show the keys that models are signed with, and sign models.",
    "serve": "Answer over gRPC.",
    "health": "Ask a server whether it serves.",
}


class _LazyGroup(click.Group):
    """Imports a command when it is run or its own help is asked for; the overview needs none of them."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command: click.Command = importlib.import_module(f"slugline.cli.{cmd_name}").command
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))


@click.group(cls=_LazyGroup, context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100})
@click.version_option(__version__, prog_name="slugline")
def slugline() -> None:
    """Say which topics news articles are about; train, measure and serve the model that does."""


def main() -> None:
    """The console command: run, and turn errors into one message and an exit code."""
    # gRPC writes a line of its own, in no format of ours, for every handshake that fails; a port scan makes many.
    os.environ.setdefault("GRPC_VERBOSITY", "NONE")
    try:
        slugline(prog_name="slugline")
    except SluglineError as error:
        click.echo(f"slugline: {error}", err=True)
        sys.exit(exit_code_of(error))
    except BrokenPipeError:
        # Whoever read our output has gone; there is nobody left to tell.
        sys.stderr.close()
        sys.exit(1)
