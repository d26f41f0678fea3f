"""The tally: what a server process has counted so far, cheap to add to and cheap to pass on.

A call adds some twenty numbers, so they are plain dictionaries here; `service/exposition.py` shows them to Prometheus,
those of all workers together. Labels come from the server and its models, never from callers.
"""

import threading
from bisect import bisect_left
from collections.abc import Iterable, Sequence

import msgspec

from service.families import FAMILIES, Family

Labels = tuple[str, ...]
Key = tuple[str, Labels]


class Distribution(msgspec.Struct):
    """How many values lie at or below each bound and above the one before, the last count being of those above all."""

    counts: list[int]
    total: float = 0.0


class Snapshot(msgspec.Struct):
    """All numbers of a tally at one moment, by the name of their family and their labels."""

    counters: list[tuple[str, Labels, float]] = []
    gauges: list[tuple[str, Labels, float]] = []
    distributions: list[tuple[str, Labels, Distribution]] = []


class Tally:
    """Counts; any thread may add."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._counters: dict[Key, float] = {}
        self._gauges: dict[Key, float] = {}
        self._distributions: dict[Key, Distribution] = {}

    def count(self, family: Family, labels: Labels = (), by: float = 1) -> None:
        """Add to a counter."""
        key = (family.name, labels)
        with self._lock:
            self._counters[key] = self._counters.get(key, 0) + by

    def set(self, family: Family, value: float, labels: Labels = ()) -> None:
        """Set a gauge."""
        with self._lock:
            self._gauges[family.name, labels] = value

    def forget(self, family: Family) -> None:
        """Forget what a gauge says, under whatever labels."""
        with self._lock:
            for key in [key for key in self._gauges if key[0] == family.name]:
                del self._gauges[key]

    def observe(self, family: Family, value: float, labels: Labels = ()) -> None:
        """Add one value to a distribution."""
        with self._lock:
            found = self._distribution(family, labels)
            found.counts[bisect_left(family.bounds, value)] += 1
            found.total += value

    def add(self, family: Family, counts: Sequence[int], total: float, labels: Labels = ()) -> None:
        """Add many values to a distribution: how many lie in each bucket, and their sum."""
        with self._lock:
            found = self._distribution(family, labels)
            found.counts = [before + more for before, more in zip(found.counts, counts, strict=True)]
            found.total += total

    def snapshot(self) -> Snapshot:
        """All numbers as they are now."""
        with self._lock:
            return Snapshot(
                [(*key, value) for key, value in self._counters.items()],
                [(*key, value) for key, value in self._gauges.items()],
                [(*key, Distribution(list(d.counts), d.total)) for key, d in self._distributions.items()],
            )

    def _distribution(self, family: Family, labels: Labels) -> Distribution:
        key = (family.name, labels)
        found = self._distributions.get(key)
        if found is None:
            found = self._distributions[key] = Distribution([0] * (len(family.bounds) + 1))
        return found


def merged(snapshots: Iterable[Snapshot]) -> Snapshot:
    """The sum of several tallies; of gauges that cannot be added, the largest."""
    counters: dict[tuple[str, Labels], float] = {}
    gauges: dict[tuple[str, Labels], float] = {}
    distributions: dict[tuple[str, Labels], Distribution] = {}
    for snapshot in snapshots:
        for name, labels, value in snapshot.counters:
            counters[name, labels] = counters.get((name, labels), 0) + value
        for name, labels, value in snapshot.gauges:
            before = gauges.get((name, labels), 0)
            gauges[name, labels] = max(before, value) if FAMILIES[name].merged == "max" else before + value
        for name, labels, more in snapshot.distributions:
            found = distributions.setdefault((name, labels), Distribution([0] * len(more.counts)))
            found.counts = [a + b for a, b in zip(found.counts, more.counts, strict=True)]
            found.total += more.total
    return Snapshot(
        [(*key, value) for key, value in counters.items()],
        [(*key, value) for key, value in gauges.items()],
        [(*key, value) for key, value in distributions.items()],
    )
