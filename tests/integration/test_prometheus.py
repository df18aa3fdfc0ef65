"""A real Prometheus scrapes the running daemon; what it then knows is asked over its own API."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from pathlib import Path

import aiohttp
import pytest
from yarl import URL

from exporter.app import running
from exporter.clock import SystemClock
from exporter.settings import Settings
from exporter.simulator.server import build_app, serve
from exporter.simulator.world import World
from tests.support.prometheus import PATIENCE, Prometheus, running_prometheus

PACE = 4000.0
"""A day of the world passes in 22 seconds."""


@pytest.fixture
async def prometheus_of(tmp_path: Path) -> AsyncIterator[Callable[[URL], Awaitable[Prometheus]]]:
    """Return a function that starts Prometheus, scraping a target every second."""
    async with AsyncExitStack() as stack:

        async def start(target: URL) -> Prometheus:
            job = {
                "job_name": "m365-backup",
                "scrape_interval": "1s",
                "scrape_timeout": "1s",
                "static_configs": [{"targets": [f"{target.host}:{target.port}"]}],
            }
            return await stack.enter_async_context(running_prometheus(tmp_path, scrapes=(job,)))

        yield start


def settings_for(url: str) -> Settings:
    """Return settings that poll the simulator every second."""
    auth = {"token_url": f"{url}/connect/token", "client_id": "test", "client_secret": "simulated"}
    intervals = {"tenants": "1s", "jobs": "1s", "subscriptions": "5s", "protection": "5s", "scan_profiles": "5s"}
    elements = {
        "kind": "elements",
        "base_url": url,
        "auth": auth,
        "limits": {"requests_per_second": 200, "concurrency": 8},
        "collectors": {name: {"interval": interval} for name, interval in intervals.items()},
    }
    return Settings.model_validate(
        {
            "web": {"listen": ["127.0.0.1:0"]},
            "state": {"path": ""},
            "limits": {"counter_birth_delay": "3s"},
            "sources": {"elements": elements},
        }
    )


async def test_prometheus_sees_what_happens(  # noqa: PLR0915 - one Prometheus, many claims
    prometheus_of: Callable[[URL], Awaitable[Prometheus]],
) -> None:
    """Prometheus finds the target up, sees the first failure as an increase, and forgets a customer that left."""
    clock = SystemClock()
    begin = clock.now()
    failing_from, leaving_at = begin + 8, begin + 15
    world = World(seed=5, tenants=8, start=begin - 30 * 86400 / PACE, pace=PACE)
    healthy, leaver = world.customers(begin)[:2]
    world = world.script(lambda _: True, "success", 0, failing_from)
    world = world.script(lambda job: job.customer_id != healthy.id, "success", failing_from, begin + 600)
    world = world.script(lambda job: job.customer_id == healthy.id, "failed", failing_from, begin + 600)
    world = world.hide(leaver.id, leaving_at, begin + 600)
    server = await serve(build_app(world, clock=clock), "127.0.0.1", 0)
    try:
        async with running(settings_for(server.base_url), clock) as daemon:
            prometheus = await prometheus_of(daemon.addresses[0])

            await prometheus.until('up{job="m365-backup"} == 1', lambda found: len(found) == 1)
            failures = await prometheus.until("sum by (tenant) (increase(m365backup_job_failures_total[5m])) > 0", bool)
            gone = f'm365backup_tenant_info{{tenant="{leaver.id}"}}'
            await prometheus.until(gone, lambda found: clock.now() > leaving_at and not found)

            assert {labels["tenant"] for labels, _ in failures} == {healthy.id}
            assert len(await prometheus.query("m365backup_tenant_info")) == 7
            assert not await prometheus.query(f'{{tenant="{leaver.id}"}}')
            assert (await prometheus.query("m365backup_source_up"))[0][1] == 1
            targets = (await prometheus.get("targets"))["activeTargets"]
            assert [target["lastError"] for target in targets] == [""]
            await _metadata_is_ours(prometheus)
    finally:
        await server.close()


async def _metadata_is_ours(prometheus: Prometheus) -> None:
    """Check that Prometheus learned type and help of every family, and stored as many series as are exposed."""
    metadata = await prometheus.get("metadata")
    kinds = {name: each[0]["type"] for name, each in metadata.items()}
    assert kinds["m365backup_job_failures"] == "counter"  # OpenMetrics names a counter's family without _total
    assert kinds["m365backup_tenant_info"] == "gauge"
    assert kinds["m365backup_job_duration_seconds"] == "summary"
    assert kinds["m365backup_collector_duration_seconds"] == "histogram"
    # Both sides in one expression share an instant; the gauge follows a leaver within a second.
    stored = 'scalar(count({__name__=~"m365backup_.+",source="elements"}))'
    exposed = "m365backup_exporter_snapshot_series"
    await prometheus.until(f"{exposed} >= {stored} > 0.95 * {exposed}", lambda found: len(found) == 1)


async def test_promtool_finds_nothing_to_complain_about() -> None:
    """The live exposition of every collector passes `promtool check metrics` without a word."""
    clock = SystemClock()
    world = World(seed=6, tenants=6, start=clock.now() - 30 * 86400 / PACE, pace=PACE)
    server = await serve(build_app(world, clock=clock), "127.0.0.1", 0)
    try:
        async with running(settings_for(server.base_url), clock) as daemon:
            text = await _complete_exposition(daemon.addresses[0])
    finally:
        await server.close()

    promtool = await asyncio.create_subprocess_exec(
        *("promtool", "check", "metrics"),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    said, _ = await promtool.communicate(text)
    assert said.decode() == ""
    assert promtool.returncode == 0


async def _complete_exposition(url: URL) -> bytes:
    """Return the exposition once every collector has answered and a run has ended."""
    deadline = time.monotonic() + PATIENCE
    async with aiohttp.ClientSession() as session:
        while True:
            async with session.get(url / "metrics") as response:
                text = await response.read()
            if b"scan_profile_info{" in text and b"job_duration_seconds_sum{" in text:
                return text
            assert time.monotonic() < deadline
            await asyncio.sleep(0.25)
