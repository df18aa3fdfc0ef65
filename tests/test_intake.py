"""What is shown: last good answers, their age, and nothing that is not true any more."""

from collections.abc import Sequence

import pytest
from structlog.testing import capture_logs

from exporter.errors import NotApplicable, NotFound, Throttled
from exporter.records import (
    MicrosoftLicenses,
    Protection,
    Record,
    ScanProfile,
    Subscription,
    Tenant,
)
from exporter.source_settings import Override, TenantSettings
from exporter.state import REMEMBER
from exporter.state.source import SourceState
from tests.support.clock import FakeClock
from tests.support.sources import FakeSource, latest_job, plan, tenants
from tests.support.stage import Stage, stage

HOUR = 3600.0
DAY = 86400.0
START = 1_772_485_200.0

TENANTS = plan("tenants")
JOBS = plan("jobs")
SUBSCRIPTIONS = plan("subscriptions")
PROTECTION = plan("protection")
PROFILES = plan("scan_profiles", 86400.0, baseline={"daily_scan": "enabled"})

COUNTED = 'tenant="contoso",product="Microsoft 365",workload="Exchange Online",job_type="backup"'
SITES = 'tenant="contoso",product="Microsoft 365",workload="SharePoint Online"'


async def nothing(collector: str, tenant: str) -> Sequence[Record]:
    """Answer nothing: these tests hand answers to the intake themselves."""
    raise AssertionError(f"{collector} {tenant} was asked")


@pytest.fixture
def clock() -> FakeClock:
    """Return the time, which only the test moves."""
    return FakeClock(START)


@pytest.fixture
async def play(clock: FakeClock) -> Stage:
    """Return a stage on which Contoso and Fabrikam are known."""
    ready = stage(FakeSource(nothing, [TENANTS, JOBS, SUBSCRIPTIONS, PROTECTION, PROFILES]), clock)
    await ready.intake.succeeded(TENANTS, "", tenants("Contoso", "Fabrikam"), 1.0)
    return ready


def covered(tenant: str = "contoso", **options: int) -> list[Record]:
    """Return the coverage of a tenant's sites."""
    numbers = {"scanned": 10, "protected": 8, **options}
    return [
        Protection(
            tenant=tenant,
            product="Microsoft 365",
            workload="SharePoint Online",
            stored_bytes={"avepoint": 1024.0},
            **numbers,
        )
    ]


async def fail(play: Stage, which: object, tenant: str, *, stale_after: float = HOUR) -> None:
    """Let a collection fail."""
    await play.intake.failed(which, tenant, NotFound("gone"), stale_after=stale_after, seconds=1.0)  # type: ignore[arg-type]


async def test_failure_keeps_the_last_answer(play: Stage, clock: FakeClock) -> None:
    """A failed call keeps what the last one brought, and says collector_success 0."""
    await play.intake.succeeded(PROTECTION, "contoso", covered(), 1.0)
    clock.advance(HOUR / 2)

    await fail(play, PROTECTION, "contoso")

    assert await play.samples("objects_scanned") == {SITES: 10}
    collected = 'tenant="contoso",collector="protection"'
    assert (await play.samples("collector_success"))[collected] == 0
    assert (await play.samples("collector_stale"))[collected] == 0
    assert (await play.samples("collector_last_success_timestamp_seconds"))[collected] == START


async def test_stale_gauges_go_and_evidence_stays(play: Stage, clock: FakeClock) -> None:
    """After stale_after present-state gauges go; counters, times, overdue_after and infos stay."""
    await play.intake.succeeded(JOBS, "contoso", latest_job("contoso", "a", at=START - HOUR), 1.0)
    await play.intake.succeeded(PROTECTION, "contoso", covered(), 1.0)
    clock.advance(HOUR / 2)
    await fail(play, JOBS, "contoso")
    await fail(play, PROTECTION, "contoso")

    clock.set(START + HOUR)
    await play.intake.tick()

    assert await play.samples("objects_scanned") == {}
    assert await play.samples("storage_stored_bytes") == {}
    assert await play.samples("job_last_status") == {}
    assert await play.samples("jobs_in_progress") == {}
    assert (await play.samples("job_failures_total")) == {COUNTED: 0}
    assert len(await play.samples("job_last_success_timestamp_seconds")) == 1
    assert len(await play.samples("job_overdue_after_seconds")) == 1
    assert len(await play.samples("job_first_seen_timestamp_seconds")) == 1
    assert len(await play.samples("tenant_info")) == 2
    stale = await play.samples("collector_stale")
    assert stale['tenant="contoso",collector="protection"'] == 1
    assert stale['collector="tenants"'] == 0


