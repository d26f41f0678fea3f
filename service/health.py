"""Health: the grpc.health.v1 service.

The servicer that comes with grpcio-health-checking drops the other watchers of a service when one leaves, and lets a
watcher that does not read hold up the shutdown; this one does neither.
"""

import asyncio
from collections.abc import AsyncIterator, Iterable
from typing import Any

from grpc_health.v1 import health_pb2

from service.calls import Context
from slugline.errors import UnknownService

SERVICE = health_pb2.DESCRIPTOR.services_by_name["Health"]
OVERALL = ""


class Health:
    """Answers for the services in `names` and, as the empty name, for the server: all serve, or none does."""

    def __init__(self, names: Iterable[str]) -> None:
        self._names = (OVERALL, *names)
        self._status: int = health_pb2.HealthCheckResponse.NOT_SERVING
        self._changed = asyncio.Event()
        self._closed = False

    @property
    def serving(self) -> bool:
        """Whether it says SERVING."""
        return bool(self._status == health_pb2.HealthCheckResponse.SERVING)

    def serve(self) -> None:
        """Say SERVING from now on, unless the end has been announced."""
        if not self._closed:
            self._set(health_pb2.HealthCheckResponse.SERVING)

    def close(self) -> None:
        """Say NOT_SERVING for good, and let the watchers go once they have been told."""
        self._closed = True
        self._set(health_pb2.HealthCheckResponse.NOT_SERVING)

    async def Check(self, request: health_pb2.HealthCheckRequest, context: Context) -> Any:
        """The status of one service; NOT_FOUND for one that is not here."""
        if request.service not in self._names:
            raise UnknownService(request.service)
        return health_pb2.HealthCheckResponse(status=self._status)

    async def List(self, request: Any, context: Context) -> Any:
        """The status of every service; only newer grpcio-health-checking has this method."""
        status = health_pb2.HealthCheckResponse(status=self._status)
        return health_pb2.HealthListResponse(statuses=dict.fromkeys(self._names, status))

    async def Watch(self, request: health_pb2.HealthCheckRequest, context: Context) -> AsyncIterator[Any]:
        """The status of one service, now and whenever it changes."""
        last = None
        while True:
            changed = self._changed
            known = request.service in self._names
            status = self._status if known else health_pb2.HealthCheckResponse.SERVICE_UNKNOWN
            if status != last:
                yield health_pb2.HealthCheckResponse(status=status)
                last = status
            elif self._closed:
                return
            else:
                await changed.wait()

    def _set(self, status: int) -> None:
        self._status = status
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()
