"""Calls: what happens around the answering of each, whatever its method.

A call is counted, let in or refused, timed, and ended with OK or with the status of its error. Whether the caller still
waits is known before any work is done for it.
"""

import asyncio
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

import grpc
import structlog

from service import families
from service.access import Access
from service.admission import Gate
from service.status import status_of
from service.tally import Series, Tally
from slugline.errors import CallerGone, DeadlinePassed, NotNow, Overloaded, SluglineError

Context = Any
"""A grpc.aio.ServicerContext of bytes."""

if TYPE_CHECKING:
    # OpenTelemetry is an extra, and imported only where an endpoint is set.
    from service.tracing import Tracing

CLOCK = time.perf_counter
_LONGEST_ID = 128
_HELD_SECONDS = 0.015
"""How long the refusal of a call too many is held back. To refuse costs as much as to score a document, and a caller
that comes again at once, heeding no delay, would take the time of those who were let in."""

R = TypeVar("R")

log = structlog.get_logger("slugline.calls")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the calls of a service have around them: without gates all are let in, without tracing there are no spans.

    `access` is asked who calls, first of all and before anything of the request is parsed; without it all may.
    `logged` says whether each call is a line of the log, at level debug.
    """

    tally: Tally
    calls: Gate | None = None
    streams: Gate | None = None
    tracing: "Tracing | None" = None
    logged: bool = False
    access: Access | None = None


class Waiting:
    """Whether the caller of a call still waits for its answer; any thread may ask."""

    def __init__(self, context: Context) -> None:
        left = context.time_remaining()
        self._end = None if left is None else time.monotonic() + left
        self._cancelled = False

    def cancel(self) -> None:
        """The call has been cancelled, by its caller or by its deadline."""
        self._cancelled = True

    def check(self) -> None:
        """Do nothing as long as the caller waits.

        Raises:
            DeadlinePassed, CallerGone: the caller does not.
        """
        if self._end is not None and time.monotonic() >= self._end:
            raise DeadlinePassed
        if self._cancelled:
            raise CallerGone


class Method:
    """A method by its full name, what its calls have around them, their gate, and their series, looked up once."""

    def __init__(self, name: str, around: Surroundings, gate: Gate | None) -> None:
        self.name = name
        self.around = around
        self.gate = gate
        tally = around.tally
        self.started = tally.series(families.STARTED, (name,))
        self.seconds = tally.series(families.SECONDS, (name,))
        self.admitted = tally.series(families.ADMITTED, (gate.what,)) if gate else None
        phases = [tally.series(families.PHASE_SECONDS, (name, phase)) for phase in ("decode", "score", "encode")]
        self.answered = tally.rows(self.handled("OK"), self.seconds, *phases)
        counters = [self.started, self.handled("OK"), *([self.admitted] if self.admitted else [])]
        self._at_once = tally.rows(*counters, self.seconds, *phases)
        self._one_each = (1,) * len(counters)

    def check_caller(self, context: Context) -> None:
        """Make sure that the caller may call, and still waits where there is a gate to pass.

        Raises:
            Unauthenticated: nobody says who calls, or none who may.
            DeadlinePassed: the caller does not wait.
        """
        if self.around.access:
            self.around.access.check(context.invocation_metadata() or ())
        left = context.time_remaining() if self.gate else None
        if left is not None and left <= 0:
            raise DeadlinePassed

    def has_room(self) -> bool:
        """Whether a call could come in now."""
        return self.gate is None or self.gate.has_room()

    def answered_at_once(self, started: float) -> None:
        """A call that came at this time of `CLOCK` has ended well. All of it counts as scoring."""
        seconds = CLOCK() - started
        self._at_once.add((*self._one_each, seconds, 0.0, seconds, 0.0))

    def handled(self, code: str) -> Series:
        """How many calls ended with a code."""
        return self.around.tally.series(families.HANDLED, (self.name, code))


class Call:
    """One call, from its arrival to its end. `with call: ...` lets it in and keeps its place."""

    __slots__ = ("_context", "_inside", "_method", "_span", "_started")

    def __init__(self, method: Method, context: Context) -> None:
        self._method = method
        self._context = context
        self._inside = False
        self._started = CLOCK()
        tracing = method.around.tracing
        self._span = tracing.begin(method.name, _metadata(context)) if tracing else None
        method.started.add()

    def __enter__(self) -> None:
        method = self._method
        method.check_caller(self._context)
        if method.gate is None:
            return
        method.gate.__enter__()
        self._inside = True
        if method.admitted:
            method.admitted.add()

    def __exit__(self, *_: object) -> None:
        if self._inside and self._method.gate is not None:
            self._method.gate.__exit__()

    def answered(self) -> None:
        """The call has ended well."""
        self._end("OK")

    def answered_once(self, decoded: float, scored: float) -> None:
        """A call with one request has ended well, that was decoded and scored at these times of `CLOCK`."""
        started, end = self._started, CLOCK()
        self._method.answered.add((1, end - started, decoded - started, scored - decoded, end - scored))
        self._tell("OK", end - started)

    async def failed(self, error: BaseException) -> None:
        """The call has ended with `error`; its caller is told, unless nobody waits."""
        if isinstance(error, SluglineError):
            status = status_of(error)
            if isinstance(error, NotNow):
                self._method.around.tally.series(families.REFUSED, (status.code.name,)).add()
            self._end(status.code.name)
            if isinstance(error, Overloaded):
                await asyncio.sleep(_HELD_SECONDS)
            await self._context.abort(status.code, status.message, status.trailing_metadata())
        elif isinstance(error, Exception):
            names = self._names()
            log.exception("call failed", method=self._method.name, **names)
            self._end("INTERNAL")
            message = f"a fault of the server; its log tells more of request {names['request_id']}"
            await self._context.abort(grpc.StatusCode.INTERNAL, message)
        else:
            left = self._context.time_remaining()
            self._end("DEADLINE_EXCEEDED" if left is not None and left <= 0 else "CANCELLED")

    def _end(self, code: str) -> None:
        seconds = CLOCK() - self._started
        self._method.handled(code).add()
        self._method.seconds.add(seconds)
        self._tell(code, seconds)

    def _tell(self, code: str, seconds: float) -> None:
        if self._method.around.logged:
            log.debug("call", method=self._method.name, code=code, seconds=round(seconds, 6), **self._names())
        if self._span:
            self._span.end(code)

    def _names(self) -> dict[str, str]:
        """By what the call can be found again, here and elsewhere."""
        given = str(_metadata(self._context).get("x-request-id", ""))[:_LONGEST_ID]
        names = {"request_id": given or uuid.uuid4().hex}
        return names | ({"trace_id": self._span.trace_id} if self._span else {})


def _metadata(context: Context) -> dict[str, Any]:
    return dict(context.invocation_metadata() or ())


async def in_thread(waiting: Waiting, work: Callable[..., R], *arguments: Any) -> R:
    """Run blocking work in a thread; where the call is cancelled meanwhile, `waiting` tells the work, which goes on."""
    running = asyncio.get_running_loop().run_in_executor(None, work, *arguments)
    try:
        return await asyncio.shield(running)
    except asyncio.CancelledError:
        waiting.cancel()
        running.add_done_callback(lambda done: done.exception())  # nobody is left to hear of it
        raise