async def test_recovery_brings_all_back(play: Stage, clock: FakeClock) -> None:
    """The first success after an outage shows the present again."""
    await play.intake.succeeded(PROTECTION, "contoso", covered(), 1.0)
    await fail(play, PROTECTION, "contoso")
    clock.advance(2 * HOUR)
    await play.intake.tick()

    await play.intake.succeeded(PROTECTION, "contoso", covered(scanned=12), 1.0)

    assert await play.samples("objects_scanned") == {SITES: 12}
    assert (await play.samples("collector_stale"))['tenant="contoso",collector="protection"'] == 0


async def test_being_late_is_not_stale(play: Stage, clock: FakeClock) -> None:
    """Data that nobody tried to renew is not stale, however old."""
    await play.intake.succeeded(PROTECTION, "contoso", covered(), 1.0)

    clock.advance(10 * DAY)
    await play.intake.tick()

    assert await play.samples("objects_scanned") == {SITES: 10}


async def test_never_successful_is_not_stale(play: Stage) -> None:
    """A collector that never succeeded shows success 0 and no last success."""
    await fail(play, PROTECTION, "contoso")

    assert (await play.samples("collector_success"))['tenant="contoso",collector="protection"'] == 0
    assert 'tenant="contoso",collector="protection"' not in await play.samples(
        "collector_last_success_timestamp_seconds"
    )


async def test_collector_for_all_goes_stale_for_all(play: Stage, clock: FakeClock) -> None:
    """When the one list of subscriptions fails for long, every tenant's seats go and expiries stay."""
    bought = [
        Subscription(tenant=tenant, subscription="Backup", seats_purchased=5, expires_at=START + DAY)
        for tenant in ("contoso", "fabrikam")
    ]
    await play.intake.succeeded(SUBSCRIPTIONS, "", bought, 1.0)
    await fail(play, SUBSCRIPTIONS, "")

    clock.advance(HOUR)
    await play.intake.tick()

    assert await play.samples("seats_purchased") == {}
    assert len(await play.samples("subscription_expiry_timestamp_seconds")) == 2
    assert (await play.samples("collector_stale"))['collector="subscriptions"'] == 1


async def test_answers_replace_whole(play: Stage) -> None:
    """A tenant that a list no longer names loses what the last list said of it."""
    both: list[Record] = [
        MicrosoftLicenses(tenant="contoso", assigned=1, available=2),
        MicrosoftLicenses(tenant="fabrikam", assigned=3, available=4),
    ]
    await play.intake.succeeded(SUBSCRIPTIONS, "", both, 1.0)

    await play.intake.succeeded(SUBSCRIPTIONS, "", both[1:], 1.0)

    assert await play.samples("microsoft_licenses_assigned") == {'tenant="fabrikam"': 3}


async def test_strangers_are_not_shown(play: Stage) -> None:
    """Records of tenants that discovery did not name, or that are excluded, are dropped."""
    await play.intake.succeeded(SUBSCRIPTIONS, "", [MicrosoftLicenses(tenant="stranger", assigned=1, available=2)], 1.0)
    await play.intake.succeeded(PROTECTION, "stranger", covered("stranger"), 1.0)
    await fail(play, PROTECTION, "stranger")

    assert await play.samples("microsoft_licenses_assigned") == {}
    assert await play.samples("objects_scanned") == {}
    assert not [labels for labels in await play.samples("collector_success") if "stranger" in labels]


async def test_sudden_loss_is_believed_at_the_third_time(play: Stage) -> None:
    """An empty discovery, or one that lost more than half, is believed only when it came three times."""
    shown = []
    with capture_logs() as logs:
        for _ in range(3):
            await play.intake.succeeded(TENANTS, "", [], 1.0)
            shown.append(len(await play.samples("tenant_info")))

    assert shown == [2, 2, 0]
    assert [line["event"] for line in logs] == ["discovery_doubted", "discovery_doubted", "tenants_left"]
    assert (logs[-1]["tenants"], logs[-1]["source"]) == (2, "fake")


