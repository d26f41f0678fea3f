"""Ports: what the servers of this process listen on, and in what words they say that they cannot."""

import grpc

from service import health
from service.calls import Surroundings
from service.rpc import handlers
from service.settings import ServerSettings
from slugline.addresses import UNIX_SOCKETS
from slugline.errors import CannotServe


def bind(
    server: grpc.aio.Server, address: str, credentials: grpc.ServerCredentials | None = None, option: str = "--address"
) -> str:
    """Let `server` listen on HOST:PORT or unix:PATH, with TLS where there are `credentials`; where it listens now.

    Raises:
        CannotServe: it cannot; names the `option` that the address came from.
    """
    host, _, _ = address.rpartition(":")
    try:
        port = server.add_secure_port(address, credentials) if credentials else server.add_insecure_port(address)
    except RuntimeError:
        port = 0
    if not port or not host:
        raise CannotServe(f"cannot listen on {address!r}: not HOST:PORT, or taken; choose {option}")
    return address if address.startswith(UNIX_SOCKETS) else f"{host}:{port}"


def health_server(
    settings: ServerSettings, well: health.Health, around: Surroundings
) -> tuple[grpc.aio.Server, str] | None:
    """A server of health alone on `health_address`, not started yet, and where it listens; None where none is wanted.

    It speaks neither TLS nor tokens, for the probes of Kubernetes, which know of neither; it tells whether the other
    server serves and nothing else.

    Raises:
        CannotServe: it cannot listen there.
    """
    if not settings.health_address:
        return None
    server = grpc.aio.server(options=[("grpc.so_reuseport", int(settings.shared_port))])
    server.add_generic_rpc_handlers((handlers(health.SERVICE, well, around),))
    return server, bind(server, settings.health_address, option="--health-address")
