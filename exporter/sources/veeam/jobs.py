"""Jobs and their sessions: which questions tell of all runs with a bounded number of requests.

A poll asks for the jobs, for the sessions under way, and for those that ended since the last good answer. What was
under way then and is in neither list is asked for by itself.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, Final, NamedTuple, TypeVar

import structlog

from exporter.breathing import breathing
from exporter.clock import Clock
from exporter.errors import ServerFailed
from exporter.records import UNDERWAY, Job, JobKey, JobSchedule, JobSettings, JobType, Record, Run
from exporter.source import Known, SourceObserver
from exporter.source_settings import LONGEST_LOOKBACK
from exporter.sources.veeam import job_wire
from exporter.sources.veeam.chains import Chain, Session, chains, is_run, newest_ended
from exporter.sources.veeam.client import UNTOLD, VeeamApi
from exporter.sources.veeam.job_wire import JobRow
from exporter.sources.veeam.schedules import Schedule
from exporter.sources.veeam.words import PRODUCT, WORKLOAD

LOG: Final = structlog.get_logger("exporter.veeam")
Row = TypeVar("Row")
DAY: Final = 86400.0
BEHIND: Final = 3600.0
"""How far before the last good answer a question begins, unless the lookback is shorter: the server's clock is not
ours."""
MOST_REREAD: Final = 50
"""How many sessions are asked for one by one in a poll."""
AT_ONCE: Final = 100
"""How many rows are read between two looks at the clock."""
PART_OF_ID: Final = 8
"""How many characters of its id tell a job from others of the same name, if they do."""
ITEMS_EVERY: Final = DAY
"""How soon a job's items are counted again."""
MOST_COUNTED: Final = 20
"""How many jobs' items are counted in a poll."""


class Items(NamedTuple):
    """How many items of each type a job was told to back up and to leave out, and when they were counted."""

    selected: Mapping[str, int]
    excluded: Mapping[str, int]
    counted_at: float = float("-inf")


NO_ITEMS: Final = Items({}, {})


