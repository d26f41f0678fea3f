"""The load generator, a process of its own: `python -m benchmarks.load MODE ADDRESS METHOD BODY COUNT SIZE`.

`closed` keeps SIZE calls under way; `open` sends SIZE calls a second whether they are answered or not, and counts
each one's time from when it was due; `stream` sends COUNT messages on one stream. It prints JSON: seconds altogether,
and the sorted seconds of every call.
"""

import asyncio
import json
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc


async def closed(call: Any, body: bytes, count: int, size: int) -> list[float]:
    """`count` calls, `size` of them at a time."""
    left, times = iter(range(count)), list[float]()

    async def caller() -> None:
        for _ in left:
            start = time.perf_counter()
            await call(body)
            times.append(time.perf_counter() - start)

    await asyncio.gather(*(caller() for _ in range(size)))
    return times


async def opened(call: Any, body: bytes, count: int, rate: int) -> list[float]:
    """`count` calls, `rate` a second."""
    start = time.perf_counter()

    async def send(number: int) -> float:
        due = start + number / rate
        await asyncio.sleep(max(0.0, due - time.perf_counter()))
        await call(body)
        return time.perf_counter() - due

    return await asyncio.gather(*(send(number) for number in range(count)))


async def streamed(call: Any, body: bytes, count: int) -> list[float]:
    """One stream of `count` messages; its one time is that of all of them."""

    async def bodies() -> AsyncIterator[bytes]:
        for _ in range(count):
            yield body

    start = time.perf_counter()
    answers = [answer async for answer in call(bodies())]
    if len(answers) != count:
        raise RuntimeError(f"{len(answers)} answers to {count} messages")
    return [time.perf_counter() - start]


async def main(mode: str, address: str, method: str, body: bytes, count: int, size: int) -> None:
    """Warm up, then measure."""
    async with grpc.aio.insecure_channel(address) as channel:
        if mode == "stream":
            stream: Any = channel.stream_stream(method)
            await streamed(stream, body, min(count, 200))
            start = time.perf_counter()
            times = await streamed(stream, body, count)
        else:
            call: Any = channel.unary_unary(method)
            await closed(call, body, min(count, 200), min(size, 8))
            start = time.perf_counter()
            times = await (closed if mode == "closed" else opened)(call, body, count, size)
        seconds = time.perf_counter() - start
    sys.stdout.write(json.dumps({"seconds": seconds, "times": sorted(times)}))


if __name__ == "__main__":
    mode, address, method, body, count, size = sys.argv[1:]
    asyncio.run(main(mode, address, method, Path(body).read_bytes(), int(count), int(size)))
