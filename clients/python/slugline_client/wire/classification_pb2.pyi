import datetime

from google.protobuf import timestamp_pb2 as _timestamp_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class QualityWarning(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    QUALITY_WARNING_UNSPECIFIED: _ClassVar[QualityWarning]
    QUALITY_WARNING_FEW_KNOWN_WORDS: _ClassVar[QualityWarning]
    QUALITY_WARNING_OTHER_LANGUAGE: _ClassVar[QualityWarning]

class SpanField(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SPAN_FIELD_UNSPECIFIED: _ClassVar[SpanField]
    SPAN_FIELD_TITLE: _ClassVar[SpanField]
    SPAN_FIELD_TEXT: _ClassVar[SpanField]

class DocumentErrorReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DOCUMENT_ERROR_REASON_UNSPECIFIED: _ClassVar[DocumentErrorReason]
    DOCUMENT_ERROR_REASON_BLANK_TEXT: _ClassVar[DocumentErrorReason]
    DOCUMENT_ERROR_REASON_TEXT_TOO_LONG: _ClassVar[DocumentErrorReason]
    DOCUMENT_ERROR_REASON_MISSING_ID: _ClassVar[DocumentErrorReason]
    DOCUMENT_ERROR_REASON_UNKNOWN_TOPIC: _ClassVar[DocumentErrorReason]
    DOCUMENT_ERROR_REASON_UNDECODABLE: _ClassVar[DocumentErrorReason]
    DOCUMENT_ERROR_REASON_TOO_MANY_TERMS: _ClassVar[DocumentErrorReason]
    DOCUMENT_ERROR_REASON_OTHER_VERSION: _ClassVar[DocumentErrorReason]
QUALITY_WARNING_UNSPECIFIED: QualityWarning
QUALITY_WARNING_FEW_KNOWN_WORDS: QualityWarning
QUALITY_WARNING_OTHER_LANGUAGE: QualityWarning
SPAN_FIELD_UNSPECIFIED: SpanField
SPAN_FIELD_TITLE: SpanField
SPAN_FIELD_TEXT: SpanField
DOCUMENT_ERROR_REASON_UNSPECIFIED: DocumentErrorReason
DOCUMENT_ERROR_REASON_BLANK_TEXT: DocumentErrorReason
DOCUMENT_ERROR_REASON_TEXT_TOO_LONG: DocumentErrorReason
DOCUMENT_ERROR_REASON_MISSING_ID: DocumentErrorReason
DOCUMENT_ERROR_REASON_UNKNOWN_TOPIC: DocumentErrorReason
DOCUMENT_ERROR_REASON_UNDECODABLE: DocumentErrorReason
DOCUMENT_ERROR_REASON_TOO_MANY_TERMS: DocumentErrorReason
DOCUMENT_ERROR_REASON_OTHER_VERSION: DocumentErrorReason

class Document(_message.Message):
    __slots__ = ("id", "title", "text")
    ID_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    TEXT_FIELD_NUMBER: _ClassVar[int]
    id: str
    title: str
    text: str
    def __init__(self, id: _Optional[str] = ..., title: _Optional[str] = ..., text: _Optional[str] = ...) -> None: ...

class ClassifyRequest(_message.Message):
    __slots__ = ("document", "topics", "evidence_terms", "model_version")
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    TOPICS_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_TERMS_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    document: Document
    topics: _containers.RepeatedScalarFieldContainer[str]
    evidence_terms: int
    model_version: str
    def __init__(self, document: _Optional[_Union[Document, _Mapping]] = ..., topics: _Optional[_Iterable[str]] = ..., evidence_terms: _Optional[int] = ..., model_version: _Optional[str] = ...) -> None: ...

class ClassifyResponse(_message.Message):
    __slots__ = ("model_version", "document_id", "topics", "warnings")
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    TOPICS_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    model_version: str
    document_id: str
    topics: _containers.RepeatedCompositeFieldContainer[TopicScore]
    warnings: _containers.RepeatedScalarFieldContainer[QualityWarning]
    def __init__(self, model_version: _Optional[str] = ..., document_id: _Optional[str] = ..., topics: _Optional[_Iterable[_Union[TopicScore, _Mapping]]] = ..., warnings: _Optional[_Iterable[_Union[QualityWarning, str]]] = ...) -> None: ...

class TopicScore(_message.Message):
    __slots__ = ("topic", "score", "threshold", "assigned", "evidence", "code")
    TOPIC_FIELD_NUMBER: _ClassVar[int]
    SCORE_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    ASSIGNED_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    topic: str
    score: float
    threshold: float
    assigned: bool
    evidence: Evidence
    code: str
    def __init__(self, topic: _Optional[str] = ..., score: _Optional[float] = ..., threshold: _Optional[float] = ..., assigned: bool = ..., evidence: _Optional[_Union[Evidence, _Mapping]] = ..., code: _Optional[str] = ...) -> None: ...

class Evidence(_message.Message):
    __slots__ = ("raw_score", "bias", "terms", "others")
    RAW_SCORE_FIELD_NUMBER: _ClassVar[int]
    BIAS_FIELD_NUMBER: _ClassVar[int]
    TERMS_FIELD_NUMBER: _ClassVar[int]
    OTHERS_FIELD_NUMBER: _ClassVar[int]
    raw_score: float
    bias: float
    terms: _containers.RepeatedCompositeFieldContainer[TermContribution]
    others: float
    def __init__(self, raw_score: _Optional[float] = ..., bias: _Optional[float] = ..., terms: _Optional[_Iterable[_Union[TermContribution, _Mapping]]] = ..., others: _Optional[float] = ...) -> None: ...

class TermContribution(_message.Message):
    __slots__ = ("term", "contribution", "spans")
    TERM_FIELD_NUMBER: _ClassVar[int]
    CONTRIBUTION_FIELD_NUMBER: _ClassVar[int]
    SPANS_FIELD_NUMBER: _ClassVar[int]
    term: str
    contribution: float
    spans: _containers.RepeatedCompositeFieldContainer[Span]
    def __init__(self, term: _Optional[str] = ..., contribution: _Optional[float] = ..., spans: _Optional[_Iterable[_Union[Span, _Mapping]]] = ...) -> None: ...

class Span(_message.Message):
    __slots__ = ("field", "start", "end")
    FIELD_FIELD_NUMBER: _ClassVar[int]
    START_FIELD_NUMBER: _ClassVar[int]
    END_FIELD_NUMBER: _ClassVar[int]
    field: SpanField
    start: int
    end: int
    def __init__(self, field: _Optional[_Union[SpanField, str]] = ..., start: _Optional[int] = ..., end: _Optional[int] = ...) -> None: ...

class BatchClassifyRequest(_message.Message):
    __slots__ = ("documents", "topics", "model_version")
    DOCUMENTS_FIELD_NUMBER: _ClassVar[int]
    TOPICS_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    documents: _containers.RepeatedCompositeFieldContainer[Document]
    topics: _containers.RepeatedScalarFieldContainer[str]
    model_version: str
    def __init__(self, documents: _Optional[_Iterable[_Union[Document, _Mapping]]] = ..., topics: _Optional[_Iterable[str]] = ..., model_version: _Optional[str] = ...) -> None: ...

class BatchClassifyResponse(_message.Message):
    __slots__ = ("model_version", "topics", "thresholds", "scores", "errors", "warnings")
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    TOPICS_FIELD_NUMBER: _ClassVar[int]
    THRESHOLDS_FIELD_NUMBER: _ClassVar[int]
    SCORES_FIELD_NUMBER: _ClassVar[int]
    ERRORS_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    model_version: str
    topics: _containers.RepeatedScalarFieldContainer[str]
    thresholds: _containers.RepeatedScalarFieldContainer[float]
    scores: _containers.RepeatedScalarFieldContainer[float]
    errors: _containers.RepeatedCompositeFieldContainer[DocumentError]
    warnings: _containers.RepeatedCompositeFieldContainer[DocumentWarnings]
    def __init__(self, model_version: _Optional[str] = ..., topics: _Optional[_Iterable[str]] = ..., thresholds: _Optional[_Iterable[float]] = ..., scores: _Optional[_Iterable[float]] = ..., errors: _Optional[_Iterable[_Union[DocumentError, _Mapping]]] = ..., warnings: _Optional[_Iterable[_Union[DocumentWarnings, _Mapping]]] = ...) -> None: ...

class DocumentWarnings(_message.Message):
    __slots__ = ("index", "warnings")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    WARNINGS_FIELD_NUMBER: _ClassVar[int]
    index: int
    warnings: _containers.RepeatedScalarFieldContainer[QualityWarning]
    def __init__(self, index: _Optional[int] = ..., warnings: _Optional[_Iterable[_Union[QualityWarning, str]]] = ...) -> None: ...

class DocumentError(_message.Message):
    __slots__ = ("index", "document_id", "reason", "field", "message")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    DOCUMENT_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    FIELD_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    index: int
    document_id: str
    reason: DocumentErrorReason
    field: str
    message: str
    def __init__(self, index: _Optional[int] = ..., document_id: _Optional[str] = ..., reason: _Optional[_Union[DocumentErrorReason, str]] = ..., field: _Optional[str] = ..., message: _Optional[str] = ...) -> None: ...

class StreamClassifyRequest(_message.Message):
    __slots__ = ("document", "topics", "evidence_terms", "model_version")
    DOCUMENT_FIELD_NUMBER: _ClassVar[int]
    TOPICS_FIELD_NUMBER: _ClassVar[int]
    EVIDENCE_TERMS_FIELD_NUMBER: _ClassVar[int]
    MODEL_VERSION_FIELD_NUMBER: _ClassVar[int]
    document: Document
    topics: _containers.RepeatedScalarFieldContainer[str]
    evidence_terms: int
    model_version: str
    def __init__(self, document: _Optional[_Union[Document, _Mapping]] = ..., topics: _Optional[_Iterable[str]] = ..., evidence_terms: _Optional[int] = ..., model_version: _Optional[str] = ...) -> None: ...

class StreamClassifyResponse(_message.Message):
    __slots__ = ("index", "result", "error")
    INDEX_FIELD_NUMBER: _ClassVar[int]
    RESULT_FIELD_NUMBER: _ClassVar[int]
    ERROR_FIELD_NUMBER: _ClassVar[int]
    index: int
    result: ClassifyResponse
    error: DocumentError
    def __init__(self, index: _Optional[int] = ..., result: _Optional[_Union[ClassifyResponse, _Mapping]] = ..., error: _Optional[_Union[DocumentError, _Mapping]] = ...) -> None: ...

class GetModelRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetModelResponse(_message.Message):
    __slots__ = ("name", "version", "created", "fingerprint", "data_digest", "topics", "limits", "metrics")
    NAME_FIELD_NUMBER: _ClassVar[int]
    VERSION_FIELD_NUMBER: _ClassVar[int]
    CREATED_FIELD_NUMBER: _ClassVar[int]
    FINGERPRINT_FIELD_NUMBER: _ClassVar[int]
    DATA_DIGEST_FIELD_NUMBER: _ClassVar[int]
    TOPICS_FIELD_NUMBER: _ClassVar[int]
    LIMITS_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    name: str
    version: str
    created: _timestamp_pb2.Timestamp
    fingerprint: str
    data_digest: str
    topics: _containers.RepeatedCompositeFieldContainer[ModelTopic]
    limits: ModelLimits
    metrics: ModelMetrics
    def __init__(self, name: _Optional[str] = ..., version: _Optional[str] = ..., created: _Optional[_Union[datetime.datetime, _timestamp_pb2.Timestamp, _Mapping]] = ..., fingerprint: _Optional[str] = ..., data_digest: _Optional[str] = ..., topics: _Optional[_Iterable[_Union[ModelTopic, _Mapping]]] = ..., limits: _Optional[_Union[ModelLimits, _Mapping]] = ..., metrics: _Optional[_Union[ModelMetrics, _Mapping]] = ...) -> None: ...

class ModelTopic(_message.Message):
    __slots__ = ("name", "definition", "threshold", "metrics", "code")
    NAME_FIELD_NUMBER: _ClassVar[int]
    DEFINITION_FIELD_NUMBER: _ClassVar[int]
    THRESHOLD_FIELD_NUMBER: _ClassVar[int]
    METRICS_FIELD_NUMBER: _ClassVar[int]
    CODE_FIELD_NUMBER: _ClassVar[int]
    name: str
    definition: str
    threshold: float
    metrics: TopicMetrics
    code: str
    def __init__(self, name: _Optional[str] = ..., definition: _Optional[str] = ..., threshold: _Optional[float] = ..., metrics: _Optional[_Union[TopicMetrics, _Mapping]] = ..., code: _Optional[str] = ...) -> None: ...

class TopicMetrics(_message.Message):
    __slots__ = ("precision", "recall", "f1", "average_precision", "support")
    PRECISION_FIELD_NUMBER: _ClassVar[int]
    RECALL_FIELD_NUMBER: _ClassVar[int]
    F1_FIELD_NUMBER: _ClassVar[int]
    AVERAGE_PRECISION_FIELD_NUMBER: _ClassVar[int]
    SUPPORT_FIELD_NUMBER: _ClassVar[int]
    precision: float
    recall: float
    f1: float
    average_precision: float
    support: int
    def __init__(self, precision: _Optional[float] = ..., recall: _Optional[float] = ..., f1: _Optional[float] = ..., average_precision: _Optional[float] = ..., support: _Optional[int] = ...) -> None: ...

class ModelMetrics(_message.Message):
    __slots__ = ("macro_f1", "micro_f1", "mean_average_precision", "expected_calibration_error")
    MACRO_F1_FIELD_NUMBER: _ClassVar[int]
    MICRO_F1_FIELD_NUMBER: _ClassVar[int]
    MEAN_AVERAGE_PRECISION_FIELD_NUMBER: _ClassVar[int]
    EXPECTED_CALIBRATION_ERROR_FIELD_NUMBER: _ClassVar[int]
    macro_f1: float
    micro_f1: float
    mean_average_precision: float
    expected_calibration_error: float
    def __init__(self, macro_f1: _Optional[float] = ..., micro_f1: _Optional[float] = ..., mean_average_precision: _Optional[float] = ..., expected_calibration_error: _Optional[float] = ...) -> None: ...

class ModelLimits(_message.Message):
    __slots__ = ("max_text_chars", "max_batch_documents", "max_message_bytes", "max_evidence_terms", "max_concurrent_calls", "max_streams", "max_stream_documents_per_second")
    MAX_TEXT_CHARS_FIELD_NUMBER: _ClassVar[int]
    MAX_BATCH_DOCUMENTS_FIELD_NUMBER: _ClassVar[int]
    MAX_MESSAGE_BYTES_FIELD_NUMBER: _ClassVar[int]
    MAX_EVIDENCE_TERMS_FIELD_NUMBER: _ClassVar[int]
    MAX_CONCURRENT_CALLS_FIELD_NUMBER: _ClassVar[int]
    MAX_STREAMS_FIELD_NUMBER: _ClassVar[int]
    MAX_STREAM_DOCUMENTS_PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    max_text_chars: int
    max_batch_documents: int
    max_message_bytes: int
    max_evidence_terms: int
    max_concurrent_calls: int
    max_streams: int
    max_stream_documents_per_second: float
    def __init__(self, max_text_chars: _Optional[int] = ..., max_batch_documents: _Optional[int] = ..., max_message_bytes: _Optional[int] = ..., max_evidence_terms: _Optional[int] = ..., max_concurrent_calls: _Optional[int] = ..., max_streams: _Optional[int] = ..., max_stream_documents_per_second: _Optional[float] = ...) -> None: ...
