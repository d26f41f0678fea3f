"""Kills: a worker of two is killed under load, again and again. What is lost, and how long one is missing."""

import os
import random
import signal
import statistics
import time
from dataclasses import dataclass
from pathlib import Path

from benchmarks.results import Table
from benchmarks.serving import Served, served, slugline
from benchmarks.soak.callers import PROCESSES, TASKS, Failure, calling
from benchmarks.soak.mixed import OPTIONS
from benchmarks.soak.outcome import Outcome

_SECONDS_BETWEEN = 2.0
"""For callers to come back to the worker that came back."""
_SECONDS_TO_KNOW = 0.25
"""A caller that waits for its turn on a busy core sends into a connection that is closed already."""
_PATIENCE = 30.0


@dataclass(frozen=True, slots=True)
class _Kill:
    """When a worker was killed, when it was gone, and when two served again, by the monotonic clock, in seconds."""

    sent: float
    gone: float
    back: float


def run(models: Path, minutes: float) -> Outcome:
    """Kill one worker every few seconds."""
    kills: list[_Kill] = []
    with served(slugline(models, *OPTIONS)) as server, calling(server.address, models, "good") as made:
        end = time.monotonic() + minutes * 60
        while not kills or time.monotonic() < end:
            time.sleep(_SECONDS_BETWEEN)
            kills.append(_kill_one(server))
    inside = [_lost_in(kill, made.failures) for kill in kills]
    counted = {id(failure) for lost in inside for failure in lost}
    others = [failure for failure in made.failures if id(failure) not in counted]
    lost, missing = [len(failures) for failures in inside], [kill.back - kill.sent for kill in kills]
    table = Table(
        "kill -9 of one worker of two under load",
        ("what", "median", "least", "most"),
        [
            ("calls lost with a worker", statistics.median(lost), float(min(lost)), float(max(lost))),
            ("seconds until two workers serve again", statistics.median(missing), min(missing), max(missing)),
        ],
        note=f"{len(kills)} kills; {made.total():,} calls by {PROCESSES} processes, {PROCESSES * TASKS} at a time, "
        f"each on a connection of its own and without retries. Lost are calls that had begun before their "
        f"callers could know, within {_SECONDS_TO_KNOW:g} s; others that failed: {len(others)}.",
    )
    return Outcome([table], [*map(str, others)])


def _kill_one(server: Served) -> _Kill:
    """Kill a worker, and wait until two serve again."""
    before, victim = _serving(server), random.choice(server.children())
    moment = time.monotonic()
    os.kill(victim, signal.SIGKILL)
    while not _is_gone(victim):
        time.sleep(0.001)
    gone = time.monotonic()
    while _serving(server) == before:
        if time.monotonic() - moment > _PATIENCE:
            raise RuntimeError("a killed worker did not come back")
        time.sleep(0.01)
    return _Kill(moment, gone, time.monotonic())


def _is_gone(pid: int) -> bool:
    """Whether the last thread of a process has ended, and with it its connections; calls go into it until then."""
    folder = Path(f"/proc/{pid}")
    try:
        state = (folder / "stat").read_text().rpartition(")")[2].split()[0]
        return state in "ZX" and len(list((folder / "task").iterdir())) <= 1
    except (FileNotFoundError, ProcessLookupError):
        return True


def _serving(server: Served) -> int:
    return sum(event["event"] == "worker serves" for event in server.events())


def _lost_in(kill: _Kill, failures: list[Failure]) -> list[Failure]:
    """The calls that began before their callers could know that a worker was gone, and ended after it was killed."""
    return [
        failure
        for failure in failures
        if failure.problem.startswith("UNAVAILABLE")
        and failure.began <= kill.gone + _SECONDS_TO_KNOW
        and kill.sent <= failure.ended
    ]
