"""The exporter's web application on a port of its own, and a client that adds no header by itself."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from aiohttp import ClientSession

from exporter.metrics.exposition import Exposition
from exporter.metrics.snapshot import Snapshot
from exporter.web.app import web_app
from exporter.web.inbound import InboundRunner
from exporter.web.view import Overview
from tests.metrics.facts import facts, publish
from tests.web.views import overview


@dataclass(slots=True, eq=False)
class Answer:
    """What came back."""

    status: int
    headers: dict[str, str]
    body: bytes


@dataclass(slots=True, eq=False)
class Site:
    """The application's surroundings, to be changed by a test."""

    snapshot: Snapshot = field(default_factory=Snapshot)
    unhealthy: str | None = None
    unready: str | None = None
    sources: set[str] = field(default_factory=lambda: {"s"})
    overview: Overview = field(default_factory=overview)
    looks: int = 0
    """How often it was looked at everything."""
    port: int = 0
    open_connections: Callable[[], int] = int
    unsent_bytes: Callable[[], int] = int
    """How much the server holds in the buffers of its connections."""

    async def look(self) -> Overview:
        """Return what there is to see."""
        self.looks += 1
        return self.overview

    async def configuration(self) -> str:
        """Return a configuration."""
        return "web:\n  listen: []\n"

    async def ask(self, path: str, *headers: tuple[str, str], method: str = "GET") -> Answer:
        """Send a request with just these headers, and return the answer as it was sent."""
        async with (
            ClientSession(auto_decompress=False, skip_auto_headers=["Accept", "Accept-Encoding"]) as session,
            session.request(method, f"http://127.0.0.1:{self.port}{path}", headers=headers) as response,
        ):
            return Answer(response.status, dict(response.headers), await response.read())


@asynccontextmanager
async def open_site(most: int = 100, tls: ssl.SSLContext | None = None) -> AsyncIterator[Site]:
    """Serve one tenant of one source while the context lasts, to no more than *most* connections."""
    site = Site()
    publish(site.snapshot, "s", "t1", "jobs", facts("t1"))
    app = web_app(
        Exposition(site.snapshot),
        healthy=lambda: site.unhealthy,
        ready=lambda: site.unready,
        look=site.look,
        is_source=lambda name: name in site.sources,
        configuration=site.configuration,
    )
    runner = InboundRunner(app, most=most)
    await runner.setup()
    try:
        await runner.listen("127.0.0.1", 0, tls)
        site.port = runner.addresses[0][1]
        inbound = runner.server
        assert inbound is not None
        site.open_connections = lambda: len(inbound.connections)
        site.unsent_bytes = lambda: sum(
            each.transport.get_write_buffer_size()
            for each in inbound.connections
            if isinstance(each.transport, asyncio.Transport)
        )
        yield site
    finally:
        await runner.cleanup()
