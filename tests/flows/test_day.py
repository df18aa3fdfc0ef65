"""The whole daemon against the simulator, over real sockets, in time that jumps: a day takes about a second."""

import re
from collections import Counter
from typing import Any

import aiohttp
import pytest
from structlog.testing import capture_logs

from exporter.app import Daemon, running
from exporter.settings import Settings
from exporter.simulator.faults import Faults, parse_faults
from exporter.simulator.server import STATISTICS, build_app, serve
from exporter.simulator.world import World
from tests.support.warp import START, WarpClock, warped

HOUR = 3600.0
DAY = 86400.0
SAMPLE = re.compile(r"^(\w+)(?:\{(.*)\})? (\S+)$", re.MULTILINE)
LABEL = re.compile(r'(\w+)="((?:[^"\\]|\\.)*)"')

Samples = dict[str, list[tuple[dict[str, str], float]]]


def settings_for(url: str, *, api: str = "v3", **source: Any) -> Settings:
    """Return settings that watch the simulator."""
    auth = {"token_url": f"{url}/connect/token", "client_id": "test", "client_secret": "simulated"}
    base_url = f"{url}/partner" if api == "v1" else url
    elements = {"kind": "elements", "api": api, "base_url": base_url, "auth": auth, **source}
    return Settings.model_validate(
        {"web": {"listen": ["127.0.0.1:0"]}, "state": {"path": ""}, "sources": {"elements": elements}}
    )


async def scrape(daemon: Daemon) -> Samples:
    """Return all samples by name."""
    async with aiohttp.ClientSession() as session, session.get(daemon.addresses[0] / "metrics") as response:
        text = await response.text()
    samples: Samples = {}
    for name, labels, value in SAMPLE.findall(text):
        samples.setdefault(name, []).append((dict(LABEL.findall(labels)), float(value)))
    return samples


def total(samples: Samples, name: str, **labels: str) -> float:
    """Return the sum of the samples that have *labels*."""
    return sum(value for theirs, value in samples.get(name, []) if labels.items() <= theirs.items())


@pytest.mark.parametrize("api", ["v3", "v1"])
def test_a_day_is_counted_exactly(api: str) -> None:
    """After a simulated day each tenant's runs and failures equal those that ended in the world meanwhile."""
    world = World(seed=7, tenants=10, start=START - 10 * DAY)

    samples, requests = warped(lambda: _day(world, api))

    counted: Counter[tuple[str, str]] = Counter()
    for name in ("runs", "failures"):
        for labels, value in samples[f"m365backup_job_{name}_total"]:
            counted[labels["tenant"], name] += int(value)
    assert sum(counted.values()) > 100
    assert +counted == truth(world, samples)
    assert total(samples, "m365backup_job_runs_unobserved_total") == 0
    assert total(samples, "m365backup_source_up") == 1
    assert requests < 10 * 70


async def _day(world: World, api: str) -> tuple[Samples, int]:
    """Return what is scraped after a day of watching *world*, and how many requests that took."""
    clock = WarpClock()
    app = build_app(world, clock=clock)
    server = await serve(app, "127.0.0.1", 0)
    async with running(settings_for(server.base_url, api=api), clock, tidy_every=60) as daemon:
        await clock.sleep(DAY + HOUR)
        samples = await scrape(daemon)
    await server.close()
    return samples, sum(app[STATISTICS].requests.values())


def truth(world: World, samples: Samples) -> Counter[tuple[str, str]]:
    """Return the runs and failures that ended in the world between each tenant's first and last poll."""
    first = {labels["tenant"]: at for labels, at in samples["m365backup_job_first_seen_timestamp_seconds"]}
    last = {
        labels["tenant"]: at
        for labels, at in samples["m365backup_collector_last_success_timestamp_seconds"]
        if labels["collector"] == "jobs"
    }
    ended: Counter[tuple[str, str]] = Counter()
    for customer in world.customers(START):
        if customer.id in first:
            for _, run in world.runs_ended_between(customer, first[customer.id], last[customer.id]):
                ended[customer.id, "runs"] += 1
                ended[customer.id, "failures"] += run.outcome in {"failed", "failed_to_start", "rejected"}
    return +ended


def test_demand_is_what_the_docs_say() -> None:
    """After the first hours of a fleet source_demand_ratio is the arithmetic of docs/sources/elements.md."""
    world = World(seed=2, tenants=120, start=START - 10 * DAY)

    samples = warped(lambda: _watch(world, Faults(), seconds=7 * HOUR))

    asked = Counter(labels["collector"] for labels, _ in samples["m365backup_collector_success"])
    profiles = len(samples["m365backup_scan_profile_info"])
    an_hour = (
        2 * 2  # two pages of customers, twice
        + 2 / 6  # two pages of services
        + 2 * asked["jobs"]
        + asked["protection"] / 6
        + (asked["scan_profiles"] + 2 * profiles) / 24  # the first day: list, details and report of each profile
    )
    assert asked["jobs"] > 100
    assert total(samples, "m365backup_source_demand_ratio") == pytest.approx(an_hour / 7200, rel=0.001)


