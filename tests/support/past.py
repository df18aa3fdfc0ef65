"""A simulated past, and the command that tells of it."""

import argparse
import asyncio
import json
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Final

from aiohttp import web
from aiohttp.typedefs import Handler

from exporter import backfill
from exporter.app import outgoing_session
from exporter.simulator.cloudbackup.manners import Manners
from exporter.simulator.customers import Customer
from exporter.simulator.server import MANNERS, build_app, serve
from exporter.simulator.world import World
from tests.support.clock import FakeClock

DAY: Final = 86400.0
NOW: Final = 1_772_485_200.0


@dataclass(slots=True)
class Gate:
    """Sees every request for jobs, and may refuse them."""

    asked: list[str] = field(default_factory=list)
    closed: bool = False
    closes_after: int | None = None
    """Of how many requests the last is answered."""

    @web.middleware
    async def pass_through(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer, or refuse."""
        if "jobs" not in request.path:
            return await handler(request)
        self.asked.append(str(request.rel_url))
        if self.closed or (self.closes_after is not None and len(self.asked) > self.closes_after):
            return web.Response(status=403)
        return await handler(request)


@dataclass(slots=True, eq=False)
class Stage:
    """Some tenants of Cloud Backup, each a source, and the command's surroundings."""

    url: str
    folder: Path
    world: World
    gate: Gate
    clock: FakeClock = field(default_factory=lambda: FakeClock(NOW))
    more: dict[str, Any] = field(default_factory=dict)
    """Further sources of the configuration."""

    @property
    def customers(self) -> list[Customer]:
        """Those with a history."""
        return [each for each in self.world.customers(NOW) if each.has("Microsoft 365")][:2]

    @property
    def output(self) -> Path:
        """Where the history goes."""
        return self.folder / "history.om"

    @property
    def partial(self) -> Path:
        """Where it is kept meanwhile."""
        return self.folder / "history.om.partial"

    def source(self, number: int, **options: object) -> dict[str, Any]:
        """Return the settings of a source."""
        customer = self.customers[number]
        return {
            "kind": "cloudbackup",
            "base_url": self.url,
            "tenant": {"id": customer.id},
            "auth": {"token_url": f"{self.url}/connect/token", "client_id": customer.id, "client_secret": "simulated"},
            **options,
        }

    def config(self) -> Path:
        """Write the configuration: two tenants, and what is there more."""
        path = self.folder / "config.yaml"
        sources = {"one": self.source(0), "two": self.source(1), **self.more}
        path.write_text(json.dumps({"sources": sources}), encoding="utf-8")
        return path

    async def run(self, *arguments: str, output: bool = True) -> int:
        """Run the command in a thread of its own, as it has its own event loop; return its status."""
        parser = argparse.ArgumentParser()
        parser.add_argument("--config", type=Path)
        backfill.add_options(parser)
        given: Sequence[str] = ("--config", str(self.config()), *arguments)
        given = (*given, "--output", str(self.output)) if output else given
        return await asyncio.to_thread(backfill.backfill, parser.parse_args(given), self.clock, outgoing_session)


@asynccontextmanager
async def past(folder: Path, manners: Manners = MANNERS) -> AsyncIterator[Stage]:
    """Simulate tenants with forty days behind them while the context lasts."""
    world = World(seed=4, tenants=8, start=NOW - 40 * DAY, rows_per_customer=3)
    clock = FakeClock(NOW)
    gate = Gate()
    app = build_app(world, clock=clock, manners=manners)
    app.middlewares.insert(0, gate.pass_through)
    server = await serve(app, "127.0.0.1", 0)
    try:
        yield Stage(server.base_url, folder, world, gate, clock)
    finally:
        await server.close()
