"""Cloud Backup through the whole daemon, in time that jumps: counted exactly, whatever the API is like."""

import re
from collections import Counter
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml
from aiohttp import web
from aiohttp.typedefs import Handler

from exporter.app import running
from exporter.settings import Settings
from exporter.simulator.cloudbackup.history import Shown, ended_between, history
from exporter.simulator.cloudbackup.manners import Manners
from exporter.simulator.config import CloudBackupApi, cloudbackup_config_for
from exporter.simulator.customers import Customer
from exporter.simulator.faults import Faults, parse_faults
from exporter.simulator.gate import operation_of
from exporter.simulator.server import build_app, serve
from exporter.simulator.world import World
from tests.support.scrape import SAMPLE, Samples, exposition, parsed, total
from tests.support.warp import START, WarpClock, warped

HOUR = 3600.0
DAY = 86400.0
POLL = 600.0
GENERATIONS: tuple[CloudBackupApi, ...] = ("v2", "v1", "legacy")
OLDEST_AND_NEWEST = ("v2", pytest.param("v1", marks=pytest.mark.full), "legacy")
"""For what says the same of v1 as of v2: it is asked in the same words."""
COUNTED = {"finished": "successes", "failed": "failures", "with exception": "warnings", "partially": "warnings"}
STATUS = {"finished": "success", "failed": "failed", "with exception": "warning", "partially": "warning"}

Counts = Counter[tuple[str, ...]]


