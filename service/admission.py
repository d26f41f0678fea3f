"""Admission: which calls are let in, and how to know that the last one has left."""

import asyncio
import time

from service.settings import Limits
from slugline.errors import NotNow, NotReady, Overloaded

_QUIET_SECONDS = 0.25
"""So long without a call is quiet: whoever was still calling has been refused or has gone elsewhere."""


class Gate:
    """Lets calls of one kind in: no more than `most` at the same time, and none once it is closed.

    `with gate: ...` counts one call while it lasts. Raises NotReady where the server is shutting down, and Overloaded
    where `most` are inside already.
    """

    def __init__(self, most: int, what: str) -> None:
        self.inside = 0
        self.last_arrival = time.monotonic()
        self.open = True
        self._most = most
        self.what = what

    def refusal(self) -> NotNow | None:
        """Why a call that comes now is not let in; None where it is."""
        self.last_arrival = time.monotonic()
        return None if self.has_room() else self._reason()

    def has_room(self) -> bool:
        """Whether a call could come in now."""
        return self.open and self.inside < self._most

    def __enter__(self) -> None:
        self.last_arrival = time.monotonic()
        if not self.has_room():
            raise self._reason()
        self.inside += 1

    def __exit__(self, *_: object) -> None:
        self.inside -= 1

    def _reason(self) -> NotNow:
        if not self.open:
            return NotReady("the server is shutting down; call another one")
        return Overloaded(self._most, self.what)


class Admission:
    """The gates of a server: one for calls with one request, and one for streams, which mostly wait for their callers.

    gRPC cancels calls that have arrived but not begun when a server is stopped, and their callers see CANCELLED, which
    no client retries. So calls are refused as not ready first, while the server still answers, and it is stopped when
    none is inside and none has come for a moment.
    """

    def __init__(self, limits: Limits) -> None:
        self.calls = Gate(limits.max_concurrent, "calls")
        self.streams = Gate(limits.max_streams, "streams")

    async def close(self, timeout: float) -> bool:
        """Refuse calls from now on; whether all have left and none has come lately, after `timeout` seconds at most."""
        gates = (self.calls, self.streams)
        for gate in gates:
            gate.open = False
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            quiet_at = max(gate.last_arrival for gate in gates) + _QUIET_SECONDS
            if not any(gate.inside for gate in gates) and time.monotonic() >= quiet_at:
                return True
            await asyncio.sleep(0.01)
        return False
