"""`slugline keys`."""

import os
from pathlib import Path
from typing import TYPE_CHECKING

import click

from slugline.cli import options

if TYPE_CHECKING:
    from slugline.signing import SigningKey


@click.group("keys")
def command() -> None:
    """Make and show the keys that models are signed with, and sign models.

    The passphrase of a private key, where it is to have one, is taken from the variable SLUGLINE_KEY_PASSPHRASE.
    """


def signing_key(path: Path) -> "SigningKey":
    """The private key in a file, opened by the passphrase in the environment where it needs one.

    Raises:
        KeyFileError: it cannot be used.
    """
    from slugline.signing import SigningKey

    return SigningKey.read(path, _passphrase())


@command.command("new", short_help="Make a private key and its public key.")
@click.argument("private_file", type=click.Path(path_type=Path))
@options.as_json
def new(private_file: Path, as_json: bool) -> None:
    """Write a new private key to PRIVATE_FILE, for its owner alone, and its public key to PRIVATE_FILE.pub.

    It is encrypted where SLUGLINE_KEY_PASSPHRASE is set. No file is ever overwritten.
    """
    from slugline.cli.terminal import note, print_json
    from slugline.signing import SigningKey

    key = SigningKey.new()
    passphrase = _passphrase()
    public_file = key.write(private_file, passphrase)
    if as_json:
        print_json(
            {"key": key.key_id, "private_file": str(private_file), "public_file": str(public_file)}
            | {"encrypted": bool(passphrase)}
        )
        return
    click.echo(key.key_id)
    note(f"{private_file} signs models{', with its passphrase' if passphrase else ''}: keep it secret.")
    note(f"{public_file} is for those who load them: slugline serve --trusted-keys {public_file}")


@command.command("show", short_help="Show the ids of keys.")
@click.argument("path", type=click.Path(path_type=Path))
@options.as_json
def show(path: Path, as_json: bool) -> None:
    """Show the ids of the keys at PATH: a private key, a file of public keys, or a folder of such files."""
    from slugline import signing
    from slugline.cli.terminal import print_json

    if signing.holds_private_key(path):
        key = signing_key(path)
        kind, keys = "private", {key.key_id: key.public}
    else:
        kind, keys = "public", dict(signing.public_keys(path))
    if as_json:
        print_json(
            [
                {"key": key_id, "kind": kind, "public_key": signing.public_pem(public).decode()}
                for key_id, public in keys.items()
            ]
        )
        return
    for key_id in keys:
        click.echo(f"{key_id} {kind}")


@command.command("sign", short_help="Sign a version that is published already.")
@click.argument("version_folder", type=click.Path(path_type=Path))
@click.option(
    "--key",
    "private_file",
    required=True,
    type=click.Path(path_type=Path),
    envvar="SLUGLINE_SIGN",
    show_envvar=True,
    help="Private key to sign with.",
)
@options.as_json
def sign(version_folder: Path, private_file: Path, as_json: bool) -> None:
    """Sign a version that is published already; a signature that it has gives way.

    Its files must be what its manifest says. Whether you trust what is in them, only you can know.
    """
    from slugline import store
    from slugline.cli.terminal import note, print_json

    key = signing_key(private_file)
    store.sign(version_folder, key)
    if as_json:
        print_json({"path": str(version_folder), "key": key.key_id})
        return
    note(f"{version_folder}: signed by the key {key.key_id}.")


def _passphrase() -> bytes:
    from slugline.signing import PASSPHRASE_VARIABLE

    return os.fsencode(os.environ.get(PASSPHRASE_VARIABLE, ""))
