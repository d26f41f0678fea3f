"""Any bytes, given to any method as gRPC would give them: they are answered, or refused in our own words.

An input is a byte that chooses the method, and the bytes of the request; those of a stream with four bars between them.
"""

import asyncio
import os
from base64 import b64encode
from collections.abc import AsyncIterator
from concurrent.futures import ThreadPoolExecutor
from math import isnan
from pathlib import Path
from types import SimpleNamespace
from typing import Any, NoReturn
from urllib.parse import quote

import grpc
from google.rpc import status_pb2
from grpc_health.v1 import health_pb2
from grpc_reflection.v1alpha import reflection, reflection_pb2

from benchmarks.soak.articles import documents
from benchmarks.soak.faults import BAD_DOCUMENTS, BAD_REQUESTS
from service import health, servicer
from service.calls import Surroundings
from service.rpc import handlers
from service.settings import Limits
from service.tally import Tally
from slugline import store
from slugline.v1 import classification_pb2 as pb

_LIMITS = Limits(max_text_chars=5000, max_batch_documents=16, max_evidence_terms=20)
_MOST_TRAILERS = 8000
"""gRPC clients take 8 KiB of trailers; of more, they see another error than ours."""
_MOST_SERIES = 500
_BETWEEN = b"||||"
_REFLECTION = reflection_pb2.DESCRIPTOR.services_by_name["ServerReflection"]


class _Refused(Exception):
    """The call was ended with this code."""

    def __init__(self, code: grpc.StatusCode) -> None:
        super().__init__(code)
        self.code = code


class _Context:
    """What a handler asks of a call: here, one without a deadline."""

    def time_remaining(self) -> None:
        return None

    def invocation_metadata(self) -> tuple[()]:
        return ()

    async def abort(self, code: grpc.StatusCode, message: str, trailers: Any = ()) -> NoReturn:
        sizes = [len(key) + len(b64encode(value) if isinstance(value, bytes) else value) for key, value in trailers]
        assert sum(sizes) + len(quote(message)) <= _MOST_TRAILERS, (code, sizes, message)
        for key, value in trailers:
            if key == "grpc-status-details-bin":
                assert status_pb2.Status.FromString(value).message == message
        raise _Refused(code)


def _handlers() -> list[Any]:
    well = health.Health([servicer.SERVICE.full_name])
    around = Surroundings(_TALLY)
    reflected = reflection.aio.ReflectionServicer((servicer.SERVICE.full_name,))
    found = []
    for service, answering in ((servicer.SERVICE, _SERVICER), (health.SERVICE, well), (_REFLECTION, reflected)):
        generic = handlers(service, answering, around)
        for method in service.methods:
            details: Any = SimpleNamespace(method=f"/{service.full_name}/{method.name}", invocation_metadata=())
            found.append((details.method, generic.service(details)))
    return found


_MODEL = store.load(store.find(Path(os.environ["SLUGLINE_MODELS"])))
_TALLY = Tally()
_SERVICER = servicer.ClassificationServicer(_LIMITS, _TALLY)
_SERVICER.use(_MODEL)
_METHODS = _handlers()
_NAMES = [name for name, _ in _METHODS]
_LOOP = asyncio.new_event_loop()
_LOOP.set_default_executor(ThreadPoolExecutor(1))


