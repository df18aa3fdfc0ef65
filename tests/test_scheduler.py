"""Who is asked when, and what happens when nobody answers. Time jumps: see tests/support/warp.py."""

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from itertools import pairwise

import pytest
from structlog.testing import capture_logs

from exporter.errors import (
    CredentialsRefused,
    NotApplicable,
    NotFound,
    PermissionMissing,
    ServerFailed,
    SourceError,
    Unreachable,
)
from exporter.records import Record
from exporter.schedule import spread
from tests.support.sources import Answer, FakeSource, latest_job, plan, tenants
from tests.support.stage import Stage, stage
from tests.support.warp import START, WarpClock, warped

HOUR = 3600.0
DAY = 86400.0
NAMES = ("Contoso", "Fabrikam", "Northwind")


@asynccontextmanager
async def polled(play: Stage) -> AsyncIterator[None]:
    """Let the stage's source be polled meanwhile."""
    polling = asyncio.create_task(play.runner.run())
    try:
        yield
    finally:
        polling.cancel()
        await asyncio.gather(polling, return_exceptions=True)


def during(seconds: float, play: Stage, *, then: Callable[[], Awaitable[None]] | None = None) -> None:
    """Run the stage's source for *seconds* of its time; housekeeping once a minute."""

    async def show() -> None:
        async with polled(play):
            for _ in range(int(seconds // 60)):
                await asyncio.sleep(60)
                await play.intake.tick()
            if then is not None:
                await then()

    warped(show)


async def healthy(collector: str, tenant: str) -> Sequence[Record]:
    """Answer as a vendor that is well."""
    await asyncio.sleep(0.5)
    if collector == "tenants":
        return tenants(*NAMES)
    if collector == "jobs":
        now = WarpClock().now()
        period = now // (6 * HOUR)
        return latest_job(tenant, f"run {period}", at=period * 6 * HOUR - 600)
    return []


def members(here: list[str]) -> Answer:
    """Return the answers of a vendor that is well and whose customers are *here*, for as long as they are."""

    async def answer(collector: str, tenant: str) -> Sequence[Record]:
        return tenants(*here) if collector == "tenants" else await healthy(collector, tenant)

    return answer


class Moody:
    """A vendor that is well until it is told to be broken."""

    def __init__(self, error: Exception, *, broken: bool = False) -> None:
        self.error = error
        self.broken = broken

    async def __call__(self, collector: str, tenant: str) -> Sequence[Record]:
        """Answer as it feels."""
        if self.broken:
            raise self.error
        return await healthy(collector, tenant)


def five(interval: float = 1800.0) -> list[object]:
    """Return the plans of Elements in order of importance."""
    return [
        plan("tenants", interval),
        plan("jobs", interval),
        plan("subscriptions", 6 * HOUR),
        plan("protection", 6 * HOUR),
        plan("scan_profiles", DAY),
    ]


def failing(error: Exception, *collectors: str) -> FakeSource:
    """Return a source that fails with *error*, or only for some collectors."""

    async def answer(collector: str, tenant: str) -> Sequence[Record]:
        if not collectors or collector in collectors:
            raise error
        return await healthy(collector, tenant)

    return FakeSource(answer, five())  # type: ignore[arg-type]


def test_first_poll_in_order_of_importance() -> None:
    """At the start discovery is asked first, then everyone's jobs, then the rest."""
    source = FakeSource(healthy, five())  # type: ignore[arg-type]
    play = stage(source, WarpClock(), concurrency=1)

    during(60, play)

    kinds = [collector for collector, _ in source.asked]
    assert kinds[0] == "tenants"
    assert [kind for kind in kinds if kind != "tenants"] == (
        ["subscriptions"] + ["jobs"] * 3 + ["protection"] * 3 + ["scan_profiles"] * 3
    )


def test_each_interval_is_kept_for_a_day() -> None:
    """Over a simulated day every collector is asked as often as its interval says."""
    source = FakeSource(healthy, five())  # type: ignore[arg-type]
    play = stage(source, WarpClock())

    during(10 * DAY, play)

    asked = Counter(source.asked)
    for name in NAMES:
        assert 478 <= asked["jobs", name.lower()] <= 481
        assert 39 <= asked["protection", name.lower()] <= 41
        assert 9 <= asked["scan_profiles", name.lower()] <= 11
    assert 478 <= source.count("tenants") <= 481


def test_a_fleet_is_spread_over_the_interval() -> None:
    """After the first poll, tenants' due times are spread by hash instead of coming all at once."""
    names = [f"Contoso {number}" for number in range(200)]

    async def answer(collector: str, tenant: str) -> Sequence[Record]:
        return tenants(*names) if collector == "tenants" else latest_job(tenant, "a", at=START)

    source = FakeSource(answer, [plan("tenants"), plan("jobs")])
    play = stage(source, WarpClock(), rate=1000)
    during(600, play)

    dues = sorted(unit.due - START for unit in play.runner.schedule.units.values())

    gaps = [after - before for before, after in pairwise(dues)]
    assert max(gaps) < 120
    assert dues[-1] - dues[0] > 1500


def test_no_collection_overlaps_itself() -> None:
    """A collection slower than its interval is not started a second time before it ended."""
    running: Counter[tuple[str, str]] = Counter()
    most = 0

    async def slow(collector: str, tenant: str) -> Sequence[Record]:
        nonlocal most
        running[collector, tenant] += 1
        most = max(most, running[collector, tenant])
        await asyncio.sleep(100)
        running[collector, tenant] -= 1
        return tenants(*NAMES) if collector == "tenants" else latest_job(tenant, "a", at=START)

    source = FakeSource(slow, [plan("tenants", 30), plan("jobs", 30)])

    during(HOUR, stage(source, WarpClock(), concurrency=8))

    assert most == 1
    assert source.count("jobs") > 30


def test_overload_slows_all_down_evenly() -> None:
    """When concurrency is too small, every collector's interval is stretched alike and the ratio says so."""

    async def slow(collector: str, tenant: str) -> Sequence[Record]:
        await asyncio.sleep(19.5)
        return await healthy(collector, tenant)

    source = FakeSource(slow, [plan("tenants", 600), plan("jobs", 60), plan("protection", 120)], seconds=20)
    play = stage(source, WarpClock(), concurrency=1)

    during(24 * HOUR, play)

    asked = Counter(source.asked)
    jobs = [asked["jobs", name.lower()] for name in NAMES]
    protection = [asked["protection", name.lower()] for name in NAMES]
    assert play.runner.schedule.demand_ratio(2.0) == pytest.approx((1 / 600 + 3 / 60 + 3 / 120) * 20)
    assert max(jobs) - min(jobs) <= 0.03 * max(jobs)
    assert 1.9 < sum(jobs) / sum(protection) < 2.1


def test_demand_is_the_arithmetic_of_the_docs() -> None:
    """Demand in requests a second is what docs/sources/elements.md computes for the defaults."""
    source = FakeSource(healthy, five())  # type: ignore[arg-type]
    play = stage(source, WarpClock())

    during(HOUR, play)

    bulk = 1 / 1800 + 1 / (6 * HOUR)
    per_tenant = 1 / 1800 + 1 / (6 * HOUR) + 1 / DAY
    assert play.runner.schedule.demand_ratio(2.0) == pytest.approx((bulk + 3 * per_tenant) / 2.0)


def test_failure_is_retried_soon_and_less_soon() -> None:
    """A failed collection is tried again after a minute, then two, four …, never later than regularly."""
    source = failing(NotFound("no such path"), "jobs")
    play = stage(source, WarpClock())

    during(HOUR, play)

    per_tenant = Counter(source.asked)["jobs", "contoso"]
    assert 5 <= per_tenant <= 7


@pytest.mark.parametrize("error", [CredentialsRefused("no"), Unreachable("no"), ServerFailed("no")])
def test_no_retry_storm(error: SourceError) -> None:
    """A source that fails as a whole is asked once a minute at most, and its recovery is noticed."""
    vendor = Moody(error)
    source = FakeSource(vendor, [plan("tenants", 60), plan("jobs", 60), plan("protection", 60)])
    play = stage(source, WarpClock())

    async def show() -> None:
        async with polled(play):
            await asyncio.sleep(600)
            vendor.broken = True
            await asyncio.sleep(300)
            before = len(source.asked)
            assert (await play.samples("source_up"))[""] == 0
            await asyncio.sleep(HOUR)
            assert 55 <= len(source.asked) - before <= 61
            assert set((await play.samples("collector_success")).values()) == {0}
            vendor.broken = False
            await asyncio.sleep(300)
            assert set((await play.samples("collector_success")).values()) == {1}
            assert (await play.samples("source_up"))[""] == 1

    warped(show)


def test_missing_permission_stops_one_collector_only() -> None:
    """A collector whose permission is missing is probed once a minute; the others go on."""
    source = FakeSource(
        failing(PermissionMissing("no scope"), "protection").answer,
        [plan("tenants", 60), plan("jobs", 60), plan("protection", 60)],
    )
    play = stage(source, WarpClock())

    during(HOUR, play)

    assert source.count("jobs") > 170
    assert 55 <= source.count("protection") <= 70


def test_one_line_for_each_change_of_state() -> None:
    """An outage of a day is one line when it begins and one when it ends."""
    vendor = Moody(CredentialsRefused("the token endpoint refused the client (invalid_client)"), broken=True)
    source = FakeSource(vendor, five())  # type: ignore[arg-type]
    play = stage(source, WarpClock())

    async def show() -> None:
        async with polled(play):
            await asyncio.sleep(DAY)
            vendor.broken = False
            await asyncio.sleep(DAY)

    with capture_logs() as logs:
        warped(show)

    assert [(line["event"], line.get("reason")) for line in logs] == [
        ("source_failed", "auth"),
        ("source_recovered", "auth"),
        ("tenants_joined", None),
    ]


def test_a_bug_hurts_no_other_collection() -> None:
    """An exception nobody foresaw is logged and counted as bug; all else goes on."""
    source = failing(ZeroDivisionError("oops"), "protection")
    play = stage(source, WarpClock(), birth_delay=0.0)

    async def check() -> None:
        failures = await play.samples("collector_failures_total")
        assert failures['collector="protection",reason="bug"'] > 0
        assert sum(failures.values()) == failures['collector="protection",reason="bug"']

    with capture_logs() as logs:
        during(HOUR, play, then=check)

    assert source.count("jobs") >= 6
    assert {line["event"] for line in logs} == {
        "tenants_joined",
        "collection_bug",
        "collector_failed",
    }


def test_a_repeating_bug_is_logged_once() -> None:
    """The same bug for every tenant, day after day, is one traceback, which quotes no answer."""
    source = failing(KeyError("pat@contoso.example"), "protection")
    play = stage(source, WarpClock())

    with capture_logs() as logs:
        during(2 * DAY, play)

    assert [line["event"] for line in logs].count("collection_bug") == 1
    assert "pat@contoso.example" not in str(logs)


def test_nothing_is_lost_when_publishing_breaks() -> None:
    """A unit whose very failure could not be entered is tried again, and never at once."""
    source = failing(NotFound("gone"), "protection")
    play = stage(source, WarpClock())

    class Breaking:
        """An intake that breaks on failures."""

        def __getattr__(self, name: str) -> object:
            return getattr(play.intake, name)

        async def failed(self, *_: object, **__: object) -> None:
            """Break."""
            raise ZeroDivisionError

    play.runner.intake = Breaking()  # type: ignore[assignment]
    during(DAY, play)

    assert 10 < Counter(source.asked)["protection", "contoso"] < 100


def test_outage_leaves_the_absent_alone() -> None:
    """What a tenant does not have does not become a failure when the source goes down."""
    vendor = Moody(Unreachable("no"))

    async def answer(collector: str, tenant: str) -> Sequence[Record]:
        if collector == "protection":
            raise NotApplicable("no subscription", asked=False)
        return await vendor(collector, tenant)

    source = FakeSource(answer, [plan("tenants", 60), plan("jobs", 60), plan("protection", 60)])
    play = stage(source, WarpClock())

    async def show() -> None:
        async with polled(play):
            await asyncio.sleep(600)
            vendor.broken = True
            await asyncio.sleep(1800)
            assert not [labels for labels in await play.samples("collector_success") if "protection" in labels]
            vendor.broken = False
            await asyncio.sleep(180)
            assert set((await play.samples("collector_success")).values()) == {1}

    warped(show)


def test_not_applicable_is_asked_once_a_day() -> None:
    """What a tenant does not have costs a request a day, is no failure and has no collector_success."""
    source = failing(NotApplicable("no subscription", asked=True), "protection")
    play = stage(source, WarpClock(), birth_delay=0.0)

    async def check() -> None:
        assert not [labels for labels in await play.samples("collector_success") if "protection" in labels]
        assert sum((await play.samples("collector_failures_total")).values()) == 0

    during(10 * DAY, play, then=check)

    assert 9 <= Counter(source.asked)["protection", "contoso"] <= 15


def test_known_absence_costs_nothing() -> None:
    """What is known not to be subscribed is looked at again at its interval, as that asks nobody."""
    source = failing(NotApplicable("no subscription", asked=False), "protection")

    during(2 * DAY, stage(source, WarpClock()))

    assert 8 <= Counter(source.asked)["protection", "contoso"] <= 9


def test_leaver_and_returner() -> None:
    """A tenant that left is asked no more and shown no more; when it returns it continues its counters."""
    here = list(NAMES)

    source = FakeSource(members(here), five())  # type: ignore[arg-type]
    play = stage(source, WarpClock())

    async def show() -> None:
        async with polled(play):
            await asyncio.sleep(2 * DAY)
            await play.intake.tick()
            before = (await play.samples("job_runs_total"))[_exchange("contoso")]
            here.remove("Contoso")
            await asyncio.sleep(DAY)
            assert not [labels for labels in await play.samples("tenant_info") if "contoso" in labels]
            assert _exchange("contoso") not in await play.samples("job_runs_total")
            here.append("Contoso")
            await asyncio.sleep(HOUR)
            after = (await play.samples("job_runs_total"))[_exchange("contoso")]
            assert after == before + 1
            assert before >= 7

    warped(show)


def test_new_tenants_get_their_subscriptions_now() -> None:
    """A discovery that finds new tenants makes the collectors that ask for all due at once."""
    here = list(NAMES)

    source = FakeSource(members(here), five())  # type: ignore[arg-type]
    play = stage(source, WarpClock())

    async def show() -> None:
        async with polled(play):
            await asyncio.sleep(HOUR)
            before = source.count("subscriptions")
            here.append("Tailspin")
            await asyncio.sleep(HOUR)
            assert source.count("subscriptions") == before + 1

    warped(show)


def test_spread_is_stable_and_even() -> None:
    """The place in an interval is the same in every process, and evenly distributed."""
    places = [spread("elements", f"tenant {number}", "jobs") for number in range(10_000)]

    assert spread("a", "b") == spread("a", "b")
    assert all(0 <= place < 1 for place in places)
    assert 0.48 < sum(places) / len(places) < 0.52


def _exchange(tenant: str) -> str:
    return f'tenant="{tenant}",product="Microsoft 365",workload="Exchange Online",job_type="backup"'
