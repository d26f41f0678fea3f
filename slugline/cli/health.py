"""`slugline health`."""

import click

from slugline.cli import options
from slugline.names import DEFAULT_ADDRESS


@click.command("health")
@click.option(
    "--address",
    default=DEFAULT_ADDRESS,
    show_default=True,
    envvar="SLUGLINE_ADDRESS",
    show_envvar=True,
    help="HOST:PORT of the server.",
)
@options.credentials
@click.option("--timeout", default=2.0, show_default=True, type=click.FloatRange(0.01), help="Seconds to wait.")
def command(address: str, timeout: float, credentials: options.Credentials) -> None:
    """Ask a server's health service; exit status 0 if it says SERVING, 4 if it does not or does not answer."""
    from slugline.cli.remote import check_health

    click.echo(check_health(address, timeout, credentials))
