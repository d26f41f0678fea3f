"""The servicer of slugline.v1: each method reads a message, asks the model, and writes a message."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import numpy as np

from service.messages import Answers, document_error, document_from, model_response
from service.rpc import Context, parse, takes_bytes
from service.settings import Limits
from slugline.documents import check_document
from slugline.errors import EmptyBatch, NotReady, SluglineError, TooManyDocuments
from slugline.model import Model
from slugline.v1 import classification_pb2 as pb

SERVICE = pb.DESCRIPTOR.services_by_name["ClassificationService"]

_LONG_CHARS = 20_000
"""Texts longer than this take longer to score than to hand to a thread and back."""


class ClassificationServicer:
    """Answers with the model it is told to use; until then every call is refused as not ready."""

    def __init__(self, limits: Limits) -> None:
        self._limits = limits
        self._answers: Answers | None = None

    def use(self, model: Model) -> None:
        """Answer with `model` from now on."""
        self._answers = Answers(model)

    async def Classify(self, request: pb.ClassifyRequest, context: Context) -> pb.ClassifyResponse:
        """The topics of one document; where that takes long, in a thread."""
        answers = self._ready()
        if request.evidence_terms or len(request.document.text) > _LONG_CHARS:
            return await asyncio.to_thread(self._classify, answers, request, needs_id=False)
        return self._classify(answers, request, needs_id=False)

    async def BatchClassify(self, request: pb.BatchClassifyRequest, context: Context) -> pb.BatchClassifyResponse:
        """The topics of many documents; in a thread, so that health and other calls are answered meanwhile."""
        return await asyncio.to_thread(self._batch, self._ready(), request)

    @takes_bytes
    async def StreamClassify(
        self, requests: AsyncIterator[bytes], context: Context
    ) -> AsyncIterator[pb.StreamClassifyResponse]:
        """One result or one error for each document of the stream."""
        index = 0
        async for raw in requests:
            yield self._stream_response(self._ready(), index, raw)
            index += 1

    async def GetModel(self, request: pb.GetModelRequest, context: Context) -> pb.GetModelResponse:
        """The model being served, and the limits."""
        return model_response(self._ready().model.manifest, self._limits)

    def _ready(self) -> Answers:
        if self._answers is None:
            raise NotReady("the model is not loaded yet; try again shortly")
        return self._answers

    def _classify(
        self, answers: Answers, request: pb.ClassifyRequest | pb.StreamClassifyRequest, *, needs_id: bool
    ) -> pb.ClassifyResponse:
        columns = answers.model.columns(request.topics)
        document = document_from(request.document)
        check_document(document, max_text_chars=self._limits.max_text_chars, needs_id=needs_id)
        scores = answers.model.scores([document.content()])[0]
        return answers.one(columns, document, scores, request.evidence_terms)

    def _batch(self, answers: Answers, request: pb.BatchClassifyRequest) -> pb.BatchClassifyResponse:
        if not request.documents:
            raise EmptyBatch
        if len(request.documents) > self._limits.max_batch_documents:
            raise TooManyDocuments(len(request.documents), self._limits.max_batch_documents)
        columns = answers.model.columns(request.topics)
        contents, indices, errors = self._contents(request.documents)
        scores = answers.model.scores(contents)
        if errors:
            scores, found = np.full((len(request.documents), scores.shape[1]), np.nan), scores
            scores[indices] = found
        return answers.many(columns, scores, errors)

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
                errors.append(document_error(index, document.id, error, f"documents[{index}]"))
            else:
                contents.append(document.content())
                indices.append(index)
        return contents, indices, errors

    def _stream_response(self, answers: Answers, index: int, raw: bytes) -> pb.StreamClassifyResponse:
        document_id = ""
        try:
            request = parse(pb.StreamClassifyRequest, raw)
            document_id = request.document.id
            return pb.StreamClassifyResponse(index=index, result=self._classify(answers, request, needs_id=True))
        except SluglineError as error:
            failed = document_error(index, document_id, error, "document")
            return pb.StreamClassifyResponse(index=index, error=failed)
