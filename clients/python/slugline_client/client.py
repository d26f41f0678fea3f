"""The client for ordinary code: each call waits for its answer."""

import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any, Self, TypeVar

import grpc

from slugline_client.batching import Batch, Batching, batches, check_bounds
from slugline_client.connection import MAX_ATTEMPTS, SERVICE, Connection, Tls, Token
from slugline_client.errors import CallError, error_from
from slugline_client.messages import Question, model_from, outcome_from, outcomes_from, result_from
from slugline_client.results import Document, Model, Outcome, Result
from slugline_client.wire import classification_pb2 as pb

R = TypeVar("R")


class Client:
    """Calls the server at `address`; use it in a `with`, or close it. Threads may share one.

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
            self._channel = grpc.insecure_channel(address, options)
        else:
            self._channel = grpc.secure_channel(address, credentials, options)
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

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections; calls under way are cancelled."""
        self._channel.close()

    def get_model(self, *, timeout: float | None = None) -> Model:
        """The model being served, and the limits of the server."""
        return model_from(self._call(self._model, pb.GetModelRequest(), timeout))

    def classify(
        self,
        document: Document | str,
        *,
        topics: Sequence[str] = (),
        evidence_terms: int = 0,
        model_version: str = "",
        timeout: float | None = None,
    ) -> Result:
        """The topics of one document.

        Args:
            document: the document, or its text.
            topics: the topics to score; none means all of the model.
            evidence_terms: how many terms for and how many against each topic to return.
            model_version: the version that is to answer; OtherVersion is raised where another is served.
            timeout: seconds, in place of the client's.
        """
        document = Document(document) if isinstance(document, str) else document
        question = Question(topics, evidence_terms, model_version)
        return result_from(self._call(self._classify, question.about_one(document), timeout))

    def classify_many(
        self,
        documents: Iterable[Document | str],
        *,
        topics: Sequence[str] = (),
        evidence_terms: int = 0,
        model_version: str = "",
        timeout: float | None = None,
        batch_documents: int = 64,
        in_flight: int = 4,
    ) -> Iterator[Outcome]:
        """A Result or a DocumentError for each document, in their order.

        The iterable is read in the caller's thread as outcomes are taken, `in_flight` batches ahead at most. With
        evidence the batches go through the streaming method, without it through the batch method, which is faster.

        Args:
            documents: documents, each with an id, or texts, whose ids are their positions.
            topics: the topics to score; none means all of the model.
            evidence_terms: how many terms for and how many against each topic to return.
            model_version: the version that is to answer.
            timeout: seconds for each batch, in place of the client's. It is sent again for as long where servers are
                unavailable or overloaded, unless the client makes one attempt only.
            batch_documents: the most documents in a batch; fewer where the server takes fewer.
            in_flight: the most batches under way at the same time.

        Raises:
            CallError: a batch failed. All outcomes before it have been given.
        """
        question = Question(topics, evidence_terms, model_version)
        check_bounds(batch_documents, in_flight)
        model = self.get_model(timeout=timeout)
        codes = {topic.name: topic.code for topic in model.topics}
        pending: deque[Future[list[Outcome]]] = deque()
        pool = ThreadPoolExecutor(in_flight, thread_name_prefix="slugline-client")
        try:
            for batch in batches(documents, Batching(batch_documents, model.limits)):
                if len(pending) == in_flight:
                    yield from pending.popleft().result()
                pending.append(pool.submit(self._outcomes, batch, question, codes, timeout))
            while pending:
                yield from pending.popleft().result()
        finally:
            pool.shutdown(cancel_futures=True)

    def _outcomes(
        self, batch: Batch, question: Question, codes: dict[str, str], timeout: float | None
    ) -> list[Outcome]:
        """The outcomes of a batch; where a call fails after some or none of them, others ask for the rest."""
        outcomes: list[Outcome] = []
        end = time.monotonic() + self._seconds(timeout)
        while len(outcomes) < len(batch.messages):
            answered = len(outcomes)
            try:
                if question.evidence_terms:
                    self._ask_by_stream(batch, question, end, outcomes)
                else:
                    request = question.about_batch(batch.messages)
                    response = self._call(self._batch, request, end - time.monotonic())
                    outcomes += outcomes_from(response, batch.ids, batch.indices, codes)
            except CallError as error:
                pause = self._connection.pause_after(error, end)
                if pause is None:
                    raise
                if len(outcomes) == answered:
                    time.sleep(pause)
        return batch.in_order(outcomes)

    def _ask_by_stream(self, batch: Batch, question: Question, end: float, outcomes: list[Outcome]) -> None:
        """Send what has no outcome yet, and add the outcomes as they come."""
        requests = [question.about_next(message) for message in batch.messages[len(outcomes) :]]
        metadata = self._connection.metadata()
        try:
            call = self._stream(iter(requests), timeout=end - time.monotonic(), metadata=metadata)
            for response in call:
                outcomes.append(outcome_from(response, batch.indices[len(outcomes)]))
        except grpc.RpcError as error:
            failed: Any = error
            raise error_from(failed) from None

    def _call(self, method: Callable[..., R], request: object, timeout: float | None) -> R:
        try:
            return method(request, timeout=self._seconds(timeout), metadata=self._connection.metadata())
        except grpc.RpcError as error:
            failed: Any = error
            raise error_from(failed) from None

    def _seconds(self, timeout: float | None) -> float:
        return self._connection.timeout if timeout is None else timeout
