"""Calls of every kind, good and bad. Each ends with a status code, which `ALLOWED` must list, or with WrongAnswer."""

import asyncio
import random
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from typing import Any

import grpc
from grpc_health.v1 import health_pb2

from benchmarks.soak import faults
from benchmarks.soak.answers import Expected, require
from benchmarks.soak.dropping import drop_stream
from slugline.documents import Document
from slugline.v1 import classification_pb2 as pb

OURS = "/slugline.v1.ClassificationService"
CHECK = "/grpc.health.v1.Health/Check"
WATCH = "/grpc.health.v1.Health/Watch"
CHANNEL_OPTIONS = [
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.enable_retries", 0),
    ("grpc.max_receive_message_length", -1),
]
"""A connection of its own for every caller; what fails once is seen to fail."""
_SECONDS = 60.0
"""The deadline of calls that are given all the time they need."""
_OK = frozenset({"OK"})
_FAULT = frozenset({"as documented"})

ALLOWED: Mapping[str, frozenset[str]] = {
    "classify": _OK,
    "evidence": _OK,
    "batch": _OK,
    "stream": _OK,
    "model": _OK,
    "health": _OK,
    "watch": _OK,
    "bad request": _FAULT,
    "bad documents": _OK,
    "deadline": frozenset({"OK", "DEADLINE_EXCEEDED"}),
    "cancel": frozenset({"OK", "CANCELLED"}),
    "slow reader": frozenset({"OK", "DEADLINE_EXCEEDED"}),
    "dropped": frozenset({"no answer"}),
}
"""The kinds of calls, and the codes each may end with."""

EVERYTHING = {
    "classify": 40.0,
    "evidence": 10.0,
    "batch": 10.0,
    "stream": 10.0,
    "model": 4.0,
    "health": 4.0,
    "watch": 2.0,
    "bad request": 12.0,
    "bad documents": 3.0,
    "deadline": 2.0,
    "cancel": 2.0,
    "slow reader": 0.1,
    "dropped": 1.0,
}
"""How often each kind comes in the soak: one call in five is bad."""
GOOD = {"classify": 70.0, "evidence": 10.0, "batch": 10.0, "stream": 10.0}
"""How often each kind comes where none may fail."""
MIXES = {"everything": EVERYTHING, "good": GOOD}


