"""What a scrape costs, for a fleet as customers are, polled at the default intervals."""

import asyncio
import gc
import statistics
import time

import aiohttp

from bench.fleet import Stalls, requests_of, resident_bytes, series_of, settings_for, simulator
from bench.table import Row
from exporter.app import running
from exporter.clock import SystemClock

SCRAPES = 20


async def _scrapes(url: str, coding: str) -> tuple[list[float], int]:
    seconds, size = [], 0
    async with aiohttp.ClientSession(auto_decompress=False) as session:
        for _ in range(SCRAPES):
            await asyncio.sleep(0.5)
            before = time.perf_counter()
            async with session.get(url, headers={"Accept-Encoding": coding}) as response:
                size = len(await response.read())
            seconds.append(time.perf_counter() - before)
    return seconds, size


async def scraping(*, tenants: int) -> list[Row]:
    """Collect everything of a fleet once, then scrape it while polls go on."""
    idle = resident_bytes()
    async with (
        simulator("--tenants", str(tenants)) as simulated,
        running(settings_for(simulated), SystemClock()) as daemon,
    ):
        while requests_of(daemon, "scan_profile_changes") < tenants:  # noqa: ASYNC110 - there is no event to wait for
            await asyncio.sleep(0.2)
        await asyncio.sleep(10)
        gc.collect()
        url = str(daemon.addresses[0] / "metrics")
        series = await series_of(url)
        memory = (resident_bytes() - idle) / series
        stalls = Stalls()
        packed, packed_size = await _scrapes(url, "gzip")
        plain, plain_size = await _scrapes(url, "identity")
        stall = stalls.stop()
    return [
        Row(f"scraping: series of {tenants:,} customers", f"{series:,}", "200,000 and more"),
        Row("gzip, median of 20", f"{statistics.median(packed) * 1e3:.1f} ms", "< 10 ms"),
        Row("gzip, slowest of 20", f"{max(packed) * 1e3:.1f} ms"),
        Row("plain, median of 20", f"{statistics.median(plain) * 1e3:.1f} ms"),
        Row("body, plain and gzip", f"{plain_size / 1e6:.1f} MB, {packed_size / 1e6:.2f} MB"),
        Row("longest stall of the event loop meanwhile", f"{stall * 1e3:.0f} ms", "≤ 50 ms"),
        Row("memory a series above the idle process", f"{memory:.0f} bytes", "≤ 1024"),
    ]