async def test_one_leaver_of_two_is_believed(play: Stage) -> None:
    """Half of the tenants may leave at once; a good answer in between starts the count anew."""
    await play.intake.succeeded(TENANTS, "", [], 1.0)
    await play.intake.succeeded(TENANTS, "", tenants("Contoso", "Fabrikam"), 1.0)
    await play.intake.succeeded(TENANTS, "", [], 1.0)
    await play.intake.succeeded(TENANTS, "", [], 1.0)
    assert len(await play.samples("tenant_info")) == 2

    await play.intake.succeeded(TENANTS, "", tenants("Fabrikam"), 1.0)

    assert await play.samples("tenant_info") == {'tenant="fabrikam",name="Fabrikam"': 1}


async def test_overrides(clock: FakeClock) -> None:
    """The first override that fits gives labels, mutes, and sets the allowed age of runs."""
    settings = TenantSettings(
        exclude=("North*",),
        overrides=(
            Override(match="cont*", labels={"tier": "gold"}, muted=True, overdue_after="50h"),
            Override(match="*", labels={"tier": "rest"}),
        ),
    )
    play = stage(FakeSource(nothing, [TENANTS, JOBS]), clock, settings=settings)

    await play.intake.succeeded(TENANTS, "", tenants("Contoso", "Fabrikam", "Northwind"), 1.0)
    await play.intake.succeeded(JOBS, "contoso", latest_job("contoso", "a", at=START - HOUR), 1.0)

    assert set(await play.samples("tenant_info")) == {
        'tenant="contoso",name="Contoso",tier="gold"',
        'tenant="fabrikam",name="Fabrikam",tier="rest"',
    }
    assert await play.samples("tenant_muted") == {'tenant="contoso"': 1, 'tenant="fabrikam"': 0}
    assert list((await play.samples("job_overdue_after_seconds")).values()) == [50 * HOUR]


async def test_births_are_shown_when_due(play: Stage, clock: FakeClock) -> None:
    """A counter that had to wait for its birth delay shows its count without another poll."""
    await play.intake.succeeded(JOBS, "contoso", [], 1.0)
    await play.intake.succeeded(JOBS, "contoso", latest_job("contoso", "a", "failed", at=START), 1.0)
    assert await play.samples("job_failures_total") == {COUNTED: 0}

    clock.advance(120)
    await play.intake.tick()

    assert await play.samples("job_failures_total") == {COUNTED: 1}


async def test_series_limit(clock: FakeClock) -> None:
    """A tenant's series beyond the limit are dropped and counted, and logged once; others keep theirs."""
    play = stage(FakeSource(nothing, [TENANTS, PROTECTION]), clock, series_per_tenant=20, birth_delay=0)
    await play.intake.succeeded(TENANTS, "", tenants("Contoso", "Fabrikam"), 1.0)
    many: list[Record] = [
        Protection(tenant="contoso", product="Microsoft 365", workload=f"Site {number}", scanned=1, protected=1)
        for number in range(100)
    ]

    with capture_logs() as logs:
        await play.intake.succeeded(PROTECTION, "contoso", many, 1.0)
        await play.intake.succeeded(PROTECTION, "contoso", many, 1.0)
        await play.intake.succeeded(PROTECTION, "fabrikam", covered("fabrikam"), 1.0)

    shown = await play.samples("objects_scanned")
    assert len([labels for labels in shown if "contoso" in labels]) < 10
    assert len([labels for labels in shown if "fabrikam" in labels]) == 1
    assert (await play.samples("series_dropped_total"))[""] > 180
    assert [line["event"] for line in logs] == ["series_dropped"]


async def test_equal_labels_are_refused(play: Stage) -> None:
    """Two records with the same labels never become two samples of the same series."""
    await play.intake.succeeded(PROTECTION, "contoso", [*covered(), *covered(scanned=99)], 1.0)

    assert await play.samples("objects_scanned") == {SITES: 10}


async def test_not_applicable_clears(play: Stage) -> None:
    """What a tenant no longer has is not shown any more, and is no failure."""
    await play.intake.succeeded(PROTECTION, "contoso", covered(), 1.0)

    await play.intake.not_applicable(PROTECTION, "contoso", NotApplicable("none", asked=True), seconds=1.0)

    assert await play.samples("objects_scanned") == {}
    assert 'tenant="contoso",collector="protection"' not in await play.samples("collector_success")