class Jobs:
    """What is asked about the jobs of one server, and what is remembered between two polls."""

    def __init__(self, observer: SourceObserver, clock: Clock, *, lookback: float, items: bool) -> None:
        self._observer = observer
        self._clock = clock
        self._lookback = lookback
        self._wants_items = items
        self._bottlenecks: dict[str, str | None] = {}
        """What slowed down the last run of each job, which a question about the last hour may not tell."""
        self._items: dict[str, Items] = {}
        self._keys: dict[str, tuple[str, JobKey]] = {}
        """Tenant and key of each job in the last answer, by its id: a job that is renamed is still the same."""
        self._began: dict[str, float] = {}
        """When the runs began that were under way by the jobs' own word in the last answer."""

    async def collect(self, api: VeeamApi, known: Known) -> list[Record]:
        """Return the jobs, their settings and runs of all organizations."""
        rows = await job_rows(api, self._observer)
        now = self._clock.now() + api.ahead_seconds()
        found = await self._sessions(api, rows, known, now)
        of_job: dict[str, list[Session]] = {}
        for session in found:
            if is_run(session.status):
                of_job.setdefault(session.job_id, []).append(session)
        keys = job_keys(rows)
        if self._wants_items:
            await self._count_items(api, [row.job_id for row in rows if row.job_type == "backup"], now)
        records: list[Record] = []
        async for row in breathing(rows):
            if row.job_id in keys:
                its = chains(of_job.get(row.job_id, ()))
                # What is left of a run at the edge of the question is before our time, unless we know the run.
                whole = [each for each in its if each.whole or known.job_of(each.run_id) is not None]
                records += self._of_job(keys[row.job_id], row, whole, now)
        self._keys, self._began = keys, _under_way(rows)
        self._bottlenecks = {job: what for job, what in self._bottlenecks.items() if job in keys}
        self._items = {job: items for job, items in self._items.items() if job in keys}
        return records

    def recall(self, records: Sequence[Record]) -> None:
        """Learn again what was known of each job."""
        for each in records:
            if isinstance(each, JobSettings) and each.vendor_id is not None:
                self._keys[each.vendor_id] = each.tenant, each.job
                self._bottlenecks[each.vendor_id] = each.bottleneck
                if each.under_way_since is not None:
                    self._began[each.vendor_id] = each.under_way_since
                if self._wants_items:
                    self._items[each.vendor_id] = Items(each.selected, each.excluded)

    async def _sessions(self, api: VeeamApi, rows: Sequence[JobRow], known: Known, now: float) -> list[Session]:
        """Return the sessions that may be news."""
        told = await api.running_sessions()
        # Asked afterwards: what ends between the two questions is in the second answer.
        told += await api.sessions_since(self._since(rows, known, now))
        found = await _read(told, job_wire.sessions, self._observer)
        seen = {session.session_id for session in found}
        missing = sorted(run_id for run_id in known.under_way if run_id not in seen)[:MOST_REREAD]
        for session_id in missing:
            found += await self._reread(api, session_id)
        return found

    def _since(self, rows: Iterable[JobRow], known: Known, now: float) -> float:
        """Return from when on ended sessions are asked for.

        What is under way may have begun long ago, and some servers select by the beginning: so far back it goes, but no
        farther than the lookback, as what hangs for weeks must not make every poll ask for weeks.
        """
        # Once more after their end: a server that selects by the beginning may have hidden them until then.
        began = (*_under_way(rows).values(), *self._began.values())
        oldest = min((*began, *known.under_way.values()), default=now)
        ahead = now - self._clock.now()
        news = now if known.answered_at is None else known.answered_at + ahead - min(BEHIND, self._lookback)
        if known.answered_at is None or known.newcomers:
            news = min(news, now - self._lookback)
        return max(min(news, max(oldest - 1.0, now - self._lookback)), now - LONGEST_LOOKBACK)

    async def _reread(self, api: VeeamApi, session_id: str) -> list[Session]:
        try:
            return job_wire.sessions([await api.session(session_id)], self._observer)
        except (*UNTOLD, ServerFailed):  # perhaps its history was cleaned up: the ledger gives it up in time
            return []

    def _of_job(
        self,
        place: tuple[str, JobKey],
        row: JobRow,
        of_job: Sequence[Chain],
        now: float,
    ) -> list[Record]:
        tenant, key = place
        runs = runs_of(place, of_job, row, now)
        items = self._items.get(row.job_id, NO_ITEMS)
        newest = newest_ended(of_job)
        if newest is not None:
            self._bottlenecks[row.job_id] = newest.bottleneck
        former = self._keys.get(row.job_id, place)
        job = Job(
            tenant=tenant,
            job=key,
            status="running" if runs and runs[-1].status in UNDERWAY else present_status(row),
            formerly=former[1] if former[0] == tenant and former != place else None,
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
            bottleneck=self._bottlenecks.get(row.job_id),
            vendor_id=row.job_id,
            under_way_since=row.started_at if row.status in UNDERWAY else None,
            selected=items.selected,
            excluded=items.excluded,
        )
        return [job, *runs, settings, *_schedule(tenant, key, row.schedule)]

    async def _count_items(self, api: VeeamApi, jobs: Sequence[str], now: float) -> None:
        """Count the items of some jobs: those never counted first, then those counted a day ago or more."""
        age = {job: now - self._items.get(job, NO_ITEMS).counted_at for job in jobs}
        oldest = sorted((job for job in jobs if age[job] > ITEMS_EVERY), key=lambda job: -age[job])
        for job in oldest[:MOST_COUNTED]:
            selected, excluded, _ = self._items.get(job, NO_ITEMS)
            try:
                selected = job_wire.items(await api.items(job, "SelectedItems"), self._observer)
                excluded = job_wire.items(await api.items(job, "ExcludedItems"), self._observer)
            except (*UNTOLD, ServerFailed) as error:  # the job may have just gone; its turn comes again
                LOG.info("job_items_not_told", vendor_id=job, error=str(error))
            self._items[job] = Items(selected, excluded, now)


def _under_way(rows: Iterable[JobRow]) -> dict[str, float]:
    """Return when the runs began that are under way by the jobs' own word."""
    return {row.job_id: row.started_at for row in rows if row.status in UNDERWAY and row.started_at is not None}


async def job_rows(api: VeeamApi, observer: SourceObserver) -> list[JobRow]:
    """Return backup jobs and copy jobs, these with the schedule and organization of the job that they copy."""
    backups = await _read(await api.jobs(), job_wire.jobs, observer)
    by_id = {row.job_id: row for row in backups}
    copies = await _read(await api.copy_jobs(), job_wire.copy_jobs, observer)
    return [*backups, *(job_wire.completed(row, by_id.get(row.source_job or "")) for row in copies)]


async def _read(
    rows: list[Any], read: Callable[[list[Any], SourceObserver], list[Row]], observer: SourceObserver
) -> list[Row]:
    """Read rows, without holding up the event loop: there may be tens of thousands."""
    found: list[Row] = []
    async for place in breathing(range(0, len(rows), AT_ONCE)):
        found += read(rows[place : place + AT_ONCE], observer)
    return found


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


def runs_of(place: tuple[str, JobKey], of_job: Sequence[Chain], row: JobRow, now: float) -> list[Run]:
    """Return the run of each chain; only the newest can still be tried again, and not if the job is switched off."""
    runs = []
    for chain in of_job:
        status = chain.last.status
        if chain is of_job[-1] and row.enabled is not False:
            status = chain.status(row.schedule, now, busy=row.status in UNDERWAY)
        runs.append(chain.run(*place, status))
    return runs


def _schedule(tenant: str, key: JobKey, schedule: Schedule | None) -> list[JobSchedule]:
    if schedule is None:
        return []
    interval, gap = schedule.interval_seconds, schedule.longest_gap_seconds
    return [JobSchedule(tenant=tenant, job=key, interval_seconds=interval, longest_gap_seconds=gap)]
