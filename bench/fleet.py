"""A fleet polled and scraped: the simulator in a process of its own, the exporter in this one.

The simulator's world moves a thousand times faster than time, so that between two polls a few of a
customer's hundred rows have changed, as within the half hour that lies between them in earnest.
"""

import asyncio
import gc
import resource
import socket
import statistics
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

import aiohttp

from bench.table import Row
from exporter.app import Daemon, running
from exporter.clock import SystemClock
from exporter.heap import bound_collections
from exporter.settings import Settings

SCRAPES = 20
INTERVAL = 5.0
"""Seconds between two polls of a customer's jobs: at this pace, half an hour of the world."""
PACE = 1800 / INTERVAL


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def _simulator(tenants: int, rows_per_customer: int) -> AsyncIterator[str]:
    port = _free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "exporter", "simulate", "--listen", f"127.0.0.1:{port}"),
        *("--tenants", str(tenants), "--rows-per-customer", str(rows_per_customer), "--pace", str(PACE)),
        stdout=asyncio.subprocess.PIPE,
    )
    if process.stdout is not None:
        await process.stdout.readline()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


def _settings(url: str) -> Settings:
    source = {
        "kind": "elements",
        "base_url": url,
        "auth": {"token_url": f"{url}/connect/token", "client_id": "bench", "client_secret": "simulated"},
        "limits": {"requests_per_second": 1000, "concurrency": 8},
        "collectors": {
            "tenants": {"interval": "5m"},
            "jobs": {"interval": f"{INTERVAL:.0f}s"},
            "protection": {"enabled": False},
            "scan_profiles": {"enabled": False},
        },
    }
    limits = {"counter_birth_delay": "5s"}
    return Settings.model_validate({"web": {"listen": ["127.0.0.1:0"]}, "limits": limits, "sources": {"bench": source}})


class Stalls:
    """Measures how late the event loop comes back to something that is due."""

    def __init__(self) -> None:
        self.longest = 0.0
        self._task = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        while True:
            before = time.perf_counter()
            await asyncio.sleep(0.005)
            self.longest = max(self.longest, time.perf_counter() - before - 0.005)

    def stop(self) -> float:
        """Return the longest stall in seconds."""
        self._task.cancel()
        return self.longest


def _requests(daemon: Daemon) -> int:
    instruments = daemon.watched["bench"].instruments
    counter = instruments.counters["api_requests_total"]
    return int(
        sum(
            sample.value
            for metric in counter.collect()
            for sample in metric.samples
            if "code" in sample.labels and sample.name.endswith("_total") and sample.labels["operation"] == "jobs"
        )
    )


@dataclass(frozen=True, slots=True)
class Cost:
    """Seconds a jobs request, all else that the exporter does meanwhile included."""

    user: float
    system: float
    wall: float


async def _cost(daemon: Daemon, requests: int) -> Cost:
    """Return the cost of the next *requests*."""
    first, before, wall = _requests(daemon), resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
    while _requests(daemon) < first + requests:  # noqa: ASYNC110 - there is no event for a benchmark to wait for
        await asyncio.sleep(0.05)
    done, after = _requests(daemon) - first, resource.getrusage(resource.RUSAGE_SELF)
    return Cost(
        (after.ru_utime - before.ru_utime) / done,
        (after.ru_stime - before.ru_stime) / done,
        (time.perf_counter() - wall) / done,
    )


async def _scrapes(url: str, headers: dict[str, str]) -> tuple[list[float], int]:
    seconds, size = [], 0
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        for _ in range(SCRAPES):
            before = time.perf_counter()
            async with session.get(url, headers=headers) as response:
                size = len(await response.read())
            seconds.append(time.perf_counter() - before)
    return seconds, size


async def _series(url: str) -> int:
    name = "m365backup_exporter_snapshot_series"
    async with aiohttp.ClientSession() as session, session.get(url, params={"name[]": name}) as response:
        return int((await response.text()).rsplit(" ", 1)[1])


def _resident() -> float:
    with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123 - one line of procfs
        return int(statm.read().split()[1]) * resource.getpagesize()


async def fleet(*, tenants: int, rows_per_customer: int) -> list[Row]:
    """Poll a fleet whose pages hold *rows_per_customer* job rows, and scrape it."""
    bound_collections()
    idle = _resident()
    async with (
        _simulator(tenants, rows_per_customer) as simulator,
        running(_settings(simulator), SystemClock()) as daemon,
    ):
        first = await _cost(daemon, tenants)
        stalls = Stalls()
        later = await _cost(daemon, 3 * tenants)
        polling_stall = stalls.stop()
        gc.collect()
        url = str(daemon.addresses[0] / "metrics")
        series = await _series(url)
        memory = (_resident() - idle) / series
        stalls = Stalls()
        packed, packed_size = await _scrapes(url, {"Accept-Encoding": "gzip"})
        plain, plain_size = await _scrapes(url, {"Accept-Encoding": "identity"})
        scraping_stall = stalls.stop()
    return [
        Row("series", f"{series:,}", "200,000 and more"),
        Row(f"CPU a jobs request of {rows_per_customer} rows, first cycle", f"{first.user * 1e3:.2f} ms user"),
        Row(f"CPU a jobs request of {rows_per_customer} rows, later", f"{later.user * 1e3:.2f} ms user", "≤ 1 ms"),
        Row("system time of the same", f"{later.system * 1e3:.2f} ms"),
        Row("requests a second, simulator on the other core", f"{1 / later.wall:.0f}", "what the API allows"),
        Row("longest stall of the loop while polling", f"{polling_stall * 1e3:.0f} ms", "≤ 50 ms"),
        Row("longest stall of the loop while scraping too", f"{scraping_stall * 1e3:.0f} ms", "≤ 50 ms"),
        Row("scrape, gzip, median of 20", f"{statistics.median(packed) * 1e3:.1f} ms", "< 10 ms"),
        Row("scrape, gzip, slowest of 20", f"{max(packed) * 1e3:.1f} ms"),
        Row("scrape, plain, median of 20", f"{statistics.median(plain) * 1e3:.1f} ms"),
        Row("exposition, plain and gzip", f"{plain_size / 1e6:.1f} MB, {packed_size / 1e6:.2f} MB"),
        Row("memory a series above the idle process", f"{memory:.0f} bytes", "≤ 1024"),
    ]
