"""What goes in and what comes out, as plain values."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from functools import cached_property
from typing import Literal


class QualityWarning(StrEnum):
    """A reason to doubt the scores of a document: it is answered, but could hardly be read."""

    FEW_KNOWN_WORDS = "FEW_KNOWN_WORDS"
    OTHER_LANGUAGE = "OTHER_LANGUAGE"


class Reason(StrEnum):
    """The kind of fault of a document among many."""

    BLANK_TEXT = "BLANK_TEXT"
    TEXT_TOO_LONG = "TEXT_TOO_LONG"
    MISSING_ID = "MISSING_ID"
    UNKNOWN_TOPIC = "UNKNOWN_TOPIC"
    UNDECODABLE = "UNDECODABLE"
    TOO_MANY_TERMS = "TOO_MANY_TERMS"
    OTHER_VERSION = "OTHER_VERSION"


@dataclass(frozen=True, slots=True)
class Document:
    """One news article. `id` comes back with the result, and is required among many."""

    text: str
    title: str = ""
    id: str = ""


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a title or text: from character `start` up to but without `end`, in code points, as Python counts."""

    field: Literal["title", "text"]
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class TermContribution:
    """What one term adds to the log-odds of a topic, below 0 where it speaks against it, and every place of it."""

    term: str
    contribution: float
    spans: tuple[Span, ...]


@dataclass(frozen=True, slots=True)
class Evidence:
    """Why a topic has its score: `raw_score`, its log-odds, is `bias` + all contributions of `terms` + `others`."""

    raw_score: float
    bias: float
    terms: tuple[TermContribution, ...]
    others: float


@dataclass(frozen=True, slots=True)
class TopicScore:
    """How likely a document is about one topic.

    `score` and `threshold` are 0 to 1. `code` is the topic's code in a standard vocabulary, "" where it has none.
    """

    topic: str
    score: float
    threshold: float
    assigned: bool
    evidence: Evidence | None = None
    code: str = ""


@dataclass(frozen=True)
class Result:
    """The topics of one document; `index` is its position among many, from 0."""

    model_version: str
    document_id: str
    topics: tuple[TopicScore, ...]
    warnings: tuple[QualityWarning | str, ...] = ()
    """Why the scores are doubtful; a plain string where only a newer server knows the warning."""
    index: int = 0

    @cached_property
    def assigned(self) -> tuple[str, ...]:
        """The names of the topics that are assigned, in the model's order."""
        return tuple(topic.topic for topic in self.topics if topic.assigned)

    @cached_property
    def scores(self) -> dict[str, float]:
        """The score of each topic by its name."""
        return {topic.topic: topic.score for topic in self.topics}


@dataclass(frozen=True, slots=True)
class DocumentError:
    """Why one document among many could not be classified; `index` is its position, from 0."""

    index: int
    document_id: str
    reason: Reason | str
    """The kind of fault; a plain string where only a newer server knows it."""
    field: str
    message: str


Outcome = Result | DocumentError
"""What becomes of one document among many."""


@dataclass(frozen=True, slots=True)
class TopicMetrics:
    """How well a model finds one topic, out of fold on its training data; all but `support` are 0 to 1."""

    precision: float
    recall: float
    f1: float
    average_precision: float
    support: int


@dataclass(frozen=True, slots=True)
class ModelTopic:
    """One topic of a model."""

    name: str
    definition: str
    threshold: float
    metrics: TopicMetrics
    code: str


@dataclass(frozen=True, slots=True)
class ModelMetrics:
    """Means over the topics of a model, each 0 to 1."""

    macro_f1: float
    micro_f1: float
    mean_average_precision: float
    expected_calibration_error: float


@dataclass(frozen=True, slots=True)
class Limits:
    """What the server holds requests to."""

    max_text_chars: int
    max_batch_documents: int
    max_message_bytes: int
    max_evidence_terms: int
    max_concurrent_calls: int
    max_streams: int
    max_stream_documents_per_second: float


@dataclass(frozen=True, slots=True)
class Model:
    """The model being served, and the limits of its server."""

    name: str
    version: str
    created: datetime
    fingerprint: str
    data_digest: str
    topics: tuple[ModelTopic, ...]
    limits: Limits
    metrics: ModelMetrics
