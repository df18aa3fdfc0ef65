"""Many sources in one process: one file each, one session, one schedule after the other."""

import asyncio
from collections import Counter
from pathlib import Path

from exporter.app import running
from exporter.settings import Settings, load
from exporter.simulator.server import STATISTICS, build_app, serve
from exporter.simulator.world import World
from tests.flows.test_restart import DAY, scrape
from tests.support.warp import START, WarpClock, warped

SOURCES = 100
FILE = """
tenant_{number}:
  kind: cloudbackup
  base_url: {url}
  tenant: {{id: t{number}, name: Tenant {number}}}
  auth: {{client_id: app-{number}, client_secret: simulated, token_url: "{url}/connect/token"}}
"""


def write(folder: Path, number: int, url: str) -> None:
    """Write the file of one tenant."""
    (folder / "sources.d" / f"{number}.yaml").write_text(FILE.format(number=number, url=url), encoding="utf-8")


def configured(folder: Path) -> Settings:
    """Return the configuration, with whatever files there are."""
    (folder / "config.yaml").write_text(
        'web: {listen: ["127.0.0.1:0"]}\nstate: {path: ""}\ninclude: ["sources.d/*.yaml"]\n', encoding="utf-8"
    )
    return load(folder / "config.yaml")


def test_a_hundred_tenants_with_a_file_each(tmp_path: Path) -> None:
    """All are collected soon after the start, but not at once; one more by a reload disturbs none of them."""
    (tmp_path / "sources.d").mkdir()

    soon, first, later, kept = warped(lambda: _a_hundred(tmp_path))

    assert 0 < soon < SOURCES / 4
    assert first == Counter(jobs=SOURCES, license=SOURCES, unusual_activity=SOURCES, schedule=SOURCES)
    assert later["jobs"] == SOURCES + 1
    assert all(kept)


async def _a_hundred(folder: Path) -> tuple[int, Counter[str], Counter[str], list[bool]]:
    """Return tokens fetched in two seconds, what was collected before and after a reload, and who survived that."""
    clock = WarpClock()
    app = build_app(World(seed=1, tenants=12, start=START - 10 * DAY), clock=clock, latency=0.3)
    server = await serve(app, "127.0.0.1", 0)
    for number in range(SOURCES):
        await asyncio.to_thread(write, folder, number, server.base_url)
    async with running(await asyncio.to_thread(configured, folder), clock, tidy_every=10) as daemon:
        await clock.sleep(2)
        soon = app[STATISTICS].requests["token"]
        await clock.sleep(60)
        first, before = collected(await scrape(daemon)), dict(daemon.watched)
        await asyncio.to_thread(write, folder, SOURCES, server.base_url)
        assert not await daemon.reload(lambda: configured(folder))
        await clock.sleep(60)
        kept = [daemon.watched[name] is watched for name, watched in before.items()]
        later = collected(await scrape(daemon))
    await server.close()
    return soon, first, later, kept


def collected(samples: dict[str, float]) -> Counter[str]:
    """Return how many tenants each collector has succeeded for."""
    names = [key for key, value in samples.items() if key.startswith("m365backup_collector_success{") and value]
    return Counter(key.split('collector="')[1].split('"')[0] for key in names)
