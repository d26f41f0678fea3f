"""Every metric there is: its name, what it says, its labels, and the bounds of its distribution."""

from dataclasses import dataclass
from typing import Literal

Kind = Literal["counter", "gauge", "histogram"]


@dataclass(frozen=True, slots=True)
class Family:
    """A metric. `bounds` are the upper bounds of a histogram's buckets; `merged` is how workers' gauges become one."""

    name: str
    kind: Kind
    help: str
    labels: tuple[str, ...] = ()
    bounds: tuple[float, ...] = ()
    merged: Literal["sum", "max"] = "sum"


_SECONDS = (0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
_SCORES = (0.01, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 0.95, 0.99)
_CHARACTERS = (100.0, 250.0, 500.0, 1000.0, 2500.0, 5000.0, 10000.0, 25000.0, 50000.0, 100000.0, 200000.0)

STARTED = Family("slugline_calls_started_total", "counter", "Calls that arrived.", ("method",))
HANDLED = Family("slugline_calls_handled_total", "counter", "Calls that ended, by status code.", ("method", "code"))
SECONDS = Family(
    "slugline_call_seconds", "histogram", "From the arrival of a call to its end, in seconds.", ("method",), _SECONDS
)
PHASE_SECONDS = Family(
    "slugline_phase_seconds",
    "histogram",
    "Parts of calls with one request: decode the request, score its documents, encode the reply. "
    "What is done at once counts as scoring.",
    ("method", "phase"),
    _SECONDS,
)
ADMITTED = Family("slugline_calls_admitted_total", "counter", "Calls and streams let in.", ("gate",))
REFUSED = Family("slugline_calls_refused_total", "counter", "Calls and streams not let in, and why.", ("reason",))
IN_FLIGHT = Family("slugline_calls_in_flight", "gauge", "Calls with one request that are under way.")
STREAMS = Family("slugline_streams_open", "gauge", "Streams that are open.")

DOCUMENTS = Family("slugline_documents_total", "counter", "Documents that were scored.")
BAD_DOCUMENTS = Family("slugline_documents_refused_total", "counter", "Documents at fault, and why.", ("reason",))
SKIPPED = Family(
    "slugline_documents_skipped_total",
    "counter",
    "Documents that never reached the model, since nobody waited for them any more.",
    ("reason",),
)
TOKENS = Family("slugline_tokens_total", "counter", "Words of the documents that were scored.")
UNKNOWN_TOKENS = Family("slugline_unknown_tokens_total", "counter", "Words that are not in the model's vocabulary.")
CHARACTERS = Family("slugline_document_characters", "histogram", "Length of documents.", (), _CHARACTERS)
WARNINGS = Family(
    "slugline_quality_warnings_total", "counter", "Documents with doubtful scores, and why.", ("warning",)
)
ASSIGNED = Family("slugline_topics_assigned_total", "counter", "Documents that were given a topic.", ("topic",))
SCORES = Family("slugline_topic_score", "histogram", "Scores of documents, 0 to 1, by topic.", ("topic",), _SCORES)

MODEL = Family(
    "slugline_model_info", "gauge", "How many processes serve this version.", ("name", "version", "fingerprint")
)
MODEL_CREATED = Family(
    "slugline_model_created_timestamp_seconds", "gauge", "When the model in use was trained.", ("version",), (), "max"
)
CERTIFICATE_ENDS = Family(
    "slugline_certificate_ends_timestamp_seconds", "gauge", "When the certificate in use ends.", (), (), "max"
)
RELOADS = Family("slugline_reloads_total", "counter", "New versions that were loaded or refused.", ("result",))
RESIDENT = Family("slugline_resident_bytes", "gauge", "Resident memory of each server process.", ("process",))
DESCRIPTORS = Family("slugline_open_descriptors", "gauge", "Open files of each server process.", ("process",))
WORKERS = Family("slugline_workers", "gauge", "Worker processes that serve.")
RESTARTS = Family("slugline_worker_restarts_total", "counter", "Workers that died and were started again.")

FAMILIES = {value.name: value for value in list(globals().values()) if isinstance(value, Family)}
