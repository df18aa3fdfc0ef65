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

import aiohttp

from bench.table import Row
from exporter.app import Daemon, running
from exporter.clock import SystemClock
from exporter.settings import Settings

SCRAPES = 20
INTERVAL = 45.0
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


async def _cpu_per_request(daemon: Daemon, requests: int) -> tuple[float, float]:
    """Return CPU and wall seconds a jobs request, over the next *requests* of them."""
    first, cpu, wall = _requests(daemon), time.process_time(), time.perf_counter()
    while _requests(daemon) < first + requests:  # noqa: ASYNC110 - there is no event for a benchmark to wait for
        await asyncio.sleep(0.05)
    done = _requests(daemon) - first
    return (time.process_time() - cpu) / done, (time.perf_counter() - wall) / done


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
    idle = _resident()
    async with (
        _simulator(tenants, rows_per_customer) as simulator,
        running(_settings(simulator), SystemClock()) as daemon,
    ):
        first_cpu, _ = await _cpu_per_request(daemon, tenants)
        stalls = Stalls()
        cpu, wall = await _cpu_per_request(daemon, 2 * tenants)
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
        Row(f"CPU a jobs request of {rows_per_customer} rows, first cycle", f"{first_cpu * 1e3:.2f} ms"),
        Row(f"CPU a jobs request of {rows_per_customer} rows, later cycles", f"{cpu * 1e3:.2f} ms", "≤ 1 ms"),
        Row("requests a second with nothing but CPU as limit", f"{1 / wall:.0f}"),
        Row("longest stall of the loop while polling", f"{polling_stall * 1e3:.0f} ms", "≤ 50 ms"),
        Row("longest stall of the loop while scraping too", f"{scraping_stall * 1e3:.0f} ms", "≤ 50 ms"),
        Row("scrape, gzip, median of 20", f"{statistics.median(packed) * 1e3:.1f} ms", "< 10 ms"),
        Row("scrape, gzip, slowest of 20", f"{max(packed) * 1e3:.1f} ms"),
        Row("scrape, plain, median of 20", f"{statistics.median(plain) * 1e3:.1f} ms"),
        Row("exposition, plain and gzip", f"{plain_size / 1e6:.1f} MB, {packed_size / 1e6:.2f} MB"),
        Row("memory a series above the idle process", f"{memory:.0f} bytes", "≤ 1024"),
    ]
