"""The Open Inference Protocol against a real server, through stubs of our own; those of others are in
test_inference_clients.py."""

import asyncio
import json
import shutil
from pathlib import Path
from typing import Any

import grpc
import numpy as np
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from sklearn.pipeline import Pipeline

from service import families
from service.health import Health
from service.inference import FREE, SERVICE, InferenceServicer
from service.settings import ServerSettings
from service.tally import Tally
from slugline import __version__, store
from slugline.errors import DeadlinePassed, NotReady
from slugline.inference import open_inference_pb2 as v2
from slugline.inference import open_inference_pb2_grpc as v2_grpc
from slugline.model import Model
from slugline.v1 import classification_pb2 as pb
from slugline.v1 import classification_pb2_grpc as pb_grpc
from tests.conftest import metrics_of, start_server, wait_until

TEXTS = [
    "Envoys signed the treaty at the summit",
    "Artillery shelled positions &amp; troops advanced",
    "militants took a hostage — «un otage» — 🎈",
    "the match and the weather",
]
Input = v2.ModelInferRequest.InferInputTensor


@pytest.fixture
def v2_stub(channel: grpc.Channel) -> v2_grpc.GRPCInferenceServiceStub:
    return v2_grpc.GRPCInferenceServiceStub(channel)  # type: ignore[no-untyped-call]


def infer(texts: list[str], **fields: Any) -> v2.ModelInferRequest:
    contents = v2.InferTensorContents(bytes_contents=[text.encode() for text in texts])
    sent = Input(name="text", datatype="BYTES", shape=[len(texts)], contents=contents)
    return v2.ModelInferRequest(**{"model_name": "default", "inputs": [sent]} | fields)


def contents(answer: v2.ModelInferResponse, name: str) -> v2.InferTensorContents:
    return next(output.contents for output in answer.outputs if output.name == name)


@pytest.mark.parametrize("texts", [TEXTS, [f"{text} {'and so on ' * 2000}" for text in TEXTS]], ids=["short", "long"])
def test_a_text_has_the_same_scores_through_both_apis(
    stub: pb_grpc.ClassificationServiceStub, v2_stub: v2_grpc.GRPCInferenceServiceStub, texts: list[str]
) -> None:
    """Short requests are answered where they arrive, long ones in a thread."""
    texts = [text[:20_000] for text in texts]
    documents = [pb.Document(id=str(index), text=text) for index, text in enumerate(texts)]
    ours = stub.BatchClassify(pb.BatchClassifyRequest(documents=documents), timeout=30)
    theirs = v2_stub.ModelInfer(infer(texts, id="42"), timeout=30)
    assert (theirs.id, theirs.model_name, theirs.model_version) == ("42", "default", ours.model_version)
    assert list(contents(theirs, "scores").fp32_contents) == np.array(ours.scores).astype(np.float32).tolist()
    assert [name.decode() for name in contents(theirs, "topics").bytes_contents] == list(ours.topics)
    thresholds = list(ours.thresholds) * len(texts)
    assigned = [score >= threshold for score, threshold in zip(ours.scores, thresholds, strict=True)]
    assert list(contents(theirs, "assigned").bool_contents) == assigned


@pytest.mark.parametrize("fault", ["model_name", "model_version", "inputs", "datatype", "shape", "outputs"])
def test_a_fault_of_any_length_is_said_in_few_words(v2_stub: v2_grpc.GRPCInferenceServiceStub, fault: str) -> None:
    """What does not fit into gRPC's trailers would reach the caller as another status."""
    long = "é" * 100_000
    request = infer(["x"])
    match fault:
        case "inputs":
            request.inputs[0].name = long
        case "datatype":
            request.inputs[0].datatype = long
        case "shape":
            request.inputs[0].shape.extend([1] * 100_000)
        case "outputs":
            request.outputs.add(name=long)
        case _:
            setattr(request, fault, long)
    with pytest.raises(grpc.RpcError) as caught:
        v2_stub.ModelInfer(request, timeout=30)
    code = {"model_name": "NOT_FOUND", "model_version": "FAILED_PRECONDITION"}.get(fault, "INVALID_ARGUMENT")
    assert caught.value.code().name == code
    assert len(str(caught.value.details())) < 1000


