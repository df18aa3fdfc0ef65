"""A client of Veeam: a person's name and password, one version, and what it reads out of it."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, Literal

from aiohttp import ClientResponse

from exporter.simulator.customers import Customer
from exporter.simulator.veeam.manners import VeeamManners
from exporter.simulator.world import World
from tests.simulator.stage import START, Stage, small_world, staged

Version = Literal["v6", "v7", "v8"]
VERSIONS: tuple[Version, ...] = ("v6", "v7", "v8")

DAY = 86400.0
NOW = START + 3.3 * DAY
"""The time of most tests: the world has lived a few days."""

NOBODY = "00000000-0000-0000-0000-000000000000"

Row = dict[str, Any]


@dataclass
class Caller:
    """A stage with a token of Veeam."""

    stage: Stage
    version: Version = "v8"

    @property
    def world(self) -> World:
        """The world that is served."""
        return self.stage.world

    async def token(self, version: str | None = None, **form: str) -> ClientResponse:
        """Ask for a token; a field that is empty is left out."""
        fields = {
            "grant_type": "password",
            "username": "CONTOSO\\monitor",
            "password": "simulated",
            "disable_antiforgery_token": "true",
        } | form
        url = f"{self.stage.server.base_url}/{version or self.version}/Token"
        return await self.stage.session.post(url, data={name: text for name, text in fields.items() if text})

    async def sign_in(self, version: Version = "v8") -> None:
        """Use a token of this version."""
        self.version = version
        body = await (await self.token()).json()
        self.stage.headers = {"Authorization": f"Bearer {body['access_token']}"}

    async def get(self, path: str, **query: str) -> ClientResponse:
        """Send a GET with the token."""
        return await self.stage.get(f"/{self.version}{path}", **query)

    async def read(self, path: str, **query: str) -> Any:
        """Return the body of a good answer."""
        answer = await self.get(path, **query)
        assert answer.status == 200, await answer.text()
        return await answer.json()

    async def rows(self, path: str, **query: str) -> list[Row]:
        """Return the rows of a list or of the first page that is as large as can be."""
        body = await self.read(path, **{"limit": "10000"} | query)
        return list(body if isinstance(body, list) else body["results"])

    async def walk(self, path: str, limit: int, **query: str) -> list[Row]:
        """Return the rows of all pages of a size."""
        rows: list[Row] = []
        while True:
            page = await self.read(path, limit=str(limit), offset=str(len(rows)), **query)
            rows += page["results"]
            if len(page["results"]) < page["limit"]:
                return rows


@asynccontextmanager
async def calling(
    world: World | None = None, version: Version = "v8", manners: VeeamManners | None = None, **options: Any
) -> AsyncIterator[Caller]:
    """Serve *world* with these manners and options of build_app to a client of *version*."""
    options = {"token_lifetime": 10**8, "veeam": manners or VeeamManners()} | options
    async with staged(world or small_world(), **options) as stage:
        stage.clock.time = NOW
        caller = Caller(stage, version)
        if options.get("faults") is None:
            await caller.sign_in(version)
        yield caller


def organizations(world: World, now: float = NOW) -> list[Customer]:
    """Return the organizations of the server."""
    return [each for each in world.customers(now) if each.has("Microsoft 365")]


def seconds(time: str | None) -> float:
    """Return Unix seconds of a time that is there."""
    assert time is not None
    return datetime.fromisoformat(time).timestamp()


def iso(time: float) -> str:
    """Return Unix seconds as a filter wants them."""
    return datetime.fromtimestamp(time, UTC).isoformat().replace("+00:00", "Z")


def linked(row: Row, name: str) -> str:
    """Return the id at the end of a link of a row."""
    return str(row["_links"][name]["href"].rsplit("/", 1)[1])
