"""Veeam with books, a state file and an exposition behind it, polled by hand: what lasts from one poll to the next."""

import asyncio
import re
import sqlite3
from collections.abc import AsyncIterator, Iterable, Sequence
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass, field
from typing import Any

from aioresponses import CallbackResult
from yarl import URL

from exporter.job_memory import JobMemory
from exporter.ledger import TenantLedger
from exporter.records import JobHistory, JobKey, JobTally, Record, Tenant
from exporter.shard import Shard
from exporter.source import Source
from exporter.sources.veeam.settings import VeeamSettings
from exporter.state import State
from exporter.state.database import read, write
from exporter.state.restoring import restored
from exporter.state.schema import prepare
from exporter.state.source import SourceState
from tests.sources.veeam.stage import CONTOSO, ORIGIN, Stage, at, page
from tests.state.remembering import Noting
from tests.support.sources import FakeSource
from tests.support.stage import Stage as Behind
from tests.support.stage import stage as behind
from tests.support.vendor import Answered, Asked

PLANS = VeeamSettings.model_validate(
    {"kind": "veeam", "base_url": ORIGIN, "auth": {"username": "monitor", "password": "simulated"}}
).plans()
ORGANIZATIONS, JOBS = PLANS[0], PLANS[1]


class Remembered(State):
    """A state of one source that was made elsewhere."""

    def __init__(self, source: SourceState) -> None:
        self._only = source

    def source(self, name: str) -> SourceState:  # noqa: ARG002 - there is one
        """Return it."""
        return self._only


async def nothing(collector: str, tenant: str) -> Sequence[Record]:
    """Answer nothing: answers are handed over."""
    raise AssertionError(f"{collector} {tenant} was asked")


@dataclass
class Server:
    """Jobs and sessions, selected as a real server would."""

    jobs: list[dict[str, Any]] = field(default_factory=list)
    sessions: list[dict[str, Any]] = field(default_factory=list)
    by: str = "endTime"
    """The field by which sessions are selected."""
    shows_running: bool = True
    failing: int = 0
    """How many questions about ended sessions fail before one is answered."""
    since: list[str] = field(default_factory=list)
    """From when on ended sessions were asked for."""

    def serve(self, stage: Stage, api: str) -> None:
        """Answer what a poll of v8, or a bare list of v7 and v6, asks."""
        stage.vendor.clear()
        stage.grant(api)
        stage.answer(f"{api}/Jobs", page(self.jobs) if api == "v8" else self.jobs)
        stage.answer(f"{api}/CopyJobs", page([]) if api == "v8" else [])
        for each in self.sessions:
            stage.answer(f"{api}/JobSessions/{each['id']}", each)
        stage.vendor.add(re.compile(re.escape(f"{ORIGIN}/{api}/JobSessions/") + ".*"), status=404, repeat=True)

        def select(url: URL, **_: Any) -> CallbackResult:
            stage.vendor.asked.append(Asked("GET", url.raw_path_qs))
            since = url.query.get("endTimeLowerBound")
            if since is None:
                running = [each for each in self.sessions if each["endTime"] is None]
                return CallbackResult(payload=page(running if self.shows_running else []), response_class=Answered)
            self.since.append(since)
            if self.failing:
                self.failing -= 1
                return CallbackResult(status=404, payload={}, response_class=Answered)
            over = [each for each in self.sessions if each["endTime"] is not None]
            told = [each for each in over if each[self.by][:19] >= since[:19] and each["endTime"] <= at(self.now())]
            return CallbackResult(payload=page(told), response_class=Answered)

        self.now = stage.clock.now
        pattern = re.compile(re.escape(f"{ORIGIN}/{api}/JobSessions?") + ".*")
        stage.vendor.add(pattern, callback=select, repeat=True)


