"""Metrics of real servers, read as Prometheus reads them."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import grpc
import pytest
from prometheus_client.parser import text_string_to_metric_families

from service.families import FAMILIES
from slugline.v1 import classification_pb2 as pb
from slugline.v1 import classification_pb2_grpc as pb_grpc
from tests.conftest import Server, exposition, metrics_of, start_server, wait_until
from tests.corpora import TOPICS
from tests.service.test_supervisor import classify, workers_of

CLASSIFY = 'method="slugline.v1.ClassificationService/Classify"'


@pytest.fixture(scope="module")
def shown(models: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """A server that has answered a little of everything."""
    running = start_server(models, tmp_path_factory.mktemp("shown"), "--metrics-address", "127.0.0.1:0")
    texts = ["Envoys signed the treaty at the summit", "zzz qqq xxx", "The match, the league and the film " * 50]
    with grpc.insecure_channel(running.address) as channel:
        stub = pb_grpc.ClassificationServiceStub(channel)  # type: ignore[no-untyped-call]
        for text in texts:
            stub.Classify(pb.ClassifyRequest(document=pb.Document(text=text)))
        documents = [pb.Document(id=str(number), text=text) for number, text in enumerate([*texts, " "])]
        stub.BatchClassify(pb.BatchClassifyRequest(documents=documents))
        list(stub.StreamClassify(pb.StreamClassifyRequest(document=document) for document in documents))
        for bad in (pb.ClassifyRequest(), pb.ClassifyRequest(document=documents[0], topics=["sport"])):
            with pytest.raises(grpc.RpcError):
                stub.Classify(bad)
    yield running
    assert running.stop() == 0


def test_calls_are_counted_by_method_and_code_and_all_that_started_have_ended(shown: Server) -> None:
    found = metrics_of(shown)
    assert found[f"slugline_calls_started_total{{{CLASSIFY}}}"] == 5
    assert found[f'slugline_calls_handled_total{{code="OK",{CLASSIFY}}}'] == 3
    assert found[f'slugline_calls_handled_total{{code="INVALID_ARGUMENT",{CLASSIFY}}}'] == 2
    assert found[f"slugline_call_seconds_count{{{CLASSIFY}}}"] == 5
    assert found["slugline_calls_in_flight"] == found["slugline_streams_open"] == 0


def test_documents_words_topics_and_warnings_are_counted(shown: Server) -> None:
    found = metrics_of(shown)
    assert found["slugline_documents_total"] == 9
    assert found['slugline_documents_refused_total{reason="BlankText"}'] == 3
    assert found['slugline_documents_refused_total{reason="UnknownTopic"}'] == 1
    assert found["slugline_tokens_total"] == 3 * (7 + 3 + 50 * 7)
    assert found["slugline_unknown_tokens_total"] >= 3 * 3
    assert found['slugline_topics_assigned_total{topic="diplomacy"}'] >= 3
    assert found['slugline_topic_score_count{topic="diplomacy"}'] == 9
    assert found['slugline_topic_score_bucket{le="+Inf",topic="diplomacy"}'] == 9
    assert found['slugline_quality_warnings_total{warning="FEW_KNOWN_WORDS"}'] == 3
    assert found["slugline_document_characters_count"] == 9


def test_labels_come_from_the_server_and_its_model_never_from_callers(shown: Server) -> None:
    for metric in text_string_to_metric_families(exposition(shown)):
        for sample in metric.samples:
            assert "sport" not in sample.labels.values()
            if "topic" in sample.labels:
                assert sample.labels["topic"] in TOPICS


def test_every_metric_is_described_and_prometheus_reads_it(shown: Server) -> None:
    text = exposition(shown)
    described = {metric.name: metric.documentation for metric in text_string_to_metric_families(text)}
    assert described == {name.removesuffix("_total"): family.help for name, family in FAMILIES.items()}
    if not shutil.which("promtool"):
        pytest.skip("promtool is not here to read it, too")
    done = subprocess.run(["promtool", "check", "metrics"], input=text, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout + done.stderr) == (0, "")


def test_workers_are_counted_together_and_what_a_dead_one_counted_stays(models: Path, tmp_path: Path) -> None:
    server = start_server(models, tmp_path, "--workers", "2", "--metrics-address", "127.0.0.1:0")
    started = f"slugline_calls_started_total{{{CLASSIFY}}}"
    for _ in range(20):
        classify(server.address)
    wait_until(lambda: metrics_of(server).get(started) == 20)
    found = metrics_of(server)
    assert found["slugline_workers"] == 2
    assert sum(value for name, value in found.items() if name.startswith("slugline_model_info")) == 2
    assert found['slugline_resident_bytes{process="worker-1"}'] > 2**20
    os.kill(workers_of(server).pop(), signal.SIGKILL)
    wait_until(lambda: metrics_of(server)["slugline_worker_restarts_total"] == 1)
    wait_until(lambda: metrics_of(server)["slugline_workers"] == 2)
    for _ in range(5):
        classify(server.address)
    wait_until(lambda: metrics_of(server).get(started) == 25)
    assert server.stop() == 0


def test_an_address_for_metrics_that_is_taken_is_refused(shown: Server, models: Path) -> None:
    address = re.search(r"showing metrics\s+address=(\S+)", shown.log.read_text())
    assert address
    command = [sys.executable, "-m", "slugline", "serve", "--models", str(models), "--address", "127.0.0.1:0"]
    done = subprocess.run(
        [*command, "--metrics-address", address[1]], capture_output=True, text=True, timeout=30, check=False
    )
    assert done.returncode == 6
    assert "--metrics-address" in done.stderr
    assert "Traceback" not in done.stderr
