"""Ports: what the servers of this process listen on, and in what words they say that they cannot."""

import grpc
import structlog

from service import health
from service.calls import Surroundings
from service.rpc import handlers
from service.settings import ServerSettings
from slugline.addresses import UNIX_SOCKETS
from slugline.errors import CannotServe

log = structlog.get_logger("slugline.ports")


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


class Ports:
    """What a server listens on: its own port and, where one is wanted, that of health alone.

    The latter speaks neither TLS nor tokens, for the probes of Kubernetes, which know of neither; it tells whether the
    server serves and nothing else.
    """

    def __init__(self, settings: ServerSettings, server: grpc.aio.Server, health_server: grpc.aio.Server) -> None:
        self._settings = settings
        self._server = server
        self._health = health_server
        self.address = ""

    async def open(self, credentials: grpc.ServerCredentials | None) -> None:
        """Listen, with TLS where there are `credentials`; `address` says where.

        Raises:
            CannotServe: a port cannot be bound.
        """
        address = bind(self._server, self._settings.address, credentials)
        if self._settings.health_address:
            bound = bind(self._health, self._settings.health_address, option="--health-address")
            await self._health.start()
            log.info("serving health", address=bound)
        await self._server.start()
        self.address = address

    async def close(self, grace: float) -> None:
        """Listen no longer; calls that are under way may take `grace` seconds more."""
        await self._server.stop(grace)
        if self._settings.health_address:
            await self._health.stop(grace)


def health_server(settings: ServerSettings, well: health.Health, around: Surroundings) -> grpc.aio.Server:
    """A server of health alone, which does not listen yet."""
    server = grpc.aio.server(options=[("grpc.so_reuseport", int(settings.shared_port))])
    server.add_generic_rpc_handlers((handlers(health.SERVICE, well, around),))
    return server
