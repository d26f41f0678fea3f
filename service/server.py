"""The server: starts, loads the model, says when it serves, and stops without losing a call."""

import asyncio
import os
import signal
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import AbstractContextManager
from dataclasses import asdict, replace
from datetime import datetime
from typing import TYPE_CHECKING

import grpc
import structlog
import uvloop
from grpc_reflection.v1alpha import reflection, reflection_pb2

from service import families, health, inference, servicer
from service.access import Access, check_exposure
from service.admission import Admission
from service.calls import Surroundings
from service.exposition import exposed
from service.mirroring import Follower
from service.ports import Ports, health_server
from service.processes import observe_process
from service.reloading import Reloader, load_and_warm
from service.rotation import follow
from service.rpc import handlers
from service.settings import Security, ServerSettings
from service.tally import Snapshot, Tally
from slugline import store
from slugline.errors import CannotServe
from slugline.model import Model

if TYPE_CHECKING:
    from service.tls import Certificates
    from service.tracing import Tracing

_REFLECTION = reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"]
_LAST_SECONDS = 0.5
"""For refusals and farewells that are still on their way out."""

log = structlog.get_logger("slugline.server")

_Servicer = servicer.ClassificationServicer | inference.InferenceServicer

OnServing = Callable[[str, tuple[str, ...]], None]
"""Called with the bound address and the topics once health says SERVING."""


Show = Callable[[Callable[[], Snapshot]], AbstractContextManager[None]]
"""Shows what a server counts, as the function given to it tells, while the context it returns lasts."""


def serve(settings: ServerSettings, on_serving: OnServing, show: Show | None = None) -> None:
    """Serve until SIGTERM or SIGINT, then drain and return.

    Metrics are shown by `show`, or at the settings' address.

    Raises:
        CannotServe: an address cannot be bound or should not be, or certificates or tokens cannot be used.
        ModelError: the model cannot be loaded.
    """
    check_exposure(settings)
    server = _Server(settings, on_serving)
    shown = show(server.snapshot) if show else exposed(settings.metrics_address, lambda: [server.snapshot()])
    with shown:
        uvloop.run(server.run())


