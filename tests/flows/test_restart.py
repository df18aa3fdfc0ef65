"""The whole daemon, stopped and started again on its state file, in time that jumps."""

import re
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import aiohttp
from structlog.testing import capture_logs

from exporter.app import Daemon, running
from exporter.settings import Settings
from exporter.simulator.server import STATISTICS, build_app, serve
from exporter.simulator.world import World
from tests.support.warp import START, WarpClock, warped

HOUR = 3600.0
DAY = 86400.0
NOBODY = "http://127.0.0.1:1"
PROCESS = re.compile(
    r"^(?:python|process|m365backup_(?:exporter|api|collector_(?:failures|duration)|scheduler|token|source|unknown|parse|series_dropped))"
)
"""What a process or a client tells of itself, not of any tenant."""


@asynccontextmanager
async def simulated(world: World, clock: WarpClock) -> AsyncIterator[tuple[str, Counter[str]]]:
    """Serve *world*; yield its address, and how often each operation was asked."""
    app = build_app(world, clock=clock)
    server = await serve(app, "127.0.0.1", 0)
    try:
        yield server.base_url, app[STATISTICS].requests
    finally:
        await server.close()


def settings_for(url: str, state: Path, **source: Any) -> Settings:
    """Return settings that watch *url* and remember in *state*."""
    auth = {"token_url": f"{url}/connect/token", "client_id": "test", "client_secret": "simulated"}
    elements = {"kind": "elements", "base_url": url, "auth": auth, **source}
    web = {"listen": ["127.0.0.1:0"]}
    return Settings.model_validate({"web": web, "state": {"path": str(state)}, "sources": {"elements": elements}})


async def scrape(daemon: Daemon) -> dict[str, float]:
    """Return all series with their values."""
    async with aiohttp.ClientSession() as session, session.get(daemon.addresses[0] / "metrics") as response:
        lines = (await response.text()).splitlines()
    return {series: float(value) for series, value in (line.rsplit(" ", 1) for line in lines if line[0] != "#")}


def of_tenants(samples: dict[str, float]) -> dict[str, float]:
    """Return what is told of tenants."""
    return {series: value for series, value in samples.items() if not PROCESS.match(series)}


def test_first_scrape_after_a_restart(tmp_path: Path) -> None:
    """With the API down at the start, the first scrape shows every series of before with its old value and age."""
    state = tmp_path / "state.db"

    async def restart() -> tuple[dict[str, float], dict[str, float], list[str | None]]:
        clock = WarpClock()
        world = World(seed=3, tenants=8, start=START - 10 * DAY)
        async with (
            simulated(world, clock) as (url, _),
            running(settings_for(url, state), clock, tidy_every=60) as daemon,
        ):
            await clock.sleep(5 * HOUR)
            before = await scrape(daemon)
        await clock.sleep(600)
        async with running(settings_for(NOBODY, state), clock, tidy_every=60) as daemon:
            return before, await scrape(daemon), [daemon.ready()]

    before, after, ready = warped(restart)

    assert len(of_tenants(before)) > 2000
    assert of_tenants(after) == of_tenants(before)
    assert 'm365backup_job_last_start_timestamp_seconds{source="elements"' in "".join(after)
    assert ready == ["not asked for tenants yet: elements"]


def test_stale_only_when_its_time_has_come(tmp_path: Path) -> None:
    """With the API down from the start, what is present goes at stale_after; what is remembered stays."""
    state = tmp_path / "state.db"

    async def restart() -> list[dict[str, float]]:
        clock = WarpClock()
        world = World(seed=3, tenants=4, start=START - 10 * DAY)
        async with simulated(world, clock) as (url, _), running(settings_for(url, state), clock, tidy_every=60):
            await clock.sleep(3 * HOUR)
        shown = []
        async with running(settings_for(NOBODY, state), clock, tidy_every=60) as daemon:
            for seconds in (HOUR, 2 * HOUR, 20 * HOUR):
                await clock.sleep(seconds)
                shown.append(await scrape(daemon))
        return shown

    soon, later, much_later = ({series.partition("{")[0] for series in shown} for shown in warped(restart))

    # jobs: every 30 minutes, stale after 1 h 30 min
    assert {"m365backup_job_last_status", "m365backup_jobs_in_progress", "m365backup_objects_protected"} <= soon
    assert "m365backup_job_last_status" not in later
    assert "m365backup_objects_protected" in later
    assert "m365backup_objects_protected" not in much_later
    evidence = {"runs_total", "failures_total", "last_success_timestamp_seconds", "overdue_after_seconds"}
    assert {f"m365backup_job_{name}" for name in evidence} | {"m365backup_tenant_info"} <= much_later


