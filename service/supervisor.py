"""The supervisor: starts the workers that share a port, starts dead ones again, and stops all of them together.

It imports no gRPC and holds no model. The kernel spreads connections over the workers (SO_REUSEPORT).
"""

import asyncio
import signal
import socket
import sys
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import msgspec
import structlog

from service import families
from service.exposition import exposed
from service.processes import observe_process
from service.settings import ServerSettings, settings_to_json
from service.tally import Snapshot, Tally, merged
from slugline import errors
from slugline.errors import CannotServe, ModelError, SluglineError

if TYPE_CHECKING:
    from service.mirroring import Follower

_LAST_SECONDS = 5.0
"""What a worker has beyond its grace period before it is killed."""
TALLY_SECONDS = 1.0
"""How often a worker tells what it has counted."""
_LONGEST_REPORT = 64 * 2**20
_SHORT_LIFE = 1.0
_LONGEST_PAUSE = 5.0

log = structlog.get_logger("slugline.supervisor")

OnServing = Callable[[str, tuple[str, ...]], None]
"""Called with the bound address and the topics once every worker serves."""


class WorkerReport(msgspec.Struct, frozen=True, omit_defaults=True):
    """What a worker says: that it serves, and which topics; the kind of error and its message; or what it counted."""

    topics: tuple[str, ...] = ()
    error: str = ""
    message: str = ""
    tally: Snapshot | None = None


@dataclass(eq=False)
class _Worker:
    """One place among the workers; the process in it may change."""

    number: int
    process: asyncio.subprocess.Process | None = None
    serves: bool = False
    counted: Snapshot = field(default_factory=Snapshot)


def supervise(settings: ServerSettings, on_serving: OnServing) -> None:
    """Serve with `settings.workers` processes until SIGTERM or SIGINT, then drain them and return.

    Raises:
        CannotServe: the address cannot be bound or should not be, or the workers cannot start.
        ModelError: the model cannot be loaded.
    """
    with ExitStack() as held:
        address = _hold(held, settings.address, "--address")
        health_address = settings.health_address and _hold(held, settings.health_address, "--health-address")
        shared = replace(settings, address=address, health_address=health_address, shared_port=True)
        supervisor = _Supervisor(shared, on_serving)
        held.enter_context(exposed(settings.metrics_address, supervisor.snapshots))
        asyncio.run(supervisor.run())


def _hold(held: ExitStack, address: str, option: str) -> str:
    """Reserve `address` until `held` is closed; the address with the port that it got."""
    port = held.enter_context(reserve(address, option)).getsockname()[1]
    return f"{address.rpartition(':')[0]}:{port}"


def reserve(address: str, option: str = "--address") -> socket.socket:
    """A socket that holds the port for workers to share, and never listens itself.

    Raises:
        CannotServe: the address is not HOST:PORT, or taken; names the `option` that it came from.
    """
    host, _, port = address.rpartition(":")
    try:
        if not (host and int(port) < 2**16):
            raise ValueError(port)
        family, kind, protocol, _, place = socket.getaddrinfo(
            host.strip("[]"), int(port), type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        # Sharing hides that another server is there already; this first socket does not share.
        with socket.socket(family, kind, protocol) as alone:
            alone.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            alone.bind(place)
            place = alone.getsockname()
        shared = socket.socket(family, kind, protocol)
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        # Connections that a server before this one has closed linger for a minute; they must not be in the way, and
        # another supervisor must.
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        shared.bind(place)
        shared.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 0)
    except (OSError, ValueError):
        raise CannotServe(f"cannot listen on {address!r}: not HOST:PORT, or taken; choose {option}") from None
    return shared


