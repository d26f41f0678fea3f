"""Calls that failed: one class of error for each thing that a caller may want to do about it."""

from collections.abc import Iterable
from typing import Protocol

import grpc
from google.protobuf.message import DecodeError

from slugline_client.wire import status_pb2 as wire

_DETAILS = "grpc-status-details-bin"


class CallError(Exception):
    """A call that failed, and why; the classes below are the usual kinds.

    Attributes:
        code: the gRPC status code.
        message: what is wrong and what to do, for people.
        field: the path of the field at fault in the request, "" where it is not about one.
        retry_seconds: how long the server asks to wait before another try, None where it does not.
        serving: the version being served, where another one was asked for; else "".
    """

    def __init__(
        self,
        code: grpc.StatusCode,
        message: str,
        *,
        field: str = "",
        retry_seconds: float | None = None,
        serving: str = "",
    ) -> None:
        super().__init__(f"{code.name}: {message}")
        self.code = code
        self.message = message
        self.field = field
        self.retry_seconds = retry_seconds
        self.serving = serving


class InvalidRequest(CallError):
    """The request is at fault, in `field`. It will fail again."""


class OtherVersion(CallError):
    """Another version was asked for than the one in `serving`."""


class Unauthenticated(CallError):
    """The server wants a token that it knows."""


class Overloaded(CallError):
    """The server had too many calls on every attempt, or the message is larger than it takes."""


class Unavailable(CallError):
    """No server could be reached that is ready, on any attempt."""


class DeadlineExceeded(CallError):
    """There was no answer in time."""


_KINDS: dict[grpc.StatusCode, type[CallError]] = {
    grpc.StatusCode.INVALID_ARGUMENT: InvalidRequest,
    grpc.StatusCode.FAILED_PRECONDITION: OtherVersion,
    grpc.StatusCode.UNAUTHENTICATED: Unauthenticated,
    grpc.StatusCode.RESOURCE_EXHAUSTED: Overloaded,
    grpc.StatusCode.UNAVAILABLE: Unavailable,
    grpc.StatusCode.DEADLINE_EXCEEDED: DeadlineExceeded,
}


class Failed(Protocol):
    """What the errors of gRPC, sync and asyncio, have in common."""

    def code(self) -> grpc.StatusCode:
        """The status code."""

    def details(self) -> str | None:
        """The message of the status."""

    def trailing_metadata(self) -> Iterable[tuple[str, str | bytes]] | None:
        """The trailers."""


def error_from(failed: Failed) -> CallError:
    """The error to raise for one of gRPC's."""
    code = failed.code()
    kind = _KINDS.get(code, CallError)
    field, retry_seconds, serving = "", None, ""
    for detail in _details(failed):
        if isinstance(detail, wire.BadRequest) and detail.field_violations:
            field = detail.field_violations[0].field
        elif isinstance(detail, wire.PreconditionFailure) and detail.violations:
            serving = detail.violations[0].subject
        elif isinstance(detail, wire.RetryInfo):
            retry_seconds = detail.retry_delay.seconds + detail.retry_delay.nanos / 1e9
    return kind(code, failed.details() or "", field=field, retry_seconds=retry_seconds, serving=serving)


Detail = wire.BadRequest | wire.PreconditionFailure | wire.RetryInfo
_DETAIL_TYPES: dict[str, type[Detail]] = {
    f"google.rpc.{kind.__name__}": kind for kind in (wire.BadRequest, wire.PreconditionFailure, wire.RetryInfo)
}


def _details(failed: Failed) -> list[Detail]:
    """The details that the client knows; none where the trailer is damaged, for the status itself is good."""
    found: list[Detail] = []
    for key, value in failed.trailing_metadata() or ():
        if key != _DETAILS or isinstance(value, str):
            continue
        try:
            for packed in wire.Status.FromString(value).details:
                if kind := _DETAIL_TYPES.get(packed.type_url.rpartition("/")[2]):
                    found.append(kind.FromString(packed.value))
        except DecodeError:
            return []
    return found
