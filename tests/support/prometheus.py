"""The system's Prometheus as a process, and what it knows."""

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiohttp

PATIENCE: Final = 60.0


def free_port() -> int:
    """Return a port nobody listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


class Prometheus:
    """A Prometheus that is asked over its own API."""

    def __init__(self, url: str, session: aiohttp.ClientSession) -> None:
        self.url = url
        self._session = session

    async def query(self, expression: str, at: float | None = None) -> list[tuple[dict[str, str], float]]:
        """Return the instant vector of *expression*, now or *at* a Unix time."""
        params = {"query": expression} if at is None else {"query": expression, "time": f"{at:.3f}"}
        async with self._session.get(f"{self.url}/api/v1/query", params=params) as response:
            answer = await response.json()
        assert answer["status"] == "success", answer
        return [(each["metric"], float(each["value"][1])) for each in answer["data"]["result"]]

    async def get(self, path: str) -> Any:
        """Return what the HTTP API says at *path*."""
        async with self._session.get(f"{self.url}/api/v1/{path}") as response:
            return (await response.json())["data"]

    async def until(self, expression: str, holds: Callable[[list[tuple[dict[str, str], float]]], bool]) -> Any:
        """Ask again until *holds*; fail if that takes too long."""
        deadline = time.monotonic() + PATIENCE
        while True:
            found = await self.query(expression)
            if holds(found):
                return found
            assert time.monotonic() < deadline, f"{expression}: {found[:5]}"
            await asyncio.sleep(0.25)

    async def ready(self) -> None:
        """Wait until it answers."""
        deadline = time.monotonic() + PATIENCE
        while True:
            try:
                async with self._session.get(f"{self.url}/-/ready") as response:
                    if response.ok:
                        return
            except aiohttp.ClientConnectionError:
                pass
            assert time.monotonic() < deadline
            await asyncio.sleep(0.1)


@asynccontextmanager
async def running_prometheus(
    folder: Path, *options: str, scrapes: tuple[dict[str, Any], ...] = ()
) -> AsyncIterator[Prometheus]:
    """Run Prometheus on the blocks in *folder*/data, if there are any, while the context lasts."""
    port = free_port()
    config = folder / "prometheus.yml"
    config.write_text(json.dumps({"scrape_configs": scrapes}), encoding="utf-8")
    process = await asyncio.create_subprocess_exec(
        *("prometheus", f"--config.file={config}", f"--storage.tsdb.path={folder / 'data'}", *options),
        *(f"--web.listen-address=127.0.0.1:{port}", "--log.level=warn"),
    )
    try:
        async with aiohttp.ClientSession() as session:
            running = Prometheus(f"http://127.0.0.1:{port}", session)
            await running.ready()
            yield running
    finally:
        process.terminate()
        await process.wait()