async def test_withheld_is_no_attempt(play: Stage, clock: FakeClock) -> None:
    """A collection held back while its source fails says so without being counted, and goes stale in time."""
    await play.intake.succeeded(PROTECTION, "contoso", covered(), 1.0)

    await play.intake.withheld(PROTECTION, "contoso", stale_after=HOUR)
    clock.advance(HOUR)
    await play.intake.tick()

    collected = 'tenant="contoso",collector="protection"'
    assert (await play.samples("collector_success"))[collected] == 0
    assert (await play.samples("collector_stale"))[collected] == 1
    clock.advance(HOUR)
    assert sum((await play.samples("collector_failures_total")).values()) == 0


async def test_a_row_of_failures_takes_the_source_down(play: Stage) -> None:
    """A tenant's 404 says nothing of the source, nor does one throttled answer; five in a row do."""
    up = []
    await fail(play, PROTECTION, "contoso")
    for _ in range(5):
        up.append((await play.samples("source_up"))[""])
        await play.intake.failed(PROTECTION, "contoso", Throttled("wait"), stale_after=HOUR, seconds=1.0)

    assert up == [1, 1, 1, 1, 1]
    assert (await play.samples("source_up"))[""] == 0


async def test_stale_although_a_birth_was_waited_for(play: Stage, clock: FakeClock) -> None:
    """Data goes stale in time even if something else was due to be shown before that."""
    await play.intake.succeeded(JOBS, "contoso", latest_job("contoso", "a", at=START - HOUR), 1.0)
    await fail(play, JOBS, "contoso")
    clock.advance(120)
    await play.intake.tick()

    clock.set(START + HOUR)
    await play.intake.tick()

    assert await play.samples("job_last_status") == {}
    assert (await play.samples("collector_stale"))['tenant="contoso",collector="jobs"'] == 1


async def test_stale_age_that_grows(play: Stage, clock: FakeClock) -> None:
    """When the allowed age grows while collecting fails, data goes stale at the later time, not never."""
    await play.intake.succeeded(PROTECTION, "contoso", covered(), 1.0)
    await fail(play, PROTECTION, "contoso", stale_after=HOUR)
    await fail(play, PROTECTION, "contoso", stale_after=2 * HOUR)

    shown = []
    for hour in (1, 2):
        clock.set(START + hour * HOUR)
        await play.intake.tick()
        shown.append(len(await play.samples("objects_scanned")))

    assert shown == [1, 0]


async def test_lost_subscription_keeps_the_evidence(play: Stage, clock: FakeClock) -> None:
    """A list that suddenly names no backup product hides the present of jobs, but no counter and no time."""
    await play.intake.succeeded(JOBS, "contoso", latest_job("contoso", "a", at=START - HOUR), 1.0)

    await play.intake.not_applicable(JOBS, "contoso", NotApplicable("none", asked=False), seconds=0.0)

    assert await play.samples("job_failures_total") == {COUNTED: 0}
    assert len(await play.samples("job_last_success_timestamp_seconds")) == 1
    assert await play.samples("job_last_status") == {}
    assert 'tenant="contoso",collector="jobs"' not in await play.samples("collector_success")
    clock.advance(HOUR)
    await play.intake.succeeded(JOBS, "contoso", latest_job("contoso", "a", at=START - HOUR), 1.0)
    assert len(await play.samples("job_last_status")) == 1


async def test_doubted_discovery_is_not_fresh(play: Stage, clock: FakeClock) -> None:
    """A discovery that is not believed does not make the old list look new."""
    clock.advance(HOUR)

    await play.intake.succeeded(TENANTS, "", [], 1.0)

    assert (await play.samples("collector_last_success_timestamp_seconds"))['collector="tenants"'] == START


async def test_leavers_are_not_withheld(play: Stage) -> None:
    """A collection held back for a tenant that just left leaves no trace."""
    await play.intake.withheld(PROTECTION, "stranger", stale_after=HOUR)

    assert not [labels for labels in await play.samples("collector_success") if "stranger" in labels]


def profile(**settings: str) -> list[Record]:
    """Return Contoso's profile with some settings."""
    return [ScanProfile(tenant="contoso", profile="p1", name="Default", settings=settings)]


