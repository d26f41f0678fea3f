"""A caller whose machine dies: HTTP/2 by hand, cut off within a stream with a TCP reset."""

import asyncio
import random
import socket
import struct
from collections.abc import Sequence

_PREFACE = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"
_DATA, _HEADERS, _SETTINGS = 0, 1, 4
_END_HEADERS = 4
_MOST_IN_A_FRAME = 16_384
_RESET_ON_CLOSE = struct.pack("ii", 1, 0)


async def drop_stream(address: str, method: str, messages: Sequence[bytes], chance: random.Random) -> None:
    """Call `method`, send `messages`, the last of them not to its end, wait a moment, and reset the connection."""
    host, _, port = address.rpartition(":")
    _, writer = await asyncio.open_connection(host, int(port))
    fields = {
        ":method": "POST",
        ":scheme": "http",
        ":path": method,
        ":authority": address,
        "content-type": "application/grpc",
        "te": "trailers",
    }
    head = b"".join(_literal(name, value) for name, value in fields.items())
    body = b"".join(b"\0" + struct.pack(">I", len(message)) + message for message in messages)
    body = body[: len(body) - chance.randrange(1, len(messages[-1]))][:60_000]
    sent = _PREFACE + _frame(_SETTINGS, 0, b"", 0) + _frame(_HEADERS, _END_HEADERS, head, 1)
    for start in range(0, len(body), _MOST_IN_A_FRAME):
        sent += _frame(_DATA, 0, body[start : start + _MOST_IN_A_FRAME], 1)
    writer.write(sent)
    await writer.drain()
    await asyncio.sleep(chance.uniform(0, 0.05))
    connection: socket.socket = writer.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    writer.transport.abort()


def _frame(kind: int, flags: int, payload: bytes, stream: int) -> bytes:
    """A frame of RFC 9113, section 4.1."""
    return struct.pack(">I", len(payload))[1:] + bytes((kind, flags)) + struct.pack(">I", stream) + payload


def _literal(name: str, value: str) -> bytes:
    """A header field of RFC 7541, section 6.2.2: spelled out, not indexed; shorter than 127 bytes each."""
    return b"\0" + bytes((len(name),)) + name.encode() + bytes((len(value),)) + value.encode()
