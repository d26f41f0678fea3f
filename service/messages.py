"""Converters between the messages of the API and the domain: no decisions here, only shapes."""

from collections.abc import Mapping, Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from service.plain import PlainReplies
from service.reading import Reader
from service.settings import Limits
from service.status import field_of, reason_of
from slugline.documents import Document
from slugline.errors import DocumentError, SluglineError
from slugline.explanation import Explanation, Span
from slugline.manifest import Manifest, ManifestTopic
from slugline.origins import Origins
from slugline.quality import QualityWarning
from slugline.v1 import classification_pb2 as pb

_FIELDS = {"title": pb.SPAN_FIELD_TITLE, "text": pb.SPAN_FIELD_TEXT}
_WARNINGS = {
    QualityWarning.FEW_KNOWN_WORDS: pb.QUALITY_WARNING_FEW_KNOWN_WORDS,
    QualityWarning.OTHER_LANGUAGE: pb.QUALITY_WARNING_OTHER_LANGUAGE,
}


def document_from(message: pb.Document) -> Document:
    """The domain's document."""
    return Document(message.text, message.title, message.id)


class Answers:
    """The answers of the model that `reader` reads with. What is the same in all of them is built once and copied."""

    def __init__(self, reader: Reader) -> None:
        self.reader = reader
        self.model = model = reader.model
        self._thresholds = model.thresholds.tolist()
        self._template = self._blank(model.all_columns)
        self.plain = PlainReplies(self._template)

    def one(
        self,
        columns: Sequence[int],
        document: Document,
        values: Sequence[float],
        warnings: Sequence[QualityWarning],
        evidence_terms: int = 0,
    ) -> pb.ClassifyResponse:
        """The answer for one document; `values` are the scores of all topics, `columns` are those asked for."""
        if columns == self.model.all_columns:
            response = pb.ClassifyResponse()
            response.CopyFrom(self._template)
        else:
            response = self._blank(columns)
        response.document_id = document.id
        if warnings:
            response.warnings.extend(_WARNINGS[warning] for warning in warnings)
        for column, topic in zip(columns, response.topics, strict=True):
            topic.score = value = values[column]
            if value >= self._thresholds[column]:
                topic.assigned = True
        if evidence_terms:
            self._add_evidence(response, columns, document, evidence_terms)
        return response

    def many(
        self,
        columns: Sequence[int],
        scores: NDArray[np.float64],
        errors: Sequence[pb.DocumentError],
        warnings: Mapping[int, Sequence[QualityWarning]],
    ) -> pb.BatchClassifyResponse:
        """The flat answer for many documents; `scores` has shape (documents, topics of the model)."""
        wanted = scores if columns == self.model.all_columns else scores[:, list(columns)]
        return pb.BatchClassifyResponse(
            model_version=self.model.version,
            topics=[self.model.topics[column] for column in columns],
            thresholds=[self._thresholds[column] for column in columns],
            scores=wanted.ravel().tolist(),
            errors=errors,
            warnings=[
                pb.DocumentWarnings(index=index, warnings=[_WARNINGS[warning] for warning in found])
                for index, found in warnings.items()
            ],
        )

    def _blank(self, columns: Sequence[int]) -> pb.ClassifyResponse:
        topics = [
            pb.TopicScore(
                topic=self.model.topics[column],
                threshold=self._thresholds[column],
                code=self.model.manifest.topics[column].code,
            )
            for column in columns
        ]
        return pb.ClassifyResponse(model_version=self.model.version, topics=topics)

    def _add_evidence(
        self, response: pb.ClassifyResponse, columns: Sequence[int], document: Document, terms: int
    ) -> None:
        explanations, origins = self.model.explain(document.content()), Origins(document)
        for column, topic in zip(columns, response.topics, strict=True):
            topic.evidence.CopyFrom(_evidence(explanations[column], terms, origins))


def document_error(index: int, document_id: str, error: SluglineError, document_field: str) -> pb.DocumentError:
    """Why the document at `index` has no topics."""
    return pb.DocumentError(
        index=index,
        document_id=document_id,
        reason=reason_of(error),
        field=field_of(error, document_field),
        message=error.problem if isinstance(error, DocumentError) else str(error),
    )


def model_response(manifest: Manifest, limits: Limits) -> pb.GetModelResponse:
    """The description of the model being served."""
    response = pb.GetModelResponse(
        name=manifest.name,
        version=manifest.version,
        fingerprint=manifest.fingerprint,
        data_digest=manifest.data_digest,
        topics=map(_model_topic, manifest.topics),
        limits=pb.ModelLimits(
            max_text_chars=limits.max_text_chars,
            max_batch_documents=limits.max_batch_documents,
            max_message_bytes=limits.max_message_bytes,
            max_evidence_terms=limits.max_evidence_terms,
            max_concurrent_calls=limits.max_concurrent,
            max_streams=limits.max_streams,
            max_stream_documents_per_second=limits.max_stream_rate,
        ),
        metrics=pb.ModelMetrics(
            macro_f1=manifest.metrics.macro_f1,
            micro_f1=manifest.metrics.micro_f1,
            mean_average_precision=manifest.metrics.mean_average_precision,
            expected_calibration_error=manifest.metrics.expected_calibration_error,
        ),
    )
    response.created.FromDatetime(datetime.fromisoformat(manifest.created))
    return response


def _model_topic(topic: ManifestTopic) -> pb.ModelTopic:
    return pb.ModelTopic(
        name=topic.name,
        definition=topic.definition,
        code=topic.code,
        threshold=topic.threshold,
        metrics=pb.TopicMetrics(
            precision=topic.metrics.precision,
            recall=topic.metrics.recall,
            f1=topic.metrics.f1,
            average_precision=topic.metrics.average_precision,
            support=topic.metrics.support,
        ),
    )


def _evidence(explanation: Explanation, terms: int, origins: Origins) -> pb.Evidence:
    return pb.Evidence(
        raw_score=explanation.raw_score,
        bias=explanation.bias,
        terms=[
            pb.TermContribution(
                term=term, contribution=contribution, spans=_spans(explanation.places.of(term), origins)
            )
            for term, contribution in explanation.strongest(terms)
        ],
        others=explanation.others(terms),
    )


def _spans(places: Sequence[Span], origins: Origins) -> list[pb.Span]:
    return [
        pb.Span(field=_FIELDS[origin.field], start=origin.start, end=origin.end)
        for start, end in places
        for origin in origins.of(start, end)
    ]
