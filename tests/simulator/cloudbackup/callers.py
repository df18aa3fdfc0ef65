"""A client of Cloud Backup: the app registration of one customer, and what it reads out of the three generations."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Literal

from aiohttp import ClientResponse

from exporter.simulator.cloudbackup.history import Shown
from exporter.simulator.cloudbackup.paths import SCOPES
from exporter.simulator.customers import Customer
from exporter.simulator.world import World
from tests.simulator.stage import START, Stage, folded, small_world, staged

Generation = Literal["legacy", "v1", "v2"]
GENERATIONS: tuple[Generation, ...] = ("legacy", "v1", "v2")
JOBS = {"legacy": "/cloudbackup/jobs", "v1": "/backup/m365/jobs", "v2": "/backup/m365/cloudbackupjobs"}
EPOCH = 621_355_968_000_000_000
STATES = {
    "inprogress": "in progress",
    "finished": "finished",
    "failed": "failed",
    "finishedexception": "with exception",
    "finishedwithexception": "with exception",
    "partiallyfinished": "partially",
}

Row = dict[str, Any]


@dataclass(frozen=True, slots=True)
class Fact:
    """What a row says, times cut to the second."""

    id: str
    state: str
    start: int
    finish: int | None
    counts: tuple[int, ...]
    errors: tuple[tuple[Any, ...], ...]


@dataclass(frozen=True, slots=True)
class Listed:
    """A page of runs, whatever its envelope; *body* is the answer itself."""

    body: Row
    rows: list[Row]
    total: int

    @property
    def ids(self) -> list[str]:
        """The ids in their order."""
        return [folded(row)["id"] for row in self.rows]


@dataclass
class Caller:
    """A stage with the token of a customer."""

    stage: Stage
    customer: Customer

    async def sign_in(self, client_id: str) -> None:
        """Use a token that was issued to *client_id*."""
        answer = await self.stage.token(client_id=client_id, scope=" ".join(sorted(set(SCOPES.values()))))
        self.stage.headers = {"Authorization": f"Bearer {(await answer.json())['access_token']}"}

    async def get(self, path: str, **query: str) -> ClientResponse:
        """Send a GET with the token."""
        return await self.stage.get(path, **query)

    async def read(self, path: str, **query: str) -> Any:
        """Return the body of a good answer."""
        answer = await self.get(path, **query)
        assert answer.status == 200, await answer.text()
        return await answer.json()

    async def page(self, generation: Generation = "v2", **query: str) -> Listed:
        """Return a page of runs."""
        body = await self.read(JOBS[generation], **query)
        flat = folded(body)
        around = folded(flat["metadata"]) if generation == "v2" else flat
        total = around["totalcount"] if "totalcount" in around else around["totalnumber"]
        return Listed(body, flat["data"] if generation == "v2" else flat["jobs"], total)

    async def rows(self, generation: Generation = "v2", **query: str) -> list[Row]:
        """Return the rows of all pages, from page 0 to the one that is empty."""
        found: list[Row] = []
        index = 0
        while page := (await self.page(generation, pageIndex=str(index), pageSize="100", **query)).rows:
            found += page
            index += 1
        return found

    async def ids(self, generation: Generation = "v2", **query: str) -> list[str]:
        """Return the ids on all pages."""
        return [fact(row).id for row in await self.rows(generation, **query)]


@asynccontextmanager
async def calling(
    world: World | None = None, customer: Customer | None = None, **options: Any
) -> AsyncIterator[Caller]:
    """Serve *world* with these options of build_app to the app of *customer*."""
    world = world or small_world()
    async with staged(world, **({"token_lifetime": 10**7} | options)) as stage:
        caller = Caller(stage, customer or subscribers(world)[0])
        await caller.sign_in(caller.customer.id)
        yield caller


def subscribers(world: World) -> list[Customer]:
    """Return who bought Microsoft 365 backup and has trouble with it."""
    return [each for each in world.customers(START) if each.has("Microsoft 365") and not each.quiet]


def fact(row: Row) -> Fact:
    """Return what a row of any generation says."""
    flat = folded(row)
    details = folded(flat["backupdetails"])
    counts: list[int] = [details.get(f"{name}count", details.get(f"{name}number", 0)) for name in COUNTED]
    errors = [folded(error) for error in flat["joberrors"]]
    return Fact(
        id=flat["id"],
        state=STATES[flat["state"].replace(" ", "").lower()],
        start=seconds(flat["starttime"]) or 0,
        finish=seconds(flat.get("finishtime")),
        counts=tuple(counts),
        errors=tuple((each["iserrorcode"], each["value"], each["url"], each["number"]) for each in errors),
    )


COUNTED = ("total", "failed", "successful", "skipped")


def expected(shown: Shown) -> Fact:
    """Return what a row of this run should say."""
    counts = shown.counts
    return Fact(
        id=shown.run.id,
        state=shown.state,
        start=int(shown.run.start),
        finish=None if shown.end is None else int(shown.end),
        counts=(counts.total, counts.failed, counts.successful, counts.skipped),
        errors=tuple((each.is_code, each.value, each.url, each.number) for each in shown.mishaps),
    )


def seconds(time: Any) -> int | None:
    """Return whole Unix seconds of a time of any generation."""
    if not time:
        return None
    if isinstance(time, int):
        return (time - EPOCH) // 10_000_000
    return int(datetime.fromisoformat(time).timestamp())
