"""Jobs and their sessions: which questions tell of all runs with a bounded number of requests.

A poll asks for the jobs, for the sessions under way, and for those that ended since the last good answer. What was
under way then and is in neither list is asked for by itself.
"""

from collections.abc import Iterable, Mapping, Sequence
from typing import Any, Final

import structlog

from exporter.breathing import breathing
from exporter.clock import Clock
from exporter.errors import NotFound
from exporter.records import UNDERWAY, Job, JobKey, JobSchedule, JobSettings, JobType, Record, Run
from exporter.source import Known, SourceObserver
from exporter.sources.veeam import job_wire
from exporter.sources.veeam.chains import Chain, Session, chains, is_run, last_bottleneck
from exporter.sources.veeam.client import VeeamApi
from exporter.sources.veeam.job_wire import JobRow
from exporter.sources.veeam.schedules import Schedule
from exporter.sources.veeam.words import PRODUCT, WORKLOAD

LOG: Final = structlog.get_logger("exporter.veeam")
DAY: Final = 86400.0
LONGEST: Final = 30 * DAY
"""The farthest back that sessions are asked for, however long nothing was heard."""
BEHIND: Final = 3600.0
"""How far before the last good answer a question begins: the server's clock is not ours."""
MOST_REREAD: Final = 50
"""How many sessions are asked for one by one in a poll."""
LATEST_END: Final = 7 * DAY
"""How long after its start a run of the past is expected to have ended, retries included."""
PART_OF_ID: Final = 8
"""How many characters of its id tell a job from others of the same name, if they do."""
ITEMS_EVERY: Final = DAY
"""How soon a job's items are counted again where its row does not tell whether they changed."""


class Jobs:
    """What is asked about the jobs of one server, and what is remembered between two polls."""

    def __init__(self, observer: SourceObserver, clock: Clock, *, lookback: float, items: bool) -> None:
        self._observer = observer
        self._clock = clock
        self._lookback = lookback
        self._wants_items = items
        self._bottlenecks: dict[tuple[str, JobKey], str] = {}
        """What slowed down the last run of each job of a tenant, which a question about the last hour may not tell."""
        self._items: dict[str, tuple[float, object, dict[str, int], dict[str, int]]] = {}
        """Job → when its items were counted, the version of its row then, and the numbers."""

    async def collect(self, api: VeeamApi, known: Known) -> list[Record]:
        """Return the jobs, their settings and runs of all organizations."""
        now = self._clock.now()
        rows = await self._job_rows(api)
        found = await self._sessions(api, rows, known, now)
        of_job = chains(session for session in found if is_run(session.status))
        keys = job_keys(rows)
        records: list[Record] = []
        async for row in breathing(rows):
            if row.job_id in keys:
                tenant, key = keys[row.job_id]
                items = await self._items_of(api, row, now) if self._wants_items else ({}, {})
                records += self._of_job(tenant, key, row, of_job.get(row.job_id, []), items, now)
        here = {row.job_id for row in rows}
        self._items = {job: counted for job, counted in self._items.items() if job in here}
        return records

    def recall(self, records: Sequence[Record]) -> None:
        """Learn again what slowed down the last run of each job."""
        for each in records:
            if isinstance(each, JobSettings) and each.bottleneck is not None:
                self._bottlenecks[each.tenant, each.job] = each.bottleneck

    async def runs_between(self, api: VeeamApi, tenant: str, since: float, until: float) -> list[Run]:
        """Return the runs of a tenant that started in a window of the past."""
        now = self._clock.now()
        rows = await self._job_rows(api)
        runs: list[Run] = []
        for job_id, (organization, key) in job_keys(rows).items():
            if organization == tenant:
                schedule = next(row.schedule for row in rows if row.job_id == job_id)
                # A run that began in the window may end, and be tried again, after it.
                told = await self._past(api, tenant, key, job_id, (since, min(until + LATEST_END, now + DAY)))
                found = [each for each in job_wire.sessions(told, self._observer) if is_run(each.status)]
                runs += _runs(tenant, key, chains(found).get(job_id, []), schedule, now, busy=False)
        return [run for run in runs if run.started_at is not None and since <= run.started_at < until]

    async def _past(
        self, api: VeeamApi, tenant: str, key: JobKey, job_id: str, window: tuple[float, float]
    ) -> list[Any]:
        try:
            return await api.sessions_of(job_id, *window)
        except NotFound:  # v6 may tell of backup jobs only
            LOG.warning("job_history_not_found", tenant=tenant, job_type=key.job_type, job_name=key.name)
            return []

    async def _job_rows(self, api: VeeamApi) -> list[JobRow]:
        """Return backup jobs and copy jobs, these with the schedule and organization of the job that they copy."""
        backups = job_wire.jobs(await api.jobs(), self._observer)
        by_id = {row.job_id: row for row in backups}
        copies = job_wire.copy_jobs(await api.copy_jobs(), self._observer)
        return [*backups, *(job_wire.completed(row, by_id.get(row.source_job or "")) for row in copies)]

    async def _sessions(self, api: VeeamApi, rows: Sequence[JobRow], known: Known, now: float) -> list[Session]:
        """Return the sessions that may be news."""
        running = job_wire.sessions(await api.running_sessions(), self._observer)
        # Asked afterwards: what ends between the two questions is in the second answer.
        since = self._since(rows, known, now)
        ended = job_wire.sessions(await api.sessions_since(since), self._observer)
        seen = {session.session_id for session in (*running, *ended)}
        missing = sorted(run_id for run_id in known.under_way if run_id not in seen)[:MOST_REREAD]
        reread = [session for each in missing for session in await self._reread(api, each)]
        return [*running, *ended, *reread]

    def _since(self, rows: Iterable[JobRow], known: Known, now: float) -> float:
        """Return from when on ended sessions are asked for.

        What is under way may have begun long ago, and some servers select by the beginning: so far back it goes, but no
        farther than the lookback, as what hangs for weeks must not make every poll ask for weeks.
        """
        began = [row.started_at for row in rows if row.status in UNDERWAY and row.started_at is not None]
        oldest = min((*began, *known.under_way.values()), default=now)
        news = now if known.answered_at is None else known.answered_at - BEHIND
        if known.answered_at is None or known.newcomers:
            news = min(news, now - self._lookback)
        return max(min(news, max(oldest - 1.0, now - self._lookback)), now - LONGEST)

    async def _reread(self, api: VeeamApi, session_id: str) -> list[Session]:
        try:
            return job_wire.sessions([await api.session(session_id)], self._observer)
        except NotFound:  # its history was cleaned up: the ledger gives it up in time
            return []

    def _of_job(
        self,
        tenant: str,
        key: JobKey,
        row: JobRow,
        of_job: Sequence[Chain],
        items: tuple[Mapping[str, int], Mapping[str, int]],
        now: float,
    ) -> list[Record]:
        runs = _runs(tenant, key, of_job, row.schedule, now, busy=row.status in UNDERWAY)
        bottleneck = last_bottleneck(of_job) or self._bottlenecks.get((tenant, key))
        if bottleneck is not None:
            self._bottlenecks[tenant, key] = bottleneck
        job = Job(
            tenant=tenant,
            job=key,
            status="running" if runs and runs[-1].status in UNDERWAY else present_status(row),
            outcomes=("successful",),
            size_known=True,
            retries_known=True,
            started_at=row.started_at,
            completed_at=row.completed_at,
        )
        settings = JobSettings(
            tenant=tenant,
            job=key,
            enabled=row.enabled,
            next_run_at=row.next_run_at if row.enabled is not False else None,
            schedule=row.schedule.words if row.schedule else None,
            backup_type=row.backup_type,
            bottleneck=bottleneck,
            selected=items[0],
            excluded=items[1],
        )
        return [job, *runs, settings, *_schedule(tenant, key, row.schedule)]

    async def _items_of(self, api: VeeamApi, row: JobRow, now: float) -> tuple[dict[str, int], dict[str, int]]:
        """Return how many items of each type a backup job was told to back up and to leave out."""
        if row.job_type != "backup":
            return {}, {}
        counted = self._items.get(row.job_id)
        if counted is None or now - counted[0] > ITEMS_EVERY or counted[1] != row.version:
            try:
                selected, excluded = [
                    job_wire.items(await api.items(row.job_id, which), self._observer)
                    for which in ("SelectedItems", "ExcludedItems")
                ]
            except NotFound:  # the job has just gone
                return {}, {}
            counted = self._items[row.job_id] = (now, row.version, selected, excluded)
        return counted[2], counted[3]


