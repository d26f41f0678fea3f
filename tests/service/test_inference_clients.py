"""The Open Inference Protocol as clients see it that we did not write, each in a process of its own.

`tritonclient[grpc]` comes with the development dependencies. KServe's client brings a hundred packages along and is not
among them: its test runs where `kserve` is installed. Either can stand elsewhere, in folders that
SLUGLINE_CLIENT_PACKAGES names, which only the clients' processes see.
"""

import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from slugline.v1 import classification_pb2 as pb
from slugline.v1 import classification_pb2_grpc as pb_grpc
from tests.conftest import Server

# One conversation with each client is enough.
pytestmark = pytest.mark.xdist_group("inference clients")

TEXTS = ["Envoys signed the treaty", "troops shelled positions — «tirs» — 🎈", "x\u0000y\n", "the match & the weather"]


def run(package: str, code: list[str], stdin: str = "") -> str:
    """What Python prints that runs `code` where `package` is."""
    packages = {"PYTHONPATH": os.environ.get("SLUGLINE_CLIENT_PACKAGES", "")}
    probe = [sys.executable, "-c", f"import {package}"]
    if subprocess.run(probe, env=os.environ | packages, capture_output=True, check=False).returncode:
        pytest.skip(f"{package} is not installed")
    command = [sys.executable, *code]
    done = subprocess.run(
        command, input=stdin, env=os.environ | packages, capture_output=True, text=True, check=False, timeout=120
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def converse(client: str, package: str, server: Server) -> dict[str, Any]:
    """What the client of that file was told."""
    path = Path(__file__).parent / "clients" / client
    told: dict[str, Any] = json.loads(run(package, [str(path), server.address, "default"], json.dumps(TEXTS)))
    return told


@pytest.fixture
def ours(stub: pb_grpc.ClassificationServiceStub) -> pb.BatchClassifyResponse:
    """The answer of our own API for the same texts."""
    documents = [pb.Document(id=str(index), text=text) for index, text in enumerate(TEXTS)]
    answer: pb.BatchClassifyResponse = stub.BatchClassify(pb.BatchClassifyRequest(documents=documents), timeout=30)
    assert not answer.errors
    return answer


def scores_of(ours: pb.BatchClassifyResponse) -> list[float]:
    return [float(score) for score in np.array(ours.scores).astype(np.float32)]


def assigned_of(ours: pb.BatchClassifyResponse) -> list[bool]:
    thresholds = list(ours.thresholds) * len(TEXTS)
    return [score >= threshold for score, threshold in zip(ours.scores, thresholds, strict=True)]


@pytest.fixture(scope="module")
def triton(server: Server) -> dict[str, Any]:
    """What Triton's client was told."""
    return converse("triton.py", "tritonclient.grpc", server)


def check_triton(answer: dict[str, Any], ours: pb.BatchClassifyResponse) -> None:
    tensors = answer["tensors"]
    shape = [len(TEXTS), len(ours.topics)]
    assert (tensors["scores"]["dtype"], tensors["scores"]["shape"]) == ("float32", shape)
    assert np.ravel(tensors["scores"]["values"]).tolist() == scores_of(ours)
    assert (tensors["assigned"]["dtype"], tensors["assigned"]["shape"]) == ("bool", shape)
    assert np.ravel(tensors["assigned"]["values"]).tolist() == assigned_of(ours)
    if "topics" in tensors:
        assert tensors["topics"]["values"] == list(ours.topics)
    assert answer["model"] == ["default", ours.model_version]
    assert json.loads(answer["parameters"]["thresholds"]) == list(ours.thresholds)
    assert json.loads(answer["parameters"]["topics"]) == list(ours.topics)


def test_tritons_client_calls_slugline_unchanged(triton: dict[str, Any], ours: pb.BatchClassifyResponse) -> None:
    told = triton
    assert [told[name] for name in ("live", "ready", "model ready")] == [True] * 3
    assert [told[name] for name in ("other ready", "other version ready")] == [False] * 2
    assert told["server"]["name"] == "slugline"
    assert told["model"]["versions"] == [ours.model_version]
    assert told["model"]["inputs"] == [{"name": "text", "datatype": "BYTES", "shape": ["-1"]}]
    assert [each["name"] for each in told["model"]["outputs"]] == ["scores", "topics", "assigned"]
    assert told["index"]["models"] == [{"name": "default", "version": ours.model_version, "state": "READY"}]
    for way in ("flat", "column", "bytes", "fixed", "chosen", "aio", "same version"):
        check_triton(told[way], ours)
    assert (told["flat"]["id"], told["aio"]["id"]) == ("flat", "aio")
    assert told["chosen"]["order"] == ["assigned", "scores"]


def test_tritons_stubs_take_typed_contents(triton: dict[str, Any], ours: pb.BatchClassifyResponse) -> None:
    for answer in triton["typed"]:
        assert (answer["id"], answer["raw"]) == ("typed", 0)
        shape = [len(TEXTS), len(ours.topics)]
        assert answer["shapes"] == {"scores": shape, "topics": [len(ours.topics)], "assigned": shape}
        assert answer["scores"] == scores_of(ours)
        assert answer["assigned"] == assigned_of(ours)
        assert answer["topics"] == list(ours.topics)


def test_tritons_client_is_told_what_is_wrong(triton: dict[str, Any]) -> None:
    faults = triton["faults"]
    assert {name: code for name, (code, _) in faults.items()} == {
        "unknown model": "NOT_FOUND",
        "unknown version": "FAILED_PRECONDITION",
        "unknown output": "INVALID_ARGUMENT",
        "another form": "INVALID_ARGUMENT",
        "wrong datatype": "INVALID_ARGUMENT",
        "bad UTF-8": "INVALID_ARGUMENT",
        "load": "UNIMPLEMENTED",
        "unload": "UNIMPLEMENTED",
    }
    assert faults["unknown output"][1].startswith("outputs[0].name: no output 'labels'")
    assert faults["bad UTF-8"][1].startswith("raw_input_contents[0][0]: is not UTF-8")
    assert "slugline promote" in faults["load"][1]


def test_kserves_client_calls_slugline_unchanged(server: Server, ours: pb.BatchClassifyResponse) -> None:
    told = converse("kserve_client.py", "kserve", server)
    assert [told[name] for name in ("live", "ready", "model ready", "other ready")] == [True, True, True, False]
    shape = [len(TEXTS), len(ours.topics)]
    expected = {
        "scores": {"datatype": "FP32", "shape": shape, "values": scores_of(ours)},
        "topics": {"datatype": "BYTES", "shape": [len(ours.topics)], "values": list(ours.topics)},
        "assigned": {"datatype": "BOOL", "shape": shape, "values": assigned_of(ours)},
    }
    for way in ("typed", "typed column", "raw", "raw column"):
        assert told[way]["tensors"] == expected
        assert told[way]["model"] == ["default", ours.model_version]
    assert (told["typed"]["id"], told["raw"]["id"]) == ("typed", "raw")
    assert told["chosen"]["tensors"] == {"assigned": expected["assigned"]}
    assert told["unknown model"] == ["NOT_FOUND", "no model 'other' here; this server has 'default'"]


@pytest.mark.parametrize("package", ["tritonclient", "kserve"])
def test_the_examples_of_the_document_run(server: Server, package: str) -> None:
    document = (Path(__file__).parents[2] / "docs" / "inference.md").read_text(encoding="utf-8")
    (example,) = [block for block in re.findall(r"```python\n(.*?)```", document, re.DOTALL) if package in block]
    assert len([line for line in example.splitlines() if line]) <= 10
    shown = run(package, ["-c", example.replace("127.0.0.1:50051", server.address)])
    assert "Envoys met in Geneva. [" in shown or "'assigned': array(" in shown
