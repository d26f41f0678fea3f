"""Remote calls from raw bytes: requests are parsed here, so that bad bytes are the caller's fault and said to be so.

Servicers that protoc generates answer a request they cannot decode with INTERNAL or UNKNOWN. The handlers made here
take bytes, and end with INVALID_ARGUMENT, field `request`.
"""

from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from service.admission import Gate
from service.calls import CLOCK, Call, Context, Method, Surroundings
from slugline.errors import NotNow, Undecodable

UnaryMethod = Callable[[Any, Context], Awaitable[Message]]
AtOnce = Callable[[bytes], bytes | None]
StreamMethod = Callable[[Any, Context], AsyncIterator[Any]]

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


def handlers(
    service: Any, servicer: object, around: Surroundings, other: Mapping[str, Surroundings] | None = None
) -> grpc.GenericRpcHandler:
    """Handlers for every method of `service` (a descriptor), answered by the methods of `servicer` of the same names.

    `other` tells what the methods have around them that it names, in place of `around`.

    Unary methods are coroutines; methods that stream their response are asynchronous generators, which take an
    iterator of messages where the request streams too; both are of bytes where they are marked with `speaks_bytes`.
    A unary method may have another beside it, of the same name and `AtOnce`, which is asked first: it takes the bytes
    of a request, and returns those of the reply, or None where the request is to be parsed.
    """
    table: dict[str, _Route] = {}
    for described in service.methods:
        around_it = (other or {}).get(described.name, around)
        streams = described.client_streaming or described.server_streaming
        gate = around_it.streams if streams else around_it.calls
        method = Method(f"{service.full_name}/{described.name}", around_it, gate)
        at_once = getattr(servicer, f"{described.name}AtOnce", None)
        handler = _handler(method, described, getattr(servicer, described.name), at_once)
        table[f"/{method.name}"] = _Route(method, handler, None if streams else gate)
    return _Handlers(table)


class _Route(NamedTuple):
    """A method, what answers it, and the gate that is asked before a request is received, if one is."""

    method: Method
    handler: "grpc.RpcMethodHandler[Any, Any]"
    asked_early: Gate | None

    async def refuse(self, refusal: NotNow, _: Any, context: Context) -> None:
        """End a call that is not let in."""
        await Call(self.method, context).failed(refusal)


class _Handlers(grpc.GenericRpcHandler):
    """Finds the handler of a method. A call that its gate would not let in is refused before its request is received.

    Receiving a batch of some hundred kilobytes costs more than refusing it. The gate is asked again when the request is
    there, since others may have come meanwhile: only then does a call take a place, so that those who send slowly keep
    none from others.
    """

    def __init__(self, table: dict[str, _Route]) -> None:
        self._table = table

    def service(self, details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[Any, Any] | None":
        """The handler of a call, None where this service has no such method."""
        found = self._table.get(details.method)
        if found is None:
            return None
        refusal = found.asked_early.refusal() if found.asked_early else None
        if refusal is None:
            return found.handler
        # gRPC reads the request of such a handler only when that asks for it.
        return grpc.stream_unary_rpc_method_handler(partial(found.refuse, refusal))


def _handler(method: Method, described: Any, answer: Any, at_once: AtOnce | None) -> "grpc.RpcMethodHandler[Any, Any]":
    kind = GetMessageClass(described.input_type)
    if described.client_streaming:
        if getattr(answer, "speaks_bytes", False):
            return grpc.stream_stream_rpc_method_handler(_streaming(method, answer, _as_is, _as_is))
        return grpc.stream_stream_rpc_method_handler(_streaming(method, answer, partial(_parsed, kind)))
    if described.server_streaming:
        return grpc.unary_stream_rpc_method_handler(_streaming(method, answer, partial(parse, kind)))
    return grpc.unary_unary_rpc_method_handler(_at_once_or(_unary_unary(method, kind, answer), method, at_once))


def _unary_unary(method: Method, kind: type[Message], answer: UnaryMethod) -> Any:
    async def handle(raw: bytes, context: Context) -> bytes:
        call = Call(method, context)
        try:
            with call:
                request = parse(kind, raw)
                decoded = CLOCK()
                response = await answer(request, context)
                scored = CLOCK()
                reply: bytes = response.SerializeToString()
        except BaseException as error:
            await call.failed(error)
            raise
        call.answered_once(decoded, scored)
        return reply

    return handle


def _at_once_or(handle: Any, method: Method, at_once: AtOnce | None) -> Any:
    """A handler of calls that `at_once` may answer; of all others, `handle`.

    What is answered at once never waits, and so takes no place from others, and needs none of what `Call` keeps for
    those who do. Whatever is unusual, faults included, is for `handle`; so are calls that are traced or logged.
    """
    if at_once is None or method.around.tracing or method.around.logged:
        return handle

    async def handle_at_once(raw: bytes, context: Context) -> bytes:
        started = CLOCK()
        try:
            method.check_caller(context)
            reply = at_once(raw) if method.has_room() else None
        except Exception:
            reply = None  # it happens again below, where it is told
        if reply is None:
            return await handle(raw, context)  # type: ignore[no-any-return]
        method.answered_at_once(started)
        return reply

    return handle_at_once


def _written(message: Message) -> bytes:
    return message.SerializeToString()


def _streaming(
    method: Method, answer: StreamMethod, read: Callable[[Any], Any], write: Callable[[Any], bytes] = _written
) -> Any:
    async def handle(raw: Any, context: Context) -> AsyncIterator[bytes]:
        call = Call(method, context)
        try:
            with call:
                async for response in answer(read(raw), context):
                    yield write(response)
        except BaseException as error:
            await call.failed(error)
            raise
        call.answered()

    return handle


def _as_is(raw: Any) -> Any:
    return raw


async def _parsed(kind: type[M], raw_requests: AsyncIterator[bytes]) -> AsyncIterator[M]:
    async for raw in raw_requests:
        yield parse(kind, raw)


def speaks_bytes(method: F) -> F:
    """Mark a method that parses what its stream of requests has, so as to outlive a bad one; it yields bytes."""
    method.speaks_bytes = True  # type: ignore[attr-defined]
    return method
