"""Memory and open files of a server's processes over time, as its own metrics tell them."""

import re
import statistics
import threading
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field

from benchmarks.results import Lines
from benchmarks.serving import Served

_GAUGE = re.compile(r'slugline_(resident_bytes|open_descriptors)\{process="([^"]+)"\}')
_MEGABYTE = 2**20


@dataclass(frozen=True, slots=True)
class Sample:
    """What there was at a moment, `seconds` after the first: MB and open files, by the name of the process."""

    seconds: float
    resident: Mapping[str, float]
    descriptors: Mapping[str, float]


@dataclass
class Observation:
    """Samples, in their order."""

    samples: list[Sample] = field(default_factory=list)
    began: float = field(default_factory=time.monotonic)

    def take(self, server: Served) -> Sample:
        """One more sample."""
        found: dict[str, dict[str, float]] = {"resident_bytes": {}, "open_descriptors": {}}
        for name, value in server.metrics().items():
            if match := _GAUGE.fullmatch(name):
                found[match[1]][match[2]] = value
        resident = {process: value / _MEGABYTE for process, value in found["resident_bytes"].items()}
        self.samples.append(Sample(time.monotonic() - self.began, resident, found["open_descriptors"]))
        return self.samples[-1]

    def processes(self) -> list[str]:
        """The names of the processes, sorted."""
        return sorted({process for sample in self.samples for process in sample.resident})

    def growth(self, process: str) -> float:
        """How much more memory a process had in the last quarter of the time than in the third, as a share."""
        values = [sample.resident[process] for sample in self.samples if process in sample.resident]
        quarter = max(1, len(values) // 4)
        before, after = values[-2 * quarter : -quarter] or values, values[-quarter:]
        return statistics.median(after) / statistics.median(before) - 1

    def lines(self, title: str) -> Lines:
        """Memory over time."""
        return Lines(
            title,
            "minutes",
            "resident MB",
            {
                process: [(s.seconds / 60, s.resident[process]) for s in self.samples if process in s.resident]
                for process in self.processes()
            },
        )


@contextmanager
def observed(server: Served, every: float) -> Iterator[Observation]:
    """Take a sample every so many seconds while the context lasts, the first at once."""
    observation, over = Observation(), threading.Event()
    observation.take(server)

    def observe() -> None:
        while not over.wait(every):
            observation.take(server)

    thread = threading.Thread(target=observe)
    thread.start()
    try:
        yield observation
    finally:
        over.set()
        thread.join()