def test_metadata_and_answers_carry_the_properties_of_the_model(
    stub: pb_grpc.ClassificationServiceStub, v2_stub: v2_grpc.GRPCInferenceServiceStub
) -> None:
    ours = stub.GetModel(pb.GetModelRequest(), timeout=30)
    theirs = v2_stub.ModelMetadata(v2.ModelMetadataRequest(name="default", version=ours.version), timeout=30)
    assert (theirs.name, list(theirs.versions)) == ("default", [ours.version])
    assert json.loads(theirs.properties["topics"]) == [topic.name for topic in ours.topics]
    assert json.loads(theirs.properties["thresholds"]) == [topic.threshold for topic in ours.topics]
    assert theirs.properties["fingerprint"] == ours.fingerprint
    assert theirs.properties["data_digest"] == ours.data_digest
    tensors = {each.name: (each.datatype, list(each.shape)) for each in [*theirs.inputs, *theirs.outputs]}
    assert tensors == {
        "text": ("BYTES", [-1]),
        "scores": ("FP32", [-1, 3]),
        "topics": ("BYTES", [3]),
        "assigned": ("BOOL", [-1, 3]),
    }
    answer = v2_stub.ModelInfer(infer(["x"]), timeout=30)
    assert {name: value.string_param for name, value in answer.parameters.items()} == dict(theirs.properties)


def test_the_server_and_its_model_are_ready_and_others_are_not(
    channel: grpc.Channel, v2_stub: v2_grpc.GRPCInferenceServiceStub, model: Model
) -> None:
    assert v2_stub.ServerLive(v2.ServerLiveRequest(), timeout=30).live
    assert v2_stub.ServerReady(v2.ServerReadyRequest(), timeout=30).ready

    def ready(name: str, version: str = "") -> bool:
        return bool(v2_stub.ModelReady(v2.ModelReadyRequest(name=name, version=version), timeout=30).ready)

    assert ready("default")
    assert ready("default", model.version)
    assert not ready("default", "1")
    assert not ready("other")
    found = v2_stub.ServerMetadata(v2.ServerMetadataRequest(), timeout=30)
    assert (found.name, found.version, list(found.extensions)) == ("slugline", __version__, ["model_repository"])
    request = health_pb2.HealthCheckRequest(service=SERVICE.full_name)
    health = health_pb2_grpc.HealthStub(channel).Check(request, timeout=30)
    assert health.status == health_pb2.HealthCheckResponse.SERVING


def test_calls_are_admitted_and_counted_like_those_of_our_own_api(models: Path, tmp_path: Path) -> None:
    options = ("--metrics-address", "127.0.0.1:0", "--max-batch-documents", "4")
    server = start_server(models, tmp_path, *options)
    with grpc.insecure_channel(server.address) as channel:
        v2_stub = v2_grpc.GRPCInferenceServiceStub(channel)  # type: ignore[no-untyped-call]
        v2_stub.ModelInfer(infer(TEXTS), timeout=30)
        v2_stub.ServerLive(v2.ServerLiveRequest(), timeout=30)
        for texts in ([*TEXTS, "x"], [*TEXTS[:2], " "]):
            with pytest.raises(grpc.RpcError) as caught:
                v2_stub.ModelInfer(infer(texts), timeout=30)
            assert caught.value.code() == grpc.StatusCode.INVALID_ARGUMENT
    found = metrics_of(server)
    assert server.stop() == 0
    method = 'method="inference.GRPCInferenceService/ModelInfer"'
    assert found[f'slugline_calls_handled_total{{code="OK",{method}}}'] == 1
    assert found[f'slugline_calls_handled_total{{code="INVALID_ARGUMENT",{method}}}'] == 2
    # The good texts beside a bad one were not scored.
    assert found["slugline_documents_total"] == len(TEXTS)
    assert found['slugline_documents_refused_total{reason="BlankText"}'] == 1
    assert found['slugline_quality_warnings_total{warning="FEW_KNOWN_WORDS"}'] >= 1
    assert found['slugline_calls_admitted_total{gate="calls"}'] == 3


@pytest.mark.parametrize("texts", [["x"], ["x" * 19_000] * 2], ids=["short", "long"])
def test_what_nobody_waits_for_never_reaches_the_model(model: Model, texts: list[str]) -> None:
    tally = Tally()
    servicer = InferenceServicer(ServerSettings(), tally, Health([]))
    servicer.use(model)
    with pytest.raises(DeadlinePassed):
        asyncio.run(servicer.ModelInfer(infer(texts), _Late()))
    counted = {(name, labels): number for name, labels, number in tally.snapshot().counters if number}
    assert counted == {(families.SKIPPED.name, ("DeadlinePassed",)): len(texts)}


class _Late:
    """The one question that is asked of a context of gRPC."""

    def time_remaining(self) -> float:
        return -0.001


