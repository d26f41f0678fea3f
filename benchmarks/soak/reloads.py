"""Reloads: two versions of a model take turns under load, a thousand times. No call may fail, and nothing may grow."""

import signal
import tempfile
import time
from pathlib import Path

from benchmarks.results import Table
from benchmarks.serving import Served, served, slugline
from benchmarks.soak.callers import PROCESSES, TASKS, calling
from benchmarks.soak.mixed import settled
from benchmarks.soak.observation import Observation, Sample
from benchmarks.soak.outcome import Outcome
from slugline import store
from slugline.names import DEFAULT_NAME

_WORKERS = 2
_OPTIONS = ("--workers", "2", "--metrics-address", "127.0.0.1:0", "--log-format", "json", "--reload-seconds", "0")
_REPORTED = (1, 250, 500, 1000)
_PATIENCE = 60.0


def run(models: Path, minutes: float) -> Outcome:
    """Reload, for so many minutes at most, a thousand times at most."""
    with tempfile.TemporaryDirectory() as folder:
        root = Path(folder)
        versions = _two_versions(models, root)
        with served(slugline(root, *_OPTIONS)) as server:
            observation = Observation()
            kept: dict[int, Sample] = {}
            with calling(server.address, root, "good") as made:
                end = time.monotonic() + minutes * 60
                done, began = 0, time.monotonic()
                while done < _REPORTED[-1] and (done < 4 or time.monotonic() < end):
                    store.promote(root, DEFAULT_NAME, versions[done % 2])
                    done += 1
                    _reload(server, done)
                    if done % 10 == 0 or done in _REPORTED:
                        kept[done] = observation.take(server)
                seconds = time.monotonic() - began
            after = observation.take(server)
            started, handled = settled(server)
            log = server.log.read_text(encoding="utf-8", errors="replace")
    table = Table(
        "Memory and open files of the workers over the reloads",
        ("reloads", *(f"worker-{n}, MB" for n in range(_WORKERS)), *(f"worker-{n}, files" for n in range(_WORKERS))),
        note=f"{done:,} reloads of the current model by each of {_WORKERS} workers in {seconds / 60:.1f} minutes, "
        f"each verified, probed and warmed up, during {made.total():,} calls by {PROCESSES} processes, "
        f"{PROCESSES * TASKS} at a time. Calls that failed or were answered wrongly: {len(made.failures)}.",
    )
    rows = {f"{number:,}": kept[number] for number in sorted(kept) if number in _REPORTED}
    workers = [f"worker-{number}" for number in range(_WORKERS)]
    for name, sample in (rows | {f"{done:,}, and the load over": after}).items():
        figures = [gauge[worker] for gauge in (sample.resident, sample.descriptors) for worker in workers]
        table.rows.append((name, *figures))
    faults = [*map(str, made.failures)]
    faults += [f"a candidate was refused: {line}" for line in log.splitlines() if "candidate refused" in line]
    if started.total() != handled.total():
        faults.append(f"{started.total()} calls started, {handled.total()} handled")
    return Outcome([table], faults, observation.lines("Memory over the reloads, under load"))


def _two_versions(models: Path, root: Path) -> list[str]:
    """Publish the current model twice into another folder; the versions, the first of them not current."""
    model = store.load(store.find(models), "sklearn")
    assert model.pipeline
    versions = [store.publish(root, DEFAULT_NAME, model, model.pipeline).name for _ in range(2)]
    store.promote(root, DEFAULT_NAME, versions[1])
    return versions


def _reload(server: Served, done: int) -> None:
    """Ask for a reload, and wait until every worker has done it for the `done`-th time."""
    server.process.send_signal(signal.SIGHUP)
    end = time.monotonic() + _PATIENCE
    while server.log.read_bytes().count(b'"event": "reloaded"') < _WORKERS * done:
        if time.monotonic() > end:
            raise RuntimeError(f"reload {done} did not come about: {server.log.read_text()[-1000:]}")
        time.sleep(0.005)
