from collections.abc import Sequence
from itertools import pairwise

import msgspec
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
        tally.observe(families.SCORES, value, ("war",))
    found = distribution(tally.snapshot())
    bounds = (*families.SCORES.bounds, float("inf"))
    below = [0, *(sum(value <= bound for value in values) for bound in bounds)]
    assert found.counts == [after - before for before, after in pairwise(below)]
    assert found.total == sum(values)


@given(parts=st.lists(VALUES, max_size=4))
def test_several_tallies_together_are_one(parts: list[list[float]]) -> None:
    whole, tallies = Tally(), [Tally() for _ in parts]
    for values, tally in zip(parts, tallies, strict=True):
        for value in values:
            for each in (whole, tally):
                each.count(families.DOCUMENTS)
                each.count(families.ASSIGNED, ("war" if value > 0.5 else "peace",))
                each.observe(families.SCORES, value, ("war",))
    together = merged([tally.snapshot() for tally in tallies])
    expected = whole.snapshot()
    assert sorted(together.counters) == sorted(expected.counters)
    if expected.distributions:
        assert distribution(together).counts == distribution(expected).counts


def test_gauges_are_added_or_the_largest_counts() -> None:
    tallies = [Tally(), Tally()]
    for number, tally in enumerate(tallies):
        tally.set(families.STREAMS, number + 1)
        tally.set(families.MODEL_CREATED, 100.0 + number, ("v",))
    found = {name: value for name, _, value in merged([tally.snapshot() for tally in tallies]).gauges}
    assert found == {families.STREAMS.name: 3, families.MODEL_CREATED.name: 101.0}


def test_a_snapshot_goes_to_another_process_whole_and_stays_as_it_was() -> None:
    tally = Tally()
    tally.count(families.HANDLED, ("a/b", "OK"), by=2)
    tally.observe(families.SECONDS, 0.2, ("a/b",))
    tally.set(families.STREAMS, 3)
    snapshot = tally.snapshot()
    sent = msgspec.json.encode(snapshot)
    tally.observe(families.SECONDS, 0.2, ("a/b",))
    tally.count(families.HANDLED, ("a/b", "OK"))
    assert msgspec.json.decode(sent, type=Snapshot) == snapshot


def test_a_forgotten_gauge_is_gone() -> None:
    tally = Tally()
    tally.set(families.MODEL, 1, ("n", "v1", "f"))
    tally.set(families.STREAMS, 1)
    tally.forget(families.MODEL)
    assert [name for name, _, _ in tally.snapshot().gauges] == [families.STREAMS.name]
