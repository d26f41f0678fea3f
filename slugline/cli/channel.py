"""Channels to a server: in the clear or with TLS, and the token that goes with each call."""

import os

import grpc

from slugline.addresses import on_this_machine
from slugline.certificates import check_authorities, check_pair, read_pem
from slugline.cli.options import Credentials
from slugline.errors import InputError
from slugline.tokens import checked_token, read_token

_TOKEN_VARIABLE = "SLUGLINE_TOKEN"  # noqa: S105

Metadata = tuple[tuple[str, str], ...]


def open_channel(address: str, credentials: Credentials) -> grpc.Channel:
    """A channel to `address`, to be closed by the caller.

    Raises:
        InputError: certificates or key cannot be used.
    """
    options: list[tuple[str, str | int]] = [("grpc.max_receive_message_length", -1)]
    if not _wants_tls(credentials):
        return grpc.insecure_channel(address, options=options)
    if credentials.tls_server_name:
        options.append(("grpc.ssl_target_name_override", credentials.tls_server_name))
    return grpc.secure_channel(address, _tls(credentials), options=options)


def token_metadata(address: str, credentials: Credentials) -> Metadata:
    """What tells the server at `address` the token of the caller; empty without a token.

    Raises:
        InputError: the token cannot be used, or it would cross a network in the clear.
    """
    token = _token(credentials)
    if not token:
        return ()
    if not (_wants_tls(credentials) or on_this_machine(address)):
        raise InputError(f"the token would go to {address} unencrypted; give --tls or --tls-ca")
    return (("authorization", f"Bearer {token}"),)


def _wants_tls(credentials: Credentials) -> bool:
    return credentials.tls or any(value for name, value in credentials._asdict().items() if name.startswith("tls_"))


def _token(credentials: Credentials) -> str:
    if credentials.token_file:
        return read_token(credentials.token_file)
    token = os.environ.get(_TOKEN_VARIABLE, "").strip()
    return checked_token(_TOKEN_VARIABLE, token) if token else ""


def _tls(credentials: Credentials) -> grpc.ChannelCredentials:
    roots = cert = key = None
    if credentials.tls_ca:
        roots = read_pem(credentials.tls_ca)
        check_authorities(credentials.tls_ca, roots)
    if credentials.tls_cert and credentials.tls_key:
        cert, key = read_pem(credentials.tls_cert), read_pem(credentials.tls_key)
        check_pair(credentials.tls_cert, cert, credentials.tls_key, key)
    elif credentials.tls_cert or credentials.tls_key:
        raise InputError("mutual TLS needs a certificate and its key; give both --tls-cert and --tls-key")
    return grpc.ssl_channel_credentials(roots, key, cert)