def test_due_times_continue(tmp_path: Path) -> None:
    """Ten minutes after a restart only what was due meanwhile has been asked again, and the lists of the source."""
    state = tmp_path / "state.db"

    async def restart() -> tuple[Counter[str], Counter[str], float]:
        clock = WarpClock()
        world = World(seed=3, tenants=60, start=START - 10 * DAY)
        async with simulated(world, clock) as (url, asked):
            async with running(settings_for(url, state), clock, tidy_every=60):
                await clock.sleep(3 * HOUR)
            first = Counter(asked)
            async with running(settings_for(url, state), clock, tidy_every=60) as daemon:
                await clock.sleep(600)
                again = Counter(asked)
                again.subtract(first)
                samples = await scrape(daemon)
                return first, again, samples['m365backup_source_demand_ratio{source="elements"}']

    first, again, demand = warped(restart)

    tenants = 60
    assert first["v3_jobs"] > 4 * tenants * 0.8
    assert 0 < again["v3_jobs"] < 0.6 * tenants  # 10 of every 30 minutes
    assert again["v3_protection"] < 0.2 * tenants
    assert again["v3_scan_profiles"] == 0
    assert (again["v3_customers"], again["v3_services"]) == (1, 1)
    assert demand > 0.01


def test_what_was_not_applicable_is_not_asked_again(tmp_path: Path) -> None:
    """After a restart it is still known who bought no backup: only the others are asked about their jobs."""
    state = tmp_path / "state.db"

    async def restart() -> tuple[int, int]:
        clock = WarpClock()
        world = World(seed=5, tenants=60, start=START - 10 * DAY)
        async with simulated(world, clock) as (url, asked):
            async with running(settings_for(url, state), clock, tidy_every=60):
                await clock.sleep(HOUR)
            before = asked["v3_jobs"]
            await clock.sleep(2 * HOUR)  # all jobs are due
            async with running(settings_for(url, state), clock, tidy_every=60) as daemon:
                await clock.sleep(40)
                shown = [key for key in await scrape(daemon) if key.startswith("m365backup_collector_success")]
                jobs = sum('collector="jobs"' in key for key in shown)
                return asked["v3_jobs"] - before, jobs

    asked, subscribed = warped(restart)

    assert subscribed == 52
    assert 52 <= asked < 60


def test_changes_made_while_down_are_counted(tmp_path: Path) -> None:
    """A scan profile that was changed while the exporter was down counts its changes once, and drifts."""
    state = tmp_path / "state.db"

    async def restart() -> tuple[float, float, float, list[Any]]:
        clock = WarpClock()
        world = World(seed=3, tenants=20, start=START - 10 * DAY)
        async with simulated(world, clock) as (url, _):
            fast = {"collectors": {"scan_profiles": {"interval": "1h"}}}
            async with running(settings_for(url, state, **fast), clock, tidy_every=60) as daemon:
                await clock.sleep(2 * HOUR)
                before = total(await scrape(daemon), "changes_total")
            await clock.sleep(20 * DAY)
            with capture_logs() as logs:
                async with running(settings_for(url, state, **fast), clock, tidy_every=60) as daemon:
                    await clock.sleep(10 * 60)
                    samples = await scrape(daemon)
                    changed = total(samples, "changes_total")
                    drifted = total(samples, "drift")
                    await clock.sleep(300)
                    assert total(await scrape(daemon), "changes_total") == changed
            return before, changed, drifted, [line for line in logs if line["event"] == "scan_profile_changed"]

    before, changed, drifted, logs = warped(restart)

    assert changed - before == len(logs) > 3
    assert drifted > 3
    assert {"source", "tenant", "profile", "setting", "old", "new"} <= logs[0].keys()


def total(samples: dict[str, float], name: str) -> float:
    """Return the sum of a family of scan profiles."""
    return sum(value for series, value in samples.items() if series.startswith(f"m365backup_scan_profile_{name}{{"))


def test_a_start_after_tenants_were_excluded(tmp_path: Path) -> None:
    """What the configuration no longer wants is not shown after a restart; it comes back with its counters."""
    state = tmp_path / "state.db"

    async def restart() -> list[dict[str, float]]:
        clock = WarpClock()
        world = World(seed=3, tenants=8, start=START - 10 * DAY)
        shown = []
        async with simulated(world, clock) as (url, _):
            for tenants in ({}, {"exclude": ["Litware*"]}, {}):
                async with running(settings_for(url, state, tenants=tenants), clock, tidy_every=60) as daemon:
                    first = await scrape(daemon)
                    await clock.sleep(4 * HOUR)
                    shown += [first, await scrape(daemon)]
        return shown

    shown = warped(restart)

    named = [sum("Litware" in key for key in each if key.startswith("m365backup_tenant_info")) for each in shown]
    assert named[0] == named[2] == named[3] == 0
    assert named[1] == named[5] > 0
    runs = [{key: value for key, value in each.items() if "job_runs_total" in key} for each in (shown[1], shown[5])]
    assert runs[0].keys() <= runs[1].keys()
    assert all(runs[1][key] >= value for key, value in runs[0].items())
