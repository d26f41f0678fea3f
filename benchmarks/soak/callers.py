"""Callers: processes that keep a server under load, and what became of all their calls together."""

import json
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

PROCESSES = 4
TASKS = 4
"""How many calls each process keeps under way."""


@dataclass(frozen=True, slots=True)
class Failure:
    """A call that ended as it must not, and when it began and ended by the monotonic clock, in seconds."""

    kind: str
    problem: str
    began: float
    ended: float

    def __str__(self) -> str:
        return f"{self.kind}: {self.problem}"


@dataclass
class Made:
    """How many calls of each kind ended with each code, and which failed; filled in when the callers have stopped."""

    codes: Counter[tuple[str, str]] = field(default_factory=Counter)
    failures: list[Failure] = field(default_factory=list)

    def total(self) -> int:
        """How many calls were made."""
        return sum(self.codes.values())


@contextmanager
def calling(address: str, models: Path, mix: str, *, processes: int = PROCESSES, tasks: int = TASKS) -> Iterator[Made]:
    """Keep a server under load with a mix of `calls.MIXES` for as long as the context lasts."""
    made = Made()
    command = [sys.executable, "-m", "benchmarks.soak.caller", address, str(models), mix, str(tasks)]
    pipe = subprocess.PIPE
    running = [subprocess.Popen([*command, str(seed)], text=True, stdin=pipe, stdout=pipe) for seed in range(processes)]
    try:
        for process in running:
            assert process.stdout is not None
            if process.stdout.readline() != "ready\n":
                raise RuntimeError("a caller did not start")
        yield made
        outputs = [process.communicate(timeout=120)[0] for process in running]
    finally:
        for process in running:
            process.kill()
            process.wait()
    for output in map(json.loads, outputs):
        made.codes.update({(kind, code): count for kind, code, count in output["codes"]})
        made.failures += [Failure(**failure) for failure in output["failures"]]
