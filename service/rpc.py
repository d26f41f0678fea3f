"""Remote calls from raw bytes: requests are parsed here, so that bad bytes are the caller's fault and said to be so.

Servicers that protoc generates answer a request they cannot decode with INTERNAL or UNKNOWN. The handlers made here
take bytes, and end with INVALID_ARGUMENT, field `request`.
"""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from functools import partial
from typing import Any, NamedTuple, TypeVar

import grpc
from google.protobuf.message import DecodeError, Message
from google.protobuf.message_factory import GetMessageClass

from service.calls import Call, Context, Counted, Surroundings
from slugline.errors import NotNow, Undecodable

UnaryMethod = Callable[[Any, Context], Awaitable[Message]]
StreamMethod = Callable[[Any, Context], AsyncIterator[Message]]

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
    iterator of messages where the request streams too, or of bytes where they are marked with `takes_bytes`.
    """
    table: dict[str, _Method] = {}
    for method in service.methods:
        surroundings = (other or {}).get(method.name, around)
        name = f"{service.full_name}/{method.name}"
        handler = _handler(name, method, getattr(servicer, method.name), surroundings)
        table[f"/{name}"] = _Method(name, handler, surroundings)
    return _Handlers(table)


class _Method(NamedTuple):
    """A method by its full name, what answers it, and what its calls have around them."""

    name: str
    handler: "grpc.RpcMethodHandler[Any, Any]"
    around: Surroundings

    def refusal(self) -> NotNow | None:
        """Why a call with one request is refused before that is received, if it is."""
        streams = self.handler.request_streaming or self.handler.response_streaming
        gate = None if streams else self.around.calls
        return gate.refusal() if gate else None

    async def refuse(self, refusal: NotNow, _: Any, context: Context) -> None:
        """End a call that is not let in."""
        counted = Counted(self.name, self.around.tally, self.around.calls)
        await Call(self.name, context, self.around, self.around.calls, counted).failed(refusal)


class _Handlers(grpc.GenericRpcHandler):
    """Finds the handler of a method. A call that its gate would not let in is refused before its request is received.

    Receiving a batch of some hundred kilobytes costs more than refusing it. The gate is asked again when the request is
    there, since others may have come meanwhile: only then does a call take a place, so that those who send slowly keep
    none from others.
    """

    def __init__(self, table: dict[str, _Method]) -> None:
        self._table = table

    def service(self, details: grpc.HandlerCallDetails) -> "grpc.RpcMethodHandler[Any, Any] | None":
        """The handler of a call, None where this service has no such method."""
        found = self._table.get(details.method)
        if found is None:
            return None
        refusal = found.refusal()
        if refusal is None:
            return found.handler
        # gRPC reads the request of such a handler only when that asks for it.
        return grpc.stream_unary_rpc_method_handler(partial(found.refuse, refusal))


def _handler(name: str, method: Any, answer: Any, around: Surroundings) -> "grpc.RpcMethodHandler[Any, Any]":
    kind = GetMessageClass(method.input_type)
    if method.client_streaming:
        read = (lambda raw: raw) if getattr(answer, "takes_bytes", False) else partial(_parsed, kind)
        return grpc.stream_stream_rpc_method_handler(_streaming(name, answer, around, read))
    if method.server_streaming:
        return grpc.unary_stream_rpc_method_handler(_streaming(name, answer, around, partial(parse, kind)))
    return grpc.unary_unary_rpc_method_handler(_unary_unary(name, kind, answer, around))


def _unary_unary(name: str, kind: type[Message], answer: UnaryMethod, around: Surroundings) -> Any:
    clock, counted = time.perf_counter, Counted(name, around.tally, around.calls)

    async def handle(raw: bytes, context: Context) -> bytes:
        call = Call(name, context, around, around.calls, counted)
        try:
            with call:
                start = clock()
                request = parse(kind, raw)
                decoded = clock()
                response = await answer(request, context)
                scored = clock()
                reply = response.SerializeToString()
                call.phases(decoded - start, scored - decoded, clock() - scored)
        except BaseException as error:
            await call.failed(error)
            raise
        call.answered()
        return reply

    return handle


def _streaming(name: str, answer: StreamMethod, around: Surroundings, read: Callable[[Any], Any]) -> Any:
    counted = Counted(name, around.tally, around.streams)

    async def handle(raw: Any, context: Context) -> AsyncIterator[bytes]:
        call = Call(name, context, around, around.streams, counted)
        try:
            with call:
                async for response in answer(read(raw), context):
                    yield response.SerializeToString()
        except BaseException as error:
            await call.failed(error)
            raise
        call.answered()

    return handle


async def _parsed(kind: type[M], raw_requests: AsyncIterator[bytes]) -> AsyncIterator[M]:
    async for raw in raw_requests:
        yield parse(kind, raw)


def takes_bytes(method: F) -> F:
    """Mark a method that parses the messages of its request stream itself, so as to outlive a bad one."""
    method.takes_bytes = True  # type: ignore[attr-defined]
    return method
