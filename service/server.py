"""The server: starts, loads the model, says when it serves, and stops without losing a call."""

import asyncio
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict

import grpc
import structlog
from grpc_reflection.v1alpha import reflection, reflection_pb2

from service import health, servicer
from service.admission import Admission
from service.reloading import Reloader, load_and_warm
from service.rpc import handlers
from service.settings import ServerSettings
from slugline import store
from slugline.errors import CannotServe

_REFLECTION = reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"]
_LAST_SECONDS = 0.5
"""For refusals and farewells that are still on their way out."""

log = structlog.get_logger("slugline.server")

OnServing = Callable[[str, tuple[str, ...]], None]
"""Called with the bound address and the topics once health says SERVING."""


def serve(settings: ServerSettings, on_serving: OnServing) -> None:
    """Serve until SIGTERM or SIGINT, then drain and return.

    Raises:
        CannotServe: the address cannot be bound.
        ModelError: the model cannot be loaded.
    """
    asyncio.run(_Server(settings, on_serving).run())


class _Server:
    def __init__(self, settings: ServerSettings, on_serving: OnServing) -> None:
        self._settings = settings
        self._on_serving = on_serving
        self._admission = Admission()
        self._following: asyncio.Task[None] | None = None

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
        address = self._bind(server)
        await server.start()
        loading = asyncio.create_task(self._load(classification, well, address))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({loading, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if loading.done():
                await loading
            await stopping
        finally:
            await self._drain(server, well)

    def _build(self, classification: servicer.ClassificationServicer, well: health.Health) -> grpc.aio.Server:
        options = [
            ("grpc.max_receive_message_length", self._settings.limits.max_message_bytes),
            ("grpc.max_send_message_length", -1),
            # Where no workers share it, a second server must not bind the port in silence and take half of the calls.
            ("grpc.so_reuseport", int(self._settings.shared_port)),
        ]
        server = grpc.aio.server(options=options)
        generic = [handlers(servicer.SERVICE, classification, self._admission), handlers(health.SERVICE, well)]
        if self._settings.reflection:
            names = (servicer.SERVICE.full_name, health.SERVICE.full_name, reflection.SERVICE_NAME)
            generic.append(handlers(_REFLECTION, reflection.aio.ReflectionServicer(names)))
        server.add_generic_rpc_handlers(tuple(generic))
        return server

    def _bind(self, server: grpc.aio.Server) -> str:
        host, _, _ = self._settings.address.rpartition(":")
        try:
            port = server.add_insecure_port(self._settings.address)
        except RuntimeError:
            port = 0
        if not port or not host:
            raise CannotServe(f"cannot listen on {self._settings.address!r}: not HOST:PORT, or taken; choose --address")
        return f"{host}:{port}"

    async def _load(self, classification: servicer.ClassificationServicer, well: health.Health, address: str) -> None:
        folder = store.find(self._settings.models, self._settings.name)
        settings = self._settings
        if settings.scorer == "sklearn" and settings.trusted_keys is None:
            log.warning("unpickling a model that nobody vouches for", remedy="--trusted-keys, or --scorer compiled")
        model = await asyncio.to_thread(load_and_warm, folder, settings.scorer, settings.trusted_keys)
        classification.use(model)
        reloader = Reloader(self._settings, model, classification.use)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reloader.ask)
        self._following = asyncio.create_task(reloader.follow())
        well.serve()
        log.info("serving", address=address, model=model.manifest.name, version=model.version, topics=model.topics)
        self._on_serving(address, model.topics)

    async def _drain(self, server: grpc.aio.Server, well: health.Health) -> None:
        well.close()
        if self._following:
            self._following.cancel()
        grace = self._settings.grace_seconds
        log.info("draining", grace_seconds=grace)
        if not await self._admission.close(grace):
            log.warning("calls were cut off", grace_seconds=grace)
        await server.stop(_LAST_SECONDS)
        log.info("stopped")


def _plain(value: object) -> object:
    return value if isinstance(value, (str, int, float, bool, dict)) else str(value)
