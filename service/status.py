"""Which gRPC status each error becomes: the one table."""

from dataclasses import dataclass

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from slugline import errors
from slugline.v1 import classification_pb2 as pb

STATUS_CODES: dict[type[errors.SluglineError], grpc.StatusCode] = {
    errors.InputError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.ModelError: grpc.StatusCode.UNAVAILABLE,
    errors.NotReady: grpc.StatusCode.UNAVAILABLE,
    errors.Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
}
"""An error has the status of its nearest listed ancestor."""

FIELDS: dict[type[errors.SluglineError], str] = {
    errors.UnknownTopic: "topics",
    errors.EmptyBatch: "documents",
    errors.TooManyDocuments: "documents",
    errors.Undecodable: "request",
}
"""The field that an error is about, where it is not in the error itself."""

DOCUMENT_ERROR_REASONS: dict[type[errors.SluglineError], pb.DocumentErrorReason] = {
    errors.BlankText: pb.DOCUMENT_ERROR_REASON_BLANK_TEXT,
    errors.TextTooLong: pb.DOCUMENT_ERROR_REASON_TEXT_TOO_LONG,
    errors.MissingId: pb.DOCUMENT_ERROR_REASON_MISSING_ID,
    errors.UnknownTopic: pb.DOCUMENT_ERROR_REASON_UNKNOWN_TOPIC,
    errors.Undecodable: pb.DOCUMENT_ERROR_REASON_UNDECODABLE,
}
"""The reason given for a document that failed among many."""


@dataclass(frozen=True, slots=True)
class RpcStatus:
    """A gRPC status: its code, its message for people, and its google.rpc details for programs."""

    code: grpc.StatusCode
    message: str
    details: tuple[Message, ...]

    def trailing_metadata(self) -> tuple[tuple[str, bytes], ...]:
        """The trailer that carries the details."""
        number: int = self.code.value[0]
        rich = status_pb2.Status(code=number, message=self.message)
        for detail in self.details:
            packed = any_pb2.Any()
            packed.Pack(detail)
            rich.details.append(packed)
        return (("grpc-status-details-bin", rich.SerializeToString()),)


def status_of(error: errors.SluglineError, document_field: str = "document") -> RpcStatus:
    """The status that `error` becomes; `document_field` is the path of the document it may be about."""
    code = next((STATUS_CODES[kind] for kind in type(error).__mro__ if kind in STATUS_CODES), grpc.StatusCode.INTERNAL)
    field = field_of(error, document_field)
    if not field:
        return RpcStatus(code, str(error), ())
    description = error.problem if isinstance(error, errors.DocumentError) else str(error)
    violation = error_details_pb2.BadRequest.FieldViolation(field=field, description=description)
    bad_request = error_details_pb2.BadRequest(field_violations=[violation])
    return RpcStatus(code, f"{field}: {description}", (bad_request,))


def field_of(error: errors.SluglineError, document_field: str) -> str:
    """The path of the field that `error` is about, or an empty string."""
    if isinstance(error, errors.DocumentError):
        return f"{document_field}.{error.field}"
    return next((FIELDS[kind] for kind in type(error).__mro__ if kind in FIELDS), "")


def reason_of(error: errors.SluglineError) -> pb.DocumentErrorReason:
    """The reason of a document's error, for programs."""
    return DOCUMENT_ERROR_REASONS.get(type(error), pb.DOCUMENT_ERROR_REASON_UNSPECIFIED)
