"""Exposition: the tallies of all server processes as Prometheus metrics, on an HTTP port of their own."""

from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from typing import Any, cast

import structlog

from service.families import FAMILIES, Family
from service.tally import Distribution, Snapshot, merged
from slugline.errors import CannotServe

log = structlog.get_logger("slugline.metrics")

Snapshots = Callable[[], Iterable[Snapshot]]


@contextmanager
def exposed(address: str, snapshots: Snapshots) -> Iterator[None]:
    """Answer `GET /metrics` on HOST:PORT while it lasts, with the sum of `snapshots`; nothing where `address` is empty.

    Raises:
        CannotServe: the address cannot be bound.
    """
    if not address:
        yield
        return
    # Imported where metrics are shown: other servers start without it.
    from prometheus_client import CollectorRegistry, start_http_server

    host, _, port = address.rpartition(":")
    registry = CollectorRegistry()
    registry.register(cast(Any, _Tallies(snapshots)))
    try:
        server, thread = start_http_server(int(port), host.strip("[]"), registry)
    except (OSError, ValueError, OverflowError):
        raise CannotServe(
            f"cannot show metrics on {address!r}: not HOST:PORT, or taken; choose --metrics-address"
        ) from None
    log.info("showing metrics", address=f"{host}:{server.server_port}")
    try:
        yield
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Tallies:
    """A collector of prometheus_client."""

    def __init__(self, snapshots: Snapshots) -> None:
        self._snapshots = snapshots

    def collect(self) -> Iterable[Any]:
        whole = merged(self._snapshots())
        metrics = {name: _metric(family) for name, family in FAMILIES.items()}
        counted = {name for name, _, _ in whole.counters}
        for family in FAMILIES.values():
            if family.kind == "counter" and not family.labels and family.name not in counted:
                metrics[family.name].add_metric((), 0.0)
        for name, labels, value in (*whole.counters, *whole.gauges):
            metrics[name].add_metric(labels, value)
        for name, labels, found in whole.distributions:
            metrics[name].add_metric(labels, _buckets(FAMILIES[name], found), found.total)
        return metrics.values()


def _metric(family: Family) -> Any:
    from prometheus_client.metrics_core import CounterMetricFamily, GaugeMetricFamily, HistogramMetricFamily

    kinds = {"counter": CounterMetricFamily, "gauge": GaugeMetricFamily, "histogram": HistogramMetricFamily}
    return kinds[family.kind](family.name, family.help, labels=family.labels)


def _buckets(family: Family, found: Distribution) -> list[tuple[str, float]]:
    """Prometheus counts what lies at or below each bound, smaller ones included."""
    below, buckets = 0, []
    for bound, count in zip((*map(str, family.bounds), "+Inf"), found.counts, strict=True):
        below += count
        buckets.append((bound, float(below)))
    return buckets
