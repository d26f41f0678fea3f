import threading
from collections.abc import Sequence
from itertools import pairwise

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from service import families
from service.tally import Distribution, Snapshot, Tally, merged

VALUES = st.lists(st.floats(0, 1), max_size=30)


def distribution(snapshot: Snapshot) -> Distribution:
    ((_, _, found),) = snapshot.distributions
    return found


@given(values=VALUES.filter(bool))
def test_a_distribution_counts_each_value_at_the_bound_it_does_not_exceed(values: Sequence[float]) -> None:
    tally = Tally()
    for value in values:
        tally.series(families.SCORES, ("war",)).add(value)
    found = distribution(tally.snapshot())
    bounds = (*families.SCORES.bounds, float("inf"))
    below = [0, *(sum(value <= bound for value in values) for bound in bounds)]
    assert found.counts == [after - before for before, after in pairwise(below)]
    assert found.total == pytest.approx(sum(values))


@given(parts=st.lists(VALUES, max_size=4))
def test_several_tallies_together_are_one(parts: list[list[float]]) -> None:
    whole, tallies = Tally(), [Tally() for _ in parts]
    for values, tally in zip(parts, tallies, strict=True):
        for value in values:
            for each in (whole, tally):
                each.series(families.DOCUMENTS).add()
                each.series(families.ASSIGNED, ("war" if value > 0.5 else "peace",)).add()
                each.series(families.SCORES, ("war",)).add(value)
    together = merged([tally.snapshot() for tally in tallies])
    expected = whole.snapshot()
    assert sorted(together.counters) == sorted(expected.counters)
    if expected.distributions:
        assert distribution(together).counts == distribution(expected).counts


@given(rows=st.lists(st.tuples(st.integers(0, 9), st.floats(0, 1)), max_size=600))
def test_rows_add_to_each_of_their_series(rows: list[tuple[int, float]]) -> None:
    together, alone = Tally(), Tally()
    for tally in (together, alone):
        documents, scores = tally.series(families.DOCUMENTS), tally.series(families.SCORES, ("war",))
        for count, score in rows:
            if tally is together:
                tally.rows(documents, scores).add((count, score))
            else:
                documents.add(count)
                scores.add(score)
    found, expected = together.snapshot(), alone.snapshot()
    assert found.counters == expected.counters
    assert distribution(found).counts == distribution(expected).counts
    assert distribution(found).total == pytest.approx(distribution(expected).total)


def test_gauges_are_added_or_the_largest_counts() -> None:
    tallies = [Tally(), Tally()]
    for number, tally in enumerate(tallies):
        tally.set(families.STREAMS, number + 1)
        tally.set(families.MODEL_CREATED, 100.0 + number, ("v",))
    found = {name: value for name, _, value in merged([tally.snapshot() for tally in tallies]).gauges}
    assert found == {families.STREAMS.name: 3, families.MODEL_CREATED.name: 101.0}


def test_a_snapshot_goes_to_another_process_whole_and_stays_as_it_was() -> None:
    tally = Tally()
    tally.series(families.HANDLED, ("a/b", "OK")).add(2)
    tally.series(families.SECONDS, ("a/b",)).add(0.2)
    tally.set(families.STREAMS, 3)
    snapshot = tally.snapshot()
    sent = msgspec.json.encode(snapshot)
    tally.series(families.SECONDS, ("a/b",)).add(0.2)
    tally.series(families.HANDLED, ("a/b", "OK")).add()
    assert msgspec.json.decode(sent, type=Snapshot) == snapshot


def test_a_forgotten_gauge_is_gone() -> None:
    tally = Tally()
    tally.set(families.MODEL, 1, ("n", "v1", "f"))
    tally.set(families.STREAMS, 1)
    tally.forget(families.MODEL)
    assert [name for name, _, _ in tally.snapshot().gauges] == [families.STREAMS.name]


def test_threads_add_to_a_series_and_nothing_is_lost_while_it_is_summed_up() -> None:
    tally = Tally()
    series = tally.series(families.CHARACTERS)
    rows = tally.rows(tally.series(families.DOCUMENTS), series)

    def add() -> None:
        for number in range(20_000):
            rows.add((1, number))
            series.extend([number] * (number % 3))

    threads = [threading.Thread(target=add) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        tally.snapshot()
    snapshot = tally.snapshot()
    found = distribution(snapshot)
    assert snapshot.counters == [(families.DOCUMENTS.name, (), 80_000.0)]
    assert sum(found.counts) == 4 * sum(1 + number % 3 for number in range(20_000))
    assert found.total == 4 * sum(number * (1 + number % 3) for number in range(20_000))