async def test_drift_and_changes(play: Stage, clock: FakeClock) -> None:
    """Drift is against the baseline, else against the first answer; each observed change counts and is logged once."""
    await play.intake.succeeded(PROFILES, "contoso", profile(scan_mode="express", daily_scan="disabled"), 1.0)
    drift = await play.samples("scan_profile_drift")
    clock.advance(DAY)

    with capture_logs() as logs:
        for _ in range(2):
            await play.intake.succeeded(PROFILES, "contoso", profile(scan_mode="advanced", daily_scan="disabled"), 1.0)

    here = 'tenant="contoso",profile="p1"'
    assert drift == {f'{here},setting="scan_mode"': 0, f'{here},setting="daily_scan"': 1}
    assert (await play.samples("scan_profile_drift"))[f'{here},setting="scan_mode"'] == 1
    assert await play.samples("scan_profile_changes_total") == {here: 1}
    assert [(line["event"], line["setting"], line["old"], line["new"]) for line in logs] == [
        ("scan_profile_changed", "scan_mode", "express", "advanced")
    ]


async def test_first_change_waits_for_its_birth(play: Stage, clock: FakeClock) -> None:
    """A profile that changes right after it was first seen shows 0 changes before 1."""
    await play.intake.succeeded(PROFILES, "contoso", profile(scan_mode="express"), 1.0)
    await play.intake.succeeded(PROFILES, "contoso", profile(scan_mode="advanced"), 1.0)
    before = await play.samples("scan_profile_changes_total")

    clock.advance(120)
    await play.intake.tick()

    assert list(before.values()) == [0]
    assert list((await play.samples("scan_profile_changes_total")).values()) == [1]


async def test_profile_without_details_changes_nothing(play: Stage) -> None:
    """A profile whose details could not be had is shown, without drift."""
    await play.intake.succeeded(PROFILES, "contoso", profile(), 1.0)

    assert len(await play.samples("scan_profile_info")) == 1
    assert await play.samples("scan_profile_drift") == {}


async def test_addresses_that_are_not_wanted_any_more(clock: FakeClock) -> None:
    """An e-mail address that an earlier configuration asked for is not shown by one that does not."""
    ready = stage(FakeSource(nothing, [TENANTS]), clock)
    owned: list[Record] = [Tenant(tenant="contoso", name="Contoso", owner_email="admin@example.com")]

    await ready.intake.succeeded(TENANTS, "", owned, 1.0)

    assert list(await ready.samples("tenant_info")) == ['tenant="contoso",name="Contoso"']


async def test_tenants_name_changes(play: Stage) -> None:
    """A renamed tenant keeps its id; only the info changes."""
    renamed: list[Record] = [Tenant(tenant="contoso", name="Contoso Group"), *tenants("Fabrikam")]

    await play.intake.succeeded(TENANTS, "", renamed, 1.0)

    assert 'tenant="contoso",name="Contoso Group"' in await play.samples("tenant_info")
    assert len(await play.samples("tenant_info")) == 2


async def test_books_of_leavers_are_kept_for_thirty_days(play: Stage, clock: FakeClock) -> None:
    """A tenant that returns within 30 days continues its counters; after that it is a new one."""
    await play.intake.succeeded(JOBS, "contoso", latest_job("contoso", "a", at=START), 1.0)
    clock.advance(HOUR)
    await play.intake.succeeded(JOBS, "contoso", latest_job("contoso", "b", "failed", at=START + HOUR), 1.0)
    for away, failures in ((29 * DAY, 1), (31 * DAY, 0)):
        await play.intake.succeeded(TENANTS, "", tenants("Fabrikam"), 1.0)
        clock.advance(away)
        play.intake.state.forget(clock.now() - REMEMBER)
        await play.intake.succeeded(TENANTS, "", tenants("Contoso", "Fabrikam"), 1.0)
        await play.intake.succeeded(JOBS, "contoso", latest_job("contoso", "b", "failed", at=START + HOUR), 1.0)

        assert await play.samples("job_failures_total") == {COUNTED: failures}


async def test_old_answers_for_all_are_withheld_at_once(play: Stage, clock: FakeClock) -> None:
    """When a list for all tenants turns out too old at its first failure, no tenant shows it any longer."""
    licenses: list[Record] = [MicrosoftLicenses(tenant="contoso", assigned=7, available=9)]
    await play.intake.succeeded(SUBSCRIPTIONS, "", licenses, 1.0)
    clock.advance(3 * DAY)

    await fail(play, SUBSCRIPTIONS, "", stale_after=HOUR)

    assert (await play.samples("collector_stale"))['collector="subscriptions"'] == 1
    assert await play.samples("microsoft_licenses_assigned") == {}


