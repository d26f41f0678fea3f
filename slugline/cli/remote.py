"""Calls to a Slugline server from the command line."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from slugline.cli.classifiers import Outcome
from slugline.documents import Document
from slugline.errors import InputError, ServerRefused, ServerUnavailable
from slugline.v1 import classification_pb2 as pb
from slugline.v1 import classification_pb2_grpc as pb_grpc

_BATCH_BYTES = 2 * 2**20
_TIMEOUT_SECONDS = 60.0
_UNAVAILABLE = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}

R = TypeVar("R")


class RemoteClassifier:
    """Classifies by calling a server; what it takes and answers is what LocalClassifier takes and answers."""

    def __init__(self, address: str, channel: grpc.Channel) -> None:
        self._address = address
        self._stub = pb_grpc.ClassificationServiceStub(channel)  # type: ignore[no-untyped-call]
        described = self._call(self._stub.GetModel, pb.GetModelRequest())
        self.model_version = f"{described.version} {described.fingerprint}"
        self.max_text_chars = int(described.limits.max_text_chars)
        self.thresholds = {topic.name: topic.threshold for topic in described.topics}
        # The API does not tell codes.
        self.codes: dict[str, str] = {}
        self._batch_documents = int(min(64, described.limits.max_batch_documents))

    def classify(self, document: Document) -> Outcome:
        """The topics of one document."""
        try:
            response = self._call(self._stub.Classify, pb.ClassifyRequest(document=_message(document)))
        except InputError as error:
            return Outcome(error=str(error))
        assigned = tuple(topic.topic for topic in response.topics if topic.assigned)
        return Outcome(assigned, {topic.topic: topic.score for topic in response.topics})

    def classify_many(self, documents: Sequence[Document]) -> list[Outcome]:
        """The topics of many documents, in their order, in as many calls as it takes."""
        return [outcome for batch in self._batches(documents) for outcome in self._batch(batch)]

    def _batch(self, batch: list[pb.Document]) -> list[Outcome]:
        response = self._call(self._stub.BatchClassify, pb.BatchClassifyRequest(documents=batch))
        width, errors = len(response.topics), {error.index: error for error in response.errors}
        outcomes: list[Outcome] = []
        for index in range(len(batch)):
            if index in errors:
                outcomes.append(Outcome(error=f"{errors[index].field.rpartition('.')[2]}: {errors[index].message}"))
                continue
            row = response.scores[index * width : (index + 1) * width]
            pairs = list(zip(response.topics, row, response.thresholds, strict=True))
            assigned = tuple(name for name, score, threshold in pairs if score >= threshold)
            outcomes.append(Outcome(assigned, {name: score for name, score, _ in pairs}))
        return outcomes

    def _batches(self, documents: Sequence[Document]) -> Iterator[list[pb.Document]]:
        batch: list[pb.Document] = []
        size = 0
        for document in documents:
            message = _message(document)
            bytes_more = message.ByteSize()
            if batch and (len(batch) == self._batch_documents or size + bytes_more > _BATCH_BYTES):
                yield batch
                batch, size = [], 0
            batch.append(message)
            size += bytes_more
        if batch:
            yield batch

    def _call(self, method: Callable[..., R], request: Any) -> R:
        try:
            return method(request, timeout=_TIMEOUT_SECONDS)
        except grpc.RpcError as error:
            raise _worded(self._address, error) from None


@contextmanager
def connect(address: str) -> Iterator[RemoteClassifier]:
    """A classifier that calls the server at `address`.

    Raises:
        ServerUnavailable: the server does not answer or is not ready.
    """
    with grpc.insecure_channel(address, options=[("grpc.max_receive_message_length", -1)]) as channel:
        yield RemoteClassifier(address, channel)


def check_health(address: str, timeout: float) -> str:
    """SERVING, if the server at `address` says so within `timeout` seconds.

    Raises:
        ServerUnavailable: it says something else, or does not answer.
    """
    with grpc.insecure_channel(address) as channel:
        try:
            response = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(), timeout=timeout)
        except grpc.RpcError as error:
            raise _worded(address, error) from None
    status: str = health_pb2.HealthCheckResponse.ServingStatus.Name(response.status)
    if response.status != health_pb2.HealthCheckResponse.SERVING:
        raise ServerUnavailable(f"{address}: says {status}; it is loading its model or shutting down")
    return status


def _message(document: Document) -> pb.Document:
    return pb.Document(id=document.id, title=document.title, text=document.text)


def _worded(address: str, error: Any) -> Exception:
    code: grpc.StatusCode = error.code()
    if code in _UNAVAILABLE:
        return ServerUnavailable(f"{address}: does not answer or is not ready ({error.details()}); is it running?")
    if code == grpc.StatusCode.INVALID_ARGUMENT and rpc_status.from_call(error) is not None:
        return InputError(error.details().removeprefix("document."))
    return ServerRefused(f"{address}: answered {code.name}: {error.details()}")
