"""A served world, a clock that stands still and a client: what the tests of the simulator play on."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

from aiohttp import ClientResponse, ClientSession, web

from exporter.simulator.elements import v1_paths, v3
from exporter.simulator.server import STATISTICS, Server, build_app, serve
from exporter.simulator.statistics import Statistics
from exporter.simulator.world import World

START = 1798761600.0
"""2027-01-01T00:00:00Z."""

SEED = 7
ELEMENTS = sorted({*v3.SCOPES.values(), *v1_paths.SCOPES.values()})
V3 = "/partner/external/v3/general"


@dataclass
class StandingClock:
    """Time that passes only when someone sleeps or a test says so."""

    time: float = START
    slept: list[float] = field(default_factory=list)

    def now(self) -> float:
        """Return the time set."""
        return self.time

    async def sleep(self, seconds: float) -> None:
        """Pass the time at once."""
        self.slept.append(seconds)
        self.time += max(0.0, seconds)
        await asyncio.sleep(0)


@dataclass
class Stage:
    """A running simulator with a client that has every permission."""

    world: World
    clock: StandingClock
    server: Server
    app: web.Application
    session: ClientSession
    headers: dict[str, str] = field(default_factory=dict)

    @property
    def statistics(self) -> Statistics:
        """What the simulator was asked."""
        return self.app[STATISTICS]

    async def token(self, **form: str) -> ClientResponse:
        """Ask for a token; a field that is empty is left out."""
        fields = {
            "grant_type": "client_credentials",
            "client_id": "any",
            "client_secret": "simulated",
            "scope": "elements.jobs.read.all",
        } | form
        url = f"{self.server.base_url}/connect/token"
        return await self.session.post(url, data={name: text for name, text in fields.items() if text})

    async def sign_in(self, *scopes: str) -> None:
        """Use a token of these scopes, or the read scopes of both generations of Elements."""
        answer = await self.token(scope=" ".join(scopes or ELEMENTS))
        self.headers = {"Authorization": f"Bearer {(await answer.json())['access_token']}"}

    async def get(self, path: str, **query: str) -> ClientResponse:
        """Send a GET with the token."""
        url = f"{self.server.base_url}{path}"
        return await self.session.get(url, params=query, headers=self.headers)

    async def post(self, path: str, body: Any = None, **query: str) -> ClientResponse:
        """Send a POST to a path of v3."""
        url = f"{self.server.base_url}{V3}{path}"
        options: dict[str, Any] = {"data": body} if isinstance(body, bytes) else {"json": body or {}}
        return await self.session.post(url, params=query, headers=self.headers, **options)

    async def rows(self, path: str, body: Any = None, **query: str) -> list[dict[str, Any]]:
        """Return the rows of a page of v3."""
        answer = await self.post(path, body, **query)
        assert answer.status == 200, await answer.text()
        return list((await answer.json())["data"])

    async def value(self, path: str, **query: str) -> list[dict[str, Any]]:
        """Return the rows of a list of v1."""
        answer = await self.get(path, **query)
        assert answer.status == 200, await answer.text()
        return list((await answer.json())["value"])


def small_world(**options: Any) -> World:
    """Return the world of 40 tenants that most tests look at."""
    return World(**({"seed": SEED, "tenants": 40, "start": START} | options))


@asynccontextmanager
async def staged(world: World | None = None, **options: Any) -> AsyncIterator[Stage]:
    """Serve *world* with these options of build_app, signed in."""
    world, clock = world or small_world(), StandingClock()
    app = build_app(world, clock=clock, **options)
    server = await serve(app, "127.0.0.1", 0)
    try:
        async with ClientSession() as session:
            stage = Stage(world, clock, server, app, session)
            if not (options.get("faults") and options["faults"].token):
                await stage.sign_in()
            yield stage
    finally:
        await server.close()


def folded(row: dict[str, Any]) -> dict[str, Any]:
    """Return *row* with the names of its fields in lower case."""
    return {name.lower(): value for name, value in row.items()}
