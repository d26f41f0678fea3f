"""A real server process, called from here as clients call it."""

import math
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from slugline.model import Model
from slugline.v1 import classification_pb2 as pb
from slugline.v1 import classification_pb2_grpc as pb_grpc
from tests.conftest import Server, start_server
from tests.corpora import TOPICS

Stub = pb_grpc.ClassificationServiceStub
INVALID = grpc.StatusCode.INVALID_ARGUMENT
SERVICE = "slugline.v1.ClassificationService"


def document(number: int, text: str = "Envoys signed the treaty at the summit") -> pb.Document:
    return pb.Document(id=f"d{number}", text=f"{text} {number}.")


def test_classify_answers_as_the_model_does(stub: Stub, model: Model) -> None:
    response = stub.Classify(
        pb.ClassifyRequest(document=pb.Document(title="Talks", text="Envoys &amp; ministers", id="x"))
    )
    assert response.model_version == model.version
    assert response.document_id == "x"
    assert [topic.score for topic in response.topics] == model.scores(["Talks. Envoys & ministers"])[0].tolist()
    assert [topic.topic for topic in response.topics if topic.assigned] == ["diplomacy"]


def test_only_the_topics_asked_for_and_evidence_that_sums(stub: Stub) -> None:
    request = pb.ClassifyRequest(document=document(0), topics=["terrorism", "diplomacy"], evidence_terms=2)
    topics = stub.Classify(request).topics
    assert [topic.topic for topic in topics] == ["diplomacy", "terrorism"]
    for topic in topics:
        evidence = topic.evidence
        total = evidence.bias + evidence.others + sum(term.contribution for term in evidence.terms)
        assert math.isclose(total, evidence.raw_score, abs_tol=1e-9)
        assert math.isclose(topic.score, 1 / (1 + math.exp(-evidence.raw_score)), rel_tol=1e-9)
        assert 1 <= len(evidence.terms) <= 4
    assert not stub.Classify(pb.ClassifyRequest(document=document(0))).topics[0].HasField("evidence")


def test_a_batch_is_flat_in_order_and_names_its_bad_documents(stub: Stub, model: Model) -> None:
    documents = [document(0), pb.Document(id="blank", text=" "), pb.Document(text="no id"), document(3)]
    response = stub.BatchClassify(pb.BatchClassifyRequest(documents=documents))
    width = len(response.topics)
    assert list(response.scores[3 * width :]) == model.scores([documents[3].text])[0].tolist()
    assert all(math.isnan(score) for score in response.scores[width : 3 * width])
    assert [(error.index, error.field) for error in response.errors] == [
        (1, "documents[1].text"),
        (2, "documents[2].id"),
    ]
    assert list(response.thresholds) == model.thresholds.tolist()


def test_what_can_hardly_be_read_is_answered_with_a_warning(stub: Stub, model: Model) -> None:
    strange = pb.Document(id="a", text="Die Regierung hat am Dienstag neue Verhandlungen mit den Streikenden angesagt")
    good = pb.Document(id="b", text="troops shelled positions, envoy and ambassador at the summit talks")
    warnings = [pb.QUALITY_WARNING_FEW_KNOWN_WORDS, pb.QUALITY_WARNING_OTHER_LANGUAGE]
    assert list(stub.Classify(pb.ClassifyRequest(document=strange)).warnings) == warnings
    assert not stub.Classify(pb.ClassifyRequest(document=good)).warnings
    many = [good, pb.Document(id="c"), strange, good]
    response = stub.BatchClassify(pb.BatchClassifyRequest(documents=many))
    assert [(found.index, list(found.warnings)) for found in response.warnings] == [(2, warnings)]
    streamed = list(stub.StreamClassify(pb.StreamClassifyRequest(document=document) for document in many))
    assert [list(answer.result.warnings) for answer in streamed] == [[], [], warnings, []]


def test_a_version_that_is_in_use_may_be_asked_for(stub: Stub, model: Model) -> None:
    request = pb.ClassifyRequest(document=document(0), model_version=model.version)
    assert stub.Classify(request).model_version == model.version


