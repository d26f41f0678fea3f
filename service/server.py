"""The server: starts, loads the model, says when it serves, and stops without losing a call."""

import asyncio
import os
import signal
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from datetime import datetime
from typing import TYPE_CHECKING

import grpc
import structlog
from grpc_reflection.v1alpha import reflection, reflection_pb2

from service import families, health, servicer
from service.admission import Admission
from service.calls import Surroundings
from service.exposition import exposed
from service.processes import observe_process
from service.reloading import Reloader, load_and_warm
from service.rpc import handlers
from service.settings import ServerSettings
from service.tally import Snapshot, Tally
from slugline import store
from slugline.errors import CannotServe
from slugline.model import Model

if TYPE_CHECKING:
    from service.tracing import Tracing

_REFLECTION = reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"]
_LAST_SECONDS = 0.5
"""For refusals and farewells that are still on their way out."""

log = structlog.get_logger("slugline.server")

OnServing = Callable[[str, tuple[str, ...]], None]
"""Called with the bound address and the topics once health says SERVING."""


Show = Callable[[Callable[[], Snapshot]], AbstractContextManager[None]]
"""Shows what a server counts, as the function given to it tells, while the context it returns lasts."""


def serve(settings: ServerSettings, on_serving: OnServing, show: Show | None = None) -> None:
    """Serve until SIGTERM or SIGINT, then drain and return.

    Metrics are shown by `show`, or at the settings' address.

    Raises:
        CannotServe: an address cannot be bound.
        ModelError: the model cannot be loaded.
    """
    server = _Server(settings, on_serving)
    shown = show(server.snapshot) if show else exposed(settings.metrics_address, lambda: [server.snapshot()])
    with shown:
        asyncio.run(server.run())


class _Server:
    def __init__(self, settings: ServerSettings, on_serving: OnServing) -> None:
        self._settings = settings
        self._on_serving = on_serving
        self._tally = Tally()
        self._admission = Admission(settings.limits)
        self._tracing = tracing_to(settings.trace_endpoint)
        self._following: asyncio.Task[None] | None = None

    def snapshot(self) -> Snapshot:
        """What this process has counted so far; any thread may ask."""
        self._tally.set(families.IN_FLIGHT, self._admission.calls.inside)
        self._tally.set(families.STREAMS, self._admission.streams.inside)
        if not self._settings.shared_port:
            observe_process(self._tally, "server")
        return self._tally.snapshot()

    async def run(self) -> None:
        stop = asyncio.Event()
        # Until there is a model, asking for a newer one must not end the process.
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, lambda: None)
        # As many threads as cores: more would only take the caches of the processor from each other.
        asyncio.get_running_loop().set_default_executor(ThreadPoolExecutor(len(os.sched_getaffinity(0))))
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, stop.set)
        log.info("starting", **{key: _plain(value) for key, value in asdict(self._settings).items()})
        classification = servicer.ClassificationServicer(self._settings.limits, self._tally)
        well = health.Health([servicer.SERVICE.full_name])
        server = self._build(classification, well)
        # Alone, a server says that it is not ready. One that shares its port leaves calls to the others until it is.
        address = "" if self._settings.shared_port else await self._listen(server)
        loading = asyncio.create_task(self._load(classification, well, server, address))
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
        free = Surroundings(self._tally, logged=self._settings.log_level == "debug")
        gated = replace(free, calls=self._admission.calls, streams=self._admission.streams, tracing=self._tracing)
        generic = [handlers(servicer.SERVICE, classification, gated), handlers(health.SERVICE, well, free)]
        if self._settings.reflection:
            names = (servicer.SERVICE.full_name, health.SERVICE.full_name, reflection.SERVICE_NAME)
            generic.append(handlers(_REFLECTION, reflection.aio.ReflectionServicer(names), free))
        server.add_generic_rpc_handlers(tuple(generic))
        return server

    async def _listen(self, server: grpc.aio.Server) -> str:
        host, _, _ = self._settings.address.rpartition(":")
        try:
            port = server.add_insecure_port(self._settings.address)
        except RuntimeError:
            port = 0
        if not port or not host:
            raise CannotServe(f"cannot listen on {self._settings.address!r}: not HOST:PORT, or taken; choose --address")
        await server.start()
        return f"{host}:{port}"

    async def _load(
        self,
        classification: servicer.ClassificationServicer,
        well: health.Health,
        server: grpc.aio.Server,
        address: str,
    ) -> None:
        folder = store.find(self._settings.models, self._settings.name)
        settings = self._settings
        if settings.scorer == "sklearn" and settings.trusted_keys is None:
            log.warning("unpickling a model that nobody vouches for", remedy="--trusted-keys, or --scorer compiled")
        model = await asyncio.to_thread(load_and_warm, folder, settings.scorer, settings.trusted_keys)

        def use(model: Model) -> None:
            classification.use(model)
            self._tell(model)

        use(model)
        reloader = Reloader(self._settings, model, use, self._tally)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, reloader.ask)
        self._following = asyncio.create_task(reloader.follow())
        well.serve()
        address = address or await self._listen(server)
        log.info("serving", address=address, model=model.manifest.name, version=model.version, topics=model.topics)
        self._on_serving(address, model.topics)

    def _tell(self, model: Model) -> None:
        """Show which model is in use."""
        manifest, tally = model.manifest, self._tally
        tally.forget(families.MODEL)
        tally.forget(families.MODEL_CREATED)
        tally.set(families.MODEL, 1, (manifest.name, manifest.version, manifest.fingerprint))
        created = datetime.fromisoformat(manifest.created).timestamp()
        tally.set(families.MODEL_CREATED, created, (manifest.version,))

    async def _drain(self, server: grpc.aio.Server, well: health.Health) -> None:
        well.close()
        if self._following:
            self._following.cancel()
        grace = self._settings.grace_seconds
        log.info("draining", grace_seconds=grace)
        if not await self._admission.close(grace):
            log.warning("calls were cut off", grace_seconds=grace)
        await server.stop(_LAST_SECONDS)
        if self._tracing:
            await asyncio.to_thread(self._tracing.close)
        log.info("stopped")


def tracing_to(endpoint: str) -> "Tracing | None":
    """What sends spans to `endpoint`; None where it is empty.

    Raises:
        CannotServe: OpenTelemetry is not installed.
    """
    if not endpoint:
        return None
    try:
        from service.tracing import Tracing
    except ImportError:
        raise CannotServe("traces need OpenTelemetry: install slugline[tracing], or give no --trace-endpoint") from None
    return Tracing(endpoint)


def _plain(value: object) -> object:
    return value if isinstance(value, (str, int, float, bool, dict)) else str(value)
