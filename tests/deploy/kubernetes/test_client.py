"""The service config that clients are told to use, against two real servers."""

import json
import queue
import signal
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import grpc

from slugline.v1 import classification_pb2 as pb
from slugline.v1 import classification_pb2_grpc as pb_grpc
from tests.conftest import Server, start_server

CONFIG = Path(__file__).parents[3] / "deploy/kubernetes/client-service-config.json"
CALLS = 120


@contextmanager
def two_servers(models: Path, folder: Path) -> Iterator[tuple[Server, Server]]:
    """Servers that publish different limits, which tell them apart: 1000 and 2000 documents."""
    with ExitStack() as stack:
        servers = []
        for limit in ("1000", "2000"):
            (folder / limit).mkdir()
            servers.append(
                start_server(models, folder / limit, "--max-batch-documents", limit, "--grace-seconds", "120")
            )
            stack.callback(end, servers[-1])
        yield servers[0], servers[1]


def end(server: Server) -> None:
    if server.process.poll() is None:
        server.stop(signal.SIGKILL)


@contextmanager
def open_stream(server: Server) -> Iterator[None]:
    """Keep a server that was told to end in draining, where it refuses new calls."""
    requests: queue.SimpleQueue[pb.StreamClassifyRequest | None] = queue.SimpleQueue()
    with grpc.insecure_channel(server.address) as channel:
        stub = pb_grpc.ClassificationServiceStub(channel)  # type: ignore[no-untyped-call]
        answers = stub.StreamClassify(iter(requests.get, None))
        requests.put(pb.StreamClassifyRequest(document=pb.Document(id="1", text="Troops shelled two villages.")))
        next(answers)
        yield
        requests.put(None)
        assert list(answers) == []


def test_calls_spread_over_the_servers_and_none_is_lost_while_one_goes(models: Path, tmp_path: Path) -> None:
    with two_servers(models, tmp_path) as (going, staying):
        target = f"ipv4:{going.address},{staying.address}"
        options = [("grpc.service_config", CONFIG.read_text())]
        with grpc.insecure_channel(target, options=options) as channel:
            stub = pb_grpc.ClassificationServiceStub(channel)  # type: ignore[no-untyped-call]

            def answered_by() -> set[int]:
                request = pb.GetModelRequest()
                return {stub.GetModel(request, wait_for_ready=True).limits.max_batch_documents for _ in range(CALLS)}

            assert answered_by() == {1000, 2000}
            with open_stream(going):
                going.process.send_signal(signal.SIGTERM)
                # It takes a few calls until the signal is heard.
                assert 2000 in answered_by()
                assert answered_by() == {2000}
            assert going.wait() == 0
            assert answered_by() == {2000}
        assert staying.stop() == 0


def test_only_what_was_not_accepted_is_tried_again() -> None:
    """UNAVAILABLE alone means that; a hedged call would cost its work twice."""
    config = json.loads(CONFIG.read_text())
    for method in config["methodConfig"]:
        assert method["retryPolicy"]["retryableStatusCodes"] == ["UNAVAILABLE"]
        assert "hedgingPolicy" not in method
        # A stream may be open for days: a deadline of a call would cut it off.
        assert {"StreamClassify", None} & {name.get("method") for name in method["name"]} == set()
