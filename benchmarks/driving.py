"""Driving a server with calls: at full speed by h2load, which is written in C, or by a Python client."""

import json
import re
import shutil
import struct
import subprocess
import sys
import tempfile
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
    _h2load(server, call, size, "-n", str(max(size, count // 10)))
    before = cpu_seconds(server.pid)
    rate = _h2load(server, call, size, "-n", str(count))
    return Load(rate, (cpu_seconds(server.pid) - before) / count, [])


def sustained(server: Served, call: Call, seconds: int, size: int) -> float:
    """Calls a second, at full speed for some seconds, `size` at a time.

    A number of calls for each connection would end with the worker alone that has most of the connections.
    """
    if not _H2LOAD:
        return python_load("closed", server, call, 1000 * seconds, size).rate
    return _h2load(server, call, size, "-D", str(seconds))


def _h2load(server: Served, call: Call, size: int, *until: str) -> float:
    """Calls a second."""
    with tempfile.NamedTemporaryFile() as file:
        file.write(b"\0" + struct.pack(">I", len(call.body)) + call.body)
        file.flush()
        command = [str(_H2LOAD), *until, "-c", str(size), "-m", "1", "-d", file.name]
        command += ["-H", "content-type: application/grpc", "-H", "te: trailers"]
        command += [f"http://{server.address}{call.method}"]
        done = subprocess.run(command, check=True, capture_output=True, text=True)
    rate = re.search(r"finished in .*?, ([\d.]+) req/s", done.stdout)
    if not rate or not re.search(r" [1-9]\d* succeeded, 0 failed, 0 errored, 0 timeout", done.stdout):
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
