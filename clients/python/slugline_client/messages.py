"""From plain values to messages and back."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from typing import Literal, TypeVar

from slugline_client.results import (
    Document,
    DocumentError,
    Evidence,
    Limits,
    Model,
    ModelMetrics,
    ModelTopic,
    Outcome,
    QualityWarning,
    Reason,
    Result,
    Span,
    TermContribution,
    TopicMetrics,
    TopicScore,
)
from slugline_client.wire import classification_pb2 as pb

E = TypeVar("E", bound=StrEnum)

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_PLACE_IN_BATCH = re.compile(r"^documents\[\d+\]")


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked about every document of a call or of many."""

    topics: Sequence[str] = ()
    evidence_terms: int = 0
    model_version: str = ""

    def __post_init__(self) -> None:
        if isinstance(self.topics, str):
            raise TypeError("topics must be a sequence of names, not one string")

    def about_one(self, document: Document) -> pb.ClassifyRequest:
        """The request for one document."""
        return pb.ClassifyRequest(
            document=message_of(document),
            topics=self.topics,
            evidence_terms=self.evidence_terms,
            model_version=self.model_version,
        )

    def about_batch(self, documents: Iterable[pb.Document]) -> pb.BatchClassifyRequest:
        """The request for a batch, which gives no evidence."""
        return pb.BatchClassifyRequest(documents=documents, topics=self.topics, model_version=self.model_version)

    def about_next(self, document: pb.Document) -> pb.StreamClassifyRequest:
        """The request for the next document of a stream."""
        return pb.StreamClassifyRequest(
            document=document,
            topics=self.topics,
            evidence_terms=self.evidence_terms,
            model_version=self.model_version,
        )


def message_of(document: Document) -> pb.Document:
    """A document as a message.

    Raises:
        ValueError: a field holds half a surrogate pair, which UTF-8 has no bytes for.
    """
    return pb.Document(id=document.id, title=document.title, text=document.text)


def result_from(response: pb.ClassifyResponse, index: int = 0) -> Result:
    """The answer for one document."""
    return Result(
        model_version=response.model_version,
        document_id=response.document_id,
        topics=tuple(_topic_score(topic) for topic in response.topics),
        warnings=_warnings(response.warnings),
        index=index,
    )


def outcome_from(response: pb.StreamClassifyResponse, index: int) -> Outcome:
    """The answer for one document of a stream; `index` is its position among all."""
    if response.WhichOneof("outcome") == "error":
        return _document_error(response.error, index)
    return result_from(response.result, index)


def outcomes_from(
    response: pb.BatchClassifyResponse, ids: Sequence[str], indices: Sequence[int], codes: Mapping[str, str]
) -> list[Outcome]:
    """The answers for a batch.

    Args:
        response: the answer for all.
        ids: the id of each document of the batch.
        indices: the position of each among all.
        codes: the code of each topic that has one; the answers for batches do not tell.
    """
    width = len(response.topics)
    errors = {error.index: error for error in response.errors}
    warnings = {found.index: _warnings(found.warnings) for found in response.warnings}
    outcomes: list[Outcome] = []
    for row, (name, index) in enumerate(zip(ids, indices, strict=True)):
        if row in errors:
            outcomes.append(_document_error(errors[row], index))
            continue
        scores = response.scores[row * width : (row + 1) * width]
        topics = tuple(
            TopicScore(topic, score, threshold, score >= threshold, code=codes.get(topic, ""))
            for topic, score, threshold in zip(response.topics, scores, response.thresholds, strict=True)
        )
        outcomes.append(Result(response.model_version, name, topics, warnings.get(row, ()), index))
    return outcomes


def model_from(response: pb.GetModelResponse) -> Model:
    """The model being served."""
    limits, metrics = response.limits, response.metrics
    return Model(
        name=response.name,
        version=response.version,
        created=_EPOCH + timedelta(seconds=response.created.seconds, microseconds=response.created.nanos // 1000),
        fingerprint=response.fingerprint,
        data_digest=response.data_digest,
        topics=tuple(_model_topic(topic) for topic in response.topics),
        limits=Limits(
            max_text_chars=limits.max_text_chars,
            max_batch_documents=limits.max_batch_documents,
            max_message_bytes=limits.max_message_bytes,
            max_evidence_terms=limits.max_evidence_terms,
            max_concurrent_calls=limits.max_concurrent_calls,
            max_streams=limits.max_streams,
            max_stream_documents_per_second=limits.max_stream_documents_per_second,
        ),
        metrics=ModelMetrics(
            macro_f1=metrics.macro_f1,
            micro_f1=metrics.micro_f1,
            mean_average_precision=metrics.mean_average_precision,
            expected_calibration_error=metrics.expected_calibration_error,
        ),
    )


def _model_topic(topic: pb.ModelTopic) -> ModelTopic:
    metrics = TopicMetrics(
        precision=topic.metrics.precision,
        recall=topic.metrics.recall,
        f1=topic.metrics.f1,
        average_precision=topic.metrics.average_precision,
        support=topic.metrics.support,
    )
    return ModelTopic(topic.name, topic.definition, topic.threshold, metrics, topic.code)


def _topic_score(topic: pb.TopicScore) -> TopicScore:
    evidence = _evidence(topic.evidence) if topic.HasField("evidence") else None
    return TopicScore(topic.topic, topic.score, topic.threshold, topic.assigned, evidence, topic.code)


def _evidence(evidence: pb.Evidence) -> Evidence:
    terms = tuple(
        TermContribution(term.term, term.contribution, tuple(_span(span) for span in term.spans))
        for term in evidence.terms
    )
    return Evidence(evidence.raw_score, evidence.bias, terms, evidence.others)


def _span(span: pb.Span) -> Span:
    field: Literal["title", "text"] = "title" if span.field == pb.SPAN_FIELD_TITLE else "text"
    return Span(field, span.start, span.end)


def _document_error(error: pb.DocumentError, index: int) -> DocumentError:
    """The error with the position among all; that in the call, which `field` may have, says nothing to the caller."""
    return DocumentError(
        index=index,
        document_id=error.document_id,
        reason=_named(Reason, "DOCUMENT_ERROR_REASON_", pb.DocumentErrorReason.items(), error.reason),
        field=_PLACE_IN_BATCH.sub("document", error.field),
        message=error.message,
    )


def _warnings(numbers: Iterable[int]) -> tuple[QualityWarning | str, ...]:
    names = pb.QualityWarning.items()
    return tuple(_named(QualityWarning, "QUALITY_WARNING_", names, number) for number in numbers)


def _named(kind: type[E], prefix: str, names: Iterable[tuple[str, int]], number: int) -> E | str:
    """The member with that number on the wire; one that only a newer server knows, by its number."""
    name = next((name for name, value in names if value == number), "").removeprefix(prefix)
    return kind[name] if name in kind.__members__ else str(number)
