"""The exporter as a process of its own, to be killed, and an eye on what its counters ever showed."""

import asyncio
import random
import re
import socket
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Final

import aiohttp
import orjson

ROOT: Final = Path(__file__).parent.parent.parent
SCRAPE_EVERY: Final = 0.05
PATIENCE: Final = 30.0
COUNTER: Final = re.compile(r"^(m365backup_job_\w+_total\{.*\}) (\S+)$", re.MULTILINE)
EXPECTED: Final = {"source_failed", "collector_failed"}
"""Errors that tell of the API."""
TENANT: Final = re.compile(r'tenant="([^"]*)"')


async def until(holds: Callable[[], object], what: str) -> None:
    """Wait until *holds*; fail if that takes too long."""
    deadline = time.monotonic() + PATIENCE
    while not holds():
        assert time.monotonic() < deadline, f"waited in vain until {what}"
        await asyncio.sleep(0.01)


def free_port() -> int:
    """Return a port where nobody listens and that no outgoing connection is given while the exporter is dead."""
    while True:
        port = random.SystemRandom().randrange(10_400, 32_000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port


class Exporter:
    """`m365-backup-exporter run`, started again and again on the same port and state file."""

    def __init__(self, folder: Path, *, port: int, api: str) -> None:
        self._config = folder / "config.yaml"
        self._log = folder / "exporter.log"
        self._url = f"http://127.0.0.1:{port}/metrics"
        self._process: asyncio.subprocess.Process | None = None
        self._scraping: asyncio.Task[None] | None = None
        self.counters: dict[str, float] = {}
        """What the last scrape showed of m365backup_job_*_total."""
        self.scrapes = 0
        self.opened = False
        """Whether the process was scraped."""
        self.falls: list[str] = []
        """Counters that were lower than before, or gone."""
        self._config.write_bytes(orjson.dumps(_config(port, str(folder / "state.db"), api)))

    async def start(self) -> None:
        """Start the process, and scrape it for as long as it lives."""
        self.opened = False
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                *(sys.executable, "-m", "exporter", "run", "--config", str(self._config)),
                cwd=ROOT,
                stdout=log,
                stderr=log,
            )
        self._scraping = asyncio.create_task(self._scrape(self._process))

    async def kill(self) -> None:
        """Kill it with SIGKILL; fail if it has ended by itself."""
        if self._process is None or self._scraping is None:
            return
        process, self._process = self._process, None
        ended = process.returncode
        if ended is None:
            process.kill()
        await process.wait()
        await self._scraping
        assert ended is None, f"ended by itself with {ended}, see {self._log}"

    async def scraped(self) -> None:
        """Wait for a scrape that begins after now."""
        scrapes = self.scrapes
        await until(lambda: self.scrapes >= scrapes + 2, "it is scraped")

    def counted(self, name: str) -> Counter[str]:
        """Return the last scrape's m365backup_job_*name*_total, added up by tenant."""
        counted: Counter[str] = Counter()
        for series, value in self.counters.items():
            tenant = TENANT.search(series)
            if series.startswith(f"m365backup_job_{name}_total{{") and tenant:
                counted[tenant[1]] += int(value)
        return +counted

    def errors(self) -> list[str]:
        """Return what the processes logged as errors, but for the API's failures, and all that is no event."""
        lines = self._log.read_text(encoding="utf-8").splitlines()
        events = [orjson.loads(line) if line.startswith("{") else {"level": "error", "event": line} for line in lines]
        wrong = (event for event in events if event["level"] == "error" and event["event"] not in EXPECTED)
        return [str(event) for event in wrong]

    async def _scrape(self, process: asyncio.subprocess.Process) -> None:
        connector = aiohttp.TCPConnector(force_close=True)
        async with aiohttp.ClientSession(connector=connector) as session:
            while process.returncode is None:
                try:
                    async with session.get(self._url) as response:
                        text = await response.text()
                except aiohttp.ClientError:  # not open yet, or killed while it answered
                    pass
                else:
                    assert response.status == 200
                    self._compare({series: float(value) for series, value in COUNTER.findall(text)})
                await asyncio.sleep(SCRAPE_EVERY)

    def _compare(self, counters: dict[str, float]) -> None:
        """Note what is lower than in the scrape before, or gone: what never falls was never higher."""
        self.opened = True
        self.scrapes += 1
        for series, before in self.counters.items():
            value = counters.get(series)
            if value is None or value < before:
                self.falls.append(f"scrape {self.scrapes}: {series} fell from {before} to {value}")
        self.counters = counters


def _config(port: int, state: str, api: str) -> dict[str, object]:
    """Return a configuration that asks for little but jobs, as often as is allowed."""
    rare = {"enabled": False}
    source = {
        "kind": "elements",
        "base_url": api,
        "auth": {"token_url": f"{api}/connect/token", "client_id": "test", "client_secret": "simulated"},
        "limits": {"requests_per_second": 100, "concurrency": 16},
        "collectors": {
            "tenants": {"interval": "5s"},
            "jobs": {"interval": "1s"},
            **dict.fromkeys(("subscriptions", "protection", "scan_profiles"), rare),
        },
    }
    return {
        "web": {"listen": [f"127.0.0.1:{port}"]},
        "log": {"format": "json"},
        "state": {"path": state},
        "limits": {"counter_birth_delay": "1s"},
        "sources": {"elements": source},
    }
