"""Calls a Slugline server: which topics is a news article about?"""

from slugline_client.aio import AsyncClient
from slugline_client.client import Client
from slugline_client.connection import Tls, Token
from slugline_client.errors import (
    CallError,
    DeadlineExceeded,
    InvalidRequest,
    OtherVersion,
    Overloaded,
    Unauthenticated,
    Unavailable,
)
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

__version__ = "0.1.0"

__all__ = [
    "AsyncClient",
    "CallError",
    "Client",
    "DeadlineExceeded",
    "Document",
    "DocumentError",
    "Evidence",
    "InvalidRequest",
    "Limits",
    "Model",
    "ModelMetrics",
    "ModelTopic",
    "OtherVersion",
    "Outcome",
    "Overloaded",
    "QualityWarning",
    "Reason",
    "Result",
    "Span",
    "TermContribution",
    "Tls",
    "Token",
    "TopicMetrics",
    "TopicScore",
    "Unauthenticated",
    "Unavailable",
]
