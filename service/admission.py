"""Admission: which calls are let in, and how to know that the last one has left."""

import asyncio
import time

from slugline.errors import NotReady

_QUIET_SECONDS = 0.25
"""So long without a call is quiet: whoever was still calling has been refused or has gone elsewhere."""


class Admission:
    """Lets calls in until it is closed, and counts those inside.

    gRPC cancels calls that have arrived but not begun when a server is stopped, and their callers see CANCELLED, which
    no client retries. So calls are refused as not ready first, while the server still answers, and it is stopped when
    none is inside and none has come for a moment.
    """

    def __init__(self) -> None:
        self._open = True
        self._inside = 0
        self._last_arrival = time.monotonic()

    def call(self) -> "Admission":
        """Count one call while it lasts: `with admission.call(): ...`."""
        return self

    def __enter__(self) -> None:
        """Let one call in.

        Raises:
            NotReady: the server is shutting down.
        """
        self._last_arrival = time.monotonic()
        if not self._open:
            raise NotReady("the server is shutting down; call another one")
        self._inside += 1

    def __exit__(self, *_: object) -> None:
        """One call has left."""
        self._inside -= 1

    async def close(self, timeout: float) -> bool:
        """Refuse calls from now on; whether all have left and none has come lately, after `timeout` seconds at most."""
        self._open = False
        end = time.monotonic() + timeout
        while time.monotonic() < end:
            quiet_at = self._last_arrival + _QUIET_SECONDS
            if self._inside == 0 and time.monotonic() >= quiet_at:
                return True
            await asyncio.sleep(0.01)
        return False
