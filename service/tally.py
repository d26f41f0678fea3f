"""The tally: what a server process has counted so far, cheap to add to and cheap to pass on.

A call adds some twenty numbers, most of them together, as one row for several series. Rows and numbers are appended to
lists, which takes a tenth of a microsecond and no lock; the lists are summed up when somebody asks, or when they have
grown long. `service/exposition.py` shows the sums to Prometheus, those of all workers together. Labels come from the
server and its models, never from callers.
"""

import threading
from bisect import bisect_right
from collections.abc import Iterable
from itertools import pairwise

import msgspec

from service.families import FAMILIES, Family

Labels = tuple[str, ...]
Key = tuple[str, Labels]

_LONG = 1024
"""So many numbers are summed up though nobody asks."""
_MANY_ROWS = 256


class Distribution(msgspec.Struct):
    """How many values lie at or below each bound and above the one before, the last count being of those above all."""

    counts: list[int]
    total: float = 0.0


class Snapshot(msgspec.Struct):
    """All numbers of a tally at one moment, by the name of their family and their labels."""

    counters: list[tuple[str, Labels, float]] = []
    gauges: list[tuple[str, Labels, float]] = []
    distributions: list[tuple[str, Labels, Distribution]] = []


class Series:
    """The numbers that were added to one metric under one set of labels; any thread may add."""

    __slots__ = ("_added", "_bounds", "_lock", "_sums")

    def __init__(self, bounds: tuple[float, ...]) -> None:
        self._bounds = bounds
        self._added: list[float] = []
        self._sums = Distribution([0] * (len(bounds) + 1))
        self._lock = threading.Lock()

    def add(self, value: float = 1) -> None:
        """Add one number."""
        added = self._added
        added.append(value)
        if len(added) >= _LONG:
            self.sums()

    def extend(self, values: Iterable[float]) -> None:
        """Add many numbers."""
        self._added.extend(values)
        if len(self._added) >= _LONG:
            self.sums()

    def sums(self) -> Distribution:
        """All that was added."""
        with self._lock:
            # What others append meanwhile comes after these, and stays.
            taken = self._added[:]
            del self._added[: len(taken)]
            sums = self._sums
            sums.total += sum(taken)
            if self._bounds:
                taken.sort()
                below = [0, *(bisect_right(taken, bound) for bound in self._bounds), len(taken)]
                sums.counts = [
                    before + end - start for before, (start, end) in zip(sums.counts, pairwise(below), strict=True)
                ]
            return Distribution(sums.counts, sums.total)


class Rows:
    """Several series that are added to together, a number for each of them a row; any thread may add."""

    __slots__ = ("_lock", "_rows", "_series")

    def __init__(self, series: tuple[Series, ...]) -> None:
        self._series = series
        self._rows: list[tuple[float, ...]] = []
        self._lock = threading.Lock()

    def add(self, row: tuple[float, ...]) -> None:
        """Add one number to each series, in their order."""
        rows = self._rows
        rows.append(row)
        if len(rows) >= _MANY_ROWS:
            self.hand_out()

    def hand_out(self) -> None:
        """Give the series what was added."""
        with self._lock:
            # What others append meanwhile comes after these, and stays.
            taken = self._rows[:]
            del self._rows[: len(taken)]
        for series, values in zip(self._series, zip(*taken, strict=True), strict=False):
            series.extend(values)


class Tally:
    """The series of a process by metric and labels, and its gauges; any thread may use it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._series: dict[Key, Series] = {}
        self._rows: dict[tuple[Series, ...], Rows] = {}
        self._gauges: dict[Key, float] = {}

    def series(self, family: Family, labels: Labels = ()) -> Series:
        """What to add to; whoever adds often keeps it."""
        found = self._series.get((family.name, labels))
        if found is None:
            with self._lock:
                found = self._series.setdefault((family.name, labels), Series(family.bounds))
        return found

    def rows(self, *series: Series) -> Rows:
        """What to add to where several series are added to together."""
        with self._lock:
            return self._rows.setdefault(series, Rows(series))

    def set(self, family: Family, value: float, labels: Labels = ()) -> None:
        """Set a gauge."""
        with self._lock:
            self._gauges[family.name, labels] = value

    def forget(self, family: Family) -> None:
        """Forget what a gauge says, under whatever labels."""
        with self._lock:
            for key in [key for key in self._gauges if key[0] == family.name]:
                del self._gauges[key]

    def snapshot(self) -> Snapshot:
        """All numbers as they are now."""
        with self._lock:
            for rows in self._rows.values():
                rows.hand_out()
            sums = [(name, labels, series.sums()) for (name, labels), series in self._series.items()]
            gauges = [(*key, value) for key, value in self._gauges.items()]
        return Snapshot(
            [(name, labels, found.total) for name, labels, found in sums if not FAMILIES[name].bounds],
            gauges,
            [(name, labels, found) for name, labels, found in sums if FAMILIES[name].bounds],
        )


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
