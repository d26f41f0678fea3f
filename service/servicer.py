"""The servicer of slugline.v1: each method reads a message, asks the model, and writes a message."""

import asyncio
import time
from collections.abc import AsyncIterator, Sequence
from functools import partial

import numpy as np

from service.calls import Context, Waiting, in_thread
from service.drift import count_refused
from service.messages import Answers, document_error, document_from, model_response
from service.plain import in_stream
from service.reading import LONG_CHARS, Reader
from service.rpc import parse, speaks_bytes
from service.settings import Limits
from service.tally import Tally
from slugline.documents import Document, check_document
from slugline.errors import (
    CallerGone,
    EmptyBatch,
    InputError,
    NotReady,
    OtherVersion,
    SluglineError,
    TooManyDocuments,
    TooManyTerms,
)
from slugline.model import Model
from slugline.v1 import classification_pb2 as pb

SERVICE = pb.DESCRIPTOR.services_by_name["ClassificationService"]

OneRequest = pb.ClassifyRequest | pb.StreamClassifyRequest


class ClassificationServicer:
    """Answers with the model it is told to use; until then every call is refused as not ready."""

    def __init__(self, limits: Limits, tally: Tally) -> None:
        self._limits = limits
        self._tally = tally
        self._answers: Answers | None = None
        self._longest_at_once = min(LONG_CHARS, limits.max_text_chars)

    def use(self, model: Model) -> None:
        """Answer with `model` from now on."""
        self._answers = Answers(Reader(model, self._tally))

    async def Classify(self, request: pb.ClassifyRequest, context: Context) -> pb.ClassifyResponse:
        """The topics of one document; where that takes long, in a thread."""
        answers, document = self._ready(), document_from(request.document)
        try:
            if _is_long(request, document):
                waiting = Waiting(context)
                return await in_thread(waiting, self._classify_late, waiting, answers, request, document)
            return self._classify(answers, request, document, needs_id=False)
        except InputError as error:
            count_refused(self._tally, error)
            raise

    def ClassifyAtOnce(self, raw: bytes) -> bytes | None:
        """The reply to a short and plain request, in bytes; None where `Classify` is to be asked."""
        return self._at_once(self._answers, raw, needs_id=False) if self._answers else None

    def _at_once(self, answers: Answers, raw: bytes, *, needs_id: bool) -> bytes | None:
        # There are at least as many bytes as characters.
        if len(raw) > self._longest_at_once:
            return None
        read = answers.reader.read_request(raw, needs_id=needs_id)
        if read is None:
            return None
        values, warnings, document_id = read
        if not warnings:
            return answers.plain.written(values, document_id)
        document = Document("", id=document_id.decode())
        return answers.one(answers.model.all_columns, document, values, warnings).SerializeToString()

    async def BatchClassify(self, request: pb.BatchClassifyRequest, context: Context) -> pb.BatchClassifyResponse:
        """The topics of many documents; in a thread, so that health and other calls are answered meanwhile."""
        waiting = Waiting(context)
        return await in_thread(waiting, self._batch, waiting, self._ready(), request)

    @speaks_bytes
    async def StreamClassify(self, requests: AsyncIterator[bytes], context: Context) -> AsyncIterator[bytes]:
        """One result or one error for each document of the stream."""
        index, pace, waiting = 0, _Pace(self._limits.max_stream_rate), Waiting(context)
        async for raw in requests:
            await pace.keep()
            answers = self._ready()
            result = self._at_once(answers, raw, needs_id=True)
            if result is None:
                yield (await self._stream_response(waiting, answers, index, raw)).SerializeToString()
            else:
                yield in_stream(index, result)
            index += 1

    async def GetModel(self, request: pb.GetModelRequest, context: Context) -> pb.GetModelResponse:
        """The model being served, and the limits."""
        return model_response(self._ready().model.manifest, self._limits)

    def _ready(self) -> Answers:
        if self._answers is None:
            raise NotReady("the model is not loaded yet; try again shortly")
        return self._answers

    def _classify(
        self, answers: Answers, request: OneRequest, document: Document, *, needs_id: bool
    ) -> pb.ClassifyResponse:
        model = answers.model
        _check_version(request, model)
        columns = model.columns(request.topics)
        if request.evidence_terms > self._limits.max_evidence_terms:
            raise TooManyTerms(request.evidence_terms, self._limits.max_evidence_terms)
        check_document(document, max_text_chars=self._limits.max_text_chars, needs_id=needs_id)
        content = document.content()
        values, warnings = answers.reader.read_one(content)
        return answers.one(columns, document, values, warnings, request.evidence_terms)

    def _classify_late(
        self,
        waiting: Waiting,
        answers: Answers,
        request: OneRequest,
        document: Document,
        *,
        needs_id: bool = False,
    ) -> pb.ClassifyResponse:
        """Classify in a thread, if the caller still waits when its turn has come."""
        answers.reader.check_waiting(waiting, 1)
        return self._classify(answers, request, document, needs_id=needs_id)

    def _batch(self, waiting: Waiting, answers: Answers, request: pb.BatchClassifyRequest) -> pb.BatchClassifyResponse:
        model = answers.model
        _check_version(request, model)
        if not request.documents:
            raise EmptyBatch
        if len(request.documents) > self._limits.max_batch_documents:
            raise TooManyDocuments(len(request.documents), self._limits.max_batch_documents)
        columns = model.columns(request.topics)
        contents, indices, errors = self._contents(request.documents)
        reading = answers.reader.read(waiting, contents)
        warnings = {
            index: found for index, found in zip(indices, answers.reader.warnings(reading), strict=True) if found
        }
        scores = reading.scores
        if errors:
            scores = np.full((len(request.documents), scores.shape[1]), np.nan)
            scores[indices] = reading.scores
        return answers.many(columns, scores, errors, warnings)

    def _contents(self, documents: Sequence[pb.Document]) -> tuple[list[str], list[int], list[pb.DocumentError]]:
        """The texts of the good documents, where they stand, and the errors of the bad ones."""
        contents: list[str] = []
        indices: list[int] = []
        errors: list[pb.DocumentError] = []
        for index, message in enumerate(documents):
            document = document_from(message)
            try:
                check_document(document, max_text_chars=self._limits.max_text_chars, needs_id=True)
            except SluglineError as error:
                count_refused(self._tally, error)
                errors.append(document_error(index, document.id, error, f"documents[{index}]"))
            else:
                contents.append(document.content())
                indices.append(index)
        return contents, indices, errors

    async def _stream_response(
        self, waiting: Waiting, answers: Answers, index: int, raw: bytes
    ) -> pb.StreamClassifyResponse:
        document_id = ""
        try:
            request = parse(pb.StreamClassifyRequest, raw)
            document = document_from(request.document)
            document_id = document.id
            if _is_long(request, document):
                classify = partial(self._classify_late, waiting, answers, request, document, needs_id=True)
                result = await in_thread(waiting, classify)
            else:
                result = self._classify(answers, request, document, needs_id=True)
        except CallerGone:
            raise
        except SluglineError as error:
            count_refused(self._tally, error)
            failed = document_error(index, document_id, error, "document")
            return pb.StreamClassifyResponse(index=index, error=failed)
        return pb.StreamClassifyResponse(index=index, result=result)


class _Pace:
    """Reads a stream no faster than `rate` documents a second; the others wait where they are, with the sender."""

    def __init__(self, rate: float) -> None:
        self._seconds = 1 / rate if rate else 0.0
        self._next = time.monotonic()

    async def keep(self) -> None:
        """Wait until the next document may be read."""
        if not self._seconds:
            return
        now = time.monotonic()
        if self._next > now:
            await asyncio.sleep(self._next - now)
        self._next = max(now, self._next) + self._seconds


def _is_long(request: OneRequest, document: Document) -> bool:
    return bool(request.evidence_terms) or len(document.text) > LONG_CHARS


def _check_version(request: OneRequest | pb.BatchClassifyRequest, model: Model) -> None:
    if request.model_version and request.model_version != model.version:
        raise OtherVersion(request.model_version, model.version)