class _Supervisor:
    def __init__(self, settings: ServerSettings, on_serving: OnServing) -> None:
        self._settings = settings
        self._on_serving = on_serving
        self._workers = [_Worker(number) for number in range(settings.workers)]
        self._waiting = set(range(settings.workers))
        self._stopping = asyncio.Event()
        self._tally = Tally()
        self._ended = Snapshot()
        self._mirror: Follower | None = None

    def snapshots(self) -> list[Snapshot]:
        """What all workers have counted, those that ended too, and what is known of the processes."""
        for worker in list(self._workers):
            if worker.process:
                observe_process(self._tally, f"worker-{worker.number}", worker.process.pid)
        observe_process(self._tally, "supervisor")
        self._tally.set(families.WORKERS, sum(worker.serves for worker in self._workers))
        return [self._tally.snapshot(), self._ended, *(worker.counted for worker in self._workers)]

    async def run(self) -> None:
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, self._stopping.set)
        asyncio.get_running_loop().add_signal_handler(signal.SIGHUP, self._look_at_once)
        keepers = [asyncio.create_task(self._keep(worker)) for worker in self._workers]
        stopped = asyncio.create_task(self._stopping.wait())
        try:
            await asyncio.wait({stopped, *keepers}, return_when=asyncio.FIRST_COMPLETED)
        finally:
            await self._stop()
        # Several may have failed at the same moment: each is heard, or asyncio would log the others with a traceback.
        endings = await asyncio.gather(*keepers, return_exceptions=True)
        for failure in filter(None, endings):
            raise failure

    async def _keep(self, worker: _Worker) -> None:
        """Keep one worker running until it is time to stop.

        Raises:
            SluglineError: it could not start, and not all of the workers have ever served.
        """
        pause = 0.0
        while not self._stopping.is_set():
            started = time.monotonic()
            failure = await self._run_once(worker)
            if self._stopping.is_set():
                return
            if failure and self._waiting:
                raise failure
            log.warning("worker died", worker=worker.number, reason=str(failure or "killed or crashed"))
            self._tally.series(families.RESTARTS).add()
            # One that dies at once is not started in a tight loop; one that served is back without delay.
            pause = min(_LONGEST_PAUSE, pause * 2 or 0.1) if time.monotonic() - started < _SHORT_LIFE else 0.0
            with suppress(TimeoutError):
                await asyncio.wait_for(self._stopping.wait(), pause)

    async def _run_once(self, worker: _Worker) -> SluglineError | None:
        """Run a worker to its end; why it could not serve, if it said so."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "service.worker"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            limit=_LONGEST_REPORT,
        )
        worker.process = process
        assert process.stdin is not None and process.stdout is not None  # noqa: S101
        process.stdin.write(settings_to_json(self._settings))
        if self._stopping.is_set():
            process.terminate()
        failure: SluglineError | None = CannotServe("a server process ended before it served; its log says why")
        async for line in process.stdout:
            if not line.endswith(b"\n"):
                break  # killed while it spoke
            report = msgspec.json.decode(line, type=WorkerReport)
            if report.tally:
                worker.counted = report.tally
            elif report.error:
                failure = _error_of(report)
            else:
                failure = None
                self._serves(worker, report)
        await process.wait()
        worker.serves = False
        self._ended = merged([self._ended, Snapshot(worker.counted.counters, [], worker.counted.distributions)])
        worker.counted = Snapshot()
        return failure

    def _serves(self, worker: _Worker, report: WorkerReport) -> None:
        worker.serves = True
        log.info("worker serves", worker=worker.number, pid=worker.process and worker.process.pid)
        if self._waiting:
            self._waiting.discard(worker.number)
            if not self._waiting:
                self._follow_store()
                self._on_serving(self._settings.address, report.topics)

    def _follow_store(self) -> None:
        if self._settings.models_url:
            # It loads what it brings, to see that it is good; who has no store does without all that needs.
            from service.mirroring import Follower

            loop = asyncio.get_running_loop()
            self._mirror = Follower(self._settings, lambda: loop.call_soon_threadsafe(self._tell_to_reload))

    def _running(self) -> list[asyncio.subprocess.Process]:
        return [worker.process for worker in self._workers if worker.process and worker.process.returncode is None]

    def _look_at_once(self) -> None:
        self._tell_to_reload()
        if self._mirror:
            self._mirror.ask()

    def _tell_to_reload(self) -> None:
        for worker in self._workers:
            # One that has only just been started would die of it, and loads what is current anyway.
            if worker.serves and worker.process and worker.process.returncode is None:
                worker.process.send_signal(signal.SIGHUP)

    async def _stop(self) -> None:
        self._stopping.set()
        running = self._running()
        for process in running:
            process.terminate()
        waits = [asyncio.create_task(process.wait()) for process in running]
        if waits:
            _, late = await asyncio.wait(waits, timeout=self._settings.grace_seconds + _LAST_SECONDS)
            if late:
                log.warning("workers did not stop in time", workers=len(late))
            for process in running:
                if process.returncode is None:
                    process.kill()


def _error_of(report: WorkerReport) -> SluglineError:
    kind = getattr(errors, report.error, SluglineError)
    return ModelError(report.message) if issubclass(kind, ModelError) else CannotServe(report.message)