def seeds() -> list[bytes]:
    """Every fault that is documented, and good requests of each method."""
    found = [_seed(f"/{method}", body) for method, body in BAD_REQUESTS.values() if len(body) < 30_000]
    sent = [pb.Document(id=d.id, title=d.title, text=d.text[:300]) for d in documents(40)]
    stream = "/slugline.v1.ClassificationService/StreamClassify"
    for number, document in enumerate(sent):
        one = pb.ClassifyRequest(document=document, evidence_terms=number % 4, topics=_MODEL.topics[: number % 3])
        several = pb.StreamClassifyRequest(document=document, evidence_terms=number % 2).SerializeToString()
        bad = list(BAD_DOCUMENTS.values())[number % len(BAD_DOCUMENTS)][:1000]
        batch = pb.BatchClassifyRequest(documents=sent[number : number + 3], topics=_MODEL.topics[: number % 2])
        found += [
            _seed("/slugline.v1.ClassificationService/Classify", one.SerializeToString()),
            _seed("/slugline.v1.ClassificationService/BatchClassify", batch.SerializeToString()),
            _seed(stream, _BETWEEN.join([several, bad, several])),
        ]
    name = "\U0001f680" * 2000
    found += [
        _seed("/slugline.v1.ClassificationService/Classify", pb.ClassifyRequest(topics=[name]).SerializeToString()),
        _seed("/slugline.v1.ClassificationService/BatchClassify", _long_version(name)),
        _seed("/grpc.health.v1.Health/Check", health_pb2.HealthCheckRequest(service=name).SerializeToString()),
    ]
    return [seed for seed in found if seed]


def _long_version(name: str) -> bytes:
    return pb.BatchClassifyRequest(model_version=name).SerializeToString()


def check(data: bytes) -> None:
    """Call a method, and hold its answers, or its refusal, to what they must be."""
    if not data:
        return
    name, handler = _METHODS[data[0] % len(_METHODS)]
    try:
        answers = _LOOP.run_until_complete(_answers(handler, data[1:]))
    except _Refused as refused:
        assert refused.code not in (grpc.StatusCode.INTERNAL, grpc.StatusCode.UNKNOWN), name
    else:
        _check_answers(name.rpartition("/")[2], data[1:], answers)
    snapshot = _TALLY.snapshot()
    assert len(snapshot.counters) + len(snapshot.gauges) + len(snapshot.distributions) < _MOST_SERIES


def _seed(method: str, body: bytes) -> bytes:
    return bytes((_NAMES.index(method),)) + body if method in _NAMES else b""


async def _answers(handler: Any, raw: bytes) -> list[bytes]:
    context = _Context()
    if handler.unary_unary:
        return [await handler.unary_unary(raw, context)]
    if handler.unary_stream:
        # Of a watch, the first answer: the others come when something changes.
        stream = handler.unary_stream(raw, context)
        answers = [await anext(stream)]
        await stream.aclose()
        return answers
    return [answer async for answer in handler.stream_stream(_each(raw), context)]


async def _each(raw: bytes) -> AsyncIterator[bytes]:
    for message in raw.split(_BETWEEN):
        yield message


def _check_answers(method: str, raw: bytes, answers: list[bytes]) -> None:
    if method == "Classify":
        request, answer = pb.ClassifyRequest.FromString(raw), pb.ClassifyResponse.FromString(answers[0])
        _check_one(answer, request.document)
        # Whether or not it was answered at once.
        assert answer == _LOOP.run_until_complete(_SERVICER.Classify(request, _Context()))
    elif method == "BatchClassify":
        batch, many = pb.BatchClassifyRequest.FromString(raw), pb.BatchClassifyResponse.FromString(answers[0])
        assert len(many.scores) == len(batch.documents) * len(many.topics)
        assert all(0 <= score <= 1 or isnan(score) for score in many.scores)
        assert all(error.reason and error.message for error in many.errors)
    elif method == "StreamClassify":
        messages = raw.split(_BETWEEN)
        assert len(answers) == len(messages)
        for index, (message, serialised) in enumerate(zip(messages, answers, strict=True)):
            found = pb.StreamClassifyResponse.FromString(serialised)
            assert found.index == index
            if found.HasField("result"):
                _check_one(found.result, pb.StreamClassifyRequest.FromString(message).document)
            else:
                assert found.error.reason and found.error.message


def _check_one(answer: pb.ClassifyResponse, document: pb.Document) -> None:
    assert answer.document_id == document.id
    sizes = {pb.SPAN_FIELD_TITLE: len(document.title), pb.SPAN_FIELD_TEXT: len(document.text)}
    for topic in answer.topics:
        assert 0 <= topic.score <= 1 and topic.assigned == (topic.score >= topic.threshold)
        for term in topic.evidence.terms:
            assert all(0 <= span.start < span.end <= sizes[span.field] for span in term.spans), term
