"""Remote calls from raw bytes: requests are parsed here, so that bad bytes are the caller's fault and said to be so.

Servicers that protoc generates answer a request they cannot decode with INTERNAL or UNKNOWN. The handlers made here
take bytes, and abort with INVALID_ARGUMENT, field `request`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractContextManager, nullcontext
from functools import partial
from typing import Any, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from service.access import Access
from service.admission import Admission
from service.status import status_of
from slugline.errors import SluglineError, Undecodable

Context = Any
"""A grpc.aio.ServicerContext of bytes."""

UnaryMethod = Callable[[Any, Context], Awaitable[Message]]
StreamMethod = Callable[[Any, Context], AsyncIterator[Message]]


Enter = Callable[[], AbstractContextManager[None]]
"""Counts a call while it lasts, or refuses it."""

M = TypeVar("M", bound=Message)
F = TypeVar("F", bound=Callable[..., Any])


def parse(kind: type[M], raw: bytes) -> M:
    """The message that `raw` holds.

    Raises:
        Undecodable: it holds none: truncated, not protobuf, or a string that is not UTF-8.
    """
    try:
        return kind.FromString(raw)
    except (DecodeError, UnicodeDecodeError):
        raise Undecodable(kind.DESCRIPTOR.name) from None


async def abort(context: Context, error: SluglineError) -> None:
    """End the call with the status of `error`."""
    status = status_of(error)
    await context.abort(status.code, status.message, status.trailing_metadata())


def handlers(
    service: Any, servicer: object, admission: Admission | None = None, access: Access | None = None
) -> grpc.GenericRpcHandler:
    """Handlers for every method of `service` (a descriptor), answered by the methods of `servicer` of the same names.

    Unary methods are coroutines; methods that stream their response are asynchronous generators, which take an
    iterator of messages where the request streams too, or of bytes where they are marked with `takes_bytes`.
    Where there is an `admission`, it counts the calls and may refuse them; where there is an `access`, it is asked
    first, before anything of the request is parsed.
    """
    enter = admission.call if admission else nullcontext
    table = {method.name: _handler(method, getattr(servicer, method.name), enter, access) for method in service.methods}
    return grpc.method_handlers_generic_handler(service.full_name, table)


def _handler(method: Any, answer: Any, enter: Enter, access: Access | None) -> "grpc.RpcMethodHandler[Any, Any]":
    kind = GetMessageClass(method.input_type)
    if method.client_streaming:
        read = (lambda raw: raw) if getattr(answer, "takes_bytes", False) else partial(_parsed, kind)
        return grpc.stream_stream_rpc_method_handler(_streaming(answer, enter, access, read))
    if method.server_streaming:
        return grpc.unary_stream_rpc_method_handler(_streaming(answer, enter, access, partial(parse, kind)))
    return grpc.unary_unary_rpc_method_handler(_unary_unary(kind, answer, enter, access))


def _unary_unary(kind: type[Message], answer: UnaryMethod, enter: Enter, access: Access | None) -> Any:
    async def call(raw: bytes, context: Context) -> bytes:
        try:
            if access:
                access.check(context.invocation_metadata())
            with enter():
                return (await answer(parse(kind, raw), context)).SerializeToString()
        except SluglineError as error:
            await abort(context, error)
            raise

    return call


def _streaming(answer: StreamMethod, enter: Enter, access: Access | None, read: Callable[[Any], Any]) -> Any:
    async def call(raw: Any, context: Context) -> AsyncIterator[bytes]:
        try:
            if access:
                access.check(context.invocation_metadata())
            with enter():
                async for response in answer(read(raw), context):
                    yield response.SerializeToString()
        except SluglineError as error:
            await abort(context, error)

    return call


async def _parsed(kind: type[M], raw_requests: AsyncIterator[bytes]) -> AsyncIterator[M]:
    async for raw in raw_requests:
        yield parse(kind, raw)


def takes_bytes(method: F) -> F:
    """Mark a method that parses the messages of its request stream itself, so as to outlive a bad one."""
    method.takes_bytes = True  # type: ignore[attr-defined]
    return method
