"""Kills: a worker of two is killed under load, again and again. What is lost, and how long one is missing."""

import os
import signal
import statistics
import time
from pathlib import Path

from benchmarks.results import Table
from benchmarks.serving import Served, served, slugline
from benchmarks.soak.callers import PROCESSES, TASKS, Failure, calling
from benchmarks.soak.mixed import OPTIONS
from benchmarks.soak.outcome import Outcome

_SECONDS_BETWEEN = 2.0
"""For callers to come back to the worker that came back."""
_PATIENCE = 30.0


def run(models: Path, minutes: float) -> Outcome:
    """Kill one worker every few seconds."""
    kills: list[tuple[float, float]] = []
    with served(slugline(models, *OPTIONS)) as server, calling(server.address, models, "good") as made:
        end = time.monotonic() + minutes * 60
        while not kills or time.monotonic() < end:
            time.sleep(_SECONDS_BETWEEN)
            kills.append(_kill_one(server))
    inside = [_lost_at(moment, made.failures) for moment, _ in kills]
    counted = {id(failure) for lost in inside for failure in lost}
    others = [failure for failure in made.failures if id(failure) not in counted]
    lost, missing = [len(failures) for failures in inside], [seconds for _, seconds in kills]
    table = Table(
        "kill -9 of one worker of two under load",
        ("what", "median", "least", "most"),
        [
            ("calls lost with a worker", statistics.median(lost), float(min(lost)), float(max(lost))),
            ("seconds until two workers serve again", statistics.median(missing), min(missing), max(missing)),
        ],
        note=f"{len(kills)} kills; {made.total():,} calls by {PROCESSES} processes, {PROCESSES * TASKS} at a time, "
        f"each on a connection of its own and without retries. Lost are calls that had begun before the kill; others "
        f"that failed: {len(others)}.",
    )
    return Outcome([table], [*map(str, others)])


def _kill_one(server: Served) -> tuple[float, float]:
    """Kill a worker; when it was gone, by the monotonic clock, and how many seconds after the kill two serve again."""
    before, worker = _serving(server), server.children()[0]
    moment = time.monotonic()
    os.kill(worker, signal.SIGKILL)
    # On a busy machine a killed process takes calls for a while until it is told.
    while worker in server.children():
        time.sleep(0.001)
    gone = time.monotonic()
    while _serving(server) == before:
        if time.monotonic() - moment > _PATIENCE:
            raise RuntimeError("a killed worker did not come back")
        time.sleep(0.01)
    return gone, time.monotonic() - moment


def _serving(server: Served) -> int:
    return sum(event["event"] == "worker serves" for event in server.events())


def _lost_at(moment: float, failures: list[Failure]) -> list[Failure]:
    """The calls that were under way at a moment and ended soon after it, as those of a killed worker do."""
    return [
        failure
        for failure in failures
        if failure.problem == "UNAVAILABLE" and failure.began <= moment <= failure.ended <= moment + _SECONDS_BETWEEN
    ]