def test_without_a_token_only_what_health_tells_is_told(models: Path, tmp_path: Path) -> None:
    token = "correct-horse-battery-staple-0123456789"
    tokens = tmp_path / "tokens"
    tokens.write_text(token + "\n")
    server = start_server(models, tmp_path, "--tokens", str(tokens))
    codes = {}
    with grpc.insecure_channel(server.address) as channel:
        for method in SERVICE.methods:
            call: Any = channel.unary_unary(f"/{SERVICE.full_name}/{method.name}")
            try:
                call(b"", timeout=30)
                codes[method.name] = "OK"
            except grpc.RpcError as error:
                codes[method.name] = error.code().name
        v2_stub = v2_grpc.GRPCInferenceServiceStub(channel)  # type: ignore[no-untyped-call]
        metadata = (("authorization", f"Bearer {token}"),)
        assert v2_stub.ModelInfer(infer(TEXTS), metadata=metadata, timeout=30).outputs
    assert server.stop() == 0
    assert codes == {name: "OK" if name in FREE else "UNAUTHENTICATED" for name in codes}
    assert len(codes) == 9


def test_the_index_lists_every_version_on_disk_and_which_is_in_use(models: Path, tmp_path: Path) -> None:
    root = tmp_path / "models"
    shutil.copytree(models, root)
    current = store.current_version(root, "default")
    assert current
    # Another name, and an older version of ours that is damaged.
    shutil.copytree(root / "default", root / "other")
    (root / "default" / "19700101T000000Z-00000000").mkdir()
    (root / "default" / "19700101T000000Z-00000000" / "manifest.json").write_text("{")
    server = start_server(root, tmp_path)
    with grpc.insecure_channel(server.address) as channel:
        v2_stub = v2_grpc.GRPCInferenceServiceStub(channel)  # type: ignore[no-untyped-call]
        everything = v2_stub.RepositoryIndex(v2.RepositoryIndexRequest(), timeout=30).models
        ready = v2_stub.RepositoryIndex(v2.RepositoryIndexRequest(ready=True), timeout=30).models
    assert server.stop() == 0
    found = {(each.name, each.version): (each.state, bool(each.reason)) for each in everything}
    assert found[("default", current)] == ("READY", False)
    assert found[("default", "19700101T000000Z-00000000")] == ("UNAVAILABLE", True)
    assert [(each.name, each.version, each.state) for each in ready] == [("default", current, "READY")]


def test_before_there_is_a_model_nothing_is_ready_and_inference_is_refused_as_such(model: Model) -> None:
    well = Health([])
    servicer = InferenceServicer(ServerSettings(), Tally(), well)

    def ready() -> tuple[bool, bool]:
        server = asyncio.run(servicer.ServerReady(v2.ServerReadyRequest(), None))
        return server.ready, asyncio.run(servicer.ModelReady(v2.ModelReadyRequest(name="default"), None)).ready

    assert asyncio.run(servicer.ServerLive(v2.ServerLiveRequest(), None)).live
    assert ready() == (False, False)
    with pytest.raises(NotReady):
        asyncio.run(servicer.ModelInfer(infer(["x"]), None))
    with pytest.raises(NotReady):
        asyncio.run(servicer.RepositoryIndex(v2.RepositoryIndexRequest(), None))
    servicer.use(model)
    well.serve()
    assert ready() == (True, True)
    # A server that is shutting down has its model still, and is not ready all the same.
    well.close()
    assert ready() == (False, False)


def test_a_promoted_version_answers_here_too(models: Path, tmp_path: Path, model: Model, pipeline: Pipeline) -> None:
    root = tmp_path / "models"
    shutil.copytree(models, root)
    server = start_server(root, tmp_path, "--reload-seconds", "0.1")
    old, new = model.version, store.publish(root, "default", model, pipeline).name
    with grpc.insecure_channel(server.address) as channel:
        v2_stub = v2_grpc.GRPCInferenceServiceStub(channel)  # type: ignore[no-untyped-call]
        assert v2_stub.ModelInfer(infer(["x"]), timeout=30).model_version == old
        store.promote(root, "default", new)
        asked = v2.ModelReadyRequest(name="default", version=new)
        wait_until(lambda: v2_stub.ModelReady(asked, timeout=30).ready)
        assert v2_stub.ModelInfer(infer(["x"], model_version=new), timeout=30).model_version == new
        with pytest.raises(grpc.RpcError) as caught:
            v2_stub.ModelInfer(infer(["x"], model_version=old), timeout=30)
        assert caught.value.code() == grpc.StatusCode.FAILED_PRECONDITION
    assert server.stop() == 0
