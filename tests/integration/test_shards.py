"""Several exporters that divide the tenants of one credential: the real command, and its tenants that move."""

import asyncio
import os
import signal
import sys
import time
from collections import Counter
from collections.abc import Sequence
from contextlib import AsyncExitStack
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

import aiohttp
import orjson
import pytest

from exporter.cli import main
from exporter.simulator.server import build_app, serve
from exporter.simulator.world import World
from tests.support.clock import FakeClock
from tests.support.process import ROOT, free_port
from tests.support.scrape import Samples, parsed, total

TENANTS: Final = 40
RATE: Final = 120.0
"""Requests a second that the credential bears: all shards together."""
HALF_A_DAY: Final = 12 * 3600.0
BORN: Final = 2.5
"""Seconds after which a counter, new ones too, shows all that it has counted."""
ASKED: Final = "collector_last_success_timestamp_seconds"
PATIENCE: Final = 90.0
AS_A_POD: Final = """
import socket, sys
socket.gethostname = lambda: "m365-backup-exporter-3.m365-backup-exporter.example.com"
from exporter.cli import main
main(sys.argv[1:])
"""
"""The command on a machine that is called as a StatefulSet's fourth pod is."""
POD: Final = {"M365_BACKUP_SHARD__INDEX": "hostname", "M365_BACKUP_SHARD__TOTAL": "4"}
OF_THE_SERVER: Final = ("server_", "repository_", "proxy_")
"""What a Veeam server tells of itself, not of a tenant."""
Tenant = tuple[str, str]
"""Source and id."""


class Shard:
    """One process with a configuration, a port and a state file of its own."""

    def __init__(self, folder: Path, name: str, api: str) -> None:
        self.config = folder / f"{name}.yaml"
        self.state = folder / f"{name}.db"
        self._log = folder / f"{name}.log"
        self._port = free_port()
        self._api = api
        self._process: asyncio.subprocess.Process | None = None

    def configure(self, **shard: int) -> None:
        """Write the configuration."""
        content = {
            "web": {"listen": [f"127.0.0.1:{self._port}"]},
            "state": {"path": str(self.state)},
            "limits": {"counter_birth_delay": "1s"},
            "sources": sources(self._api),
        }
        self.config.write_bytes(orjson.dumps(content | ({"shard": shard} if shard else {})))

    async def start(self, *program: str, **environment: str) -> None:
        """Run *program*, by default the command itself, until `stop`."""
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, *(program or ("-m", "exporter")), "run", "--config", str(self.config)),
                cwd=ROOT,
                env=os.environ | environment,
                stdout=log,
                stderr=log,
            )

    def reload(self) -> None:
        """Let it read its configuration again."""
        assert self._process is not None
        self._process.send_signal(signal.SIGHUP)

    async def stop(self) -> None:
        """Ask it to end, and wait for that."""
        if self._process is not None and self._process.returncode is None:
            self._process.terminate()
            assert await self._process.wait() == 0, self._log.read_text(encoding="utf-8")

    async def samples(self, *names: str) -> Samples:
        """Return what a scrape shows, or of it these families; nothing while the port is not open."""
        url = f"http://127.0.0.1:{self._port}/metrics"
        params = [("name[]", f"m365backup_{name}") for name in names]
        try:
            async with aiohttp.ClientSession() as session, session.get(url, params=params) as answer:
                return parsed(await answer.text())
        except aiohttp.ClientConnectionError:
            return {}


def sources(api: str) -> dict[str, object]:
    """Return a partner's customers and a Veeam server, asked for little but jobs."""
    limits = {"requests_per_second": RATE, "concurrency": 16}
    off = {"enabled": False}
    return {
        "elements": {
            "kind": "elements",
            "base_url": api,
            "auth": {"token_url": f"{api}/connect/token", "client_id": "test", "client_secret": "simulated"},
            "limits": limits,
            "collectors": {
                "jobs": {"interval": "1s"},
                **dict.fromkeys(("subscriptions", "protection", "scan_profiles"), off),
            },
        },
        "vb365": {
            "kind": "veeam",
            "base_url": api,
            "auth": {"username": "CONTOSO\\monitor", "password": "simulated"},
            "limits": limits,
            "collectors": dict.fromkeys(("jobs", "protection"), off),
        },
    }


@dataclass(slots=True)
class Seen:
    """What the shards showed, each by its number."""

    customers: set[str]
    three: list[Samples] = field(default_factory=list)
    four: list[Samples] = field(default_factory=list)
    """After the fourth was added, with nothing but what the vendor tells."""
    imported: list[Samples] = field(default_factory=list)
    """After the fourth took over what the others had counted."""


@pytest.fixture(scope="module")
def seen(tmp_path_factory: pytest.TempPathFactory) -> Seen:
    """Run three shards, then four, then the fourth with the others' books."""
    return asyncio.run(_grown(tmp_path_factory.mktemp("shards")))


async def _grown(folder: Path) -> Seen:
    clock = FakeClock(time.time() - HALF_A_DAY)
    world = World(seed=1, tenants=TENANTS, start=clock.now() - 30 * 86400.0)
    seen = Seen({each.id for each in world.customers(clock.now())})
    async with AsyncExitStack() as stack:
        server = await serve(build_app(world, clock=clock), "127.0.0.1", 0)
        stack.push_async_callback(server.close)
        shards = [Shard(folder, f"shard-{number}", server.base_url) for number in range(4)]
        stack.push_async_callback(lambda: asyncio.gather(*(shard.stop() for shard in shards)))
        for number, shard in enumerate(shards[:3]):
            shard.configure(index=number, total=3)
            await shard.start()
        await settled(shards[:3], time.time())
        clock.advance(HALF_A_DAY)
        seen.three = await settled(shards[:3], time.time() + BORN)
        await _add_the_fourth(shards)
        seen.four = await settled(shards, time.time() + BORN)
        await _hand_over_the_books(shards)
        seen.imported = await settled(shards, time.time() + BORN)
    return seen