def test_bad_weather_loses_nothing() -> None:
    """With every kind of fault injected, all tenants are collected, retries are counted, nothing is a bug."""
    faults = parse_faults("429=0.03,500=0.02,503=0.02,html=0.02,reset=0.02,truncated=0.02,401=0.03,slow=0.02,404=0.01")
    samples = warped(lambda: _watch(World(seed=3, tenants=12, start=START - 10 * DAY), faults))

    succeeded = [value for _, value in samples["m365backup_collector_success"]]
    assert sum(succeeded) / len(succeeded) > 0.9
    assert total(samples, "m365backup_collector_failures_total", reason="bug") == 0
    assert total(samples, "m365backup_api_retries_total", reason="server") > 0
    assert total(samples, "m365backup_api_retries_total", reason="throttled") > 0
    assert total(samples, "m365backup_api_retries_total", reason="connection") > 0
    assert total(samples, "m365backup_api_retries_total", reason="auth") > 0
    assert total(samples, "m365backup_api_throttled_total") > 0
    assert len(samples["m365backup_tenant_info"]) == 12
    assert total(samples, "m365backup_parse_failures_total") == 0


async def _watch(world: World, faults: Faults, *, seconds: float = DAY) -> Samples:
    """Return what is scraped after watching *world* for so long."""
    clock = WarpClock()
    server = await serve(build_app(world, clock=clock, faults=faults), "127.0.0.1", 0)
    try:
        async with running(settings_for(server.base_url), clock, tidy_every=60) as daemon:
            await clock.sleep(seconds)
            return await scrape(daemon)
    finally:
        await server.close()


def test_the_allowed_rate_is_used_and_not_passed() -> None:
    """With far more to ask than allowed, a full first cycle runs at 0.95 of the rate and more, with at most one 429."""
    world = World(seed=1, tenants=300, start=START - 10 * DAY)

    async def first_cycle() -> tuple[float, float, Samples]:
        clock = WarpClock()
        app = build_app(world, clock=clock, latency=0.2, rate_limit=5.0)
        server = await serve(app, "127.0.0.1", 0)
        settings = settings_for(server.base_url, limits={"requests_per_second": 5, "concurrency": 4})
        async with running(settings, clock, tidy_every=60) as daemon:
            await clock.sleep(10)
            before = sum(app[STATISTICS].requests.values())
            await clock.sleep(120)
            used = (sum(app[STATISTICS].requests.values()) - before) / 120
            samples = await scrape(daemon)
        await server.close()
        return used, total(samples, "m365backup_scheduler_lag_seconds"), samples

    used, lag, samples = warped(first_cycle)

    assert 0.95 * 5 <= used <= 1.02 * 5
    assert lag > 60
    assert total(samples, "m365backup_api_throttled_total") <= 1


@pytest.mark.parametrize(
    ("mistake", "reason", "word"),
    [
        ({"client_secret": "wrong"}, "auth", "invalid_client"),
        ({"base_url": "http://127.0.0.1:1"}, "connection", "127.0.0.1"),
        ({"base_url": "{url}/nowhere", "api": "v1"}, "not_found", "data centre"),
        ({"scopes": ["elements.jobs.read.all"]}, "permission", "scope"),
        ({"faults": "html=1.0"}, "invalid_response", "text/html"),
    ],
)
def test_what_operators_get_wrong(mistake: dict[str, Any], reason: str, word: str) -> None:
    """Each usual mistake is a line in the log for what it stops, its reason in the metrics, and no dead daemon."""
    with capture_logs() as logs:
        samples = warped(lambda: _hour_with(mistake))

    failed = [line for line in logs if line["event"] in {"source_failed", "collector_failed"}]
    assert total(samples, "m365backup_collector_failures_total", reason=reason) > 0
    assert total(samples, "m365backup_collector_success", collector="tenants") == 0
    assert {line["event"] for line in logs} - {"started", "stopping"} == {line["event"] for line in failed}
    assert len(failed) == len({line["collector"] for line in failed})
    assert {line["reason"] for line in failed} == {reason}
    assert word in failed[0]["error"]
    assert "wrong" not in str([line for line in logs if "error" in line]).replace("wrong data centre", "")


async def _hour_with(mistake: dict[str, Any]) -> Samples:
    """Run the daemon for an hour with one thing wrong."""
    clock = WarpClock()
    world = World(seed=1, tenants=5, start=START - DAY)
    server = await serve(build_app(world, clock=clock, faults=parse_faults(mistake.get("faults", ""))), "127.0.0.1", 0)
    base_url = mistake.get("base_url", "{url}").format(url=server.base_url)
    auth = {
        "token_url": f"{server.base_url}/connect/token",
        "client_id": "test",
        "client_secret": mistake.get("client_secret", "simulated"),
        "scopes": mistake.get("scopes", []),
    }
    elements = {"kind": "elements", "api": mistake.get("api", "v3"), "base_url": base_url, "auth": auth}
    settings = Settings.model_validate(
        {"web": {"listen": ["127.0.0.1:0"]}, "state": {"path": ""}, "sources": {"elements": elements}}
    )
    try:
        async with running(settings, clock, tidy_every=60) as daemon:
            await clock.sleep(HOUR)
            assert daemon.healthy() is None
            assert daemon.ready() is None
            return await scrape(daemon)
    finally:
        await server.close()