class _Server:
    def __init__(self, settings: ServerSettings, on_serving: OnServing) -> None:
        self._settings = settings
        self._on_serving = on_serving
        self._tally = Tally()
        self._admission = Admission(settings.limits)
        self._tracing = tracing_to(settings.trace_endpoint)
        # The calls of health have nothing around them but counting.
        self._free = Surroundings(self._tally, logged=settings.log_level == "debug")
        self._access = Access(settings.security.tokens) if settings.security.tokens else None
        self._certificates = _certificates(settings.security)
        self._files = [each.files for each in (self._access, self._certificates) if each]
        self._following: list[asyncio.Task[None]] = []
        self._mirror: Follower | None = None

    def snapshot(self) -> Snapshot:
        """What this process has counted so far; any thread may ask."""
        self._tally.set(families.IN_FLIGHT, self._admission.calls.inside)
        self._tally.set(families.STREAMS, self._admission.streams.inside)
        if self._certificates:
            self._tally.set(families.CERTIFICATE_ENDS, self._certificates.expires.timestamp())
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
        well = health.Health([servicer.SERVICE.full_name, inference.SERVICE.full_name])
        classification = servicer.ClassificationServicer(self._settings.limits, self._tally)
        inferring = inference.InferenceServicer(self._settings, self._tally, well)
        server = self._build(classification, inferring, well)
        ports = Ports(self._settings, server, health_server(self._settings, well, self._free))
        # Alone, a server says that it is not ready. One that shares its port leaves calls to the others until it is.
        if not self._settings.shared_port:
            await self._listen(ports)
        self._following.append(asyncio.create_task(follow(self._files, self._settings.reload_seconds)))
        loading = asyncio.create_task(self._load((classification, inferring), well, ports))
        stopping = asyncio.create_task(stop.wait())
        try:
            await asyncio.wait({loading, stopping}, return_when=asyncio.FIRST_COMPLETED)
            if loading.done():
                await loading
            await stopping
        finally:
            await self._drain(ports, well)
            log.info("stopped")

    def _build(
        self,
        classification: servicer.ClassificationServicer,
        inferring: inference.InferenceServicer,
        well: health.Health,
    ) -> grpc.aio.Server:
        options = [
            ("grpc.max_receive_message_length", self._settings.limits.max_message_bytes),
            ("grpc.max_send_message_length", -1),
            # Where no workers share it, a second server must not bind the port in silence and take half of the calls.
            ("grpc.so_reuseport", int(self._settings.shared_port)),
        ]
        if self._settings.connection_seconds:
            # Clients look names up again when a connection ends: only then do they find servers that have come since.
            options.append(("grpc.max_connection_age_ms", round(self._settings.connection_seconds * 1000)))
        server = grpc.aio.server(options=options)
        guarded = replace(self._free, access=self._access)
        gated = replace(guarded, calls=self._admission.calls, streams=self._admission.streams, tracing=self._tracing)
        free = dict.fromkeys(inference.FREE, self._free)
        generic = [
            handlers(servicer.SERVICE, classification, gated),
            handlers(inference.SERVICE, inferring, gated, free),
            handlers(health.SERVICE, well, self._free),
        ]
        if self._settings.reflection:
            served = (servicer.SERVICE, inference.SERVICE, health.SERVICE)
            names = (*(service.full_name for service in served), reflection.SERVICE_NAME)
            generic.append(handlers(_REFLECTION, reflection.aio.ReflectionServicer(names), guarded))
        server.add_generic_rpc_handlers(tuple(generic))
        return server

    async def _load(self, servicers: Sequence[_Servicer], well: health.Health, ports: Ports) -> None:
        folder = store.find(self._settings.models, self._settings.name)
        settings = self._settings
        if settings.scorer == "sklearn" and settings.trusted_keys is None:
            log.warning("unpickling a model that nobody vouches for", remedy="--trusted-keys, or --scorer compiled")
        model = await asyncio.to_thread(load_and_warm, folder, settings.scorer, settings.trusted_keys)

        def use(model: Model) -> None:
            for each in servicers:
                each.use(model)
            self._tell(model)

        use(model)
        reloader = Reloader(self._settings, folder, model, use, self._tally)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._look_at_once, reloader)
        self._following.append(asyncio.create_task(reloader.follow()))
        if settings.models_url and not settings.shared_port:
            loop = asyncio.get_running_loop()
            self._mirror = Follower(settings, lambda: loop.call_soon_threadsafe(reloader.ask))
        well.serve()
        if settings.shared_port:
            await self._listen(ports)
        log.info(
            "serving", address=ports.address, model=model.manifest.name, version=model.version, topics=model.topics
        )
        self._on_serving(ports.address, model.topics)

    async def _listen(self, ports: Ports) -> None:
        await ports.open(self._certificates.credentials() if self._certificates else None)

    def _look_at_once(self, reloader: Reloader) -> None:
        reloader.ask()
        if self._mirror:
            self._mirror.ask()
        for files in self._files:
            files.look()

    def _tell(self, model: Model) -> None:
        """Show which model is in use."""
        manifest, tally = model.manifest, self._tally
        tally.forget(families.MODEL)
        tally.forget(families.MODEL_CREATED)
        tally.set(families.MODEL, 1, (manifest.name, manifest.version, manifest.fingerprint))
        created = datetime.fromisoformat(manifest.created).timestamp()
        tally.set(families.MODEL_CREATED, created, (manifest.version,))

    async def _drain(self, ports: Ports, well: health.Health) -> None:
        well.close()
        for following in self._following:
            following.cancel()
        grace = self._settings.grace_seconds
        log.info("draining", grace_seconds=grace)
        if not await self._admission.close(grace):
            log.warning("calls were cut off", grace_seconds=grace)
        await ports.close(_LAST_SECONDS)
        if self._tracing:
            await asyncio.to_thread(self._tracing.close)


def _certificates(security: Security) -> "Certificates | None":
    if not any((security.tls_cert, security.tls_key, security.tls_client_ca)):
        return None
    # Only those who want TLS pay for the library that reads certificates.
    from service.tls import certificates

    return certificates(security)


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
    if isinstance(value, dict):
        return {key: _plain(inner) for key, inner in value.items()}
    return value if isinstance(value, (str, int, float, bool)) or value is None else str(value)