class Calls:
    """Makes calls to one server over one channel."""

    def __init__(self, address: str, channel: grpc.aio.Channel, expected: Expected, chance: random.Random) -> None:
        self._address = address
        self._channel = channel
        self._expected = expected
        self._chance = chance
        self._kinds: dict[str, Callable[[], Awaitable[str]]] = {
            "classify": self._classify,
            "evidence": lambda: self._classify(evidence_terms=self._chance.choice((1, 5, 100))),
            "batch": self._batch,
            "stream": self._stream,
            "model": self._model,
            "health": self._health,
            "watch": self._watch,
            "bad request": self._bad_request,
            "bad documents": self._bad_documents,
            "deadline": self._deadline,
            "cancel": self._cancel,
            "slow reader": self._slow_reader,
            "dropped": self._dropped,
        }

    async def make(self, kind: str) -> tuple[str, str]:
        """Make one call; the name of its status code, and the message of that.

        Raises:
            WrongAnswer: it was answered, but wrongly.
        """
        try:
            return await self._kinds[kind](), ""
        except grpc.aio.AioRpcError as error:
            return error.code().name, error.details() or ""
        except asyncio.CancelledError:
            return "CANCELLED", ""

    async def _classify(self, evidence_terms: int = 0) -> str:
        document = self._chance.choice(self._expected.documents)
        request = pb.ClassifyRequest(document=_message(document), evidence_terms=evidence_terms)
        raw = await self._unary("Classify")(request.SerializeToString(), timeout=_SECONDS, wait_for_ready=True)
        self._expected.check_one(pb.ClassifyResponse.FromString(raw), document, evidence=bool(evidence_terms))
        return "OK"

    async def _batch(self) -> str:
        sent = self._some(self._chance.choice((1, 16, 64, 256)))
        raw = await self._unary("BatchClassify")(_batch(sent), timeout=_SECONDS, wait_for_ready=True)
        self._expected.check_many(pb.BatchClassifyResponse.FromString(raw), sent, [])
        return "OK"

    async def _stream(self) -> str:
        sent = self._some(self._chance.choice((1, 5, 40)))
        evidence = self._chance.random() < 0.2
        answers = self._open_stream([_request(document, 5 * evidence) for document in sent])
        number = 0
        async for raw in answers:
            answer = pb.StreamClassifyResponse.FromString(raw)
            require(answer.index == number, "answers out of order")
            self._expected.check_one(answer.result, sent[number], evidence=evidence)
            number += 1
        require(number == len(sent), "answers are missing")
        return "OK"

    async def _model(self) -> str:
        answer = pb.GetModelResponse.FromString(await self._unary("GetModel")(b"", timeout=_SECONDS))
        require(tuple(topic.name for topic in answer.topics) == self._expected.topics, "other topics")
        return "OK"

    async def _health(self) -> str:
        check: Any = self._channel.unary_unary(CHECK)
        answer = health_pb2.HealthCheckResponse.FromString(await check(b"", timeout=_SECONDS))
        require(answer.status == health_pb2.HealthCheckResponse.SERVING, "not serving")
        return "OK"

    async def _watch(self) -> str:
        watch: Any = self._channel.unary_stream(WATCH)
        call = watch(b"", timeout=_SECONDS)
        answer = health_pb2.HealthCheckResponse.FromString(await call.read())
        require(answer.status == health_pb2.HealthCheckResponse.SERVING, "not serving")
        call.cancel()
        return "OK"

    async def _bad_request(self) -> str:
        fault = self._chance.choice(list(faults.BAD_REQUESTS))
        method, body = faults.BAD_REQUESTS[fault]
        try:
            await self._ask(f"/{method}", body)
        except grpc.aio.AioRpcError as error:
            trailers = dict(error.trailing_metadata() or ())
            details = faults.named_details(trailers.get("grpc-status-details-bin"))
            right = error.code().name == faults.code_of(fault) and details == faults.details_of(fault)
            require(right, f"{fault}: {error.code().name} {details}: {error.details()}")
            return "as documented"
        require(False, f"{fault}: was answered")
        return ""

    async def _bad_documents(self) -> str:
        """Good documents are answered although bad ones stand among them, in a stream or in a batch."""
        if self._chance.random() < 0.5:
            return await self._bad_batch()
        good = self._chance.choice(self._expected.documents)
        bad = self._chance.sample(list(faults.BAD_DOCUMENTS), 3)
        answers = self._open_stream([_request(good), *(faults.BAD_DOCUMENTS[fault] for fault in bad), _request(good)])
        read = [pb.StreamClassifyResponse.FromString(raw) async for raw in answers]
        require(len(read) == 2 + len(bad), "answers are missing")
        for answer, fault in zip(read[1:-1], bad, strict=True):
            reason = pb.DocumentErrorReason.Name(answer.error.reason).removeprefix("DOCUMENT_ERROR_REASON_")
            require(reason == faults.reason_of(fault), f"{fault}: {reason}")
        for answer in (read[0], read[-1]):
            self._expected.check_one(answer.result, good, evidence=False)
        return "OK"

    async def _bad_batch(self) -> str:
        sent = [*self._some(3), Document(" \n", "", "blank"), *self._some(2), Document("no id")]
        raw = await self._unary("BatchClassify")(_batch(sent), timeout=_SECONDS)
        self._expected.check_many(pb.BatchClassifyResponse.FromString(raw), sent, [3, 6])
        return "OK"

    async def _deadline(self) -> str:
        body = _batch(self._some(256))
        await self._unary("BatchClassify")(body, timeout=self._chance.uniform(0.0002, 0.02))
        return "OK"

    async def _cancel(self) -> str:
        call = self._unary("BatchClassify")(_batch(self._some(256)), timeout=_SECONDS)
        await asyncio.sleep(self._chance.uniform(0, 0.02))
        call.cancel()
        await call
        return "OK"

    async def _slow_reader(self) -> str:
        """Send much at once, read fifty answers a second for three seconds, and leave."""
        sent = self._some(300)
        answers = self._open_stream([_request(document, 100) for document in sent])
        for number in range(150):
            answer = pb.StreamClassifyResponse.FromString(await answers.read())
            require(answer.index == number, "answers out of order")
            await asyncio.sleep(0.02)
        answers.cancel()
        return "OK"

    async def _dropped(self) -> str:
        body = _request(self._chance.choice(self._expected.documents))
        await drop_stream(self._address, f"{OURS}/StreamClassify", [body] * self._chance.randrange(1, 9), self._chance)
        return "no answer"

    async def _ask(self, method: str, body: bytes) -> None:
        if method == WATCH:
            watch: Any = self._channel.unary_stream(method)
            [raw async for raw in watch(body, timeout=_SECONDS)]
        elif "Reflection" in method:
            both: Any = self._channel.stream_stream(method)
            [raw async for raw in both(_each([body]), timeout=_SECONDS)]
        else:
            unary: Any = self._channel.unary_unary(method)
            await unary(body, timeout=_SECONDS)

    def _unary(self, method: str) -> Any:
        return self._channel.unary_unary(f"{OURS}/{method}")

    def _open_stream(self, requests: Sequence[bytes]) -> Any:
        both: Any = self._channel.stream_stream(f"{OURS}/StreamClassify")
        return both(_each(requests), timeout=_SECONDS, wait_for_ready=True)

    def _some(self, count: int) -> list[Document]:
        return self._chance.choices(self._expected.documents, k=count)


async def _each(requests: Sequence[bytes]) -> AsyncIterator[bytes]:
    for request in requests:
        yield request


def _message(document: Document) -> pb.Document:
    return pb.Document(id=document.id, title=document.title, text=document.text)


def _request(document: Document, evidence_terms: int = 0) -> bytes:
    request = pb.StreamClassifyRequest(document=_message(document), evidence_terms=evidence_terms)
    return request.SerializeToString()


def _batch(documents: Sequence[Document]) -> bytes:
    return pb.BatchClassifyRequest(documents=map(_message, documents)).SerializeToString()
