"""Cuts an iterable of documents into batches that a server takes."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from slugline_client.messages import message_of
from slugline_client.results import Document, DocumentError, Limits, Outcome, Reason
from slugline_client.wire import classification_pb2 as pb

_BATCH_BYTES = 2 * 2**20
"""So much text takes a server some 30 ms; larger batches are no faster."""

_ENVELOPE_BYTES = 4096
"""Room in a message for what is not documents: topics, version, lengths."""


@dataclass(slots=True)
class Batch:
    """Documents to send in one call, where each stands among all, and the errors of those that cannot be sent."""

    messages: list[pb.Document] = field(default_factory=list)
    indices: list[int] = field(default_factory=list)
    refused: list[DocumentError] = field(default_factory=list)
    size: int = 0

    @property
    def ids(self) -> list[str]:
        """The id of each document to send."""
        return [message.id for message in self.messages]

    def in_order(self, outcomes: list[Outcome]) -> list[Outcome]:
        """The outcomes of the documents sent and of those that were not, in the order they were given."""
        return sorted([*outcomes, *self.refused], key=lambda outcome: outcome.index)


def check_bounds(batch_documents: int, in_flight: int) -> None:
    """Raise ValueError where there would be no batch, or none under way."""
    if batch_documents < 1 or in_flight < 1:
        raise ValueError("batch_documents and in_flight must be 1 or more")


class Batching:
    """Takes documents one by one, and gives a batch whenever one is full.

    A batch has `most` documents at most, and no more bytes than the server takes. A document that is too large by
    itself is refused here, since the server would refuse the whole call.
    """

    def __init__(self, most: int, limits: Limits) -> None:
        self._most = min(most, limits.max_batch_documents)
        self._largest = limits.max_message_bytes - _ENVELOPE_BYTES
        self._bytes = min(_BATCH_BYTES, self._largest)
        self._next = 0
        self._batch = Batch()

    def add(self, document: Document | str) -> Iterator[Batch]:
        """Take a document, a plain text's id being its position; give the batch that is full before or after it."""
        index, self._next = self._next, self._next + 1
        if isinstance(document, str):
            document = Document(document, id=str(index))
        try:
            message = message_of(document)
        except ValueError:
            problem = "holds half a surrogate pair, which UTF-8 has no bytes for"
            yield from self._refuse(DocumentError(index, "", Reason.UNDECODABLE, "document", problem))
            return
        size = message.ByteSize()
        if size > self._largest:
            problem = f"the document has {size} bytes; the server takes {self._largest} in a message"
            yield from self._refuse(DocumentError(index, document.id, Reason.TEXT_TOO_LONG, "document.text", problem))
            return
        if self._batch.messages and self._batch.size + size > self._bytes:
            yield from self.rest()
        self._batch.messages.append(message)
        self._batch.indices.append(index)
        self._batch.size += size
        yield from self._full()

    def rest(self) -> Iterator[Batch]:
        """The batch that is not full yet, if anything is in it."""
        if self._batch.messages or self._batch.refused:
            full, self._batch = self._batch, Batch()
            yield full

    def _refuse(self, error: DocumentError) -> Iterator[Batch]:
        self._batch.refused.append(error)
        yield from self._full()

    def _full(self) -> Iterator[Batch]:
        if len(self._batch.messages) + len(self._batch.refused) >= self._most:
            yield from self.rest()


def batches(documents: Iterable[Document | str], batching: Batching) -> Iterator[Batch]:
    """All of an iterable, read as the batches are taken."""
    for document in documents:
        yield from batching.add(document)
    yield from batching.rest()
