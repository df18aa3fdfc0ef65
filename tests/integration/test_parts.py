"""A real Prometheus scrapes the exporter in parts, configured as docs/web.md says."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from exporter.app import Daemon, running
from exporter.clock import SystemClock
from exporter.fleet import Watched
from exporter.settings import Settings
from exporter.simulator.server import build_app, serve
from exporter.simulator.world import World
from tests.support.prometheus import PATIENCE, Prometheus, running_prometheus
from tests.support.scrape import exposition

PAGE = Path(__file__).parent.parent.parent / "docs" / "web.md"
OURS = '{__name__=~"(m365backup|process|python)_.+"}'
Series = frozenset[tuple[str, str]]

pytestmark = pytest.mark.timeout(120)


def documented(address: str) -> dict[str, Any]:
    """Return the job that the page shows, for this exporter and in a hurry."""
    block = next(
        each for each in PAGE.read_text(encoding="utf-8").split("```yaml\n") if each.startswith("scrape_configs")
    )
    (job,) = yaml.safe_load(block.partition("```")[0].replace("exporter.example.com:10365", address))["scrape_configs"]
    sd = [{**each, "refresh_interval": "1s"} for each in job["http_sd_configs"]]
    return {**job, "scrape_interval": "1s", "scrape_timeout": "1s", "http_sd_configs": sd}


def collected(watched: Watched) -> bool:
    """Tell whether everything was collected once."""
    units = watched.runner.schedule.units.values()
    return bool(watched.intake.watched()) and all(unit.regular is not None for unit in units)


@asynccontextmanager
async def quiet_daemon() -> AsyncIterator[Daemon]:
    """Run a daemon with two sources that have collected everything once, and ask no more for a while."""
    clock = SystemClock()
    world = World(seed=5, tenants=8, start=clock.now() - 30 * 86400.0)
    server = await serve(build_app(world, clock=clock), "127.0.0.1", 0)
    auth = {"token_url": f"{server.base_url}/connect/token", "client_id": "test", "client_secret": "simulated"}
    common = {
        "base_url": server.base_url,
        "auth": auth,
        "limits": {"requests_per_second": 500, "concurrency": 8},
    }
    customer = next(each for each in world.customers(clock.now()) if each.has("Microsoft 365"))
    sources = {
        "elements": {"kind": "elements", **common},
        "veeam": {
            **common,
            "kind": "veeam",
            "auth": {"username": r"CONTOSO\monitor", "password": "simulated"},
        },
        "single": {
            "kind": "cloudbackup",
            "tenant": {"id": customer.id},
            **common,
            "auth": {**auth, "client_id": customer.id},
        },
    }
    web = {"listen": ["127.0.0.1:0"]}
    settings = Settings.model_validate({"web": web, "state": {"path": ""}, "sources": sources})
    try:
        async with running(settings, clock) as daemon:
            while any(not collected(each) for each in daemon.watched.values()):  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.1)
            yield daemon
    finally:
        await server.close()


def name_of(name: str, labels: dict[str, str]) -> tuple[str, str]:
    """Return a series in a form that can be compared."""
    return name, ",".join(f"{key}={value}" for key, value in sorted(labels.items()))


def exposed(text: str) -> Series:
    """Return the series of an exposition."""
    families = text_string_to_metric_families(text)
    return frozenset(name_of(sample.name, sample.labels) for family in families for sample in family.samples)


async def stored(prometheus: Prometheus) -> list[tuple[str, str]]:
    """Return the series that Prometheus has now, without what it added itself."""
    found = await prometheus.query(OURS)
    added = {"__name__", "job", "instance"}
    return [
        name_of(labels["__name__"], {key: value for key, value in labels.items() if key not in added})
        for labels, _ in found
    ]


async def settled(prometheus: Prometheus, daemon: Daemon) -> tuple[list[tuple[str, str]], Series]:
    """Return what is stored and what is exposed, once both are the same series; fail if that takes too long."""
    deadline = time.monotonic() + PATIENCE
    while True:
        found, whole = await stored(prometheus), exposed(await exposition(daemon))
        if frozenset(found) == whole:
            return found, whole
        assert time.monotonic() < deadline, sorted(whole ^ frozenset(found))[:5]
        await asyncio.sleep(0.5)


async def test_the_parts_are_the_whole(tmp_path: Path) -> None:
    """Prometheus finds every series of /metrics exactly once, under the same labels; every part is up, apart."""
    async with quiet_daemon() as daemon:
        url = daemon.addresses[0]
        address = f"{url.host}:{url.port}"
        job = await asyncio.to_thread(documented, address)
        async with running_prometheus(tmp_path, scrapes=(job,)) as prometheus:
            tenants = sum(len(each.intake.watched()) for each in daemon.watched.values())
            await prometheus.until("up", lambda found: len(found) == tenants + 1 and all(value for _, value in found))
            found, whole = await settled(prometheus, daemon)
            assert len(found) == len(whole)
            assert len(whole) > 1000
            ups = [labels for labels, _ in await prometheus.query("up")]
            assert len({(each.get("source"), each.get("tenant")) for each in ups}) == tenants + 1
            assert {each["instance"] for each in ups} == {address}
            targets = (await prometheus.get("targets"))["activeTargets"]
            assert {target["lastError"] for target in targets} == {""}
