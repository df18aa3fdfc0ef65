"""A fleet to measure: the simulator in a process of its own, the exporter in this one."""

import asyncio
import os
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
    """Measures how late the event loop comes back to something that is due.

    The time for which the kernel says that our thread was ready and others had the processor is taken off.
    """

    def __init__(self) -> None:
        self.longest = 0.0
        self.longest_with_others = 0.0
        self._task = asyncio.create_task(self._watch())

    async def _watch(self) -> None:
        with open("/proc/thread-self/schedstat", encoding="ascii") as schedstat:  # noqa: ASYNC230, PTH123 - procfs
            while True:
                before, queued = time.perf_counter(), _queued(schedstat.fileno())
                await asyncio.sleep(0.005)
                late = time.perf_counter() - before - 0.005
                self.longest = max(self.longest, late - (_queued(schedstat.fileno()) - queued))
                self.longest_with_others = max(self.longest_with_others, late)

    def since_last(self) -> tuple[float, float]:
        """Return the longest stall in seconds since this was last asked, and the longest with nothing taken off."""
        longest = self.longest, self.longest_with_others
        self.longest = self.longest_with_others = 0.0
        return longest

    def stop(self) -> float:
        """Return the longest stall in seconds."""
        self._task.cancel()
        return self.longest


def _queued(schedstat: int) -> float:
    """Return the seconds for which a thread was ready and did not run."""
    return int(os.pread(schedstat, 100, 0).split()[1]) / 1e9


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
