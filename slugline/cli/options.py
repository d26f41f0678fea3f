"""Options that several commands share, so that they mean the same everywhere."""

from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, NamedTuple, TypeVar

import click

from slugline.cli.model_place import FolderOrUrl, LocalFolder, ModelPlace
from slugline.formats.columns import USUAL_NAMES
from slugline.formats.reading import Reading
from slugline.formats.registry import FORMATS
from slugline.names import DEFAULT_MODELS, DEFAULT_NAME

F = TypeVar("F", bound=Callable[..., Any])
Decorator = Callable[[F], F]

as_json = click.option("--json", "as_json", is_flag=True, help="Print JSON on standard output, and nothing else there.")


def _models(kind: click.Path, text: str) -> Decorator[Any]:
    default = Path(DEFAULT_MODELS)
    return click.option(
        "--models", type=kind, default=default, show_default=True, envvar="SLUGLINE_MODELS", show_envvar=True, help=text
    )


models_root = _models(LocalFolder(), "Folder of models.")

served_models = _models(FolderOrUrl(), "Folder of models, or URL of one in object storage (s3://, gs://, file://).")

models_cache = click.option(
    "--models-cache",
    type=click.Path(path_type=Path),
    envvar="SLUGLINE_MODELS_CACHE",
    show_envvar=True,
    help="Folder for copies of models that are behind a URL; without it one in your folder of caches.",
)

model_name = click.option(
    "--name",
    default=DEFAULT_NAME,
    show_default=True,
    envvar="SLUGLINE_NAME",
    show_envvar=True,
    help="Name of the model.",
)

_model = click.option(
    "--model",
    type=FolderOrUrl(),
    default=Path(DEFAULT_MODELS),
    show_default=True,
    envvar="SLUGLINE_MODEL",
    show_envvar=True,
    help="Folder of a version, of a name, or of all models; or the URL of such in object storage.",
)


def model_place(function: F) -> F:
    """Options for a model to use, given to the command as one `model`."""

    @wraps(function)
    def command(*args: Any, model: Path | str, models_cache: Path | None, **options: Any) -> Any:
        return function(*args, model=ModelPlace(model, models_cache), **options)

    return _model(models_cache(command))  # type: ignore[return-value]


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

dask = click.option(
    "--dask",
    "scheduler",
    metavar="SCHEDULER",
    help="Work on the Dask cluster whose scheduler listens here, as tcp://HOST:PORT.",
)

data_paths = click.option(
    "--data",
    multiple=True,
    type=click.Path(path_type=Path),
    metavar="PATH",
    help="File of labelled articles, or folder of such files; may be given several times.",
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


class Credentials(NamedTuple):
    """How a command shows a server who calls, and makes sure who answers.

    Without any TLS option calls go out in the clear; `tls` alone trusts the authorities that gRPC comes with.
    """

    tls: bool = False
    tls_ca: Path | None = None
    tls_cert: Path | None = None
    tls_key: Path | None = None
    tls_server_name: str | None = None
    token_file: Path | None = None


def _file(flag: str, variable: str, text: str) -> Decorator[Any]:
    kind = click.Path(path_type=Path)
    return click.option(flag, type=kind, metavar="FILE", envvar=variable, show_envvar=True, help=text)


_CREDENTIALS = (
    click.option("--tls", is_flag=True, help="Call with TLS; the other TLS options mean this too."),
    _file("--tls-ca", "SLUGLINE_TLS_CA", "PEM file of the authorities to trust, in place of the public ones."),
    _file("--tls-cert", "SLUGLINE_CLIENT_CERT", "PEM file of the certificate to show, for mutual TLS."),
    _file("--tls-key", "SLUGLINE_CLIENT_KEY", "PEM file of the key to that certificate."),
    click.option("--tls-server-name", metavar="NAME", help="Name the server's certificate has, if not the one called."),
    _file(
        "--token-file",
        "SLUGLINE_TOKEN_FILE",
        "File that holds the bearer token; without it the variable SLUGLINE_TOKEN, if set.",
    ),
)


def credentials(command: F) -> F:
    """The options of a command that calls a server; it gets them as one argument, `credentials`."""

    @wraps(command)
    def with_credentials(**given: Any) -> Any:
        mine = Credentials(**{name: given.pop(name) for name in Credentials._fields})
        return command(credentials=mine, **given)

    decorated: Any = with_credentials
    for option in reversed(_CREDENTIALS):
        decorated = option(decorated)
    return decorated  # type: ignore[no-any-return]


def _columns(ctx: click.Context, param: click.Parameter, values: tuple[str, ...]) -> dict[str, str]:
    chosen: dict[str, str] = {}
    for value in values:
        field, _, column = value.partition("=")
        if field not in USUAL_NAMES or not column:
            raise click.BadParameter(f"{value!r} is not FIELD=NAME with a field of {', '.join(USUAL_NAMES)}")
        chosen[field] = column
    return chosen


_format = click.option(
    "--format",
    "format_name",
    type=click.Choice(list(FORMATS)),
    metavar="FORMAT",
    help=f"Format of the files, where it cannot be told from them: {', '.join(FORMATS)}.",
)

_column = click.option(
    "--column",
    "columns",
    multiple=True,
    metavar="FIELD=NAME",
    callback=_columns,
    help=f"Name of the column of a field ({', '.join(USUAL_NAMES)}) where it is unusual; may be given several times.",
)

_unlabelled = click.option(
    "--unlabelled",
    type=click.Choice(["fault", "skip", "none"]),
    default="fault",
    show_default=True,
    help="What an article without labels is: a fault, left out, or one that has none of the topics.",
)


def rows(function: F) -> F:
    """Options for reading rows of articles, given to the command as one `reading`."""

    @wraps(function)
    def command(*args: Any, format_name: str | None, columns: dict[str, str], **options: Any) -> Any:
        return function(*args, reading=Reading(format_name, columns), **options)

    return _format(_column(command))  # type: ignore[return-value]


def labelled_rows(function: F) -> F:
    """Options for reading labelled articles, given to the command as one `reading`."""

    @wraps(function)
    def command(*args: Any, format_name: str | None, columns: dict[str, str], unlabelled: Any, **options: Any) -> Any:
        return function(*args, reading=Reading(format_name, columns, unlabelled), **options)

    return _format(_column(_unlabelled(command)))  # type: ignore[return-value]
