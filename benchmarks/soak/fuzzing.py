"""Fuzzing: one process for each target, guided by which lines of Slugline's Python an input reaches.

Inputs that reached something, and those that found a fault, are kept; the next run starts from them.
"""

import platform
import re
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from benchmarks.results import Table
from benchmarks.soak.outcome import Outcome

TARGETS = {
    "scoring": "texts, scored by the compiled code and by scikit-learn",
    "messages": "bytes of requests, to every method",
    "files": "articles, topics, recipes, manifests, signatures, keys, CURRENT",
    "tables": "compiled tables, and the C code that reads them",
}
_AT_ONCE = 2
_OPTIONS = ("-max_len=12000", "-timeout=30", "-rss_limit_mb=4096", "-print_final_stats=1")
_STATUS = re.compile(r"^#\d+\s.*cov: (\d+) ft: (\d+) corp: (\d+)/", re.MULTILINE)
_EXECUTED = re.compile(r"stat::number_of_executed_units:\s+(\d+)|^#(\d+)\s", re.MULTILINE)
_EXCEPTION = re.compile(r"=== Uncaught Python exception: ===\n(.*)|ERROR: (libFuzzer: .*)")
_FOUND = ("crash-*", "timeout-*", "oom-*", "leak-*")


@dataclass(frozen=True, slots=True)
class _Fuzzed:
    target: str
    seconds: float
    executed: int
    edges: int
    features: int
    inputs: int
    faults: list[str]


def run(models: Path, minutes: float, *, folder: Path, targets: Sequence[str] = tuple(TARGETS)) -> Outcome:
    """Fuzz for so many minutes altogether, shared among the targets, two of them at a time; `folder` keeps inputs."""
    reason = _cannot()
    if reason:
        return Outcome(skipped=reason)
    with ThreadPoolExecutor(_AT_ONCE) as threads:
        each = minutes * 60 / len(targets)
        fuzzed = list(threads.map(lambda target: _fuzz(target, models, each, folder / target), targets))
    table = Table(
        "Inputs tried",
        ("what was fuzzed", "inputs", "inputs a second", "minutes", "edges reached", "features", "corpus", "faults"),
        note="Edges are those of Slugline's own Python code; features also tell how often each was passed. The corpus "
        "is of the inputs that reached something new. Tables are laid against pages that must not be touched, so that "
        "a read beyond their end ends the process.",
    )
    for found in fuzzed:
        rate, minutes_taken = found.executed / found.seconds, found.seconds / 60
        reached = map(float, (found.edges, found.features, found.inputs, len(found.faults)))
        table.rows.append((TARGETS[found.target], float(found.executed), rate, minutes_taken, *reached))
    return Outcome([table], [fault for found in fuzzed for fault in found.faults])


def _cannot() -> str:
    if (platform.system(), platform.machine()) != ("Linux", "x86_64"):
        return "atheris is made for Linux on x86-64 alone"
    try:
        import atheris  # noqa: F401
    except ImportError:
        return "atheris is not installed"
    return ""


def _fuzz(target: str, models: Path, seconds: float, folder: Path) -> _Fuzzed:
    folder.mkdir(parents=True, exist_ok=True)
    before = _inputs_at_fault(folder)
    command = [sys.executable, "-m", "benchmarks.soak.targets", target, str(models), str(folder)]
    began = time.monotonic()
    done = subprocess.run(
        [*command, f"-max_total_time={max(1, round(seconds))}", *_OPTIONS],
        capture_output=True,
        text=True,
        errors="replace",
        check=False,
    )
    status = _STATUS.findall(done.stderr)
    edges, features, inputs = map(int, status[-1]) if status else (0, 0, 0)
    executed = max((int(a or b) for a, b in _EXECUTED.findall(done.stderr)), default=0)
    new = sorted(_inputs_at_fault(folder) - before)
    what = next((a or b for a, b in _EXCEPTION.findall(done.stderr)), done.stderr[-500:])
    faults = [f"{target}: {what}: {path}" for path in new]
    if done.returncode and not faults:
        faults.append(f"{target}: ended with {done.returncode}: {what}")
    return _Fuzzed(target, time.monotonic() - began, executed, edges, features, inputs, faults)


def _inputs_at_fault(folder: Path) -> set[Path]:
    return {path for pattern in _FOUND for path in folder.glob(pattern)}