def job_keys(rows: Sequence[JobRow]) -> dict[str, tuple[str, JobKey]]:
    """Return tenant and key of each job whose organization is known; equal names of a tenant get a part of the id."""
    alike: dict[tuple[str, JobType, str], list[str]] = {}
    for row in rows:
        if row.organization is not None:
            alike.setdefault((row.organization, row.job_type, row.name), []).append(row.job_id)
    found: dict[str, tuple[str, JobKey]] = {}
    for (organization, job_type, name), ids in alike.items():
        length = PART_OF_ID if len({job_id[:PART_OF_ID] for job_id in ids}) == len(ids) else None
        for job_id in ids:
            told = name if len(ids) == 1 else f"{name} #{job_id[:length]}"
            found[job_id] = organization, JobKey(PRODUCT, WORKLOAD, job_type, told)
    return found


def present_status(row: JobRow) -> str:
    """Return the job's status now; switching a job off hides how its last run ended."""
    if row.enabled is False and row.status not in UNDERWAY:
        return "disabled"
    if row.status is None:
        return "not_started" if row.started_at is None else "none"
    return row.status


def _runs(
    tenant: str, key: JobKey, of_job: Sequence[Chain], schedule: Schedule | None, now: float, *, busy: bool
) -> list[Run]:
    """Return the run of each chain; only the newest can still be tried again."""
    runs = []
    for chain in of_job:
        newest = chain is of_job[-1]
        status = chain.status(schedule, now, busy=busy) if newest else chain.last.status
        runs.append(chain.run(tenant, key, status))
    return runs


def _schedule(tenant: str, key: JobKey, schedule: Schedule | None) -> list[JobSchedule]:
    if schedule is None:
        return []
    interval, gap = schedule.interval_seconds, schedule.longest_gap_seconds
    return [JobSchedule(tenant=tenant, job=key, interval_seconds=interval, longest_gap_seconds=gap)]
