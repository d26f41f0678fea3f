"""Calls to a Slugline server from the command line."""

from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_status import rpc_status

from slugline.cli.channel import Metadata, open_channel, token_metadata
from slugline.cli.classifiers import Outcome
from slugline.cli.options import Credentials
from slugline.documents import Document
from slugline.errors import InputError, ServerRefused, ServerUnavailable
from slugline.quality import QualityWarning
from slugline.v1 import classification_pb2 as pb
from slugline.v1 import classification_pb2_grpc as pb_grpc

_BATCH_BYTES = 2 * 2**20
_TIMEOUT_SECONDS = 60.0
_UNAVAILABLE = {grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED}

_ADVICE = {
    "CERTIFICATE_VERIFY_FAILED": "name the authority of its certificate with --tls-ca",
    "Hostname Verification Check failed": "call it by a name in its certificate, or give that with --tls-server-name",
    "WRONG_VERSION_NUMBER": "it speaks no TLS; leave the TLS options out",
    "Socket closed": "it may want TLS (--tls-ca), or a certificate of its callers (--tls-cert, --tls-key)",
}
"""What to do about a call that failed, by what gRPC says of it."""

R = TypeVar("R")


class RemoteClassifier:
    """Classifies by calling a server; what it takes and answers is what LocalClassifier takes and answers."""

    def __init__(self, address: str, channel: grpc.Channel, metadata: Metadata) -> None:
        self._address = address
        self._metadata = metadata
        self._stub = pb_grpc.ClassificationServiceStub(channel)  # type: ignore[no-untyped-call]
        described = self._call(self._stub.GetModel, pb.GetModelRequest())
        self.model_version = f"{described.version} {described.fingerprint}"
        self.max_text_chars = int(described.limits.max_text_chars)
        self.thresholds = {topic.name: topic.threshold for topic in described.topics}
        self.codes = {topic.name: topic.code for topic in described.topics if topic.code}
        self._batch_documents = int(min(64, described.limits.max_batch_documents))

    def classify(self, document: Document) -> Outcome:
        """The topics of one document."""
        try:
            response = self._call(self._stub.Classify, pb.ClassifyRequest(document=_message(document)))
        except InputError as error:
            return Outcome(error=str(error))
        assigned = tuple(topic.topic for topic in response.topics if topic.assigned)
        scores = {topic.topic: topic.score for topic in response.topics}
        return Outcome(assigned, scores, warnings=_worded_warnings(response.warnings))

    def classify_many(self, documents: Sequence[Document]) -> list[Outcome]:
        """The topics of many documents, in their order, in as many calls as it takes."""
        return [outcome for batch in self._batches(documents) for outcome in self._batch(batch)]

    def _batch(self, batch: list[pb.Document]) -> list[Outcome]:
        response = self._call(self._stub.BatchClassify, pb.BatchClassifyRequest(documents=batch))
        width, errors = len(response.topics), {error.index: error for error in response.errors}
        warnings = {found.index: _worded_warnings(found.warnings) for found in response.warnings}
        outcomes: list[Outcome] = []
        for index in range(len(batch)):
            if index in errors:
                outcomes.append(Outcome(error=f"{errors[index].field.rpartition('.')[2]}: {errors[index].message}"))
                continue
            row = response.scores[index * width : (index + 1) * width]
            pairs = list(zip(response.topics, row, response.thresholds, strict=True))
            assigned = tuple(name for name, score, threshold in pairs if score >= threshold)
            scores = {name: score for name, score, _ in pairs}
            outcomes.append(Outcome(assigned, scores, warnings=warnings.get(index, ())))
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
            return method(request, timeout=_TIMEOUT_SECONDS, metadata=self._metadata)
        except grpc.RpcError as error:
            raise _worded(self._address, error) from None


@contextmanager
def connect(address: str, credentials: Credentials) -> Iterator[RemoteClassifier]:
    """A classifier that calls the server at `address`.

    Raises:
        InputError: the credentials cannot be used.
        ServerUnavailable: the server does not answer or is not ready.
        ServerRefused: it does not let this caller in.
    """
    metadata = token_metadata(address, credentials)
    with open_channel(address, credentials) as channel:
        yield RemoteClassifier(address, channel, metadata)


def check_health(address: str, timeout: float, credentials: Credentials) -> str:
    """SERVING, if the server at `address` says so within `timeout` seconds.

    Raises:
        InputError: the credentials cannot be used.
        ServerUnavailable: it says something else, or does not answer.
    """
    metadata = token_metadata(address, credentials)
    with open_channel(address, credentials) as channel:
        check = health_pb2_grpc.HealthStub(channel).Check
        try:
            response = check(health_pb2.HealthCheckRequest(), timeout=timeout, metadata=metadata)
        except grpc.RpcError as error:
            raise _worded(address, error) from None
    status: str = health_pb2.HealthCheckResponse.ServingStatus.Name(response.status)
    if response.status != health_pb2.HealthCheckResponse.SERVING:
        raise ServerUnavailable(f"{address}: says {status}; it is loading its model or shutting down")
    return status


def _worded_warnings(warnings: Iterable[int]) -> tuple[str, ...]:
    """The warnings as a model in this process gives them; one that only a newer server knows, by its number."""
    names = {number: name.removeprefix("QUALITY_WARNING_") for name, number in pb.QualityWarning.items()}
    known = QualityWarning.__members__
    return tuple(
        known[name].value if (name := names.get(number, "")) in known else f"warning {number}" for number in warnings
    )


def _message(document: Document) -> pb.Document:
    return pb.Document(id=document.id, title=document.title, text=document.text)


def _worded(address: str, error: Any) -> Exception:
    code: grpc.StatusCode = error.code()
    if code in _UNAVAILABLE:
        advice = next((words for sign, words in _ADVICE.items() if sign in error.details()), "is it running?")
        return ServerUnavailable(f"{address}: does not answer or is not ready ({error.details()}); {advice}")
    if code == grpc.StatusCode.UNAUTHENTICATED:
        return ServerRefused(
            f"{address}: lets nobody in without a token ({error.details()}); give one with --token-file"
        )
    if code == grpc.StatusCode.INVALID_ARGUMENT and rpc_status.from_call(error) is not None:
        return InputError(error.details().removeprefix("document."))
    return ServerRefused(f"{address}: answered {code.name}: {error.details()}")
