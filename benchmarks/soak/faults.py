"""Bad requests: those of which the tests hold the table of statuses, so that none is soaked that is not documented."""

from google.rpc import status_pb2

from service.tensors import packed
from slugline.documents import DEFAULT_MAX_TEXT_CHARS
from slugline.v1 import classification_pb2 as pb
from tests.service.test_statuses import (
    CASES,
    DETAILS,
    DOCUMENT_CASES,
    DOCUMENT_TABLE,
    TABLE,
    infer_raw,
    raw,
    text,
)

__all__ = ["BAD_DOCUMENTS", "BAD_REQUESTS", "code_of", "details_of", "named_details", "reason_of"]

_TOO_LONG = "x" * (DEFAULT_MAX_TEXT_CHARS + 1)
"""The tests lower the limit, the soak leaves it as it is."""

BAD_REQUESTS: dict[str, tuple[str, bytes]] = {
    fault: (method, raw(request))
    for fault, (method, request) in (
        CASES
        | {
            "text too long": text(_TOO_LONG),
            "V2: raw text that is too long": infer_raw(packed([b"a", _TOO_LONG.encode()])),
            "title and text together too long": text(_TOO_LONG[1:], "x"),
        }
    ).items()
}
"""The method and the bytes of each fault of a request."""

BAD_DOCUMENTS: dict[str, bytes] = {
    fault: raw(request)
    for fault, request in (
        DOCUMENT_CASES | {"text too long": pb.StreamClassifyRequest(document=pb.Document(id="a", text=_TOO_LONG))}
    ).items()
}
"""The bytes of each fault of one document in a stream."""


def code_of(fault: str) -> str:
    """The status code that docs/statuses.md gives a fault."""
    return TABLE[fault][0]


def details_of(fault: str) -> list[str]:
    """The names of the details that docs/statuses.md gives a fault."""
    return [name for name in DETAILS if name in TABLE[fault][1]]


def reason_of(fault: str) -> str:
    """The reason that docs/statuses.md gives a fault of a document."""
    return DOCUMENT_TABLE[fault][0]


def named_details(serialised: bytes | None) -> list[str]:
    """The names of the details in `grpc-status-details-bin`."""
    if serialised is None:
        return []
    return [detail.type_url.rpartition(".")[2] for detail in status_pb2.Status.FromString(serialised).details]
