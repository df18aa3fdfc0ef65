"""Many who ask at once, and some who never listen, while the daemon polls."""

import asyncio
import socket
import time
from collections import Counter
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, closing
from itertools import cycle, islice

import aiohttp
import pytest
from yarl import URL

from exporter.app import Daemon, running
from exporter.clock import SystemClock
from exporter.settings import Settings
from exporter.simulator.server import build_app, serve
from exporter.simulator.world import World

REQUESTS = 2000
AT_ONCE = 50
DEAF = 30
PATHS = (
    *("/", "/?q=contoso&sort=-age", "/?page=2&sort=name", "/sd", "/config", "/-/healthy", "/-/ready"),
    *("/metrics", "/metrics?exclude=tenants", "/metrics?name[]=m365backup_tenant_info"),
)

pytestmark = pytest.mark.timeout(120)


@asynccontextmanager
async def polling() -> AsyncIterator[Daemon]:
    """Run a daemon that asks about a dozen tenants all the time."""
    clock = SystemClock()
    world = World(seed=5, tenants=12, start=clock.now() - 86400.0, pace=1000.0)
    server = await serve(build_app(world, clock=clock), "127.0.0.1", 0)
    elements = {
        "kind": "elements",
        "base_url": server.base_url,
        "auth": {"token_url": f"{server.base_url}/connect/token", "client_id": "test", "client_secret": "simulated"},
        "limits": {"requests_per_second": 100, "concurrency": 4},
        "collectors": {name: {"interval": "1s"} for name in ("tenants", "jobs")},
    }
    web = {"listen": ["127.0.0.1:0"]}
    settings = Settings.model_validate({"web": web, "state": {"path": ""}, "sources": {"elements": elements}})
    try:
        async with running(settings, clock) as daemon:
            while not daemon.watched["elements"].intake.watched():  # noqa: ASYNC110 - it tells nobody
                await asyncio.sleep(0.05)
            yield daemon
    finally:
        await server.close()


async def visit(session: aiohttp.ClientSession, url: URL, paths: list[str]) -> Counter[tuple[str, int]]:
    """Ask for one path after the other; return how often each was answered with which status."""
    seen: Counter[tuple[str, int]] = Counter()
    for path in paths:
        async with session.get(url.join(URL(path))) as response:
            await response.read()
            seen[path.partition("?")[0], response.status] += 1
    return seen


async def test_two_thousand_requests() -> None:
    """Of 2,000 requests for every page, 50 at once while polls run, none fails, and the polls go on."""
    async with polling() as daemon, aiohttp.ClientSession() as session:
        tenants = daemon.watched["elements"].intake.watched()
        paths = [*PATHS, *(f"/probe?source=elements&tenant={tenant}" for tenant in tenants[:5])]
        asked = list(islice(cycle(paths), REQUESTS))
        before = polls(daemon)

        visits = [visit(session, daemon.addresses[0], asked[number::AT_ONCE]) for number in range(AT_ONCE)]
        seen = sum(await asyncio.gather(*visits), Counter[tuple[str, int]]())

        assert {status for _, status in seen} == {200}
        assert seen.total() == REQUESTS
        assert polls(daemon) > before


async def test_deaf_clients() -> None:
    """Clients that ask for everything and read nothing, or never end their question, hold up nobody else."""
    async with polling() as daemon, AsyncExitStack() as stack:
        url, loop = daemon.addresses[0], asyncio.get_running_loop()
        for question in (b"GET /metrics HTTP/1.1\r\nHost: x\r\n\r\n" * 50, b"GET /metrics HTTP/1.1\r\nHost: x\r\nX-A:"):
            for _ in range(DEAF):
                deaf = stack.enter_context(closing(socket.socket()))
                deaf.settimeout(0)
                deaf.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
                await loop.sock_connect(deaf, (url.host, url.port))
                await loop.sock_sendall(deaf, question)
        before, began = polls(daemon), time.monotonic()

        async with aiohttp.ClientSession() as session:
            seen = await visit(session, url, [*PATHS] * 5)

        assert {status for _, status in seen} == {200}
        assert time.monotonic() - began < 5
        assert polls(daemon) > before


def polls(daemon: Daemon) -> float:
    """Return how many requests the vendor was asked."""
    return sum(
        sample.value
        for family in daemon.watched["elements"].instruments.registry.collect()
        for sample in family.samples
        if sample.name == "m365backup_api_requests_total"
    )
