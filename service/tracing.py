"""Tracing: a span of OpenTelemetry for every call, where an endpoint is set; imported only then."""

from collections.abc import Mapping
from typing import Any

import grpc
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
from opentelemetry.sdk.resources import SERVICE_NAME, Resource
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import BatchSpanProcessor
from opentelemetry.trace import Span, SpanKind, Status, StatusCode
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

_FAULTS = {"INTERNAL", "UNKNOWN", "UNAVAILABLE", "DEADLINE_EXCEEDED"}
"""The codes that are the server's own failure, after the semantic conventions for RPC spans."""


class CallSpan:
    """The span of one call."""

    def __init__(self, span: Span) -> None:
        self._span = span

    @property
    def trace_id(self) -> str:
        """The id of the trace, in hex."""
        return f"{self._span.get_span_context().trace_id:032x}"

    def end(self, code: str) -> None:
        """The call has ended with a status code."""
        self._span.set_attribute("rpc.grpc.status_code", grpc.StatusCode[code].value[0])
        if code in _FAULTS:
            self._span.set_status(Status(StatusCode.ERROR, code))
        self._span.end()


class Tracing:
    """Makes spans, and sends them to an OTLP endpoint (gRPC) in the background."""

    def __init__(self, endpoint: str) -> None:
        self._provider = TracerProvider(resource=Resource.create({SERVICE_NAME: "slugline"}))
        exporter = OTLPSpanExporter(endpoint=endpoint, insecure=not endpoint.startswith("https://"))
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer("slugline")
        self._propagator = TraceContextTextMapPropagator()

    def begin(self, method: str, metadata: Mapping[str, Any]) -> CallSpan:
        """The span of a call that has just arrived, a child of its caller's where `metadata` names one."""
        service, _, name = method.rpartition("/")
        attributes = {"rpc.system": "grpc", "rpc.service": service, "rpc.method": name}
        parent = self._propagator.extract(metadata)
        return CallSpan(self._tracer.start_span(method, parent, SpanKind.SERVER, attributes))

    def close(self) -> None:
        """Send what is left."""
        self._provider.shutdown()
