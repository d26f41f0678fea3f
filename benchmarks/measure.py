"""Timing that bears a noisy machine: contenders take turns, and the median of the turns counts."""

import json
import os
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import IO

# The system counts the memory of the process that starts another towards that other's peak: so a small one starts it.
_STARTER = """
import json, os, resource, subprocess, sys
code = subprocess.call(sys.argv[2:])
spent = resource.getrusage(resource.RUSAGE_CHILDREN)
with os.fdopen(int(sys.argv[1]), "w") as told:
    json.dump([code, spent.ru_utime + spent.ru_stime, spent.ru_maxrss / 1024], told)
"""
_TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True, slots=True)
class Turn:
    """Seconds of one turn, by the clock and of CPU, and how many documents were done in it."""

    wall: float
    cpu: float
    documents: int


def take_turns(contenders: Mapping[str, Callable[[], int]], rounds: int) -> dict[str, Turn]:
    """Run every contender once in each round; the turn with the median CPU time of each."""
    turns: dict[str, list[Turn]] = {name: [] for name in contenders}
    for name, contender in contenders.items():
        contender()  # caches and lazily made things
        turns[name].clear()
    for _ in range(rounds):
        for name, contender in contenders.items():
            wall, cpu = time.perf_counter(), time.process_time()
            documents = contender()
            turns[name].append(Turn(time.perf_counter() - wall, time.process_time() - cpu, documents))
    return {name: sorted(taken, key=lambda turn: turn.cpu)[len(taken) // 2] for name, taken in turns.items()}


@dataclass(frozen=True, slots=True)
class Spent:
    """What a process took: how it ended, its seconds of CPU, and the most memory it held, in MB."""

    code: int
    cpu: float
    peak_mb: float


def spent_by(command: Sequence[str], stdout: IO[str], stderr: IO[str] | None = None) -> Spent:
    """Run a command to its end."""
    read, write = os.pipe()
    try:
        starter = [sys.executable, "-S", "-c", _STARTER, str(write), *command]
        subprocess.run(starter, stdout=stdout, stderr=stderr, pass_fds=[write], check=True)
    finally:
        os.close(write)
        with os.fdopen(read) as told:
            figures = told.read()
    return Spent(*json.loads(figures))


def cpu_seconds(pid: int) -> float:
    """CPU seconds that a process and its children have used so far."""
    children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / _TICKS + sum(cpu_seconds(int(child)) for child in children)


def resident_mb(pid: int) -> float:
    """Resident memory of a process, in MB; what it shares with others counts too."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1]) / 1024
    return float("nan")


def percentile(values: list[float], share: float) -> float:
    """The value below which `share` of the values lie."""
    return statistics.quantiles(values, n=1000, method="inclusive")[round(share * 1000) - 1]
