"""Options that several commands share, so that they mean the same everywhere."""

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

import click

from slugline.names import DEFAULT_MODELS, DEFAULT_NAME

F = TypeVar("F", bound=Callable[..., Any])
Decorator = Callable[[F], F]

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON on standard output, and nothing else there.")

models_root = click.option(
    "--models",
    type=click.Path(path_type=Path),
    default=Path(DEFAULT_MODELS),
    show_default=True,
    envvar="SLUGLINE_MODELS",
    show_envvar=True,
    help="Folder of models.",
)

model_name = click.option(
    "--name",
    default=DEFAULT_NAME,
    show_default=True,
    envvar="SLUGLINE_NAME",
    show_envvar=True,
    help="Name of the model.",
)

model_path = click.option(
    "--model",
    type=click.Path(path_type=Path),
    default=Path(DEFAULT_MODELS),
    show_default=True,
    envvar="SLUGLINE_MODEL",
    show_envvar=True,
    help="Folder of a version, of a name, or of all models.",
)

scorer = click.option(
    "--scorer",
    type=click.Choice(["compiled", "sklearn"]),
    default="compiled",
    show_default=True,
    envvar="SLUGLINE_SCORER",
    show_envvar=True,
    help="Compiled code, or the scikit-learn pipeline that it equals.",
)

trusted_keys = click.option(
    "--trusted-keys",
    type=click.Path(path_type=Path),
    envvar="SLUGLINE_TRUSTED_KEYS",
    show_envvar=True,
    help="PEM file of public keys, or folder of such; only models signed by one of them load.",
)

data_paths = click.option(
    "--data",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="JSONL file of labelled articles, or folder of such files; may be given several times.",
)

topics_file = click.option(
    "--topics",
    "topics_file",
    type=click.Path(path_type=Path),
    help="Topics file; without it topics.toml beside the data, or else the topics that occur in the data.",
)

confidence = click.option(
    "--confidence",
    default=0.95,
    show_default=True,
    type=click.FloatRange(0, 1, min_open=True, max_open=True),
    help="How sure each interval is; raise it where many topics are compared.",
)
