"""A calm world with incidents, asked through the APIs of the three vendors at any time."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from exporter.simulator.cloudbackup.paths import SCOPES
from exporter.simulator.customers import Customer
from exporter.simulator.incidents import Incident, IncidentKind
from exporter.simulator.veeam.jobs import VeeamJob
from exporter.simulator.veeam.roster import jobs_of
from exporter.simulator.world import World
from tests.simulator.stage import START, V3, Stage, small_world, staged
from tests.simulator.veeam.callers import Caller

HOUR = 3600.0
DAY = 24 * HOUR
SINCE = START + 3 * DAY
UNTIL = START + 5 * DAY
BEFORE, DURING, AFTER = SINCE - 1, UNTIL - 1, UNTIL + 1

Row = dict[str, Any]


def calm_world(**options: Any) -> World:
    """Return a small world where nothing is wrong."""
    return small_world(**({"tenants": 4, "calm": True} | options))


def victim(world: World) -> Customer:
    """Return the customer that incidents strike."""
    return world.customers(START)[1]


def incident(kind: IncidentKind, customer: Customer | None = None, workload: str = "") -> Incident:
    """Return an incident of the usual interval."""
    return Incident(kind, SINCE, UNTIL, customer.id if customer else "", workload)


@dataclass
class Wire:
    """A served world and tokens of all vendors."""

    stage: Stage
    customer: Customer
    tokens: dict[str, dict[str, str]]

    async def elements_jobs(self, now: float, customer: Customer | None = None) -> list[Row]:
        """Return the rows of the jobs of a customer."""
        self.at(now, "elements")
        path = f"/customers/{(customer or self.customer).id}/avpt-products/jobs/batch"
        return await self.stage.rows(path, pageSize="100")

    async def elements(self, now: float, path: str) -> Any:
        """Return the body of an answer about the customer, of v3."""
        self.at(now, "elements")
        return await (await self.stage.get(f"{V3}/customers/{self.customer.id}{path}")).json()

    async def products(self, now: float, service: str = "Microsoft 365 services") -> Row:
        """Return the row of what the customer has bought."""
        self.at(now, "elements")
        rows = await self.stage.rows("/customers/services/batch", {"customerIds": [self.customer.id]})
        return next(each for each in rows[0]["products"] if each["service"].endswith(service))

    async def cloudbackup(self, now: float, path: str, **query: str) -> Any:
        """Return the body of a good answer to the customer's app."""
        self.at(now, "cloudbackup")
        answer = await self.stage.get(f"/backup/m365/{path}", **query)
        assert answer.status == 200, await answer.text()
        return await answer.json()

    async def cloudbackup_runs(self, now: float, since: float = SINCE) -> list[Row]:
        """Return the first 100 backups that began from *since* on and within three days of it."""
        query = {"jobType": "1", "pageSize": "100", "startTime": _iso(since), "finishTime": _iso(since + 3 * DAY)}
        return list((await self.cloudbackup(now, "cloudbackupjobs", **query))["data"])

    def veeam(self, now: float) -> Caller:
        """Return a client of Veeam, v8."""
        self.at(now, "veeam")
        return Caller(self.stage)

    async def veeam_jobs(self, now: float) -> list[Row]:
        """Return the backup jobs of the customer."""
        return await self.veeam(now).rows("/Jobs", organizationId=self.customer.id)

    async def veeam_sessions(self, now: float, since: float = SINCE) -> list[Row]:
        """Return the sessions of the customer's backup jobs that ended after *since* or are running."""
        caller = self.veeam(now)
        jobs = {each.id for each in _veeam_jobs(self.stage.world, self.customer)}
        ended = await caller.rows("/JobSessions", endTimeLowerBound=_iso(since))
        running = await caller.rows("/JobSessions", status="Running")
        return [each for each in (*ended, *running) if each["jobId"] in jobs]

    def at(self, now: float, vendor: str) -> None:
        """Let it be *now*, with the token of this vendor."""
        self.stage.clock.time = now
        self.stage.headers = self.tokens[vendor]


@asynccontextmanager
async def struck(*incidents: Incident, world: World | None = None, **options: Any) -> AsyncIterator[Wire]:
    """Serve a calm world with these incidents."""
    world = world or calm_world()
    async with staged(world.strike(*incidents), **({"token_lifetime": 10**8} | options)) as stage:
        tokens = {"elements": stage.headers}
        customer = victim(world)
        answer = await stage.token(client_id=customer.id, scope=" ".join(sorted(set(SCOPES.values()))))
        tokens["cloudbackup"] = {"Authorization": f"Bearer {(await answer.json())['access_token']}"}
        await Caller(stage).sign_in()
        tokens["veeam"] = stage.headers
        yield Wire(stage, customer, tokens)


def _veeam_jobs(world: World, customer: Customer) -> list[VeeamJob]:
    return [each for each in jobs_of(world, customer) if each.kind == "backup"]


def _iso(time: float) -> str:
    return datetime.fromtimestamp(time, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
