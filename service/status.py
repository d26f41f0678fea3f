"""Which gRPC status each error becomes: the one table."""

from collections.abc import Iterator
from dataclasses import dataclass

import grpc
from google.protobuf import any_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from slugline import errors
from slugline.v1 import classification_pb2 as pb

STATUS_CODES: dict[type[errors.SluglineError], grpc.StatusCode] = {
    errors.InputError: grpc.StatusCode.INVALID_ARGUMENT,
    errors.OtherVersion: grpc.StatusCode.FAILED_PRECONDITION,
    errors.UnknownService: grpc.StatusCode.NOT_FOUND,
    errors.UnknownModel: grpc.StatusCode.NOT_FOUND,
    errors.NotOffered: grpc.StatusCode.UNIMPLEMENTED,
    errors.Overloaded: grpc.StatusCode.RESOURCE_EXHAUSTED,
    errors.NotReady: grpc.StatusCode.UNAVAILABLE,
    errors.Unauthenticated: grpc.StatusCode.UNAUTHENTICATED,
    errors.ModelError: grpc.StatusCode.UNAVAILABLE,
    errors.CallerGone: grpc.StatusCode.CANCELLED,
    errors.DeadlinePassed: grpc.StatusCode.DEADLINE_EXCEEDED,
}
"""An error has the status of its nearest listed ancestor. docs/statuses.md is this table for callers."""

FIELDS: dict[type[errors.SluglineError], str] = {
    errors.UnknownTopic: "topics",
    errors.EmptyBatch: "documents",
    errors.TooManyDocuments: "documents",
    errors.TooManyTerms: "evidence_terms",
    errors.Undecodable: "request",
}
"""The field that an error is about, where it is not in the error itself."""

DOCUMENT_ERROR_REASONS: dict[type[errors.SluglineError], pb.DocumentErrorReason] = {
    errors.BlankText: pb.DOCUMENT_ERROR_REASON_BLANK_TEXT,
    errors.TextTooLong: pb.DOCUMENT_ERROR_REASON_TEXT_TOO_LONG,
    errors.MissingId: pb.DOCUMENT_ERROR_REASON_MISSING_ID,
    errors.UnknownTopic: pb.DOCUMENT_ERROR_REASON_UNKNOWN_TOPIC,
    errors.Undecodable: pb.DOCUMENT_ERROR_REASON_UNDECODABLE,
    errors.TooManyTerms: pb.DOCUMENT_ERROR_REASON_TOO_MANY_TERMS,
    errors.OtherVersion: pb.DOCUMENT_ERROR_REASON_OTHER_VERSION,
}
"""The reason given for a document that failed among many."""


_MOST_BYTES = 800
"""Of a description. gRPC takes 8 KiB of trailers for granted and drops the status with what is more; a description is
in the message, where each byte may need three, and up to three times in the details, in base64."""


@dataclass(frozen=True, slots=True)
class RpcStatus:
    """A gRPC status: its code, its message for people, and its google.rpc details for programs."""

    code: grpc.StatusCode
    message: str
    details: tuple[Message, ...]

    def trailing_metadata(self) -> tuple[tuple[str, str | bytes], ...]:
        """The trailers that carry the details."""
        number: int = self.code.value[0]
        rich = status_pb2.Status(code=number, message=self.message)
        trailers: list[tuple[str, str | bytes]] = []
        for detail in self.details:
            packed = any_pb2.Any()
            packed.Pack(detail)
            rich.details.append(packed)
            if isinstance(detail, error_details_pb2.RetryInfo) and self.code != grpc.StatusCode.UNAVAILABLE:
                # What the retry policies of gRPC clients themselves heed.
                trailers.append(("grpc-retry-pushback-ms", str(detail.retry_delay.ToMilliseconds())))
        return (("grpc-status-details-bin", rich.SerializeToString()), *trailers)


def status_of(error: errors.SluglineError, document_field: str = "document") -> RpcStatus:
    """The status that `error` becomes; `document_field` is the path of the document it may be about."""
    code = next((STATUS_CODES[kind] for kind in type(error).__mro__ if kind in STATUS_CODES), grpc.StatusCode.INTERNAL)
    field = field_of(error, document_field)
    description = _clipped(error.problem if isinstance(error, errors.DocumentError) else str(error))
    message = f"{field}: {description}" if field else description
    return RpcStatus(code, message, tuple(_details(error, field, description)))


def _details(error: errors.SluglineError, field: str, description: str) -> Iterator[Message]:
    if field:
        violation = error_details_pb2.BadRequest.FieldViolation(field=field, description=description)
        yield error_details_pb2.BadRequest(field_violations=[violation])
    match error:
        case errors.UnknownTopic():
            yield _resource("slugline.v1.Topic", error.topic, description)
        case errors.UnknownService():
            yield _resource("service", error.service, description)
        case errors.UnknownModel():
            yield _resource("model", error.name, description)
        case errors.OtherVersion():
            unmet = error_details_pb2.PreconditionFailure.Violation(
                type="MODEL_VERSION", subject=error.serving, description=description
            )
            yield error_details_pb2.PreconditionFailure(violations=[unmet])
        case errors.NotNow():
            delay = error_details_pb2.RetryInfo()
            delay.retry_delay.FromMilliseconds(round(error.retry_seconds * 1000))
            yield delay


def _clipped(text: str) -> str:
    encoded = text.encode()
    return text if len(encoded) <= _MOST_BYTES else encoded[:_MOST_BYTES].decode(errors="ignore") + "..."


def _resource(kind: str, name: str, description: str) -> Message:
    info: Message = error_details_pb2.ResourceInfo(
        resource_type=kind, resource_name=_clipped(name), description=description
    )
    return info


def field_of(error: errors.SluglineError, document_field: str) -> str:
    """The path of the field that `error` is about, or an empty string."""
    if isinstance(error, errors.DocumentError):
        return f"{document_field}.{error.field}"
    if isinstance(error, errors.FieldError):
        return error.field
    return next((FIELDS[kind] for kind in type(error).__mro__ if kind in FIELDS), "")


def reason_of(error: errors.SluglineError) -> pb.DocumentErrorReason:
    """The reason of a document's error, for programs."""
    return DOCUMENT_ERROR_REASONS.get(type(error), pb.DOCUMENT_ERROR_REASON_UNSPECIFIED)
