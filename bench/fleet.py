"""A fleet to measure: the simulator in a process of its own, the exporter in this one."""

import asyncio
import resource
import socket
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import aiohttp

from exporter.app import Daemon
from exporter.settings import Settings


def free_port() -> int:
    """Return a port that nobody listens on just now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@asynccontextmanager
async def simulator(*options: str) -> AsyncIterator[str]:
    """Run `simulate` with *options* while the context lasts; yield its address."""
    port = free_port()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "exporter", "simulate", "--listen", f"127.0.0.1:{port}", *options),
        stdout=asyncio.subprocess.PIPE,
    )
    if process.stdout is not None:
        await process.stdout.readline()
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        await process.wait()


def config_for(url: str, *, state: str = "", listen: str = "127.0.0.1:0", **collectors: Any) -> dict[str, Any]:
    """Return a configuration that asks as fast as 8 connections can."""
    source = {
        "kind": "elements",
        "base_url": url,
        "auth": {"token_url": f"{url}/connect/token", "client_id": "bench", "client_secret": "simulated"},
        "limits": {"requests_per_second": 1000, "concurrency": 8},
        "collectors": collectors,
    }
    limits = {"counter_birth_delay": "5s"}
    return {"web": {"listen": [listen]}, "state": {"path": state}, "limits": limits, "sources": {"bench": source}}


def settings_for(url: str, **collectors: Any) -> Settings:
    """Return such settings, with a state in memory."""
    return Settings.model_validate(config_for(url, **collectors))


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

    def since_last(self) -> float:
        """Return the longest stall in seconds since this was last asked."""
        longest, self.longest = self.longest, 0.0
        return longest

    def stop(self) -> float:
        """Return the longest stall in seconds."""
        self._task.cancel()
        return self.longest


def requests_of(daemon: Daemon, operation: str) -> int:
    """Return how many requests of an operation were answered."""
    counter = daemon.watched["bench"].instruments.counters["api_requests_total"]
    samples = [sample for metric in counter.collect() for sample in metric.samples]
    return int(
        sum(each.value for each in samples if each.name.endswith("_total") and each.labels["operation"] == operation)
    )


async def series_of(url: str) -> int:
    """Return how many series are exposed."""
    name = "m365backup_exporter_snapshot_series"
    async with aiohttp.ClientSession() as session, session.get(url, params={"name[]": name}) as response:
        return int((await response.text()).rsplit(" ", 1)[1])


def resident_bytes() -> float:
    """Return the resident memory of this process."""
    with open("/proc/self/statm", encoding="ascii") as statm:  # noqa: PTH123 - one line of procfs
        return int(statm.read().split()[1]) * resource.getpagesize()
