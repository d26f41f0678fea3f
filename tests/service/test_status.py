from base64 import b64encode
from collections.abc import Callable
from urllib.parse import quote

import grpc
import pytest
from google.rpc import error_details_pb2, status_pb2

from service.status import DOCUMENT_ERROR_REASONS, status_of
from slugline import errors
from slugline.v1 import classification_pb2 as pb

INVALID, UNAVAILABLE = grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.UNAVAILABLE

TABLE = [
    (errors.BlankText(), INVALID, "document.text"),
    (errors.TextTooLong(9, 5), INVALID, "document.text"),
    (errors.MissingId(), INVALID, "document.id"),
    (errors.UnknownTopic("sport", ["war"]), INVALID, "topics"),
    (errors.EmptyBatch(), INVALID, "documents"),
    (errors.TooManyDocuments(9, 5), INVALID, "documents"),
    (errors.Undecodable("ClassifyRequest"), INVALID, "request"),
    (errors.NotReady("loading"), UNAVAILABLE, ""),
    (errors.Overloaded(2, "calls"), grpc.StatusCode.RESOURCE_EXHAUSTED, ""),
    (errors.OtherVersion("a", "b"), grpc.StatusCode.FAILED_PRECONDITION, ""),
    (errors.UnknownService("other"), grpc.StatusCode.NOT_FOUND, ""),
    (errors.UnknownModel("other", "default"), grpc.StatusCode.NOT_FOUND, ""),
    (errors.NotOffered("no"), grpc.StatusCode.UNIMPLEMENTED, ""),
    (errors.FieldError("inputs[0].shape", "is wrong"), INVALID, "inputs[0].shape"),
    (errors.TooManyTerms(200, 100), INVALID, "evidence_terms"),
    (errors.CallerGone(), grpc.StatusCode.CANCELLED, ""),
    (errors.DeadlinePassed(), grpc.StatusCode.DEADLINE_EXCEEDED, ""),
    (errors.ModelCorrupt("broken"), UNAVAILABLE, ""),
]


@pytest.mark.parametrize(("error", "code", "field"), TABLE, ids=lambda value: type(value).__name__)
def test_every_error_has_its_status_and_field(error: errors.SluglineError, code: grpc.StatusCode, field: str) -> None:
    status = status_of(error)
    assert status.code == code
    (key, value), *_ = status.trailing_metadata()
    assert key == "grpc-status-details-bin"
    assert isinstance(value, bytes)
    rich = status_pb2.Status.FromString(value)
    assert (rich.code, rich.message) == (code.value[0], status.message)
    fields = []
    for detail in rich.details:
        bad_request = error_details_pb2.BadRequest()
        detail.Unpack(bad_request)
        fields += [violation.field for violation in bad_request.field_violations]
    assert fields == ([field] if field else [])


def test_every_reason_is_used_once() -> None:
    reasons = set(pb.DocumentErrorReason.values()) - {pb.DOCUMENT_ERROR_REASON_UNSPECIFIED}
    assert sorted(DOCUMENT_ERROR_REASONS.values()) == sorted(reasons)


@pytest.mark.parametrize("character", ["x", "ü", "🚀"])
@pytest.mark.parametrize(
    "error",
    [
        lambda name: errors.UnknownTopic(name, ["war"]),
        lambda name: errors.UnknownTopic("sport", [f"{name[:90]}{number}" for number in range(100)]),
        lambda name: errors.OtherVersion(name, "b"),
        errors.UnknownService,
    ],
)
def test_long_names_leave_the_status_small_enough_for_grpc(
    error: Callable[[str], errors.SluglineError], character: str
) -> None:
    status = status_of(error(character * 100_000))
    details = dict(status.trailing_metadata())["grpc-status-details-bin"]
    assert isinstance(details, bytes)
    # As they go over the wire.
    assert len(quote(status.message)) + len(b64encode(details)) < 7500