def test_a_connection_of_age_is_made_anew_and_no_call_is_lost(models: Path, tmp_path: Path) -> None:
    server = start_server(models, tmp_path, "--connection-seconds", "0.3")
    states: list[grpc.ChannelConnectivity] = []
    with grpc.insecure_channel(server.address, options=[("grpc.use_local_subchannel_pool", 1)]) as channel:
        channel.subscribe(states.append)
        own = Stub(channel)  # type: ignore[no-untyped-call]
        slow = own.StreamClassify(paced(pb.StreamClassifyRequest(document=document(0)), 20))
        end = time.monotonic() + 30
        while states.count(grpc.ChannelConnectivity.READY) < 3:
            assert own.Classify(pb.ClassifyRequest(document=document(0)), timeout=20).topics
            assert time.monotonic() < end
        assert len(list(slow)) == 20
    assert server.stop() == 0


def paced(request: pb.StreamClassifyRequest, times: int) -> Iterator[pb.StreamClassifyRequest]:
    for _ in range(times):
        time.sleep(0.1)
        yield request


MALFORMED = [b"\xff", b"\x0a\x05\x1a\x03\xff\xfe\xfd", b"\x0a\x7f", b"\x00", b"not protobuf at all"]


def test_a_stream_goes_on_after_bytes_that_cannot_be_decoded(channel: grpc.Channel) -> None:
    good = pb.StreamClassifyRequest(document=document(1)).SerializeToString()
    bytes_method: Any = channel.stream_stream(f"/{SERVICE}/StreamClassify")
    raw = bytes_method(iter([good, *MALFORMED, good]))
    answers = [pb.StreamClassifyResponse.FromString(answer) for answer in raw]
    assert [answer.WhichOneof("outcome") for answer in answers] == ["result", *["error"] * len(MALFORMED), "result"]
    assert {answer.error.reason for answer in answers[1:-1]} == {pb.DOCUMENT_ERROR_REASON_UNDECODABLE}


def test_a_message_over_the_limit_is_refused_and_the_server_serves_on(stub: Stub) -> None:
    with pytest.raises(grpc.RpcError) as caught:
        stub.Classify(pb.ClassifyRequest(document=pb.Document(text="x" * (17 * 2**20))))
    assert caught.value.code() == grpc.StatusCode.RESOURCE_EXHAUSTED
    assert stub.Classify(pb.ClassifyRequest(document=document(0))).topics


def test_a_thousand_documents_with_ten_bad_ones_stream_in_order(stub: Stub) -> None:
    bad = set(range(50, 1000, 100))
    requests = [
        pb.StreamClassifyRequest(document=pb.Document(id=f"d{number}", text="") if number in bad else document(number))
        for number in range(1000)
    ]
    answers = list(stub.StreamClassify(iter(requests)))
    assert [answer.index for answer in answers] == list(range(1000))
    assert [answer.index for answer in answers if answer.WhichOneof("outcome") == "error"] == sorted(bad)
    assert all(answer.error.document_id == f"d{answer.index}" for answer in answers if answer.index in bad)
    assert all(answer.result.document_id == f"d{answer.index}" for answer in answers if answer.index not in bad)


def test_get_model_tells_version_topics_and_limits(stub: Stub, model: Model) -> None:
    response = stub.GetModel(pb.GetModelRequest())
    assert response.version == model.version
    assert [topic.name for topic in response.topics] == list(TOPICS)
    assert response.limits.max_text_chars == 20_000
    assert response.fingerprint == model.manifest.fingerprint


@pytest.mark.parametrize("service", ["", SERVICE])
def test_health_says_serving(channel: grpc.Channel, service: str) -> None:
    response = health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=service))
    assert response.status == health_pb2.HealthCheckResponse.SERVING


def test_one_watcher_leaving_does_not_silence_the_others(models: Path, tmp_path: Path) -> None:
    server = start_server(models, tmp_path)
    with grpc.insecure_channel(server.address) as channel:
        watch = health_pb2_grpc.HealthStub(channel).Watch
        leaving, staying = watch(health_pb2.HealthCheckRequest()), watch(health_pb2.HealthCheckRequest())
        assert next(leaving).status == next(staying).status == health_pb2.HealthCheckResponse.SERVING
        leaving.cancel()
        assert server.stop() == 0
        assert [answer.status for answer in staying] == [health_pb2.HealthCheckResponse.NOT_SERVING]


