"""The service config that clients are told to use, against two real servers."""

import json
from pathlib import Path

import grpc

from slugline.v1 import classification_pb2 as pb
from slugline.v1 import classification_pb2_grpc as pb_grpc
from tests.conftest import start_server

CONFIG = Path(__file__).parents[3] / "deploy/kubernetes/client-service-config.json"
CALLS = 200


def test_calls_spread_over_the_servers_and_none_is_lost_when_one_goes(models: Path, tmp_path: Path) -> None:
    """The servers publish different limits, which tell them apart."""
    servers = []
    for limit in ("1000", "2000"):
        (tmp_path / limit).mkdir()
        servers.append(start_server(models, tmp_path / limit, "--max-batch-documents", limit))
    options = [("grpc.service_config", CONFIG.read_text())]
    target = "ipv4:" + ",".join(server.address for server in servers)
    with grpc.insecure_channel(target, options=options) as channel:
        stub = pb_grpc.ClassificationServiceStub(channel)  # type: ignore[no-untyped-call]
        grpc.channel_ready_future(channel).result(30)
        answered = []
        for number in range(CALLS):
            if number == CALLS // 2:
                # In the midst of calls, as a rolling update does.
                assert servers[0].stop() == 0
            answered.append(stub.GetModel(pb.GetModelRequest(), timeout=30).limits.max_batch_documents)
    assert servers[1].stop() == 0
    assert set(answered[: CALLS // 2]) == {1000, 2000}
    assert set(answered[CALLS // 2 :]) == {2000}


def test_only_what_was_not_accepted_is_tried_again() -> None:
    """UNAVAILABLE alone means that; a hedged call would cost its work twice."""
    config = json.loads(CONFIG.read_text())
    for method in config["methodConfig"]:
        assert method["retryPolicy"]["retryableStatusCodes"] == ["UNAVAILABLE"]
        assert "hedgingPolicy" not in method
        # A stream may be open for days: a deadline of a call would cut it off.
        assert {"StreamClassify", None} & {name.get("method") for name in method["name"]} == set()
