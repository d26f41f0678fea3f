"""Converters between the messages of the API and the domain: no decisions here, only shapes."""

from collections.abc import Sequence
from datetime import datetime

import numpy as np
from numpy.typing import NDArray

from service.settings import Limits
from service.status import field_of, reason_of
from slugline.documents import Document
from slugline.errors import DocumentError, SluglineError
from slugline.explanation import Explanation
from slugline.manifest import Manifest, ManifestTopic
from slugline.model import Model
from slugline.v1 import classification_pb2 as pb


def document_from(message: pb.Document) -> Document:
    """The domain's document."""
    return Document(message.text, message.title, message.id)


def classify_response(
    model: Model,
    columns: Sequence[int],
    document_id: str,
    scores: NDArray[np.float64],
    explanations: Sequence[Explanation] = (),
    evidence_terms: int = 0,
) -> pb.ClassifyResponse:
    """The answer for one document; `scores` has shape (topics of the model,), `columns` are those asked for."""
    topics = [
        pb.TopicScore(
            topic=model.topics[column],
            score=float(scores[column]),
            threshold=float(model.thresholds[column]),
            assigned=bool(scores[column] >= model.thresholds[column]),
            evidence=_evidence(explanations[column], evidence_terms) if evidence_terms else None,
        )
        for column in columns
    ]
    return pb.ClassifyResponse(model_version=model.version, document_id=document_id, topics=topics)


def batch_response(
    model: Model, columns: Sequence[int], scores: NDArray[np.float64], errors: Sequence[pb.DocumentError]
) -> pb.BatchClassifyResponse:
    """The flat answer for many documents; `scores` has shape (documents, topics of the model)."""
    return pb.BatchClassifyResponse(
        model_version=model.version,
        topics=[model.topics[column] for column in columns],
        thresholds=model.thresholds[columns].tolist(),
        scores=scores[:, columns].ravel().tolist(),
        errors=errors,
    )


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
        threshold=topic.threshold,
        metrics=pb.TopicMetrics(
            precision=topic.metrics.precision,
            recall=topic.metrics.recall,
            f1=topic.metrics.f1,
            average_precision=topic.metrics.average_precision,
            support=topic.metrics.support,
        ),
    )


def _evidence(explanation: Explanation, terms: int) -> pb.Evidence:
    return pb.Evidence(
        raw_score=explanation.raw_score,
        bias=explanation.bias,
        terms=[
            pb.TermContribution(term=term, contribution=contribution)
            for term, contribution in explanation.strongest(terms)
        ],
        others=explanation.others(terms),
    )