def test_reflection_lists_the_services(channel: grpc.Channel) -> None:
    stub = reflection_pb2_grpc.ServerReflectionStub(channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    (answer,) = stub.ServerReflectionInfo(iter([request]))
    listed = {service.name for service in answer.list_services_response.service}
    assert {SERVICE, "grpc.health.v1.Health"} <= listed


def test_reflection_can_be_switched_off(models: Path, tmp_path: Path) -> None:
    server = start_server(models, tmp_path, "--no-reflection")
    with grpc.insecure_channel(server.address) as channel:
        stub = reflection_pb2_grpc.ServerReflectionStub(channel)
        with pytest.raises(grpc.RpcError) as caught:
            list(stub.ServerReflectionInfo(iter([reflection_pb2.ServerReflectionRequest(list_services="")])))
        assert caught.value.code() == grpc.StatusCode.UNIMPLEMENTED
    assert server.stop() == 0


def test_no_accepted_call_is_lost_on_sigterm_under_load(models: Path, tmp_path: Path) -> None:
    """Callers go on until they are refused; every call is answered or refused as UNAVAILABLE, and none hangs."""
    server = start_server(models, tmp_path)
    answered, others = [], []

    def call_until_refused() -> None:
        with grpc.insecure_channel(server.address) as channel:
            stub = Stub(channel)  # type: ignore[no-untyped-call]
            while True:
                try:
                    documents = [document(number) for number in range(64)]
                    answered.append(len(stub.BatchClassify(pb.BatchClassifyRequest(documents=documents)).scores))
                except grpc.RpcError as error:
                    others.append((error.code(), str(error.details())))
                    return

    callers = [threading.Thread(target=call_until_refused) for _ in range(8)]
    for caller in callers:
        caller.start()
    while len(answered) < 20:
        time.sleep(0.01)
    assert server.stop() == 0
    for caller in callers:
        caller.join(30)
    assert set(answered) == {64 * len(TOPICS)}
    assert {code for code, _ in others} == {grpc.StatusCode.UNAVAILABLE}
    log = server.log.read_text()
    assert "draining" in log
    assert "Traceback" not in log


def test_a_stream_that_is_open_on_sigterm_is_answered_to_its_end(models: Path, tmp_path: Path) -> None:
    server = start_server(models, tmp_path)
    accepted = threading.Event()

    def requests() -> Iterator[pb.StreamClassifyRequest]:
        yield pb.StreamClassifyRequest(document=document(0))
        assert accepted.wait(30)
        server.process.send_signal(signal.SIGTERM)
        for number in range(1, 50):
            time.sleep(0.01)
            yield pb.StreamClassifyRequest(document=document(number))

    with grpc.insecure_channel(server.address) as channel:
        stream = Stub(channel).StreamClassify(requests())  # type: ignore[no-untyped-call]
        answers = [next(stream)]
        accepted.set()
        answers += stream
    assert [answer.index for answer in answers] == list(range(50))
    assert server.wait() == 0


def test_a_stream_that_never_ends_is_cut_off_after_the_grace_period(models: Path, tmp_path: Path) -> None:
    server = start_server(models, tmp_path, "--grace-seconds", "0.5")
    ended = threading.Event()

    def requests() -> Iterator[pb.StreamClassifyRequest]:
        yield pb.StreamClassifyRequest(document=document(0))
        ended.wait(30)

    with grpc.insecure_channel(server.address) as channel:
        answers = Stub(channel).StreamClassify(requests())  # type: ignore[no-untyped-call]
        next(answers)
        assert server.stop(timeout=15) == 0
        ended.set()


def test_a_taken_address_is_refused_at_once(server: Server, models: Path) -> None:
    command = [sys.executable, "-m", "slugline", "serve", "--models", str(models), "--address", server.address]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 6
    assert f"cannot listen on '{server.address}'" in done.stderr
    assert "Traceback" not in done.stderr


def test_without_a_model_the_server_says_so_and_ends(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "slugline", "serve", "--models", str(tmp_path), "--address", "127.0.0.1:0"]
    done = subprocess.run(command, capture_output=True, text=True, timeout=30, check=False)
    assert done.returncode == 3
    assert "run `slugline train` first" in done.stderr
    assert "Traceback" not in done.stderr


def test_json_logs_are_json_and_name_the_settings(models: Path, tmp_path: Path) -> None:
    import json

    server = start_server(models, tmp_path, "--log-format", "json")
    assert server.stop() == 0
    lines = [json.loads(line) for line in server.log.read_text().splitlines()]
    assert [line["event"] for line in lines] == ["starting", "serving", "draining", "stopped"]
    assert lines[0]["models"] == str(models)
