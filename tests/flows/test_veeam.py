"""Veeam through the whole daemon, in time that jumps: counted exactly, whatever the server is like."""

from collections import Counter, defaultdict
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any, Literal

import pytest
import yaml
from aiohttp import web
from aiohttp.typedefs import Handler

from exporter.app import Daemon, running
from exporter.settings import Settings
from exporter.simulator.config import veeam_config_for
from exporter.simulator.faults import Faults, parse_faults
from exporter.simulator.server import build_app, serve
from exporter.simulator.veeam.history import ended_between
from exporter.simulator.veeam.manners import VeeamManners
from exporter.simulator.world import World
from tests.support.scrape import SAMPLE, Samples, exposition, parsed, total
from tests.support.warp import START, WarpClock, warped

HOUR = 3600.0
DAY = 86400.0
Api = Literal["auto", "v8", "v7", "v6"]
GENERATIONS: tuple[Api, ...] = ("v8", "v7", "v6")
SELDOM: dict[str, Any] = {
    "jobs": {"interval": "20m"},
    "organizations": {"interval": "1h"},
    "infrastructure": {"interval": "1h"},
}
"""Polls that cost the tests little time."""
COUNTED = {"success": "successes", "failed": "failures", "warning": "warnings"}

Counts = Counter[tuple[str, ...]]