@dataclass
class Watcher:
    """An exporter that watches the server, and can be started again."""

    stage: Stage
    file: sqlite3.Connection
    api: str = "v8"
    options: dict[str, Any] = field(default_factory=dict)
    server: Server = field(default_factory=Server)
    shard: Shard = field(default_factory=Shard)
    source: Source = field(init=False)
    writer: Noting = field(init=False)
    state: SourceState = field(init=False)
    behind: Behind = field(init=False)

    async def start(self) -> None:
        """Begin with what the file holds."""
        self.writer = Noting()
        contents = await asyncio.to_thread(read, self.file)
        sources = restored(contents, self.writer, self.stage.clock.now())
        self.state = sources.get("fake") or SourceState("fake", self.writer)
        self.behind = behind(
            FakeSource(nothing, PLANS), self.stage.clock, state=Remembered(self.state), birth_delay=0.0
        )
        self.behind.intake.roster.shard = self.shard
        self.source = self.stage.source(self.api, **self.options)
        await self.behind.intake.restore(PLANS)
        for tenant, kept in self.state.collected.items():
            for collector, collected in kept.items():
                self.source.recall(collector, tenant, collected.records or (), applicable=True)

    async def restart(self) -> None:
        """Stop, with all written down, and begin again."""
        await asyncio.to_thread(write, self.file, self.writer.batch)
        await self.start()

    async def discover(self, *tenants: str) -> None:
        """Hand over an answer about organizations."""
        found = [Tenant(tenant=each, name=each) for each in tenants]
        await self.behind.intake.succeeded(ORGANIZATIONS, "", found, 1.0)

    async def ask(self) -> Sequence[Record]:
        """Ask about jobs, without entering the answer."""
        self.server.serve(self.stage, self.api)
        return await self.source.collect("jobs", "", self.state.known("", "jobs"))

    async def enter(self, records: Sequence[Record]) -> None:
        """Enter an answer about jobs."""
        await self.behind.intake.succeeded(JOBS, "", records, 1.0)

    async def poll(self, *jobs: dict[str, Any], sessions: Iterable[dict[str, Any]] = (), after: float = 300) -> None:
        """Let time pass, and poll; *jobs*, if any, are the server's from now on, *sessions* are added to its own."""
        self.stage.clock.advance(after)
        self.server.jobs = list(jobs) or self.server.jobs
        self.server.sessions += sessions
        await self.enter(await self.ask())

    def ledger(self, tenant: str = CONTOSO) -> TenantLedger:
        """Return the tenant's books of jobs."""
        return self.state.books(tenant).jobs

    def memory(self, name: str, tenant: str = CONTOSO) -> JobMemory:
        """Return what is remembered of a backup job."""
        return self.ledger(tenant).jobs[JobKey("Microsoft 365", "all", "backup", name)]

    def tally(self, tenant: str = CONTOSO) -> JobTally:
        """Return the tenant's counters, all groups being one."""
        (tally,) = (each for each in self._facts(tenant) if isinstance(each, JobTally))
        return tally

    def counted(self, tenant: str = CONTOSO) -> tuple[float, float, float, float]:
        """Return how many runs, successes and failures were counted, and how many were never seen to end."""
        tally = self.tally(tenant)
        return tally.runs, tally.successes, tally.failures, tally.unobserved

    def allowed(self, tenant: str = CONTOSO) -> dict[str, float | None]:
        """Return how old the last completed run of each job may be, by name."""
        facts = self._facts(tenant)
        return {each.job.name: each.overdue_after_seconds for each in facts if isinstance(each, JobHistory)}

    def _facts(self, tenant: str) -> list[Record]:
        now = self.stage.clock.now()
        return self.ledger(tenant).facts(tenant, now, birth_delay=0.0, gaps=self.state.gaps(tenant))[0]

    async def names(self, family: str) -> set[str]:
        """Return the names of the jobs that a family is exposed of."""
        return {re.findall(r'job_name="([^"]*)"', labels)[0] for labels in await self.behind.samples(family)}


@asynccontextmanager
async def watching(
    stage: Stage, *tenants: str, api: str = "v8", collectors: dict[str, Any] | None = None
) -> AsyncIterator[Watcher]:
    """Watch these organizations, Contoso if none."""
    with closing(sqlite3.connect(":memory:", isolation_level=None, check_same_thread=False)) as file:
        await asyncio.to_thread(prepare, file)
        watcher = Watcher(stage, file, api, {} if collectors is None else {"collectors": collectors})
        await watcher.start()
        await watcher.discover(*(tenants or (CONTOSO,)))
        yield watcher
