"""Driving a server with calls: at full speed by h2load, which is written in C, or by a Python client."""

import json
import re
import shutil
import struct
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass

from benchmarks.measure import cpu_seconds
from benchmarks.serving import Served

CLASSIFY = "/slugline.v1.ClassificationService/Classify"
STREAM = "/slugline.v1.ClassificationService/StreamClassify"
BATCH = "/slugline.v1.ClassificationService/BatchClassify"
_H2LOAD = shutil.which("h2load")
CLIENT = "h2load (C)" if _H2LOAD else "a Python client"
"""Who drives calls at full speed here: Python clients reach their own limit first."""


@dataclass(frozen=True, slots=True)
class Call:
    """What is sent: the full name of a method, and the bytes of a request."""

    method: str
    body: bytes


@dataclass(frozen=True, slots=True)
class Load:
    """What became of some calls: calls a second, server CPU seconds for each, and the time of each where known."""

    rate: float
    cpu: float
    times: list[float]


def drive(server: Served, call: Call, count: int, size: int) -> Load:
    """`count` calls at full speed, `size` of them at a time; some more go before that are not measured."""
    if not _H2LOAD:
        return python_load("closed", server, call, count, size)
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"\0" + struct.pack(">I", len(call.body)) + call.body)
        file.flush()
        command = [_H2LOAD, "-c", str(size), "-m", "1", "-d", file.name, f"http://{server.address}{call.method}"]
        command += ["-H", "content-type: application/grpc", "-H", "te: trailers"]
        _h2load(command, max(size, count // 10))
        before = cpu_seconds(server.pid)
        rate = _h2load(command, count)
        used = cpu_seconds(server.pid) - before
    return Load(rate, used / count, [])


def _h2load(command: Sequence[str], count: int) -> float:
    """Calls a second."""
    done = subprocess.run([*command, "-n", str(count)], check=True, capture_output=True, text=True)
    rate = re.search(r"finished in .*?, ([\d.]+) req/s", done.stdout)
    succeeded = re.search(r"(\d+) succeeded", done.stdout)
    if not rate or not succeeded or int(succeeded[1]) != count:
        raise RuntimeError(f"h2load: {done.stdout}")
    return float(rate[1])


def python_load(mode: str, server: Served, call: Call, count: int, size: int) -> Load:
    """`count` calls by `benchmarks.load`, which tells the modes."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(call.body)
        file.flush()
        arguments = [mode, server.address, call.method, file.name, str(count), str(size)]
        before = cpu_seconds(server.pid)
        done = subprocess.run(
            [sys.executable, "-m", "benchmarks.load", *arguments], check=True, capture_output=True, text=True
        )
        used = cpu_seconds(server.pid) - before
    found = json.loads(done.stdout)
    return Load(count / found["seconds"], used / (count + min(count, 200)), found["times"])