@dataclass
class Sky:
    """What the API is like, and what it was asked."""

    manners: Manners = field(default_factory=Manners)
    faults: Faults = field(default_factory=Faults)
    down: bool = False
    asked: Counter[str] = field(default_factory=Counter)
    """Questions about jobs, by customer's token."""

    @web.middleware
    async def pass_through(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer nothing while the API is down."""
        if operation_of(request).endswith("_jobs"):
            self.asked[request.headers["Authorization"]] += 1
        return web.Response(status=503) if self.down else await handler(request)


@cache
def world_of(seed: int) -> World:
    """Return a world, the same for all tests: it remembers what it has computed."""
    return World(seed=seed, tenants=12, start=START - 10 * DAY)


def subscribers(world: World, number: int) -> list[Customer]:
    """Return customers with Microsoft 365 backup, those with trouble first."""
    found = [each for each in world.customers(START) if each.has("Microsoft 365")]
    return sorted(found, key=lambda each: each.quiet)[:number]


@asynccontextmanager
async def simulated(world: World, clock: WarpClock, sky: Sky) -> AsyncIterator[str]:
    """Serve *world* and yield its address."""
    app = build_app(world, clock=clock, faults=sky.faults, manners=sky.manners, token_lifetime=7200)
    app.middlewares.insert(0, sky.pass_through)
    server = await serve(app, "127.0.0.1", 0)
    try:
        yield server.base_url
    finally:
        await server.close()


def settings_for(
    url: str, customers: Sequence[Customer], api: CloudBackupApi, state: Path | None = None, **collectors: Any
) -> Settings:
    """Return settings that watch *customers*, each as a source of its own, fast enough never to wait."""
    config = yaml.safe_load(cloudbackup_config_for(url, customers, api=api))
    for source in config["sources"].values():
        source |= {"limits": {"requests_per_second": 1000}, "collectors": collectors}
    return Settings.model_validate(
        config
        | {
            "web": {"listen": ["127.0.0.1:0"]},
            "state": {"path": str(state or "")},
            "limits": {"counter_birth_delay": "1s"},
        }
    )


def counted(samples: Samples) -> Counts:
    """Return what was counted, by tenant, workload, type of job and what."""
    counts: Counts = Counter()
    for name in ("runs", "successes", "failures", "warnings"):
        for labels, value in samples[f"job_{name}_total"]:
            counts[labels["tenant"], labels["workload"], labels["job_type"], name] += int(value)
    for labels, value in samples["job_objects_total"]:
        counts[labels["tenant"], labels["workload"], labels["job_type"], labels["outcome"]] += int(value)
    for labels, value in samples["job_duration_seconds_count"]:
        counts[labels["tenant"], labels["workload"], labels["job_type"], "timed"] += int(value)
    for labels, value in samples.get("job_errors_total", []):
        counts[labels["tenant"], "errors"] += int(value)
    return +counts


def truth(world: World, customers: Sequence[Customer], samples: Samples) -> Counts:
    """Return what ended in the world between each tenant's first and last poll."""
    counts: Counts = Counter()
    for customer in customers:
        first = min(at for labels, at in samples["job_first_seen_timestamp_seconds"] if labels["tenant"] == customer.id)
        (last,) = (
            at
            for labels, at in samples["collector_last_success_timestamp_seconds"]
            if (labels["tenant"], labels["collector"]) == (customer.id, "jobs")
        )
        for shown in ended_between(world, customer, first, last):
            key = (customer.id, shown.workload, shown.purpose)
            counts.update([(*key, "runs"), (*key, COUNTED[shown.state]), (*key, "timed")])
            counts[*key, "successful"] += shown.counts.successful
            counts[*key, "failed"] += shown.counts.failed
            counts[*key, "skipped"] += shown.counts.skipped
            counts[customer.id, "errors"] += sum(mishap.number for mishap in shown.mishaps)
    return +counts


def watched(
    *,
    api: CloudBackupApi = "v2",
    seed: int = 7,
    customers: int = 3,
    sky: Sky | None = None,
    seconds: float = 2 * DAY + HOUR,
    **collectors: Any,
) -> tuple[Samples, Counts, str]:
    """Watch a world for so long; return what is shown, what is true, and the exposition itself."""
    world = world_of(seed)
    chosen, collectors = subscribers(world, customers), {"jobs": {"interval": "1h"}} | collectors

    async def watch() -> str:
        clock = WarpClock()
        async with (
            simulated(world, clock, sky or Sky()) as url,
            running(settings_for(url, chosen, api, **collectors), clock, tidy_every=60) as daemon,
        ):
            await clock.sleep(seconds)
            return await exposition(daemon)

    text = warped(watch)
    samples = parsed(text)
    return samples, truth(world, chosen, samples), text


@pytest.mark.parametrize("api", GENERATIONS)
def test_two_days_are_counted_exactly(api: CloudBackupApi) -> None:
    """After two days every counter is what ended meanwhile in the world, by workload and type of job."""
    samples, expected, _ = watched(api=api, customers=2, jobs={"interval": "30m"})

    assert sum(value for key, value in expected.items() if key[-1] == "runs") > 50
    assert {"backup", "restore", "retention"} <= {key[2] for key in expected if len(key) > 2}
    assert counted(samples) == expected
    assert total(samples, "job_runs_unobserved_total") == 0
    assert total(samples, "unknown_values_total") == total(samples, "parse_failures_total") == 0
    assert total(samples, "source_up") == 2


@pytest.mark.parametrize(
    ("api", "manners"),
    [
        ("v2", Manners(instants="whole days")),
        ("v1", Manners(instants="midnights")),
        ("legacy", Manners(instants="midnights", legacy_camel=True)),
        ("v2", Manners(window="overlapping", instants="whole days")),
        ("v1", Manners(window="overlapping")),
        ("legacy", Manners(window="overlapping", base_one=True)),
        ("v2", Manners(base_one=True)),
        ("v1", Manners(base_one=True, instants="midnights")),
    ],
)
def test_whatever_the_manners(api: CloudBackupApi, manners: Manners) -> None:
    """Filters of whole days, windows that overlap, pages from 1: nothing is lost over midnight and nothing doubled."""
    samples, expected, _ = watched(api=api, sky=Sky(manners), customers=1)

    assert counted(samples) == expected
    assert total(samples, "job_runs_unobserved_total") == 0


@pytest.mark.parametrize("api", GENERATIONS)
def test_short_lookback(api: CloudBackupApi) -> None:
    """With next to no lookback the window still goes back to the last answer and to what is under way."""
    samples, expected, _ = watched(api=api, customers=1, jobs={"lookback": "1s", "interval": "1h"})

    assert counted(samples) == expected


@pytest.mark.parametrize("api", OLDEST_AND_NEWEST)
def test_bad_weather(api: CloudBackupApi) -> None:
    """With every kind of fault nothing is lost, nothing doubled, nothing is a bug."""
    weather = "429=0.03,500=0.03,503=0.03,html=0.02,reset=0.03,truncated=0.03,401=0.03,404=0.02,envelope=0.03,token=0.1"
    samples, expected, _ = watched(
        api=api, sky=Sky(faults=parse_faults(weather)), customers=1, jobs={"interval": "20m"}
    )

    assert counted(samples) == expected
    assert total(samples, "collector_failures_total") > 0
    assert total(samples, "collector_failures_total", reason="bug") == 0
    assert total(samples, "parse_failures_total") == 0


@pytest.mark.parametrize("api", OLDEST_AND_NEWEST)
def test_an_outage_of_a_day_and_a_half(api: CloudBackupApi) -> None:
    """What ended while the API was down is counted once it is back; the evidence of before stays meanwhile."""
    world = world_of(5)
    chosen, sky = subscribers(world, 2), Sky()

    async def watch() -> tuple[Samples, Samples]:
        clock = WarpClock()
        async with (
            simulated(world, clock, sky) as url,
            running(settings_for(url, chosen, api, jobs={"interval": "30m"}), clock, tidy_every=60) as daemon,
        ):
            await clock.sleep(7 * HOUR)
            sky.down = True
            await clock.sleep(1.5 * DAY)
            during = parsed(await exposition(daemon))
            sky.down = False
            await clock.sleep(5 * HOUR)
            return during, parsed(await exposition(daemon))

    during, after = warped(watch)

    assert counted(after) == truth(world, chosen, after)
    assert counted(during) == truth(world, chosen, during)
    assert total(during, "collector_success") == total(during, "source_up") == 0
    assert total(during, "collector_stale", collector="jobs") == 2
    assert "job_last_status" not in during
    assert len(during["job_last_success_timestamp_seconds"]) == len(after["job_last_success_timestamp_seconds"])
    assert total(after, "job_runs_unobserved_total") == 0
    assert total(after, "source_up") == 2


@pytest.mark.parametrize("api", OLDEST_AND_NEWEST)
def test_a_restart_in_the_middle(api: CloudBackupApi, tmp_path: Path) -> None:
    """A restart, an outage before it and what ended meanwhile change nothing: each run counts once."""
    world = world_of(5)
    chosen, sky = subscribers(world, 2), Sky()

    async def watch() -> tuple[Samples, Samples, Samples]:
        clock = WarpClock()
        async with simulated(world, clock, sky) as url:
            settings = settings_for(url, chosen, api, tmp_path / "state.db", jobs={"interval": "30m"})
            async with running(settings, clock, tidy_every=60) as daemon:
                await clock.sleep(20 * HOUR)
                before = parsed(await exposition(daemon))
            async with running(settings, clock, tidy_every=60) as daemon:
                again = parsed(await exposition(daemon))
            await clock.sleep(30 * HOUR)
            async with running(settings, clock, tidy_every=60) as daemon:
                await clock.sleep(5 * HOUR)
                return before, again, parsed(await exposition(daemon))

    before, again, after = warped(watch)

    assert counted(before) == truth(world, chosen, before)
    assert counted(again) == truth(world, chosen, again)
    assert counted(after) == truth(world, chosen, after)
    assert sum(counted(after).values()) > sum(counted(before).values())


ONLY_V2 = {
    "unusual_activities": "only v2 has the endpoint",
    "potential_ransomware_attacks": "only v2 has the endpoint",
    "job_expected_interval_seconds": "only v2 tells the frequency",
    "job_overdue_after_seconds": "where the schedule is known, it is twice its longest gap",
    "subscription_info": "only v2 tells the retention policy",
    "collector_success": "of the collectors that only v2 has",
    "collector_last_success_timestamp_seconds": "of the collectors that only v2 has",
    "collector_stale": "of the collectors that only v2 has",
}
"""Family → why v2 says more than v1 and legacy."""
OF_THE_CLIENT = re.compile(
    r"^(?:python|process|exporter|api|token|source_info|source_demand|scheduler|collector_duration|collector_failures)"
)
"""What tells of asking: paths, requests and times of it differ."""


def facts_of(text: str) -> dict[str, set[tuple[str, int]]]:
    """Return the series of each family that tells of tenants, with times to the second."""
    facts: dict[str, set[tuple[str, int]]] = {}
    for name, labels, value in SAMPLE.findall(text):
        family = name.removeprefix("m365backup_")
        if not OF_THE_CLIENT.match(family):
            facts.setdefault(family, set()).add((labels, round(float(value))))
    return facts


def test_all_generations_say_the_same() -> None:
    """One world through v2, v1 and legacy gives one exposition, but for what only v2 knows."""
    told = {}
    for api in GENERATIONS:
        _, _, text = watched(api=api, seed=3, customers=2, sky=Sky(Manners(whole_seconds=True)), seconds=DAY + 2 * HOUR)
        told[api] = facts_of(text)

    assert told["v1"] == told["legacy"]
    assert len(told["v1"]) > 25
    assert sum(map(len, told["v1"].values())) > 500
    differing = {name for name in told["v2"].keys() | told["v1"].keys() if told["v2"].get(name) != told["v1"].get(name)}
    assert differing == ONLY_V2.keys()


def test_without_what_only_v2_knows() -> None:
    """With the collectors of v2 alone turned off, the expositions are equal line by line."""
    off = {"schedule": {"enabled": False}, "unusual_activity": {"enabled": False}}
    told = []
    for api in GENERATIONS:
        sky = Sky(Manners(whole_seconds=True, window="overlapping", instants="whole days"))
        told.append(facts_of(watched(api=api, seed=4, customers=1, sky=sky, seconds=DAY, **off)[2]))

    assert told[0] == told[1] == told[2]


@dataclass
class Cost:
    """Requests of one poll about jobs, and how many runs were new in it."""

    requests: int
    new: int


def costs(api: CloudBackupApi, customer: Customer, world: World, *, seconds: float) -> tuple[Cost, list[Cost]]:
    """Return what the first poll and each later one cost."""
    sky = Sky()

    async def watch() -> list[Cost]:
        clock = WarpClock()
        found: list[Cost] = []
        async with simulated(world, clock, sky) as url:
            off = {"enabled": False}
            settings = settings_for(url, [customer], api, license=off, schedule=off, unusual_activity=off)
            async with running(settings, clock, tidy_every=60):
                await clock.sleep(1)
                found.append(Cost(sky.asked.total(), len(runs_since(clock.now() - DAY, clock.now()))))
                while clock.now() < START + seconds:
                    asked, at = sky.asked.total(), clock.now()
                    await clock.sleep(POLL)
                    found.append(Cost(sky.asked.total() - asked, len(runs_since(at - POLL, clock.now()))))
        return found

    def runs_since(after: float, until: float) -> list[Shown]:
        return history(world, customer, until, after=after, until=until)

    first, *later = warped(watch)
    return first, later


@pytest.mark.parametrize("api", OLDEST_AND_NEWEST)
def test_what_polls_cost(api: CloudBackupApi) -> None:
    """A poll without news costs 2 requests at most, one with news little more, the very first one the most."""
    world = world_of(7)
    for customer in subscribers(world, 2):
        first, later = costs(api, customer, world, seconds=0.7 * DAY)
        idle = [each.requests for each in later if each.new == 0]
        busy = [each.requests for each in later if each.new]

        assert max(idle) == 1  # 2 for more than 50 rows
        assert sum(busy) / len(busy) < 3
        assert max(busy) <= first.requests <= 2 + 5 + 5 * 12


def test_nobody_there() -> None:
    """A tenant without any job costs one request a poll, and is no failure."""
    world = World(seed=7, tenants=12, start=START + 30 * DAY)  # nothing has happened yet
    (customer,) = subscribers(world, 1)

    first, later = costs("v2", customer, world, seconds=2 * HOUR)

    assert first.requests == 1
    assert {each.requests for each in later} <= {0, 1, 2}  # a window of ten minutes may hold two polls, or none
    assert sum(each.requests for each in later) <= len(later) + 1


def test_schedule() -> None:
    """The expected interval comes from the schedule, and a job is overdue after twice its longest gap."""
    samples, _, _ = watched(customers=4, seconds=HOUR)

    intervals = {key_of(labels): seconds for labels, seconds in samples["job_expected_interval_seconds"]}
    allowed = {key_of(labels): seconds for labels, seconds in samples["job_overdue_after_seconds"]}
    assert {DAY} < set(intervals.values()) <= {DAY, DAY / 2, DAY / 3, DAY / 4, DAY / 6, DAY / 8}
    assert all(allowed[key] >= max(26 * HOUR, 1.9 * intervals[key]) for key in intervals.keys() & allowed.keys())
    assert len(intervals.keys() & allowed.keys()) > 10
    assert {allowed[key] for key in allowed.keys() - intervals.keys()} <= {26 * HOUR}


def key_of(labels: dict[str, str]) -> tuple[str, ...]:
    """Return which job a series is about."""
    return labels["tenant"], labels["workload"], labels["job_type"]


def test_jobs_that_left_the_window() -> None:
    """A regular job keeps its last status although its run left the window; what is done once does not."""
    samples, _, _ = watched(customers=3, seconds=2.5 * DAY, jobs={"lookback": "1s", "interval": "1h"})

    last = {key_of(labels): labels["status"] for labels, _ in samples["job_last_status"]}
    seen = {key_of(labels): at for labels, at in samples["job_last_start_timestamp_seconds"]}
    assert {key for key in seen if key[2] == "backup"} <= last.keys()
    gone = seen.keys() - last.keys()
    assert gone
    assert {key[2] for key in gone} <= {"restore", "export", "delete", "retention"}
    midnight = (START + 2.5 * DAY) // DAY * DAY
    assert all(seen[key] < midnight for key in gone)
    assert any(at < midnight for key, at in seen.items() if key in last)
