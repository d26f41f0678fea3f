"""A real server sends its spans to a real collector of our own."""

import json
import subprocess
import sys
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from slugline.v1 import classification_pb2 as pb
from slugline.v1 import classification_pb2_grpc as pb_grpc
from tests.conftest import Server, start_server

TRACE, PARENT = "0af7651916cd43dd8448eb211c80319c", "b7ad6b7169203331"
METADATA = (("traceparent", f"00-{TRACE}-{PARENT}-01"), ("x-request-id", "story-17"))
SECRET = "Envoys signed the secret treaty"


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    def __init__(self) -> None:
        self.spans: list[Any] = []
        self.arrived = threading.Event()

    def Export(self, request: Any, context: Any) -> Any:  # noqa: N802
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                self.spans += scope.spans
        self.arrived.set()
        return trace_service_pb2.ExportTraceServiceResponse()


@pytest.fixture
def collector() -> Iterator[tuple[Collector, str]]:
    servicer = Collector()
    server = grpc.server(ThreadPoolExecutor(2))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(servicer, server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield servicer, f"http://127.0.0.1:{port}"
    server.stop(None)


def call(server: Server) -> None:
    with grpc.insecure_channel(server.address) as channel:
        stub = pb_grpc.ClassificationServiceStub(channel)  # type: ignore[no-untyped-call]
        stub.Classify(pb.ClassifyRequest(document=pb.Document(text=SECRET)), metadata=METADATA)
        with pytest.raises(grpc.RpcError):
            stub.Classify(pb.ClassifyRequest(), metadata=METADATA[1:])


def test_a_call_is_a_span_of_its_callers_trace_and_a_line_of_the_log(
    models: Path, tmp_path: Path, collector: tuple[Collector, str]
) -> None:
    servicer, endpoint = collector
    server = start_server(
        models, tmp_path, "--trace-endpoint", endpoint, "--log-format", "json", "--log-level", "debug"
    )
    call(server)
    assert server.stop() == 0  # what is left is sent before the end
    first, second = sorted(servicer.spans, key=lambda span: span.start_time_unix_nano)
    assert (first.trace_id.hex(), first.parent_span_id.hex()) == (TRACE, PARENT)
    assert first.name == "slugline.v1.ClassificationService/Classify"
    codes = [{a.key: a.value.int_value for a in span.attributes}["rpc.grpc.status_code"] for span in (first, second)]
    assert codes == [0, grpc.StatusCode.INVALID_ARGUMENT.value[0]]
    log = server.log.read_text()
    lines = [json.loads(line) for line in log.splitlines()]
    calls = [line for line in lines if line["event"] == "call"]
    assert [line["request_id"] for line in calls] == ["story-17"] * 2
    assert calls[0]["trace_id"] == TRACE
    assert calls[1]["trace_id"] == second.trace_id.hex()
    assert [line["code"] for line in calls] == ["OK", "INVALID_ARGUMENT"]
    # The text of an article is nobody's business but the caller's.
    assert "secret" not in log


def test_without_an_endpoint_nothing_of_it_is_imported() -> None:
    code = "import sys, service.server; print([name for name in sys.modules if 'opentelemetry' in name])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