async def test_an_unnamed_tenant_has_not_left(play: Stage, clock: FakeClock) -> None:
    """After a restart a tenant whose own record cannot be read is shown by its id, with all else as it was."""
    await play.intake.succeeded(JOBS, "contoso", latest_job("contoso", "a", at=START), 1.0)
    play.intake.state.unanswered("contoso", "tenants")
    again = stage(FakeSource(nothing, play.source.plans), clock, state=Kept(play.intake.state))  # type: ignore[arg-type]

    await again.intake.restore(again.source.plans)

    assert 'tenant="contoso",name="contoso"' in await again.samples("tenant_info")
    assert 'tenant="fabrikam",name="Fabrikam"' in await again.samples("tenant_info")
    assert await again.samples("job_runs_total") == {COUNTED: 0}


class Kept:
    """A state that is handed from one stage to the next."""

    def __init__(self, source: SourceState) -> None:
        self._source = source

    def source(self, _: str) -> SourceState:
        """Return what was handed over."""
        return self._source


async def test_a_longer_delay_takes_nothing_back(play: Stage, clock: FakeClock) -> None:
    """A count that was shown stays when the operator asks for a longer counter_birth_delay."""
    await play.intake.succeeded(JOBS, "contoso", latest_job("contoso", "a", at=START), 1.0)
    clock.advance(300)
    await play.intake.succeeded(JOBS, "contoso", latest_job("contoso", "b", "failed", at=START + 60), 1.0)
    before = await play.samples("job_failures_total")
    kept = Kept(play.intake.state)
    again = stage(FakeSource(nothing, play.source.plans), clock, state=kept, birth_delay=HOUR)  # type: ignore[arg-type]

    await again.intake.restore(again.source.plans)

    assert before == await again.samples("job_failures_total") == {COUNTED: 1}


async def test_a_tenant_that_came_back_meanwhile(play: Stage) -> None:
    """The state of collecting that is shown is that of now, also if the tenant had left and come back in between."""
    await play.intake.succeeded(PROTECTION, "contoso", covered(), 1.0)
    play.intake.state.leave("contoso", START)
    await play.intake.succeeded(PROTECTION, "contoso", covered(), 1.0)

    await fail(play, PROTECTION, "contoso")

    assert (await play.samples("collector_success"))['tenant="contoso",collector="protection"'] == 0


ITSELF = plan("tenants", asks=False)


@pytest.fixture
async def silent(clock: FakeClock) -> Stage:
    """Return a stage whose only tenant stands in the configuration."""
    ready = stage(FakeSource(nothing, [ITSELF, JOBS]), clock)
    await ready.intake.succeeded(ITSELF, "", tenants("Contoso"), 0.0)
    return ready


async def test_what_asks_nobody_shows_no_collecting(silent: Stage) -> None:
    """A tenant out of the configuration is shown, but not how asking for it fares: nobody was asked."""
    assert 'tenant="contoso",name="Contoso"' in await silent.samples("tenant_info")
    for name in ("collector_success", "collector_last_success_timestamp_seconds", "collector_stale"):
        assert await silent.samples(name) == {}
    assert sum((await silent.samples("collector_duration_seconds_count")).values()) == 0
    assert silent.intake.attempted


async def test_what_asks_nobody_says_nothing_of_the_source(silent: Stage) -> None:
    """The source is neither up nor down until somebody was asked, and does not come up because a file was read."""
    before = await silent.samples("source_up")
    await silent.intake.failed(JOBS, "contoso", Throttled("wait"), stale_after=HOUR, seconds=1.0)
    down = await silent.samples("source_up")

    await silent.intake.succeeded(ITSELF, "", tenants("Contoso"), 0.0)

    assert down == await silent.samples("source_up") == {"": 0}
    assert before != {"": 1}


async def test_what_asks_nobody_is_restored(silent: Stage, clock: FakeClock) -> None:
    """After a restart the tenant is there, and still nothing is told of collecting it."""
    again = stage(FakeSource(nothing, silent.source.plans), clock, state=Kept(silent.intake.state))  # type: ignore[arg-type]

    await again.intake.restore(again.source.plans)

    assert 'tenant="contoso",name="Contoso"' in await again.samples("tenant_info")
    assert await again.samples("collector_success") == {}


async def test_what_asks_nobody_is_not_withheld(silent: Stage) -> None:
    """While the source's breaker is open, nothing is told of a collection that needs no source."""
    await silent.intake.withheld(ITSELF, "", stale_after=HOUR)

    assert await silent.samples("collector_success") == {}