@dataclass
class Sky:
    """What the server is like, and what it was asked."""

    manners: VeeamManners = field(default_factory=VeeamManners)
    faults: Faults = field(default_factory=Faults)
    down: bool = False
    asked: Counter[str] = field(default_factory=Counter)
    """Requests by path without ids."""

    @web.middleware
    async def pass_through(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer nothing while the server is down."""
        self.asked[request.path.rpartition("/")[2]] += 1
        return web.Response(status=503) if self.down else await handler(request)


@cache
def world_of(seed: int, tenants: int = 12) -> World:
    """Return a world, the same for all tests, as it remembers what it has computed; small ones have a bad night."""
    world = World(seed=seed, tenants=tenants, start=START - 10 * DAY)
    if tenants > 6:
        return world
    return world.script(lambda job: job.lot.chance(0.8, "bad"), "failed", START + 1 * HOUR, START + 13 * HOUR)


@asynccontextmanager
async def simulated(world: World, clock: WarpClock, sky: Sky) -> AsyncIterator[str]:
    """Serve *world* and yield its address."""
    app = build_app(world, clock=clock, faults=sky.faults, veeam=sky.manners, token_lifetime=1800)
    app.middlewares.insert(0, sky.pass_through)
    server = await serve(app, "127.0.0.1", 0)
    try:
        yield server.base_url
    finally:
        await server.close()


def settings_for(url: str, api: Api, collectors: Mapping[str, Any], state: Path | None = None) -> Settings:
    """Return settings that watch the server, fast enough never to wait."""
    config = yaml.safe_load(veeam_config_for(url, api=api))
    for source in config["sources"].values():
        source |= {"limits": {"requests_per_second": 1000, "concurrency": 8}, "collectors": dict(collectors)}
    return Settings.model_validate(
        config
        | {
            "web": {"listen": ["127.0.0.1:0"]},
            "state": {"path": str(state or "")},
            "limits": {"counter_birth_delay": "1s"},
        }
    )


def key_of(labels: dict[str, str]) -> tuple[str, str]:
    """Return which group a series is about."""
    return labels["tenant"], labels["job_type"]


def counted(samples: Samples) -> Counts:
    """Return what was counted, by tenant, type of job and what."""
    counts: Counts = Counter()
    for name in ("runs", "successes", "failures", "warnings", "retries", "bytes"):
        for labels, value in samples[f"job_{name}_total"]:
            counts[*key_of(labels), name] += int(value)
    for labels, value in samples["job_objects_total"]:
        counts[*key_of(labels), labels["outcome"]] += int(value)
    for labels, value in samples["job_duration_seconds_sum"]:
        counts[*key_of(labels), "seconds"] += round(value)
    return +counts


def truth(world: World, samples: Samples) -> Counts:
    """Return what ended in the world between each organization's first sight and the last poll."""
    counts: Counts = Counter()
    seconds: defaultdict[tuple[str, str], float] = defaultdict(float)
    (last,) = (
        at for labels, at in samples["collector_last_success_timestamp_seconds"] if labels["collector"] == "jobs"
    )
    first = min(at for _, at in samples["job_first_seen_timestamp_seconds"])
    for customer in world.customers(START):
        for run in ended_between(world, customer, first, last):
            key = (run.organization_id, str(run.job_type))
            counts[*key, "runs"] += 1
            counts[*key, COUNTED.get(run.status, "others")] += 1
            counts[*key, "retries"] += run.retries
            counts[*key, "bytes"] += run.bytes
            counts[*key, "successful"] += run.objects
            seconds[key] += run.duration if run.status in COUNTED else 0.0
    for key, each in seconds.items():
        counts[*key, "seconds"] = round(each)
    return +Counter({key: value for key, value in counts.items() if key[-1] != "others"})


def close_enough(one: Counts, other: Counts) -> bool:
    """Tell whether two counts are equal, sums of seconds to a second: times are written to a part of one."""
    differing = {key for key in one.keys() | other.keys() if one[key] != other[key]}
    return all(key[-1] == "seconds" and abs(one[key] - other[key]) <= 1 for key in differing)


def watched(
    *,
    api: Api = "v8",
    seed: int = 4,
    tenants: int = 5,
    sky: Sky | None = None,
    seconds: float = DAY + 5 * HOUR,
    **collectors: Any,
) -> tuple[Samples, Counts, str]:
    """Watch a world for so long; return what is shown, what is true, and the exposition itself."""
    world, collectors = world_of(seed, tenants), SELDOM | collectors

    async def watch() -> str:
        clock = WarpClock()
        async with (
            simulated(world, clock, sky or Sky()) as url,
            running(settings_for(url, api, collectors), clock, tidy_every=60) as daemon,
        ):
            await clock.sleep(seconds)
            return await exposition(daemon)

    text = warped(watch)
    samples = parsed(text)
    return samples, truth(world, samples), text


@pytest.mark.parametrize(("api", "tenants", "hours"), [("v8", 12, 9), ("v7", 5, 29), ("v6", 5, 29)])
def test_a_day_is_counted_exactly(api: Api, tenants: int, hours: int) -> None:
    """After more than a day every counter is what ended meanwhile in the world, a retry chain as one run."""
    samples, expected, _ = watched(api=api, tenants=tenants, seconds=hours * HOUR)

    assert sum(value for key, value in expected.items() if key[-1] == "runs") > 12
    assert sum(value for key, value in expected.items() if key[-1] == "retries") > 5
    assert {"backup", "copy"} == {key[1] for key in expected}
    assert close_enough(counted(samples), expected), (counted(samples) - expected, expected - counted(samples))
    assert total(samples, "job_runs_unobserved_total") == 0
    assert total(samples, "unknown_values_total") == total(samples, "parse_failures_total") == 0
    assert total(samples, "source_up") == 1


@pytest.mark.parametrize(
    ("api", "manners"),
    [
        ("v8", VeeamManners(lower_bound="created", page_cap=20, old_next_links=True)),
        ("v7", VeeamManners(lower_bound="created", zero_ids=True, offset_minutes=-420)),
        ("v7", VeeamManners(lower_bound="ended or running", order="newest first", refresh=False)),
        ("v6", VeeamManners(lower_bound="created", copy_links="Jobs", page_cap=7)),
        ("v6", VeeamManners(lower_bound="ended or running")),
        ("v8", VeeamManners(proxy_offline=500, unhealthy=1.0, unhealthy_status=503, license_days=None)),
    ],
)
def test_whatever_the_manners(api: Api, manners: VeeamManners) -> None:
    """Whatever the lower bound filters, however small pages are and wherever links lead, the counts are exact."""
    samples, expected, _ = watched(api=api, sky=Sky(manners), seconds=14 * HOUR)

    assert sum(value for key, value in expected.items() if key[-1] == "retries") > 2
    assert close_enough(counted(samples), expected)
    assert total(samples, "job_runs_unobserved_total") == 0
    assert total(samples, "source_up") == 1


@pytest.mark.parametrize("api", ["v8", "v6"])
def test_bad_weather(api: Api) -> None:
    """With every kind of fault nothing is lost, nothing doubled, nothing is a bug."""
    weather = "429=0.03,500=0.03,503=0.03,html=0.02,reset=0.03,truncated=0.03,401=0.03,404=0.02"
    sky = Sky(faults=parse_faults(weather))

    samples, expected, _ = watched(api=api, sky=sky, seconds=14 * HOUR)

    assert close_enough(counted(samples), expected)
    assert total(samples, "collector_failures_total") > 0
    assert total(samples, "collector_failures_total", reason="bug") == 0
    assert total(samples, "parse_failures_total") == 0


@pytest.mark.parametrize("api", ["v8", "v6"])
def test_spoiled_values(api: Api) -> None:
    """Nulls, numbers as text and unknown words in any place cost their own sample only: no poll fails."""
    sky = Sky(VeeamManners(spoiled=0.03))

    samples, expected, _ = watched(api=api, sky=sky, seconds=DAY / 2)

    assert total(samples, "collector_failures_total", reason="bug") == 0
    assert total(samples, "collector_success", collector="jobs") == 1
    runs = {key: value for key, value in expected.items() if key[-1] == "runs"}
    assert sum(counted(samples)[key] for key in runs) > 0.7 * sum(runs.values())


REMEMBERED = (
    *("repository_used_bytes", "server_info", "server_license_seats_used", "seats_used", "job_info", "job_enabled"),
    *("tenant_last_backup_timestamp_seconds", "job_next_run_timestamp_seconds", "tenant_repository_used_bytes"),
)
"""Families of each collector that stand before anything was asked again."""


def listed(samples: Samples, name: str) -> list[tuple[list[tuple[str, str]], float]]:
    """Return the samples of a family in an order of their own."""
    return sorted((sorted(labels.items()), value) for labels, value in samples[name])


async def through_an_outage(daemon: Daemon, clock: WarpClock, sky: Sky) -> tuple[Samples, Samples]:
    """Return what is shown at the end of an outage of fourteen hours, and three hours later."""
    await clock.sleep(7 * HOUR)
    sky.down = True
    await clock.sleep(14 * HOUR)
    during = parsed(await exposition(daemon))
    sky.down = False
    await clock.sleep(3 * HOUR)
    return during, parsed(await exposition(daemon))


@pytest.mark.parametrize("api", ["v8", pytest.param("v6", marks=pytest.mark.full)])
def test_an_outage_and_a_restart(api: Api, tmp_path: Path) -> None:
    """What ended while the server was down, or the exporter was, is counted once; the evidence stays meanwhile."""
    world, sky = world_of(4, 5), Sky()

    async def watch() -> list[Samples]:
        clock = WarpClock()
        async with simulated(world, clock, sky) as url:
            settings = settings_for(url, api, SELDOM, tmp_path / "state.db")
            async with running(settings, clock, tidy_every=60) as daemon:
                during, after = await through_an_outage(daemon, clock, sky)
            async with running(settings, clock, tidy_every=60) as daemon:
                again = parsed(await exposition(daemon))
            await clock.sleep(20 * HOUR)
            async with running(settings, clock, tidy_every=60) as daemon:
                await clock.sleep(2 * HOUR)
                return [during, after, again, parsed(await exposition(daemon))]

    during, after, again, _ = seen = warped(watch)

    assert all(close_enough(counted(each), truth(world, each)) for each in seen)
    assert [total(each, "job_runs_unobserved_total") for each in seen] == [0] * 4
    assert total(during, "collector_success") == total(during, "source_up") == 0
    assert total(during, "collector_stale", collector="jobs") == 1
    assert not {"job_last_status", "repository_used_bytes"} & during.keys()
    evidence = ("server_license_expiry_timestamp_seconds", "job_last_completed_timestamp_seconds")
    assert [len(during[name]) for name in evidence] == [len(after[name]) for name in evidence]
    assert [name for name in REMEMBERED if listed(again, name) != listed(after, name)] == []


OF_THE_CLIENT = (
    *("python", "process", "exporter", "api_", "token", "source_", "scheduler", "collector_duration"),
    *("collector_failures", "parse_failures", "unknown_values", "series_dropped"),
)
"""What tells of asking, which differs."""


def facts_of(text: str) -> dict[str, set[tuple[str, int]]]:
    """Return the series of each family that tells of the world, with times to the second."""
    facts: dict[str, set[tuple[str, int]]] = {}
    for name, labels, value in SAMPLE.findall(text):
        family = name.removeprefix("m365backup_")
        if not family.startswith(OF_THE_CLIENT):
            grows = family == "tenant_repository_used_bytes"  # and polls are moments apart
            facts.setdefault(family, set()).add((labels, round(float(value) / (1e9 if grows else 1))))
    return facts


BEYOND_V7 = {
    "server_info": "the generation that is spoken is part of it",
    "server_healthy": "health",
    "protected_entities": "protected users, groups, sites and teams",
    "repository_outdated": "state of repositories",
    "repository_out_of_order": "state of repositories",
    "repository_immutability_seconds": "the period of immutability",
    "proxy_info": "operating system and version of proxies",
    "proxy_maintenance": "maintenance of proxies",
    "proxy_cpu_ratio": "load of proxies",
    "proxy_memory_ratio": "load of proxies",
}
"""Family → what v8 tells and v7 does not."""
BEYOND_V6 = {
    "server_info": "the generation that is spoken is part of it",
    "server_license_info": "the licence's package",
    "subscription_info": "the licence's package",
    "tenant_sync_last_success_timestamp_seconds": "when organizations were read",
    "repository_info": "whether object storage is immutable",
    "job_last_completed_timestamp_seconds": "the last backup of jobs whose last run is older than the lookback",
}
"""Family → what v7 tells and v6 does not."""


def test_all_generations_say_the_same() -> None:
    """One world through v8, v7 and v6 gives one exposition, but for what only the newer ones know."""
    told = {api: facts_of(watched(api=api, seconds=DAY / 2)[2]) for api in GENERATIONS}

    assert sum(map(len, told["v8"].values())) > 300
    steps: list[tuple[Api, Api, dict[str, str]]] = [("v8", "v7", BEYOND_V7), ("v7", "v6", BEYOND_V6)]
    for newer, older, beyond in steps:
        names = told[newer].keys() | told[older].keys()
        differing = {name for name in names if told[newer].get(name) != told[older].get(name)}
        assert differing == beyond.keys(), (newer, older, differing ^ beyond.keys())


def test_what_polls_cost() -> None:
    """A server with 200 jobs and a year of sessions costs five requests a poll: one more page of sessions than none."""
    world, sky = World(seed=4, tenants=110, start=START - 10 * DAY), Sky()
    polls = 12

    async def watch() -> tuple[Counter[str], Counter[str], int]:
        clock = WarpClock()
        off = {"enabled": False}
        options = {"infrastructure": off, "license": off, "protection": off, "jobs": {"interval": "5m"}}
        async with (
            simulated(world, clock, sky) as url,
            running(settings_for(url, "v8", options), clock, tidy_every=60) as daemon,
        ):
            await clock.sleep(100)
            first = +sky.asked
            sky.asked.clear()
            await clock.sleep(polls * 300)
            jobs = len(parsed(await exposition(daemon))["job_enabled"])
            return first, +sky.asked, jobs

    first, later, jobs = warped(watch)

    assert jobs >= 200
    assert (later["Jobs"], later["CopyJobs"]) == (polls, polls)
    assert 2 * polls <= later["JobSessions"] <= 3 * polls
    assert first["JobSessions"] <= 2 * 20  # twice, as organizations were new; a day of sessions in pages of 500
    assert later.keys() <= {"Jobs", "CopyJobs", "JobSessions", "Organizations", "SyncState", "token"}


def test_no_names_of_people() -> None:
    """Nothing that the server tells of single users, mailboxes or operators is shown."""
    _, _, text = watched(seconds=2 * HOUR, jobs={"interval": "20m", "job_items": True})

    assert "m365backup_protected_entities" in text
    assert "m365backup_job_items" in text
    assert "@" not in text
    assert "monitor" not in text
