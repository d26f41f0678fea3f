"""`slugline serve`."""

import shlex
import sys
from collections.abc import Callable
from dataclasses import fields, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import click

from slugline.cli import options
from slugline.documents import DEFAULT_MAX_TEXT_CHARS
from slugline.names import DEFAULT_ADDRESS

if TYPE_CHECKING:
    from service.settings import ServerSettings

_EXAMPLE = "Envoys met in Geneva for ceasefire talks while artillery shelled the northern suburbs."


F = TypeVar("F", bound=Callable[..., Any])

_FILE = click.Path(path_type=Path)


def _option(flag: str, **attributes: Any) -> Callable[[F], F]:
    variable = "SLUGLINE_" + flag.removeprefix("--").split("/")[0].replace("-", "_").upper()
    return click.option(flag, envvar=variable, show_envvar=True, show_default=True, **attributes)


@click.command("serve")
@_option("--address", default=DEFAULT_ADDRESS, help="HOST:PORT to listen on; port 0 takes a free one.")
@options.served_models
@options.models_cache
@options.model_name
@_option("--workers", default=1, type=click.IntRange(1, 256), help="Server processes that share the port.")
@options.scorer
@options.trusted_keys
@_option("--max-text-chars", default=DEFAULT_MAX_TEXT_CHARS, type=click.IntRange(1), help="Longest title and text.")
@_option("--max-batch-documents", default=1024, type=click.IntRange(1), help="Most documents in a BatchClassify.")
@_option("--max-message-bytes", default=16 * 2**20, type=click.IntRange(1024), help="Largest request message.")
@_option("--max-evidence-terms", default=100, type=click.IntRange(1), help="Most terms for and against a topic.")
@_option("--max-concurrent", default=32, type=click.IntRange(1), help="Calls at the same time in a process.")
@_option("--max-streams", default=256, type=click.IntRange(1), help="Open streams at the same time in a process.")
@_option(
    "--max-stream-rate", default=0.0, type=click.FloatRange(0), help="Documents a second of one stream; 0 for any rate."
)
@_option("--grace-seconds", default=20.0, type=click.FloatRange(0), help="Time for accepted calls after SIGTERM.")
@_option(
    "--reload-seconds",
    default=1.0,
    type=click.FloatRange(0),
    help="How often to look for a new current version; 0 only on SIGHUP.",
)
@_option("--reflection/--no-reflection", default=True, help="Tell clients the API through gRPC reflection.")
@_option("--tls-cert", type=_FILE, metavar="FILE", help="PEM file of the certificate, and the chain behind it.")
@_option("--tls-key", type=_FILE, metavar="FILE", help="PEM file of the key to that certificate.")
@_option("--tls-client-ca", type=_FILE, metavar="FILE", help="PEM file of authorities; only their clients may call.")
@_option("--tokens", type=_FILE, metavar="FILE", help="File of bearer tokens, one a line; calls must bring one.")
@_option("--insecure", is_flag=True, help="Let other machines call without TLS.")
@_option("--health-address", default="", help="HOST:PORT for health alone, without TLS and tokens, for probes.")
@_option(
    "--connection-seconds",
    default=300.0,
    type=click.FloatRange(0),
    help="Age at which a connection is closed, its calls done, so that clients find new servers; 0 for never.",
)
@_option("--metrics-address", default="", help="HOST:PORT for Prometheus metrics; none where empty.")
@_option("--trace-endpoint", default="", help="OTLP endpoint (gRPC) to send traces to; none where empty.")
@_option("--log-format", default="human", type=click.Choice(["human", "json"]), help="How to write logs.")
@_option(
    "--log-level", default="info", type=click.Choice(["debug", "info", "warning", "error"]), help="Least level to log."
)
def command(models: Path | str, models_cache: Path | None, **given: Any) -> None:
    """Answer over gRPC with the current version of a model, until SIGTERM."""
    from service.logs import configure_logs

    def say_how_to_call(bound: str, topics: tuple[str, ...]) -> None:
        program = shlex.quote(sys.argv[0])
        click.echo(f"Serving {', '.join(topics)} on {bound}. Paste this into another terminal:")
        click.echo(f"{program} classify --server {bound}{_credentials(settings)} {shlex.quote(_EXAMPLE)}")

    settings = _settings(given)
    configure_logs(settings.log_format, settings.log_level)
    settings = _with_models(settings, models, models_cache)
    if settings.workers > 1:
        from service.supervisor import supervise

        supervise(settings, say_how_to_call)
    else:
        from service.server import serve

        serve(settings, say_how_to_call)


def _settings(given: dict[str, Any]) -> "ServerSettings":
    """Every option has the name of the setting it gives."""
    from service.settings import Limits, Security, ServerSettings

    limits = Limits(**{field.name: given.pop(field.name) for field in fields(Limits)})
    security = Security(**{field.name: given.pop(field.name) for field in fields(Security)})
    return ServerSettings(limits=limits, security=security, **given)


def _with_models(settings: "ServerSettings", models: Path | str, cache: Path | None) -> "ServerSettings":
    """A folder is served as it is; what is behind a URL from a copy."""
    if isinstance(models, Path):
        return replace(settings, models=models)
    from service.mirroring import mirrored
    from slugline.mirror import default_cache

    return mirrored(settings, models, cache or default_cache())


def _credentials(settings: "ServerSettings") -> str:
    """The options that a caller needs; the files in capitals are the caller's own."""
    security = settings.security
    return (
        (" --tls-ca CA.pem" if security.tls_cert else "")
        + (" --tls-cert CERT.pem --tls-key KEY.pem" if security.tls_client_ca else "")
        + (" --token-file TOKEN" if security.tokens else "")
    )
