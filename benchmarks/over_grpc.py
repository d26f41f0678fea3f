"""Calls over gRPC: Slugline beside a constant reply, the tutorial's server, and its own scikit-learn scorer."""

import json
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc

from benchmarks.measure import cpu_seconds, percentile, resident_mb
from benchmarks.results import Table
from benchmarks.serving import Served, served, slugline
from slugline.v1 import classification_pb2 as pb

CLASSIFY = "/slugline.v1.ClassificationService/Classify"
BATCH = "/slugline.v1.ClassificationService/BatchClassify"
_BATCH_SIZE = 64


@dataclass(frozen=True, slots=True)
class Load:
    """What became of some calls: calls a second, server CPU seconds for each, and the time of each where known."""

    rate: float
    cpu: float
    times: list[float]


def run(model_path: Path, texts: Sequence[str], *, quick: bool) -> list[Table]:
    """All tables of calls over gRPC."""
    plain = slugline(model_path)
    commands = {
        "constant reply": [sys.executable, "-m", "benchmarks.servers.constant"],
        "Slugline": plain,
        "Slugline, 2 workers": [*plain, "--workers", "2"],
        "Slugline, scikit-learn scorer": [*plain, "--scorer", "sklearn"],
        "tutorial server": [sys.executable, "-m", "benchmarks.servers.tutorial", str(model_path)],
    }
    text = texts[0]
    one = pb.ClassifyRequest(document=pb.Document(id="a", text=text)).SerializeToString()
    documents = [
        pb.Document(id=str(i), text=text) for i, text in zip(range(_BATCH_SIZE), list(texts) * 64, strict=False)
    ]
    many = pb.BatchClassifyRequest(documents=documents).SerializeToString()
    tables = _tables(len(text))
    for name, command in commands.items():
        with served(command) as server:
            _check(server, one, scored=name != "constant reply")
            _measure_one(tables, name, server, one, 400 if quick else 4000)
            if name.startswith("Slugline"):
                _measure_batches(tables[1], name, server, many, 5 if quick else 150)
            tables[2].rows.append((name, server.ready, resident_mb(server.pid)))
    return tables


def _tables(characters: int) -> list[Table]:
    client = "h2load (C)" if shutil.which("h2load") else "a Python client"
    return [
        Table(
            f"Classify, one text of {characters:,} characters a call",
            ("server", "calls/s at 8", "calls/s at 32", "server CPU µs a call", "p50 ms", "p99 ms", "open loop p99 ms"),
            note=f"Rates driven by {client}, closed loop, on the same cores as the server; p50 and p99 at one call "
            "at a time, and open loop at 200 calls a second, by a Python client, in its own process.",
        ),
        Table(
            f"BatchClassify, {_BATCH_SIZE} texts a call",
            ("server", "documents/s", "server CPU µs a document"),
            note=f"Four calls at a time, driven by {client}.",
        ),
        Table(
            "Start and memory", ("server", "seconds until it serves", "resident MB"), note="Of workers, the parent's."
        ),
    ]


def _measure_one(tables: list[Table], name: str, server: Served, body: bytes, calls: int) -> None:
    at_8, at_32 = (_drive(server, CLASSIFY, body, calls, size) for size in (8, 32))
    single = _python_load("closed", server, CLASSIFY, body, max(200, calls // 4), 1)
    opened = _python_load("open", server, CLASSIFY, body, max(200, calls // 4), 200)
    tables[0].rows.append(
        (name, at_8.rate, at_32.rate, at_8.cpu * 1e6, percentile(single.times, 0.5) * 1e3)
        + (percentile(single.times, 0.99) * 1e3, percentile(opened.times, 0.99) * 1e3)
    )


def _measure_batches(table: Table, name: str, server: Served, body: bytes, calls: int) -> None:
    load = _drive(server, BATCH, body, calls, 4)
    table.rows.append((name, load.rate * _BATCH_SIZE, load.cpu / _BATCH_SIZE * 1e6))


def _check(server: Served, body: bytes, *, scored: bool) -> None:
    """The load generator looks at no answer, so one is looked at before."""
    with grpc.insecure_channel(server.address) as channel:
        answer = pb.ClassifyResponse.FromString(_call(channel)(body, timeout=30))
    if len(answer.topics) != 3 or (scored and not all(0 < topic.score < 1 for topic in answer.topics)):
        raise RuntimeError(f"{server.address} does not answer as it should: {answer}")


def _call(channel: grpc.Channel) -> Any:
    return channel.unary_unary(CLASSIFY)


def _drive(server: Served, method: str, body: bytes, calls: int, size: int) -> Load:
    """Calls at full speed, by h2load where it is installed: Python clients reach their own limit first."""
    if not shutil.which("h2load"):
        return _python_load("closed", server, method, body, calls, size)
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"\0" + struct.pack(">I", len(body)) + body)
        file.flush()
        command = ["h2load", "-c", str(size), "-m", "1", "-d", file.name, f"http://{server.address}{method}"]
        headers = ["-H", "content-type: application/grpc", "-H", "te: trailers"]
        subprocess.run([*command, *headers, "-n", str(max(size, calls // 10))], check=True, capture_output=True)
        before = cpu_seconds(server.pid)
        done = subprocess.run([*command, *headers, "-n", str(calls)], check=True, capture_output=True, text=True)
        used = cpu_seconds(server.pid) - before
    rate = re.search(r"finished in .*?, ([\d.]+) req/s", done.stdout)
    succeeded = re.search(r"(\d+) succeeded", done.stdout)
    if not rate or not succeeded or int(succeeded[1]) != calls:
        raise RuntimeError(f"h2load: {done.stdout}")
    return Load(float(rate[1]), used / calls, [])


def _python_load(mode: str, server: Served, method: str, body: bytes, calls: int, size: int) -> Load:
    with tempfile.NamedTemporaryFile() as file:
        file.write(body)
        file.flush()
        arguments = [mode, server.address, method, file.name, str(calls), str(size)]
        before = cpu_seconds(server.pid)
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.load", *arguments], check=True, capture_output=True, text=True
        )
        used = cpu_seconds(server.pid) - before
    found = json.loads(done.stdout)
    return Load(calls / found["seconds"], used / (calls + min(calls, 200)), found["times"])
