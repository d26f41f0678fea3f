"""Deadlines and cancellations: what nobody waits for never reaches the model."""

import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from service import families
from service.admission import Admission
from service.calls import Call, Method, Surroundings, Waiting
from service.settings import Limits
from service.tally import Tally
from slugline.errors import CallerGone, DeadlinePassed
from slugline.v1 import classification_pb2 as pb
from tests.conftest import Server, metrics_of, start_server, wait_until
from tests.service.test_admission import BATCH, batch

DOCUMENTS = 1024
STREAM = "/slugline.v1.ClassificationService/StreamClassify"


class _Context:
    """The one question that is asked of a context of gRPC."""

    def __init__(self, left: float | None) -> None:
        self._left = left

    def time_remaining(self) -> float | None:
        return self._left


def test_a_caller_waits_until_the_deadline_or_until_it_cancels() -> None:
    patient, late = Waiting(_Context(None)), Waiting(_Context(-0.001))
    patient.check()
    patient.cancel()
    with pytest.raises(CallerGone):
        patient.check()
    with pytest.raises(DeadlinePassed):
        late.check()


@pytest.fixture
def measured(models: Path, tmp_path: Path) -> Iterator[Server]:
    running = start_server(models, tmp_path, "--metrics-address", "127.0.0.1:0")
    yield running
    assert running.stop() == 0


def test_what_nobody_waits_for_never_reaches_the_model(measured: Server) -> None:
    """Large batches, many at once: some are answered, some too late, some cancelled; all are accounted for."""
    body = batch(DOCUMENTS)
    with grpc.insecure_channel(measured.address) as channel:
        call: Any = channel.unary_unary(BATCH)
        start = time.monotonic()
        call(body, timeout=30)
        one = time.monotonic() - start
        late = [call.future(body, timeout=3 * one) for _ in range(14)]
        cancelled = [call.future(body, timeout=60) for _ in range(14)]
        wait_until(lambda: any(future.done() for future in late))
        for future in cancelled:
            future.cancel()
        codes = [future.code() for future in (*late, *cancelled)]
    answered = 1 + codes.count(grpc.StatusCode.OK)
    assert grpc.StatusCode.DEADLINE_EXCEEDED in codes
    assert set(codes) <= {grpc.StatusCode.OK, grpc.StatusCode.DEADLINE_EXCEEDED, grpc.StatusCode.CANCELLED}

    def accounted() -> bool:
        found = metrics_of(measured)
        started = sum(value for name, value in found.items() if name.startswith("slugline_calls_started_total"))
        handled = sum(value for name, value in found.items() if name.startswith("slugline_calls_handled_total"))
        return started == handled and found["slugline_calls_in_flight"] == 0

    wait_until(accounted)
    wait_until(lambda: skipped(metrics_of(measured)) > 0)
    found = metrics_of(measured)
    scored = found["slugline_documents_total"]
    assert answered * DOCUMENTS <= scored
    assert scored + skipped(found) <= len(codes) * DOCUMENTS + DOCUMENTS
    # Without asking whether the caller waits, each of those that were let in would have been scored.
    assert scored < (len(codes) + 1) * DOCUMENTS


def skipped(found: dict[str, float]) -> float:
    return sum(value for name, value in found.items() if name.startswith("slugline_documents_skipped_total"))


def test_a_call_whose_deadline_has_passed_on_arrival_is_not_let_in() -> None:
    gate = Admission(Limits()).calls
    tally = Tally()
    method = Method("a/b", Surroundings(tally, gate), gate)
    late = Call(method, _Context(-0.001))
    with pytest.raises(DeadlinePassed), late:
        pass
    assert gate.inside == 0
    assert (families.ADMITTED.name, ("calls",), 0.0) in tally.snapshot().counters
    with Call(method, _Context(5.0)):
        assert gate.inside == 1
    assert gate.inside == 0


def test_a_slow_reader_of_a_stream_keeps_memory_flat(measured: Server) -> None:
    """A caller that sends as fast as it can and reads nothing is held back; what the server holds stays bounded."""
    text = "Envoys signed the treaty at the summit. " * 500
    body = pb.StreamClassifyRequest(
        document=pb.Document(id="a" * 1000, text=text), topics=["diplomacy"]
    ).SerializeToString()
    sent = 0

    def requests() -> Iterator[bytes]:
        nonlocal sent
        while True:
            sent += 1
            yield body

    resident = 'slugline_resident_bytes{process="server"}'
    with grpc.insecure_channel(measured.address) as channel:
        stream: Any = channel.stream_stream(STREAM)
        first = next(stream(iter([body])))
        assert pb.StreamClassifyResponse.FromString(first).result.document_id == "a" * 1000
        before = metrics_of(measured)[resident]
        slow = stream(requests())
        wait_until(lambda: sent > 100)
        held = -1
        while held != sent:
            held = sent
            time.sleep(1)
        after = metrics_of(measured)
        # It has stopped taking documents, though the caller would send more for ever.
        assert after["slugline_documents_total"] < sent + 100
        assert after[resident] - before < 64 * 2**20
        slow.cancel()
