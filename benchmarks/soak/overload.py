"""Overload: four times as many closed-loop callers as are admitted, sending batches of 256; how do those fare?

The loads take turns, and the median of the turns counts, so that a busy machine is as hard on each of them.
"""

import json
import os
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

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
_TURN_SECONDS = 3.0


@dataclass
class _Load:
    """So many callers of a server that admits `limit` calls, each waiting so many seconds after a refusal."""

    name: str
    limit: int
    callers: int
    wait: float = 0.0
    turns: list["_Turn"] = field(default_factory=list)


@dataclass
class _Turn:
    """What the callers of a load saw in one turn: the seconds of calls answered and refused, and other codes."""

    answered: list[float] = field(default_factory=list)
    refused: list[float] = field(default_factory=list)
    others: list[str] = field(default_factory=list)


def run(models: Path, minutes: float) -> Outcome:
    """All loads, which share the minutes."""
    # The quick form does with one limit: callers take their time to start.
    ladders = [_loads(limit) for limit in (_LIMITS if minutes >= 1 else _LIMITS[:1])]
    turns = max(1, round(minutes * 60 / _TURN_SECONDS / sum(map(len, ladders))))
    table = Table(
        f"BatchClassify of {_BATCH} texts of {_CHARACTERS:,} characters, `--max-concurrent` against overload",
        ("load", "answered/s", "p50 ms", "p99 ms", "p99, times unloaded")
        + ("refused/s", "refusal p50 ms", "refusal p99 ms"),
        note="One server process on one half of the cores, callers on the other, each a process of its own that sends "
        f"its next batch of {len(_body()) / 1000:,.0f} kB as soon as it has an answer. Unloaded is the first row of "
        f"each limit: as many callers as are admitted. Medians of {turns} turns of {_TURN_SECONDS:.0f} s each.",
    )
    outcome = Outcome([table])
    for loads in ladders:
        _take_turns(models, loads, turns)
        for load in loads:
            outcome.faults += [f"{load.name}: {other}" for turn in load.turns for other in turn.others]
            refused = sum(len(turn.refused) for turn in load.turns)
            if bool(refused) != (load.callers > load.limit):
                outcome.faults.append(f"{load.name}: {refused} calls were refused")
            table.rows.append((load.name, *_figures(load, loads[0])))
    return outcome


def _loads(limit: int) -> list[_Load]:
    many = _TIMES * limit
    return [
        _Load(f"{limit} callers, {limit} admitted", limit, limit),
        _Load(f"{many} callers, {limit} admitted, those refused wait as told", limit, many, _AS_TOLD),
        _Load(f"{many} callers, {limit} admitted, those refused come again at once", limit, many),
        _Load(f"{many} callers, all admitted", _NO_LIMIT, many),
    ]


def _take_turns(models: Path, loads: Sequence[_Load], turns: int) -> None:
    with tempfile.NamedTemporaryFile() as body, ExitStack() as stack:
        body.write(_body())
        body.flush()
        callers = [_started(models, load, body.name, stack) for load in loads]
        for _ in range(turns):
            for load, group in zip(loads, callers, strict=True):
                load.turns.append(_turn(group))


def _started(models: Path, load: _Load, body: str, stack: ExitStack) -> "list[subprocess.Popen[str]]":
    """The callers of a load, ready to call a server of its own."""
    cores = sorted(os.sched_getaffinity(0))
    half = len(cores) // 2
    with _started_on(cores[half:]):
        server = stack.enter_context(served(slugline(models, "--max-concurrent", str(load.limit))))
    command = [sys.executable, "-m", "benchmarks.soak.hammer", server.address, body, str(load.wait)]
    pipe = subprocess.PIPE
    with _started_on(cores[:half] or cores):
        callers = [subprocess.Popen(command, text=True, stdin=pipe, stdout=pipe) for _ in range(load.callers)]
    for caller in callers:
        stack.enter_context(caller)
        _output(caller).readline()
    return callers


def _turn(callers: "Sequence[subprocess.Popen[str]]") -> _Turn:
    for caller in callers:
        assert caller.stdin
        caller.stdin.write(f"{_TURN_SECONDS}\n")
        caller.stdin.flush()
    turn = _Turn()
    for found in [json.loads(_output(caller).readline()) for caller in callers]:
        turn.answered += found["answered"]
        turn.refused += found["refused"]
        turn.others += found["others"]
    return turn


def _output(caller: "subprocess.Popen[str]") -> IO[str]:
    assert caller.stdout
    return caller.stdout


def _figures(load: _Load, unloaded: _Load) -> list[float]:
    """The figures of a row, each the median of the turns."""
    turns, median = load.turns, statistics.median
    return [
        median(len(turn.answered) / _TURN_SECONDS for turn in turns),
        median(_milliseconds(turn.answered, 0.5) for turn in turns),
        median(_milliseconds(turn.answered, 0.99) for turn in turns),
        median(
            _milliseconds(turn.answered, 0.99) / _milliseconds(alone.answered, 0.99)
            for turn, alone in zip(turns, unloaded.turns, strict=True)
        ),
        median(len(turn.refused) / _TURN_SECONDS for turn in turns),
        median(_milliseconds(turn.refused, 0.5) for turn in turns),
        median(_milliseconds(turn.refused, 0.99) for turn in turns),
    ]


@contextmanager
def _started_on(cores: Sequence[int]) -> Iterator[None]:
    """Let the processes that are started meanwhile run on these cores alone."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, cores)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)


def _milliseconds(seconds: list[float], share: float) -> float:
    return percentile(seconds, share) * 1000 if len(seconds) > 1 else 0.0


def _body() -> bytes:
    text = " ".join(SENTENCES[:6]) + " "
    texts = [(text * 4)[number : number + _CHARACTERS] for number in range(_BATCH)]
    documents = [pb.Document(id=str(number), text=text) for number, text in enumerate(texts)]
    return pb.BatchClassifyRequest(documents=documents).SerializeToString()
