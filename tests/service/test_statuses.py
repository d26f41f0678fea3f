"""Every row of docs/statuses.md, against a real server."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2
from grpc_status import rpc_status

from service.tensors import packed
from slugline.inference import open_inference_pb2 as v2
from slugline.v1 import classification_pb2 as pb

OURS, HEALTH = "slugline.v1.ClassificationService", "grpc.health.v1.Health"
V2 = "inference.GRPCInferenceService"
REFLECTION = "grpc.reflection.v1alpha.ServerReflection/ServerReflectionInfo"
GOOD = pb.Document(id="a", text="Envoys signed the treaty at the summit")
DETAILS = ("BadRequest", "ResourceInfo", "PreconditionFailure", "RetryInfo")


def one(**fields: Any) -> tuple[str, Message]:
    return f"{OURS}/Classify", pb.ClassifyRequest(**{"document": GOOD} | fields)


def many(**fields: Any) -> tuple[str, Message]:
    return f"{OURS}/BatchClassify", pb.BatchClassifyRequest(**{"documents": [GOOD]} | fields)


def text(text: str, title: str = "") -> tuple[str, Message]:
    return one(document=pb.Document(text=text, title=title))


def tensor(*texts: bytes, **fields: Any) -> v2.ModelInferRequest.InferInputTensor:
    contents = v2.InferTensorContents(bytes_contents=texts) if texts else None
    given = {"name": "text", "datatype": "BYTES", "shape": [2], "contents": contents} | fields
    return v2.ModelInferRequest.InferInputTensor(**given)


def infer(**fields: Any) -> tuple[str, Message]:
    given = {"model_name": "default", "inputs": [tensor(b"a", b"b")]} | fields
    return f"{V2}/ModelInfer", v2.ModelInferRequest(**given)


def infer_raw(*raw: bytes, **fields: Any) -> tuple[str, Message]:
    return infer(**{"inputs": [tensor()], "raw_input_contents": raw} | fields)


def outputs(*names: str, **parameters: v2.InferParameter) -> tuple[str, Message]:
    return infer(
        outputs=[v2.ModelInferRequest.InferRequestedOutputTensor(name=name, parameters=parameters) for name in names]
    )


SHARED = {"shared_memory_region": v2.InferParameter(string_param="region")}
V2_CASES: dict[str, tuple[str, Message | bytes]] = {
    "V2: model that is not here": infer(model_name="other"),
    "V2: version that is not in use": infer(model_version="1"),
    "V2: metadata of a model that is not here": (f"{V2}/ModelMetadata", v2.ModelMetadataRequest(name="other")),
    "V2: metadata of a version that is not in use": (
        f"{V2}/ModelMetadata",
        v2.ModelMetadataRequest(name="default", version="1"),
    ),
    "V2: no input": infer(inputs=[]),
    "V2: input of another name": infer(inputs=[tensor(b"a", b"b", name="title")]),
    "V2: input twice": infer(inputs=[tensor(b"a", b"b"), tensor(b"a", b"b")]),
    "V2: wrong datatype": infer(inputs=[tensor(b"a", b"b", datatype="FP32")]),
    "V2: wrong shape": infer(inputs=[tensor(b"a", b"b", shape=[1, 2])]),
    "V2: shape without elements": infer(inputs=[tensor(shape=[0])]),
    "V2: shape of too many elements": infer_raw(b"", inputs=[tensor(shape=[1025, 1])]),
    "V2: input in shared memory": infer(inputs=[tensor(parameters=SHARED)]),
    "V2: no contents": infer(inputs=[tensor()]),
    "V2: contents of another datatype": infer(inputs=[tensor(contents=v2.InferTensorContents(int_contents=[1, 2]))]),
    "V2: contents of another count than the shape": infer(inputs=[tensor(b"a", b"b", b"c")]),
    "V2: both typed and raw contents": infer(raw_input_contents=[packed([b"a", b"b"])]),
    "V2: raw contents for more inputs than there are": infer_raw(packed([b"a", b"b"]), b""),
    "V2: raw contents that end within a length": infer_raw(packed([b"a"]) + b"\x01\x00"),
    "V2: raw contents that end within an element": infer_raw(packed([b"a", b"bcd"])[:-1]),
    "V2: raw contents with trailing bytes": infer_raw(packed([b"a", b"b", b"c"])),
    "V2: text that is not UTF-8": infer(inputs=[tensor(b"a", b"\xff")]),
    "V2: raw text that is not UTF-8": infer_raw(packed([b"a", b"\xed\xa0\x80"])),
    "V2: blank text": infer(inputs=[tensor(b"a", b" \n")]),
    "V2: raw text that is too long": infer_raw(packed([b"a", b"x" * 20_001])),
    "V2: unknown output": outputs("scores", "labels"),
    "V2: output twice": outputs("scores", "scores"),
    "V2: output in another form": outputs("scores", classification=v2.InferParameter(int64_param=1)),
    "V2: bytes that are no message": (f"{V2}/ModelInfer", b"\xff"),
    "V2: index of a named repository": (f"{V2}/RepositoryIndex", v2.RepositoryIndexRequest(repository_name="a")),
    "V2: model to be loaded": (f"{V2}/RepositoryModelLoad", v2.RepositoryModelLoadRequest()),
    # As Triton's clients write it: the repository's name is field 1, the model's is field 2.
    "V2: model to be unloaded": (f"{V2}/RepositoryModelUnload", b"\x12\x07default"),
}
CASES: dict[str, tuple[str, Message | bytes]] = V2_CASES | {
    "no document": (f"{OURS}/Classify", pb.ClassifyRequest()),
    "empty text": text(""),
    "text of spaces alone": text(" \t\n\u00a0\u2003"),
    "title without text": text("", "Talks"),
    "text too long": text("x" * 20_001),
    "title and text together too long": text("x" * 20_000, "x"),
    "topic that the model does not have": one(topics=["sport"]),
    "topic in other letters": one(topics=["diplomacy", "Diplomacy"]),
    "empty name of a topic": one(topics=[""]),
    "too many evidence terms": one(evidence_terms=2**32 - 1),
    "version that is not in use": one(model_version="19700101T000000Z-00000000"),
    "bytes that are no message": (f"{OURS}/Classify", b"not protobuf at all"),
    "truncated message": (f"{OURS}/Classify", b"\x0a\x7f"),
    "text that is not UTF-8": (f"{OURS}/Classify", b"\x0a\x05\x1a\x03\xff\xfe\xfd"),
    "batch without documents": (f"{OURS}/BatchClassify", pb.BatchClassifyRequest()),
    "batch of too many documents": many(documents=[GOOD] * 1025),
    "batch: unknown topic": many(topics=["sport"]),
    "batch: version that is not in use": many(model_version="x"),
    "batch: bytes that are no message": (f"{OURS}/BatchClassify", b"\xff"),
    "GetModel: bytes that are no message": (f"{OURS}/GetModel", b"\xff"),
    "health: unknown service": (f"{HEALTH}/Check", health_pb2.HealthCheckRequest(service="other")),
    "health: bytes that are no message": (f"{HEALTH}/Check", b"\xff"),
    "watching health: bytes that are no message": (f"{HEALTH}/Watch", b"\xff"),
    "reflection: bytes that are no message": (REFLECTION, b"\xff"),
    "message larger than the limit": text("x" * (17 * 2**20)),
    "unknown method": (f"{OURS}/Summarise", b""),
    "unknown service": ("slugline.v9.Other/Classify", b""),
}
ELSEWHERE = {
    "deadline that has passed": "test_calls.py",
    "as many calls under way as `--max-concurrent`": "test_admission.py",
    "as many streams open as `--max-streams`": "test_admission.py",
    "token that is missing or wrong, where tokens are asked for": "test_access.py",
    "model still loading": "test_servicer.py",
    "server shutting down": "test_server.py",
}
"""Rows that need a server of their own, and the tests that have one."""

DOCUMENT_CASES: dict[str, pb.StreamClassifyRequest | bytes] = {
    "empty text": pb.StreamClassifyRequest(document=pb.Document(id="a")),
    "text too long": pb.StreamClassifyRequest(document=pb.Document(id="a", text="x" * 20_001)),
    "no id": pb.StreamClassifyRequest(document=pb.Document(text="x")),
    "topic that the model does not have": pb.StreamClassifyRequest(document=GOOD, topics=["sport"]),
    "bytes that are no message": b"\xff",
    "too many evidence terms": pb.StreamClassifyRequest(document=GOOD, evidence_terms=101),
    "version that is not in use": pb.StreamClassifyRequest(document=GOOD, model_version="x"),
}


def rows(width: int) -> dict[str, list[str]]:
    """The rows of that table of the document which has so many columns, by their first cell."""
    lines = (Path(__file__).parents[2] / "docs" / "statuses.md").read_text(encoding="utf-8").splitlines()
    cells = [[cell.strip() for cell in line.strip("|").split("|")] for line in lines if line.startswith("| ")]
    return {row[0]: row[1:] for row in cells if len(row) == width and row[0] not in ("fault", "fault of a document")}


TABLE, DOCUMENT_TABLE = rows(4), rows(3)


def raw(request: Message | bytes) -> bytes:
    return request if isinstance(request, bytes) else request.SerializeToString()


def ask(channel: grpc.Channel, method: str, body: bytes) -> list[bytes]:
    if method.endswith("Watch"):
        stream: Callable[..., Any] = channel.unary_stream(f"/{method}")
        return list(stream(body, timeout=30))
    if method == REFLECTION:
        both: Callable[..., Any] = channel.stream_stream(f"/{method}")
        return list(both(iter([body]), timeout=30))
    unary: Callable[..., Any] = channel.unary_unary(f"/{method}")
    return [unary(body, timeout=30)]


def test_the_document_and_the_cases_name_the_same_faults() -> None:
    assert set(TABLE) == set(CASES) | set(ELSEWHERE)
    assert set(DOCUMENT_TABLE) == set(DOCUMENT_CASES)
    assert all((Path(__file__).parent / name).exists() for name in ELSEWHERE.values())


@pytest.mark.parametrize("fault", CASES)
def test_a_fault_has_the_status_the_details_and_the_field_of_its_row(channel: grpc.Channel, fault: str) -> None:
    code, details, field = TABLE[fault]
    method, request = CASES[fault]
    with pytest.raises(grpc.RpcError) as caught:
        ask(channel, method, raw(request))
    assert caught.value.code().name == code
    status = rpc_status.from_call(caught.value)
    found = [detail.type_url.rpartition(".")[2] for detail in status.details] if status else []
    assert found == [name for name in DETAILS if name in details]
    if "BadRequest" in found:
        assert status
        bad_request = error_details_pb2.BadRequest()
        assert status.details[0].Unpack(bad_request)
        assert [violation.field for violation in bad_request.field_violations] == [field]
        assert str(caught.value.details()).startswith(f"{field}: ")


@pytest.mark.parametrize("fault", DOCUMENT_CASES)
def test_a_fault_of_a_document_has_the_reason_of_its_row(channel: grpc.Channel, fault: str) -> None:
    stream: Any = channel.stream_stream(f"/{OURS}/StreamClassify")
    good = raw(pb.StreamClassifyRequest(document=GOOD))
    answers = [
        pb.StreamClassifyResponse.FromString(answer)
        for answer in stream(iter([good, raw(DOCUMENT_CASES[fault]), good]), timeout=30)
    ]
    assert [answer.WhichOneof("outcome") for answer in answers] == ["result", "error", "result"]
    reason = pb.DocumentErrorReason.Name(answers[1].error.reason)
    assert reason.removeprefix("DOCUMENT_ERROR_REASON_") == DOCUMENT_TABLE[fault][0]
    assert answers[1].error.message
