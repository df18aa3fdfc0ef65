"""When each collection is due: arithmetic."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.schedule import Schedule, Unit, stale_after
from tests.support.sources import plan

NOW = 1_772_400_000.0
TENANTS, JOBS, SUBSCRIPTIONS = plan("tenants"), plan("jobs"), plan("subscriptions", 21600.0)


def schedule() -> Schedule:
    """Return a schedule that has begun."""
    begun = Schedule("elements", (TENANTS, JOBS, SUBSCRIPTIONS), 4)
    begun.begin((), NOW)
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
    begun.watch(["contoso"], NOW)
    taken(begun, NOW)

    begun.begin(["contoso"], NOW + 60)
    begun.begin(["contoso"], NOW + 60)

    assert sorted(taken(begun, NOW + 60)) == [("jobs", "contoso"), ("subscriptions", ""), ("tenants", "")]


def test_tenants_come_and_go() -> None:
    """New tenants are due now, those that left are not asked, and their demand goes with them."""
    begun = schedule()
    begun.watch(["contoso", "fabrikam"], NOW)
    for unit in begun.units.values():
        begun.charge(unit, 1.0, 0.5)
    before = begun.demand_ratio(1.0)

    begun.watch(["fabrikam"], NOW)

    assert begun.demand_ratio(1.0) == pytest.approx(before - 1 / 1800)
    assert ("jobs", "contoso") not in taken(begun, NOW)
    assert begun.next_due() is None
    assert begun.lag(NOW + 10) == 0.0


def test_bulk_under_way_is_not_doubled() -> None:
    """A list that is being asked for when new tenants are found is not queued a second time."""
    begun = schedule()
    taken(begun, NOW)

    begun.watch(["contoso"], NOW)

    assert taken(begun, NOW) == [("jobs", "contoso")]


def test_overtaken_entries_do_not_count() -> None:
    """The lag is that of what still waits, not of an entry that an earlier due time overtook."""
    begun = Schedule("elements", (TENANTS,), 4)
    begun.begin((), NOW)
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
