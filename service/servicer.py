"""The servicer of slugline.v1: each method reads a message, asks the model, and writes a message."""

import asyncio
from collections.abc import AsyncIterator, Sequence

import numpy as np

from service.messages import batch_response, classify_response, document_error, document_from, model_response
from service.rpc import Context, parse, takes_bytes
from service.settings import Limits
from slugline.documents import check_document
from slugline.errors import EmptyBatch, NotReady, SluglineError, TooManyDocuments
from slugline.model import Model
from slugline.v1 import classification_pb2 as pb

SERVICE = pb.DESCRIPTOR.services_by_name["ClassificationService"]


class ClassificationServicer:
    """Answers with `model`; until that is set, every call is refused as not ready."""

    def __init__(self, limits: Limits) -> None:
        self.model: Model | None = None
        self._limits = limits

    async def Classify(self, request: pb.ClassifyRequest, context: Context) -> pb.ClassifyResponse:
        """The topics of one document."""
        return self._classify(self._ready(), request, needs_id=False)

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
        return model_response(self._ready().manifest, self._limits)

    def _ready(self) -> Model:
        if self.model is None:
            raise NotReady("the model is not loaded yet; try again shortly")
        return self.model

    def _classify(
        self, model: Model, request: pb.ClassifyRequest | pb.StreamClassifyRequest, *, needs_id: bool
    ) -> pb.ClassifyResponse:
        columns = model.columns(request.topics)
        document = document_from(request.document)
        check_document(document, max_text_chars=self._limits.max_text_chars, needs_id=needs_id)
        content = document.content()
        explanations = model.explain(content) if request.evidence_terms else ()
        scores = model.scores([content])[0]
        return classify_response(model, columns, document.id, scores, explanations, request.evidence_terms)

    def _batch(self, model: Model, request: pb.BatchClassifyRequest) -> pb.BatchClassifyResponse:
        if not request.documents:
            raise EmptyBatch
        if len(request.documents) > self._limits.max_batch_documents:
            raise TooManyDocuments(len(request.documents), self._limits.max_batch_documents)
        columns = model.columns(request.topics)
        contents, indices, errors = self._contents(request.documents)
        scores = np.full((len(request.documents), len(model.topics)), np.nan)
        scores[indices] = model.scores(contents)
        return batch_response(model, columns, scores, errors)

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

    def _stream_response(self, model: Model, index: int, raw: bytes) -> pb.StreamClassifyResponse:
        document_id = ""
        try:
            request = parse(pb.StreamClassifyRequest, raw)
            document_id = request.document.id
            return pb.StreamClassifyResponse(index=index, result=self._classify(model, request, needs_id=True))
        except SluglineError as error:
            failed = document_error(index, document_id, error, "document")
            return pb.StreamClassifyResponse(index=index, error=failed)
