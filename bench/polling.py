"""What a request costs in CPU, for pages of a hundred job rows.

The simulator's world moves so fast that between two polls of a customer about five of its hundred rows change,
as in the half hour that lies between them in earnest.
"""

import asyncio
import resource
import time
from dataclasses import dataclass

import aiohttp

from bench.fleet import Stalls, requests_of, series_of, settings_for, simulator
from bench.table import Row
from exporter.app import Daemon, running
from exporter.clock import SystemClock

INTERVAL = 1.0
PACE = 1800 / INTERVAL
"""Half an hour of the world between two polls."""


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds a request, all else that the process does meanwhile included."""

    user: float
    system: float
    wall: float


class Meter:
    """Measures from its making on."""

    def __init__(self) -> None:
        self._usage = resource.getrusage(resource.RUSAGE_SELF)
        self._wall = time.perf_counter()

    def per(self, requests: int) -> Cost:
        """Return what each of *requests* cost."""
        usage = resource.getrusage(resource.RUSAGE_SELF)
        return Cost(
            (usage.ru_utime - self._usage.ru_utime) / requests,
            (usage.ru_stime - self._usage.ru_stime) / requests,
            (time.perf_counter() - self._wall) / requests,
        )


async def _cost(daemon: Daemon, requests: int) -> Cost:
    first, meter = requests_of(daemon, "jobs"), Meter()
    while requests_of(daemon, "jobs") < first + requests:  # noqa: ASYNC110 - there is no event to wait for
        await asyncio.sleep(0.05)
    return meter.per(requests_of(daemon, "jobs") - first)


async def _bare(url: str, requests: int) -> Cost:
    """Return what the same pages cost with aiohttp alone, read and thrown away."""
    form = {"grant_type": "client_credentials", "client_id": "bench", "client_secret": "simulated"}
    scopes = "elements.customers.read.all elements.jobs.read.all"
    base = f"{url}/partner/external/v3/general/customers"
    async with aiohttp.ClientSession() as session:
        async with session.post(f"{url}/connect/token", data={**form, "scope": scopes}) as response:
            headers = {"Authorization": f"Bearer {(await response.json())['access_token']}"}
        async with session.post(f"{base}/batch?pageSize=100", json={}, headers=headers) as response:
            ids = [row["id"] for row in (await response.json())["data"]]
        meter = Meter()
        for number in range(requests):
            page = f"{base}/{ids[number % len(ids)]}/avpt-products/jobs/batch?pageSize=100"
            async with session.post(page, json={}, headers=headers) as response:
                await response.read()
        return meter.per(requests)


async def polling(*, tenants: int, rows_per_customer: int) -> list[Row]:
    """Poll a fleet as fast as its simulator answers."""
    options = ("--tenants", str(tenants), "--rows-per-customer", str(rows_per_customer), "--pace", str(PACE))
    off = {"enabled": False}
    async with simulator(*options) as url:
        bare = await _bare(url, tenants * 2)
        settings = settings_for(
            url, tenants={"interval": "5m"}, jobs={"interval": f"{INTERVAL:.0f}s"}, protection=off, scan_profiles=off
        )
        async with running(settings, SystemClock()) as daemon:
            first = await _cost(daemon, tenants)
            stalls = Stalls()
            later = await _cost(daemon, 20 * tenants)
            stall = stalls.stop()
            series = await series_of(str(daemon.addresses[0] / "metrics"))
    what = f"a request of {rows_per_customer} job rows"
    return [
        Row(f"polling: series of {tenants} customers", f"{series:,}"),
        Row(f"CPU of {what}, first cycle, all rows new", _milliseconds(first)),
        Row(f"CPU of {what}, later, about 5 rows changed", _milliseconds(later), "≤ 1 ms"),
        Row("CPU of the same with aiohttp alone", _milliseconds(bare)),
        Row("requests a second, the simulator on the other core", f"{1 / later.wall:.0f}", "more than APIs allow"),
        Row("longest stall of the event loop meanwhile", f"{stall * 1e3:.0f} ms", "≤ 50 ms"),
    ]


def _milliseconds(cost: Cost) -> str:
    return f"{cost.user * 1e3:.2f} ms user, {cost.system * 1e3:.2f} ms system"