async def _add_the_fourth(shards: Sequence[Shard]) -> None:
    """Tell the three that they are four, and start the fourth as Kubernetes would."""
    *old, new = shards
    for number, shard in enumerate(old):
        shard.configure(index=number, total=4)
        shard.reload()
    new.configure()
    await new.start("-c", AS_A_POD, **POD)


async def _hand_over_the_books(shards: Sequence[Shard]) -> None:
    """Let the fourth have what the others remember, while they run."""
    *old, new = shards
    await new.stop()
    for shard in old:
        books = shard.state.with_suffix(".books")
        await command("state", "export", "--config", shard.config, "--output", books)
        await command("state", "import", "--config", new.config, "--replace", books)
    await new.start("-c", AS_A_POD, **POD)


async def settled(shards: Sequence[Shard], moment: float) -> list[Samples]:
    """Return what the shards show once each tenant is one's only and its jobs have been asked for after *moment*."""
    async with asyncio.timeout(PATIENCE):
        while True:
            found = [await shard.samples(ASKED, "server_info", "tenant_info") for shard in shards]
            times = [
                value for samples in found for labels, value in samples.get(ASKED, []) if labels["collector"] == "jobs"
            ]
            whole = all(total(samples, "server_info") or samples.get("tenant_info") for samples in found)
            if whole and len(times) == TENANTS and min(times) > moment:
                return [await shard.samples() for shard in shards]
            await asyncio.sleep(0.1)


async def command(*arguments: str | Path) -> None:
    """Run one of the exporter's commands."""
    with pytest.raises(SystemExit) as exit_:
        await asyncio.to_thread(main, [str(each) for each in arguments])
    assert exit_.value.code == 0


def owners(found: Sequence[Samples]) -> dict[Tenant, list[int]]:
    """Return which shards show each tenant."""
    shown: dict[Tenant, list[int]] = {}
    for number, samples in enumerate(found):
        for labels, _ in samples["tenant_info"]:
            shown.setdefault((labels["source"], labels["tenant"]), []).append(number)
    return shown


def counted(samples: Samples) -> dict[str, dict[str, float]]:
    """Return the runs that are counted of each customer, by family and labels."""
    found: dict[str, dict[str, float]] = {}
    for name, family in samples.items():
        if name.startswith("job_") and name.endswith("_total"):
            for labels, value in family:
                found.setdefault(labels["tenant"], {})[f"{name} {sorted(labels.items())}"] = value
    return found


def moved(seen: Seen) -> set[Tenant]:
    """Return the tenants that the fourth shard took."""
    return {tenant for tenant, shards in owners(seen.four).items() if shards == [3]}


@pytest.mark.parametrize("shards", ["three", "four", "imported"])
def test_each_tenant_has_one_shard(seen: Seen, shards: str) -> None:
    """Together the shards watch every tenant, and none of them twice; each has some."""
    shown = owners(getattr(seen, shards))

    assert {tenant for source, tenant in shown if source == "elements"} == seen.customers
    assert set(map(len, shown.values())) == {1}
    assert len({shard for (shard,) in shown.values()}) == len(getattr(seen, shards))


@pytest.mark.parametrize("shards", ["three", "four"])
def test_a_server_is_shown_once(seen: Seen, shards: str) -> None:
    """What a source tells of itself, a server's licence and its repositories, is shown by one shard only."""
    showing = Counter(name for samples in getattr(seen, shards) for name in samples if name.startswith(OF_THE_SERVER))

    assert {"server_info", "server_license_seats_used", "repository_free_bytes"} <= showing.keys()
    assert set(showing.values()) == {1}


@pytest.mark.parametrize("shards", ["three", "four"])
def test_the_rate_is_divided(seen: Seen, shards: str) -> None:
    """What the shards may ask adds up to what is configured, in equal parts."""
    found = getattr(seen, shards)
    for source in ("elements", "vb365"):
        rates = [total(samples, "api_allowed_requests_per_second", source=source) for samples in found]

        assert rates == [RATE / len(found)] * len(found)


def test_only_a_quarter_moves(seen: Seen) -> None:
    """With a fourth shard a quarter of the tenants moves, and all of those to it: none between the old ones."""
    before, after = owners(seen.three), owners(seen.four)

    changed = {tenant for tenant in before if before[tenant] != after[tenant]}

    assert changed == moved(seen)
    assert len(changed) / len(before) == pytest.approx(0.25, abs=0.1)


def test_those_who_stay_are_undisturbed(seen: Seen) -> None:
    """The counters of tenants that stay are in the same shard, with the same values."""
    for before, after in zip(seen.three, seen.four, strict=False):
        staying = counted(after)

        assert staying
        assert {tenant: counted(before)[tenant] for tenant in staying} == staying


def test_a_moved_tenant_begins_anew(seen: Seen) -> None:
    """Without its books a moved tenant counts from 0 in the new shard: what was counted before is not counted again."""
    values = [value for series in counted(seen.four[3]).values() for value in series.values()]

    assert values
    assert not any(values)


def test_books_follow(seen: Seen) -> None:
    """With `state export` and `state import` a moved tenant's counters go on in the new shard where they were."""
    ids = {tenant for source, tenant in moved(seen) if source == "elements"}
    before = {tenant: series for samples in seen.three for tenant, series in counted(samples).items() if tenant in ids}

    assert counted(seen.imported[3]) == before
    assert any(value for series in before.values() for value in series.values())
