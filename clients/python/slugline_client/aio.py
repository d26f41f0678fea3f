"""The client for asyncio. Its methods and their arguments are those of Client."""

import asyncio
import time
from collections import deque
from collections.abc import AsyncIterable, AsyncIterator, Awaitable, Callable, Iterable, Sequence
from typing import Any, Self, TypeVar

import grpc

from slugline_client.batching import Batch, Batching, batches, check_bounds
from slugline_client.connection import MAX_ATTEMPTS, SERVICE, Connection, Tls, Token
from slugline_client.errors import CallError, error_from
from slugline_client.messages import Question, model_from, outcome_from, outcomes_from, result_from
from slugline_client.results import Document, Model, Outcome, Result
from slugline_client.wire import classification_pb2 as pb

R = TypeVar("R")


class AsyncClient:
    """Calls the server at `address`; use it in an `async with`, or close it. Make it where the event loop runs.

    Args:
        address: HOST:PORT, or any name that gRPC resolves, such as dns:///HOST:PORT or unix:/PATH.
        tls: TLS to the server; None calls in the clear.
        token: a bearer token, or a function that gives the one to use now.
        timeout: seconds that a call may take, all attempts together.
        attempts: how often a call is made in all while servers are unavailable or overloaded, 1 to 5.

    Raises:
        ValueError: a token would cross a network in the clear, or a number is out of range.

    Every method raises CallError, or one of the kinds of it, where its call failed on every attempt.
    """

    def __init__(
        self,
        address: str,
        *,
        tls: Tls | None = None,
        token: Token = "",
        timeout: float = 10.0,
        attempts: int = MAX_ATTEMPTS,
    ) -> None:
        self._connection = Connection(address, tls, token, timeout, attempts)
        credentials, options = self._connection.credentials(), self._connection.options()
        if credentials is None:
            self._channel = grpc.aio.insecure_channel(address, options)
        else:
            self._channel = grpc.aio.secure_channel(address, credentials, options)
        unary = self._channel.unary_unary
        self._classify = unary(
            f"/{SERVICE}/Classify", pb.ClassifyRequest.SerializeToString, pb.ClassifyResponse.FromString
        )
        self._batch = unary(
            f"/{SERVICE}/BatchClassify", pb.BatchClassifyRequest.SerializeToString, pb.BatchClassifyResponse.FromString
        )
        self._model = unary(
            f"/{SERVICE}/GetModel", pb.GetModelRequest.SerializeToString, pb.GetModelResponse.FromString
        )
        self._stream = self._channel.stream_stream(
            f"/{SERVICE}/StreamClassify",
            pb.StreamClassifyRequest.SerializeToString,
            pb.StreamClassifyResponse.FromString,
        )

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.close()

    async def close(self) -> None:
        """Close the connections; calls under way are cancelled."""
        await self._channel.close()

    async def get_model(self, *, timeout: float | None = None) -> Model:
        """The model being served, and the limits of the server."""
        return model_from(await self._call(self._model, pb.GetModelRequest(), timeout))

    async def classify(
        self,
        document: Document | str,
        *,
        topics: Sequence[str] = (),
        evidence_terms: int = 0,
        model_version: str = "",
        timeout: float | None = None,
    ) -> Result:
        """The topics of one document; see Client.classify."""
        document = Document(document) if isinstance(document, str) else document
        question = Question(topics, evidence_terms, model_version)
        return result_from(await self._call(self._classify, question.about_one(document), timeout))

    async def classify_many(
        self,
        documents: Iterable[Document | str] | AsyncIterable[Document | str],
        *,
        topics: Sequence[str] = (),
        evidence_terms: int = 0,
        model_version: str = "",
        timeout: float | None = None,
        batch_documents: int = 64,
        in_flight: int = 4,
    ) -> AsyncIterator[Outcome]:
        """A Result or a DocumentError for each document, in their order; see Client.classify_many.

        The documents may come from an asynchronous iterable, too. Leaving early cancels what is under way.
        """
        question = Question(topics, evidence_terms, model_version)
        check_bounds(batch_documents, in_flight)
        model = await self.get_model(timeout=timeout)
        codes = {topic.name: topic.code for topic in model.topics}
        pending: deque[asyncio.Task[list[Outcome]]] = deque()
        try:
            async for batch in _batches(documents, Batching(batch_documents, model.limits)):
                if len(pending) == in_flight:
                    for outcome in await pending[0]:
                        yield outcome
                    pending.popleft()
                pending.append(asyncio.create_task(self._outcomes(batch, question, codes, timeout)))
            while pending:
                for outcome in await pending[0]:
                    yield outcome
                pending.popleft()
        finally:
            for task in pending:
                task.cancel()
            await asyncio.gather(*pending, return_exceptions=True)

    async def _outcomes(
        self, batch: Batch, question: Question, codes: dict[str, str], timeout: float | None
    ) -> list[Outcome]:
        """The outcomes of a batch; where a call fails after some or none of them, others ask for the rest."""
        outcomes: list[Outcome] = []
        end = time.monotonic() + self._seconds(timeout)
        while len(outcomes) < len(batch.messages):
            answered = len(outcomes)
            try:
                if question.evidence_terms:
                    await self._ask_by_stream(batch, question, end, outcomes)
                else:
                    request = question.about_batch(batch.messages)
                    response = await self._call(self._batch, request, end - time.monotonic())
                    outcomes += outcomes_from(response, batch.ids, batch.indices, codes)
            except CallError as error:
                pause = self._connection.pause_after(error, end)
                if pause is None:
                    raise
                if len(outcomes) == answered:
                    await asyncio.sleep(pause)
        return batch.in_order(outcomes)

    async def _ask_by_stream(self, batch: Batch, question: Question, end: float, outcomes: list[Outcome]) -> None:
        """Send what has no outcome yet, and add the outcomes as they come."""
        requests = [question.about_next(message) for message in batch.messages[len(outcomes) :]]
        metadata = self._connection.metadata()
        try:
            call = self._stream(iter(requests), timeout=end - time.monotonic(), metadata=metadata)
            async for response in call:
                outcomes.append(outcome_from(response, batch.indices[len(outcomes)]))
        except grpc.RpcError as error:
            failed: Any = error
            raise error_from(failed) from None

    async def _call(self, method: Callable[..., Awaitable[R]], request: object, timeout: float | None) -> R:
        try:
            return await method(request, timeout=self._seconds(timeout), metadata=self._connection.metadata())
        except grpc.RpcError as error:
            failed: Any = error
            raise error_from(failed) from None

    def _seconds(self, timeout: float | None) -> float:
        return self._connection.timeout if timeout is None else timeout


async def _batches(
    documents: Iterable[Document | str] | AsyncIterable[Document | str], batching: Batching
) -> AsyncIterator[Batch]:
    """All of an iterable, read as the batches are taken."""
    if not isinstance(documents, AsyncIterable):
        for batch in batches(documents, batching):
            yield batch
        return
    async for document in documents:
        for batch in batching.add(document):
            yield batch
    for batch in batching.rest():
        yield batch
