"""Cloud Backup for Microsoft 365 as a source: up to four collectors about one tenant."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final

from exporter.client.fields import Fields
from exporter.clock import Clock
from exporter.errors import AnswerUnreadable, NotApplicable, NotFound, PermissionMissing, ServerFailed, ValueFault
from exporter.records import Job, JobKey, Record, Run, Tenant
from exporter.source import CollectorPlan, Known, SourceObserver
from exporter.source_settings import LONGEST_LOOKBACK
from exporter.sources.cloudbackup import wire
from exporter.sources.cloudbackup.client import V2, CloudBackupApi, Question
from exporter.sources.cloudbackup.kinds import kinds

DAY: Final = 86400.0
AHEAD: Final = DAY
"""How far beyond now a window reaches: the vendor's clock is not ours."""
BEHIND: Final = 3600.0
"""How far before the last good answer a window begins: what was new then may not have been in it yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Choices:
    """What the operator chose of Cloud Backup."""

    tenant: Tenant
    lookback: float
    """Seconds that each question about jobs goes back at least."""
    unusual_lookback: float


class CloudBackupSource:
    """One app registration: one tenant."""

    kind = "cloudbackup"

    def __init__(
        self,
        api: str,
        vendor: CloudBackupApi,
        more: V2 | None,
        choices: Choices,
        plans: Sequence[CollectorPlan],
        observer: SourceObserver,
        clock: Clock,
    ) -> None:
        self.api = api
        self.plans = plans
        self._vendor = vendor
        self._more = more
        self._choices = choices
        self._observer = observer
        self._clock = clock
        self._retention: tuple[float, str | None] | None = None
        """When the retention policy was asked for, and what it says."""

    async def collect(self, collector: str, tenant: str, known: Known) -> Sequence[Record]:
        """Return the records of one collection."""
        match collector:
            case "tenants":
                return [self._choices.tenant]
            case "jobs":
                return await self._jobs(tenant, known)
            case "license":
                return await self._license(tenant)
            case "unusual_activity":
                return await self._unusual_activity(tenant)
            case "schedule":
                return await self._schedule(tenant)
            case _:
                raise AssertionError(f"no collector is called {collector}")

    def recall(self, collector: str, tenant: str, records: Sequence[Record], *, applicable: bool) -> None:
        """Nothing is learnt from answers: the ledger remembers the runs."""

    async def close(self) -> None:
        """Nothing is to be given back: tokens end by themselves."""

    async def _jobs(self, tenant: str, known: Known) -> list[Record]:
        """Ask for all jobs of a window at once; what they are about only where it is not known yet."""
        now = self._clock.now()
        news_since = min((known.answered_at or now, *known.under_way.values()))
        since = max(min(now - self._choices.lookback, news_since - BEHIND), now - LONGEST_LOOKBACK)
        since -= since % DAY  # v1 and v2 hear whole days only, and all generations should tell the same
        rows = await self._rows(Question(since=since, until=now + AHEAD))
        jobs = {row.run_id: job for row in rows if (job := known.job_of(row.run_id)) is not None}
        new = [row for row in rows if row.run_id not in jobs]
        if new:
            began = min(since if row.started_at is None else row.started_at for row in new)
            jobs |= await kinds(new, self._ids, since=min(began, now), until=now + AHEAD)
        return _latest(tenant, [(row, jobs[row.run_id]) for row in rows])

    async def runs_between(self, tenant: str, since: float, until: float) -> Sequence[Run]:
        """Return the runs that started in a window of the past; asked a day longer, as the end's day may not count."""
        rows = await self._rows(Question(since=since, until=until + AHEAD))
        begun = ((row, row.ended_at if row.started_at is None else row.started_at) for row in rows)
        rows = [row for row, at in begun if at is not None and since <= at < until]
        jobs = await kinds(rows, self._ids, since=since, until=until + AHEAD)
        return [row.run(tenant, jobs[row.run_id]) for row in rows]

    async def _rows(self, question: Question) -> list[wire.JobRow]:
        return wire.jobs(await self._vendor.jobs(question), self._observer)

    async def _ids(self, question: Question) -> Iterable[str]:
        return wire.ids(await self._vendor.jobs(question))

    async def _license(self, tenant: str) -> list[Record]:
        fields = self._entity(await self._vendor.license_consumption())
        return [wire.license_consumption(tenant, fields, await self._retention_policy())]

    async def _retention_policy(self) -> str | None:
        """Return how long backups are kept, asked for once a day; only v2 tells."""
        now = self._clock.now()
        if self._more is None or not any(plan.name == "schedule" for plan in self.plans):
            return None
        if self._retention is None or now - self._retention[0] > DAY:
            try:
                text = wire.retention(self._entity(await self._more.retention_policy()))
            except (AnswerUnreadable, NotFound, PermissionMissing, ServerFailed):  # seats matter more
                text = self._retention[1] if self._retention else None
            self._retention = (now, text)
        return self._retention[1]

    async def _unusual_activity(self, tenant: str) -> list[Record]:
        now = self._clock.now()
        if self._more is None:
            raise NotApplicable(f"api: {self.api} does not tell unusual activities", asked=False)
        rows = await self._more.unusual_activities(now - self._choices.unusual_lookback, now + AHEAD)
        return list[Record](wire.unusual_activities(tenant, rows, self._observer))

    async def _schedule(self, tenant: str) -> list[Record]:
        if self._more is None:
            raise NotApplicable(f"api: {self.api} does not tell the schedule", asked=False)
        try:
            rows = await self._more.frequency()
        except NotFound as error:  # documented since April 2026 only
            raise NotApplicable("the API does not tell the schedule", asked=True) from error
        return list[Record](wire.schedules(tenant, rows, self._observer))

    def _entity(self, answer: Any) -> Fields:
        try:
            return Fields(answer, self._observer)
        except ValueFault as error:
            raise AnswerUnreadable("the answer is not an object") from error


def _latest(tenant: str, rows: Sequence[tuple[wire.JobRow, JobKey]]) -> list[Record]:
    """Return all runs, and each job with the status of its newest run."""
    newest: dict[JobKey, wire.JobRow] = {}
    for row, job in rows:
        if job not in newest or (row.started_at or 0.0) >= (newest[job].started_at or 0.0):
            newest[job] = row
    jobs = [Job(tenant=tenant, job=job, status=row.status, outcomes=wire.OUTCOMES) for job, row in newest.items()]
    runs: list[Run] = [row.run(tenant, job) for row, job in rows]
    return [*jobs, *runs]
