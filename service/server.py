"""The server: starts, loads the model, says when it serves, and stops without losing a call."""

import asyncio
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from typing import TYPE_CHECKING

import grpc
import structlog
from grpc_reflection.v1alpha import reflection, reflection_pb2

from service import health, servicer
from service.access import Access, check_exposure
from service.admission import Admission
from service.ports import bind, health_server
from service.reloading import Reloader, load_and_warm
from service.rotation import follow
from service.rpc import handlers
from service.settings import Security, ServerSettings
from slugline import store

if TYPE_CHECKING:
    from service.tls import Certificates

_REFLECTION = reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"]
_LAST_SECONDS = 0.5
"""For refusals and farewells that are still on their way out."""

log = structlog.get_logger("slugline.server")

OnServing = Callable[[str, tuple[str, ...]], None]
"""Called with the bound address and the topics once health says SERVING."""


def serve(settings: ServerSettings, on_serving: OnServing) -> None:
    """Serve until SIGTERM or SIGINT, then drain and return.

    Raises:
        CannotServe: the address cannot be bound or should not be, or certificates or tokens cannot be used.
        ModelError: the model cannot be loaded.
    """
    check_exposure(settings)
    asyncio.run(_Server(settings, on_serving).run())


class _Server:
    def __init__(self, settings: ServerSettings, on_serving: OnServing) -> None:
        self._settings = settings
        self._on_serving = on_serving
        self._admission = Admission()
        self._access = Access(settings.security.tokens) if settings.security.tokens else None
        self._certificates = _certificates(settings.security)
        self._files = [each.files for each in (self._access, self._certificates) if each]
        self._following: list[asyncio.Task[None]] = []

    async def run(self) -> None:
        stop = asyncio.Event()
        # Until there is a model, asking for a newer one must not end the process.
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, lambda: None)
        # As many threads as cores: more would only take the caches of the processor from each other.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(len(os.sched_getaffinity(0))))
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        log.info("starting", **{key: _plain(value) for key, value in asdict(self._settings).items()})
        classification = servicer.ClassificationServicer(self._settings.limits)
        well = health.Health([servicer.SERVICE.full_name])
        server = self._build(classification, well)
        credentials = self._certificates.credentials() if self._certificates else None
        address = bind(server, self._settings.address, credentials)
        plain = health_server(self._settings, well)
        await server.start()
        if plain:
            await plain[0].start()
            log.info("serving health", address=plain[1])
        self._following.append(asyncio.create_task(follow(self._files, self._settings.reload_seconds)))
        loading = asyncio.create_task(self._load(classification, well, address))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({loading, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if loading.done():
                await loading
            await stopping
        finally:
            await self._drain(server, well)
            if plain:
                await plain[0].stop(_LAST_SECONDS)
            log.info("stopped")

    def _build(self, classification: servicer.ClassificationServicer, well: health.Health) -> grpc.aio.Server:
        options = [
            ("grpc.max_receive_message_length", self._settings.limits.max_message_bytes),
            ("grpc.max_send_message_length", -1),
            # Where no workers share it, a second server must not bind the port in silence and take half of the calls.
            ("grpc.so_reuseport", int(self._settings.shared_port)),
        ]
        server = grpc.aio.server(options=options)
        generic = [
            handlers(servicer.SERVICE, classification, self._admission, self._access),
            handlers(health.SERVICE, well),
        ]
        if self._settings.reflection:
            names = (servicer.SERVICE.full_name, health.SERVICE.full_name, reflection.SERVICE_NAME)
            generic.append(handlers(_REFLECTION, reflection.aio.ReflectionServicer(names), access=self._access))
        server.add_generic_rpc_handlers(tuple(generic))
        return server

    async def _load(self, classification: servicer.ClassificationServicer, well: health.Health, address: str) -> None:
        folder = store.find(self._settings.models, self._settings.name)
        model = await asyncio.to_thread(load_and_warm, folder, self._settings.scorer)
        classification.use(model)
        reloader = Reloader(self._settings, model, classification.use)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._look_at_once, reloader)
        self._following.append(asyncio.create_task(reloader.follow()))
        well.serve()
        log.info("serving", address=address, model=model.manifest.name, version=model.version, topics=model.topics)
        self._on_serving(address, model.topics)

    def _look_at_once(self, reloader: Reloader) -> None:
        reloader.ask()
        for files in self._files:
            files.look()

    async def _drain(self, server: grpc.aio.Server, well: health.Health) -> None:
        well.close()
        for following in self._following:
            following.cancel()
        grace = self._settings.grace_seconds
        log.info("draining", grace_seconds=grace)
        if not await self._admission.close(grace):
            log.warning("calls were cut off", grace_seconds=grace)
        await server.stop(_LAST_SECONDS)


def _certificates(security: Security) -> "Certificates | None":
    if not any((security.tls_cert, security.tls_key, security.tls_client_ca)):
        return None
    # Only those who want TLS pay for the library that reads certificates.
    from service.tls import certificates

    return certificates(security)


def _plain(value: object) -> object:
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)
