"""Overload: four times as many closed-loop callers as are admitted, sending batches of 256; how do those fare?"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

from benchmarks.measure import percentile
from benchmarks.results import Table
from benchmarks.serving import served, slugline
from benchmarks.soak.articles import SENTENCES
from benchmarks.soak.outcome import Outcome
from slugline.v1 import classification_pb2 as pb

_BATCH, _CHARACTERS = 256, 1200
_LIMITS = (2, 4)
_TIMES = 4
_NO_LIMIT = 10_000
_AS_TOLD = 0.2
"""The delay of the RetryInfo in a refusal, in seconds."""


@dataclass(frozen=True, slots=True)
class _Load:
    """So many callers of a server that admits `limit` calls, each waiting so many seconds after a refusal."""

    name: str
    limit: int
    callers: int
    wait: float = 0.0


def run(models: Path, minutes: float) -> Outcome:
    """All loads, which share the minutes."""
    outcome = Outcome()
    # The quick form does with one limit: callers take their time to start.
    loads = {limit: _loads(limit) for limit in (_LIMITS if minutes >= 1 else _LIMITS[:1])}
    seconds = minutes * 60 / sum(map(len, loads.values()))
    table = Table(
        f"BatchClassify of {_BATCH} texts of {_CHARACTERS:,} characters, `--max-concurrent` against overload",
        (
            "load",
            "answered/s",
            "p50 ms",
            "p99 ms",
            "p99, times unloaded",
            "refused/s",
            "refusal p50 ms",
            "refusal p99 ms",
        ),
        note="One server process on one half of the cores, callers on the other, each a process of its own that sends "
        f"its next batch of {len(_body()) / 1000:,.0f} kB as soon as it has an answer. Unloaded is the first row of "
        f"each limit: as many callers as are admitted. Each load lasted {seconds:.0f} seconds.",
    )
    for ladder in loads.values():
        unloaded = 0.0
        for load in ladder:
            answered, refused, others = _drive(models, load, seconds)
            outcome.faults += [f"{load.name}: {other}" for other in others]
            if bool(refused) != (load.callers > load.limit):
                outcome.faults.append(f"{load.name}: {len(refused)} calls were refused")
            p50, p99 = _percentiles(answered)
            unloaded = unloaded or p99
            rates = (len(answered) / seconds, p50, p99, p99 / unloaded, len(refused) / seconds)
            table.rows.append((load.name, *rates, *_percentiles(refused)))
    outcome.tables.append(table)
    return outcome


def _loads(limit: int) -> list[_Load]:
    many = _TIMES * limit
    return [
        _Load(f"{limit} callers, {limit} admitted", limit, limit),
        _Load(f"{many} callers, {limit} admitted, those refused wait as told", limit, many, _AS_TOLD),
        _Load(f"{many} callers, {limit} admitted, those refused come again at once", limit, many),
        _Load(f"{many} callers, all admitted", _NO_LIMIT, many),
    ]


def _drive(models: Path, load: _Load, seconds: float) -> tuple[list[float], list[float], list[str]]:
    """Seconds of the calls answered and of those refused, and what else happened."""
    answered, refused, others = list[float](), list[float](), list[str]()
    with tempfile.NamedTemporaryFile() as body, ExitStack() as stack:
        body.write(_body())
        body.flush()
        cores = sorted(os.sched_getaffinity(0))
        half = len(cores) // 2
        with _started_on(cores[half:]):
            server = stack.enter_context(served(slugline(models, "--max-concurrent", str(load.limit))))
        command = [sys.executable, "-m", "benchmarks.soak.hammer", server.address, body.name, str(load.wait)]
        pipe = subprocess.PIPE
        with _started_on(cores[:half] or cores):
            callers = [subprocess.Popen(command, text=True, stdin=pipe, stdout=pipe) for _ in range(load.callers)]
        for caller in callers:
            assert caller.stdout
            caller.stdout.readline()
        time.sleep(seconds)
        for output in [json.loads(caller.communicate(timeout=120)[0]) for caller in callers]:
            answered += output["answered"]
            refused += output["refused"]
            others += output["others"]
    return answered, refused, others


@contextmanager
def _started_on(cores: Sequence[int]) -> Iterator[None]:
    """Let the processes that are started meanwhile run on these cores alone."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _percentiles(seconds: list[float]) -> tuple[float, float]:
    if len(seconds) < 2:
        return 0.0, 0.0
    return percentile(seconds, 0.5) * 1000, percentile(seconds, 0.99) * 1000


def _body() -> bytes:
    text = " ".join(SENTENCES[:6]) + " "
    texts = [(text * 4)[number : number + _CHARACTERS] for number in range(_BATCH)]
    documents = [pb.Document(id=str(number), text=text) for number, text in enumerate(texts)]
    return pb.BatchClassifyRequest(documents=documents).SerializeToString()
