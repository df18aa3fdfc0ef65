"""When each collection is due: arithmetic."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.progress import Timing
from exporter.schedule import Schedule, Unit, stale_after
from tests.support.sources import plan

NOW = 1_772_400_000.0
TENANTS, JOBS, SUBSCRIPTIONS = plan("tenants"), plan("jobs"), plan("subscriptions", 21600.0)


def schedule() -> Schedule:
    """Return a schedule that has begun."""
    begun = Schedule("elements", (TENANTS, JOBS, SUBSCRIPTIONS), 4)
    begun.begin(NOW)
    return begun


def taken(begun: Schedule, now: float) -> list[tuple[str, str]]:
    """Take all that is due."""
    units = []
    while (unit := begun.pop(now)) is not None:
        units.append((unit.plan.name, unit.tenant))
    return units


def test_begun_again_after_a_break() -> None:
    """A schedule that is begun again queues what was under way, once each."""
    begun = schedule()
    begun.join("contoso", NOW)
    begun.ask_for_all(NOW)
    taken(begun, NOW)

    begun.begin(NOW + 60)
    begun.begin(NOW + 60)

    assert sorted(taken(begun, NOW + 60)) == [("jobs", "contoso"), ("subscriptions", ""), ("tenants", "")]


def test_tenants_come_and_go() -> None:
    """New tenants are due now, those that left are not asked, and their demand goes with them."""
    begun = schedule()
    begun.join("contoso", NOW)
    begun.join("fabrikam", NOW)
    for unit in begun.units.values():
        begun.charge(unit, 1.0, 0.5)
    before = begun.demand_ratio(1.0)

    begun.leave("contoso")

    assert begun.demand_ratio(1.0) == pytest.approx(before - 1 / 1800)
    assert ("jobs", "contoso") not in taken(begun, NOW)
    assert begun.next_due() is None
    assert begun.lag(NOW + 10) == 0.0


def test_tenants_without_collections_of_their_own() -> None:
    """Tenants are known although all that is asked is asked for all at once: none of them is new at each discovery."""
    begun = Schedule("veeam", (TENANTS, SUBSCRIPTIONS), 4)
    begun.join("contoso", NOW)

    assert begun.tenants() == {"contoso"}
    begun.leave("contoso")
    assert begun.tenants() == set()


def test_bulk_under_way_is_not_doubled() -> None:
    """A list that is being asked for when new tenants are found is not queued a second time."""
    begun = schedule()
    taken(begun, NOW)

    begun.join("contoso", NOW)
    begun.ask_for_all(NOW)

    assert taken(begun, NOW) == [("jobs", "contoso")]


def test_overtaken_entries_do_not_count() -> None:
    """The lag is that of what still waits, not of an entry that an earlier due time overtook."""
    begun = Schedule("elements", (TENANTS,), 4)
    begun.begin(NOW)
    unit = begun.units["", "tenants"]
    unit.due = NOW + 100

    begun.push(unit)

    assert begun.next_due() == NOW + 100
    assert begun.lag(NOW + 130) == 30.0


@given(st.floats(1, 1e6), st.floats(0, 0.999), st.lists(st.floats(0, 5e6), max_size=20))
def test_regular_times_stay_ahead(interval: float, offset: float, waits: list[float]) -> None:
    """Whenever a collection ends, the next is due later than now, and within an interval and a half."""
    unit = Unit(JOBS, "contoso", 0, offset, NOW)
    now = NOW

    for wait in waits:
        now += wait
        unit.settle(now, interval)
        assert now < unit.due <= now + 1.5 * interval + 1e-3


@given(st.floats(1, 1e6), st.integers(1, 40))
def test_retries_never_come_later_than_the_regular_time(interval: float, failures: int) -> None:
    """After each failure the next try is soon, at most an hour off, and never after the regular time."""
    unit = Unit(JOBS, "contoso", 0, 0.5, NOW)

    for number in range(failures):
        unit.settle_failed(NOW + number, interval)

        assert unit.regular is not None
        assert NOW + number < unit.due <= min(unit.regular, NOW + number + 3600)


def test_stale_after_grows_with_the_stretch() -> None:
    """Three effective intervals, at least an hour; a configured age is stretched like the interval."""
    assert stale_after(plan("jobs", 60), 1.0) == 3600
    assert stale_after(JOBS, 2.0) == 3 * 1800 * 2
    assert stale_after(plan("jobs", 60, stale_after_seconds=600.0), 1.5) == 900


def resumed(timing: Timing, now: float = NOW, *, tenant: str = "contoso", interval: float = 1800.0) -> Unit:
    """Return the unit of Contoso's jobs in a schedule that goes on from *timing*."""
    begun = Schedule("elements", (TENANTS, plan("jobs", interval)), 4, lambda who, _: timing if who == tenant else None)
    begun.begin(now)
    begun.join("contoso", now)
    return begun.units["contoso", "jobs"] if tenant else begun.units["", "tenants"]


def before(**changes: Any) -> Timing:
    """Return how a unit stood that is due in ten minutes."""
    usual = Timing(
        due=NOW + 600,
        regular=NOW + 600,
        failures=0,
        applicable=True,
        requests=2.0,
        in_flight=0.5,
        interval_seconds=1800.0,
    )
    return usual._replace(**changes)


def test_due_times_survive() -> None:
    """A unit that goes on is due when it was, at its regular time, and its demand is known at once."""
    unit = resumed(before())

    assert (unit.due, unit.regular, unit.requests) == (NOW + 600, NOW + 600, 2.0)
    unit.settle(NOW + 610, 1800.0)
    assert unit.due == NOW + 600 + 1800


def test_timing_is_what_is_resumed() -> None:
    """What a unit tells of itself is what it goes on from."""
    timing = before(failures=0)

    assert resumed(timing).timing() == timing


@pytest.mark.parametrize(
    ("changes", "options", "earliest", "latest"),
    [
        ({"due": NOW - 7200, "regular": NOW - 7200}, {}, NOW, NOW),  # overdue: now, not two hours ago
        ({"failures": 5, "due": NOW + 3000}, {}, NOW, NOW + 60),
        ({}, {"tenant": ""}, NOW, NOW),  # what asks for all tenants at once
        ({"due": NOW + 80_000, "interval_seconds": 86400.0}, {"interval": 600.0}, NOW + 300, NOW + 900),
        ({"due": NOW + 1e9, "regular": NOW + 1e9}, {}, NOW, NOW + 18_000),  # a clock that was wrong
        ({"applicable": False, "due": NOW + 80_000}, {}, NOW + 80_000, NOW + 80_000),
        ({"due": NOW + 9000, "regular": NOW + 9000}, {}, NOW + 9000, NOW + 9000),  # five times stretched
    ],
)
def test_resumed_within_reason(
    changes: dict[str, Any], options: dict[str, Any], earliest: float, latest: float
) -> None:
    """Overdue is now, failed is soon, a new interval counts, and no remembered time is believed that lies far ahead."""
    assert earliest <= resumed(before(**changes), **options).due <= latest
