"""The gates by themselves, and a real server with more callers than it takes."""

import asyncio
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.rpc import error_details_pb2
from grpc_status import rpc_status

from service.admission import Admission
from service.settings import Limits
from slugline.errors import NotReady, Overloaded
from slugline.v1 import classification_pb2 as pb
from tests.conftest import metrics_of, start_server

BATCH = "/slugline.v1.ClassificationService/BatchClassify"
LIMIT = 2


def test_closing_waits_for_the_calls_inside_and_refuses_others() -> None:
    async def scene() -> None:
        admission = Admission(Limits())
        with admission.streams:
            closing = asyncio.create_task(admission.close(timeout=30))
            await asyncio.sleep(0.5)
            assert not closing.done()
            with pytest.raises(NotReady, match="shutting down"), admission.calls:
                pass
        assert await closing

    asyncio.run(scene())


def test_closing_gives_up_after_its_time() -> None:
    async def scene() -> None:
        admission = Admission(Limits())
        with admission.calls:
            assert not await admission.close(timeout=0.1)

    asyncio.run(scene())


def test_a_gate_lets_in_so_many_and_counts_those_who_leave() -> None:
    gate = Admission(Limits(max_streams=2)).streams
    with gate, gate:
        with pytest.raises(Overloaded, match="2 streams"), gate:
            pass
        assert gate.inside == 2
    with gate:
        assert gate.inside == 1


def batch(documents: int) -> bytes:
    text = "Envoys signed the treaty while troops shelled the border and the league played on. " * 15
    batch = [pb.Document(id=str(number), text=f"{text} {number}") for number in range(documents)]
    return pb.BatchClassifyRequest(documents=batch).SerializeToString()


def retry_seconds(error: Any) -> float:
    status = rpc_status.from_call(error)
    assert status is not None
    info = error_details_pb2.RetryInfo()
    assert status.details[0].Unpack(info)
    return float(info.retry_delay.ToTimedelta().total_seconds())


def test_past_the_limit_calls_are_refused_at_once_and_the_others_answered(models: Path, tmp_path: Path) -> None:
    """Four times as many callers as the limit, each with its next batch of 256 as soon as it has an answer."""
    options = ("--max-concurrent", str(LIMIT), "--metrics-address", "127.0.0.1:0")
    server = start_server(models, tmp_path, *options)
    body = batch(256)
    answered: list[float] = []
    refused: list[tuple[float, Any]] = []

    def call_for(seconds: float) -> None:
        with grpc.insecure_channel(server.address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
            call: Any = channel.unary_unary(BATCH)
            end = time.monotonic() + seconds
            while time.monotonic() < end:
                start = time.monotonic()
                try:
                    assert call(body, timeout=30)
                    answered.append(time.monotonic() - start)
                except grpc.RpcError as error:
                    refused.append((time.monotonic() - start, error))

    call_for(1.0)
    alone = sorted(answered)[len(answered) // 2]
    assert not refused
    answered.clear()
    callers = [threading.Thread(target=call_for, args=(3.0,)) for _ in range(4 * LIMIT)]
    for caller in callers:
        caller.start()
    for caller in callers:
        caller.join(60)
    assert len(answered) > 2
    assert len(refused) > 20
    assert {error.code() for _, error in refused} == {grpc.StatusCode.RESOURCE_EXHAUSTED}
    assert retry_seconds(refused[0][1]) > 0
    assert ("grpc-retry-pushback-ms", "200") in refused[0][1].trailing_metadata()
    # Tenfold slack on 50 ms and on twice the time of a call that is alone: callers and server share two cores here.
    assert sorted(seconds for seconds, _ in refused)[len(refused) // 2] < 0.5
    assert sorted(answered)[len(answered) * 9 // 10] < max(2.0, 20 * alone)
    metrics = metrics_of(server)
    assert metrics['slugline_calls_refused_total{reason="RESOURCE_EXHAUSTED"}'] == len(refused)
    method = 'method="slugline.v1.ClassificationService/BatchClassify"'
    assert metrics[f"slugline_calls_started_total{{{method}}}"] == sum(
        value for name, value in metrics.items() if name.startswith("slugline_calls_handled_total") and method in name
    )
    assert server.stop() == 0


def test_past_the_limit_of_streams_one_is_refused_and_calls_are_not(models: Path, tmp_path: Path) -> None:
    server = start_server(models, tmp_path, "--max-streams", "1", "--max-stream-rate", "50")
    over = threading.Event()
    with grpc.insecure_channel(server.address) as channel:
        open_stream: Any = channel.stream_stream("/slugline.v1.ClassificationService/StreamClassify")
        good = pb.StreamClassifyRequest(document=pb.Document(id="a", text="Envoys met")).SerializeToString()

        def requests() -> Any:
            yield good
            assert over.wait(30)

        first = open_stream(requests())
        next(first)
        start = time.monotonic()
        with pytest.raises(grpc.RpcError) as caught:
            list(open_stream(iter([good])))
        # Held back for a moment, or those who come again at once would take the time of those inside.
        assert time.monotonic() - start >= 0.015
        assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
        call: Any = channel.unary_unary(BATCH)
        assert call(batch(1), timeout=30)
        over.set()
        assert list(first) == []
        # Paced: thirty-one documents at fifty a second take more than half a second.
        start = time.monotonic()
        assert len(list(open_stream(iter([good] * 31)))) == 31
        assert time.monotonic() - start > 0.5
    assert server.stop() == 0


def test_requests_are_neither_awaited_from_those_who_are_refused_nor_given_a_place(
    models: Path, tmp_path: Path
) -> None:
    server = start_server(models, tmp_path, "--max-concurrent", "1")
    over = threading.Event()

    def nothing() -> Iterator[bytes]:
        over.wait(60)
        yield from ()

    def keep_busy() -> None:
        with grpc.insecure_channel(server.address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
            call: Any = channel.unary_unary(BATCH)
            body = batch(256)
            while not over.wait(0.001):
                with suppress(grpc.RpcError):
                    call(body, timeout=30)

    busy = [threading.Thread(target=keep_busy) for _ in range(2)]
    with grpc.insecure_channel(server.address) as channel:
        send_nothing: Any = channel.stream_unary(BATCH)
        stalled = [send_nothing.future(nothing()) for _ in range(5)]
        try:
            call: Any = channel.unary_unary(BATCH)
            assert call(batch(1), timeout=30)
            for thread in busy:
                thread.start()
            codes = {send_nothing.future(nothing(), timeout=1).code() for _ in range(20)}
        finally:
            over.set()
            for waiting in stalled:
                waiting.cancel()
        for thread in busy:
            thread.join(60)
    assert codes <= {grpc.StatusCode.RESOURCE_EXHAUSTED, grpc.StatusCode.DEADLINE_EXCEEDED}
    assert grpc.StatusCode.RESOURCE_EXHAUSTED in codes
    assert server.stop() == 0
