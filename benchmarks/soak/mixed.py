"""The soak: a server of two workers at full load for a long time, one call in five of them bad."""

import re
import time
from collections import Counter
from collections.abc import Mapping
from pathlib import Path

from benchmarks.results import Table
from benchmarks.serving import Served, served, slugline
from benchmarks.soak.callers import PROCESSES, TASKS, Made, calling
from benchmarks.soak.observation import Observation, observed
from benchmarks.soak.outcome import Outcome

OPTIONS = ("--workers", "2", "--metrics-address", "127.0.0.1:0", "--log-format", "json")
_MOST_GROWTH = 0.05
_MOST_DESCRIPTORS_MORE = 8
"""A few connections may not have been closed yet."""
_LEAST_MINUTES = 5.0
"""In less time, memory says nothing."""
_BAD_CODES = {"INTERNAL", "UNKNOWN"}
_COUNTED = re.compile(r'slugline_calls_(started|handled)_total\{(?:code="(\w+)",)?method="([^"]+)"(?:,code="(\w+)")?\}')


def run(models: Path, minutes: float) -> Outcome:
    """Soak for so many minutes."""
    with served(slugline(models, *OPTIONS)) as server:
        time.sleep(1.5)  # workers tell the supervisor what they hold once a second
        idle = Observation().take(server)
        every = min(5.0, minutes * 6)
        with observed(server, every) as observation, calling(server.address, models, "everything") as made:
            began = time.monotonic()
            time.sleep(minutes * 60)
            seconds = time.monotonic() - began
        outcome = Outcome([_calls_table(made, seconds)], [*map(str, made.failures)])
        started, handled = settled(server)
        outcome.tables += [_counters_table(started, handled), _memory_table(observation, server, idle.descriptors)]
        outcome.lines = observation.lines("Memory under load, one call in five bad")
        outcome.faults += _faults(started, handled, server)
        if minutes >= _LEAST_MINUTES:
            outcome.faults += _growth_faults(outcome.tables[-1])
    return outcome


def settled(server: Served) -> tuple[Counter[str], Counter[tuple[str, str]]]:
    """Calls started by method, and handled by method and code, once all are over, or after thirty seconds."""
    end = time.monotonic() + 30
    while True:
        time.sleep(1.5)
        started, handled = _counted(server.metrics())
        if started.total() == handled.total() or time.monotonic() > end:
            return started, handled


def _counted(metrics: dict[str, float]) -> tuple[Counter[str], Counter[tuple[str, str]]]:
    started: Counter[str] = Counter()
    handled: Counter[tuple[str, str]] = Counter()
    for name, value in metrics.items():
        if match := _COUNTED.fullmatch(name):
            method = match[3].rpartition(".")[2]
            if match[1] == "started":
                started[method] += int(value)
            else:
                handled[method, match[2] or match[4]] += int(value)
    return started, handled


def _faults(started: Counter[str], handled: Counter[tuple[str, str]], server: Served) -> list[str]:
    faults = [
        f"{method}: {count} started, {sum(n for (m, _), n in handled.items() if m == method)} handled"
        for method, count in started.items()
        if count != sum(n for (m, _), n in handled.items() if m == method)
    ]
    faults += [f"{method}: {count} times {code}" for (method, code), count in handled.items() if code in _BAD_CODES]
    faults += [str(event) for event in server.events() if event.get("level") == "error"]
    log = server.log.read_text(encoding="utf-8", errors="replace")
    return faults + (["a traceback in the log"] if "Traceback" in log else [])


def _growth_faults(memory: Table) -> list[str]:
    faults = []
    for process, *figures in memory.rows:
        growth, before, after = (float(figures[column]) for column in (3, 4, 6))
        if growth > 100 * _MOST_GROWTH:
            faults.append(f"{process}: its memory grew by {growth:.1f} %")
        if after > before + _MOST_DESCRIPTORS_MORE:
            faults.append(f"{process}: has {after:.0f} open files, {before:.0f} before the load")
    return faults


def _calls_table(made: Made, seconds: float) -> Table:
    table = Table(
        "Calls by kind and by what they ended with",
        ("kind of call", "calls", "ended with"),
        note=f"{made.total():,} calls in {seconds / 60:.1f} minutes, {made.total() / seconds:,.0f} a second, by "
        f"{PROCESSES} processes with {TASKS} calls under way each, on the same cores as the server. Every answer was "
        f"checked: scores within 1e-9, places of evidence, order, status and details. Not as it must be: "
        f"{len(made.failures)}.",
    )
    for kind in dict.fromkeys(kind for kind, _ in made.codes):
        codes = {code: count for (k, code), count in made.codes.items() if k == kind}
        ended = ", ".join(f"{code} {count:,}" for code, count in sorted(codes.items()))
        table.rows.append((kind, float(sum(codes.values())), ended))
    return table


def _counters_table(started: Counter[str], handled: Counter[tuple[str, str]]) -> Table:
    table = Table(
        "What the server counted",
        ("method", "started", "handled", "with"),
        note="What gRPC refuses itself (unknown methods, messages beyond the limit) is not among it.",
    )
    for method, count in sorted(started.items()):
        codes = sorted((code, n) for (m, code), n in handled.items() if m == method)
        ended = ", ".join(f"{code} {n:,}" for code, n in codes)
        table.rows.append((method, float(count), float(sum(n for _, n in codes)), ended))
    return table


def _memory_table(observation: Observation, server: Served, idle: Mapping[str, float]) -> Table:
    after = Observation().take(server)
    table = Table(
        "Memory and open files of each process",
        (
            "process",
            "MB, first minute",
            "MB, most",
            "MB, last minute",
            "growth in the last half %",
            "files before",
            "files, most",
            "files after",
        ),
        note="Growth is of the median of the last quarter over that of the third.",
    )
    end = observation.samples[-1].seconds
    for process in observation.processes():
        samples = [sample for sample in observation.samples if process in sample.resident]
        values = [sample.resident[process] for sample in samples]
        first = max(sample.resident[process] for sample in samples if sample.seconds <= 60)
        last = max(sample.resident[process] for sample in samples if sample.seconds >= end - 60)
        most_files = max(sample.descriptors[process] for sample in samples)
        row = (first, max(values), last, 100 * observation.growth(process), idle.get(process, 0.0), most_files)
        table.rows.append((process, *row, after.descriptors.get(process, 0.0)))
    return table
