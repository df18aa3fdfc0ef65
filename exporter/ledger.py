"""Runs → counters, exactly once each; and what must be remembered of jobs and profiles.

Pure: time is an argument, nothing is read or written elsewhere. The rules, each for a reason:

* A run counts when it is first seen ended; a run that had already ended when its tenant was first
  seen is remembered only, or every start of the exporter would invent a day of failures.
* All counters of a (product, workload, job_type) begin at 0 when it is first seen. A counter shows 0
  until `birth_delay` has passed since its birth, whatever it counted meanwhile, because Prometheus'
  ``increase()`` does not see the first value of a series as an increase.
* An answer may come twice, late or out of order: nothing is counted again and no time goes back.
* What a run was is forgotten once it cannot come back; `JobMemory.forgotten_before` remembers that.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from exporter.records import (
    COMPLETED,
    ENDED,
    FAILURES,
    TIMED,
    UNDERWAY,
    AbandonedJobs,
    Job,
    JobHistory,
    JobKey,
    JobTally,
    JobType,
    Outcome,
    Record,
    Run,
)

DAY: Final = 86400.0
ABANDONED_AFTER: Final = 30 * DAY
OVERDUE_AFTER: Final = 26 * 3600.0
"""Where no schedule is known: a daily backup with two hours of grace."""
REMEMBER_RUNS: Final = 2 * DAY
"""How long a run that is no longer shown is expected to be able to return in a late answer."""

RESTING: Final = frozenset(
    {"success", "none", "disabled", "not_started", "not_configured", "not_scanned", "skipped", "disconnected"}
)
"""Statuses of a job without any run that promise none either: placeholders of unused workloads."""


class Group(NamedTuple):
    """What counters are kept for."""

    product: str
    workload: str
    job_type: JobType


@dataclass(slots=True)
class Tally:
    """The true counts of a group, with the birth of each of its series."""

    born: float
    runs: int = 0
    successes: int = 0
    failures: int = 0
    warnings: int = 0
    unobserved: int = 0
    duration_sum: float = 0.0
    duration_count: int = 0
    objects: Counter[Outcome] = field(default_factory=Counter)
    objects_born: float | None = None
    size_bytes: float = 0.0
    size_born: float | None = None


@dataclass(slots=True)
class SeenRun:
    """A run that is known; one that ended has been counted or need not be."""

    job: JobKey
    state: Literal["open", "ended", "lost"]
    """``lost``: its end was never shown; should it be after all, the run counts then."""
    order: float
    """When it started, or when it was first seen if the vendor does not say."""
    seen_at: float


@dataclass(slots=True)
class JobMemory:
    """All that is remembered of one job."""

    first_seen: float
    seen_at: float = float("-inf")
    """When the vendor last showed the job."""
    status: str = "none"
    """The status shown, underway or ended."""
    ended_status: str | None = None
    started_at: float | None = None
    ended_order: float = float("-inf")
    ended_at: float | None = None
    succeeded_at: float | None = None
    completed_at: float | None = None
    duration_seconds: float | None = None
    size_bytes: float | None = None
    objects: dict[Outcome, int] | None = None
    forgotten_before: float = float("-inf")
    """The start of the newest run that was forgotten."""

    def since(self) -> float:
        """Return when the job last started, or was first seen if it never did."""
        return self.started_at if self.started_at is not None else self.first_seen


@dataclass(slots=True)
class TenantLedger:
    """The books of one tenant of one source."""

    observed: bool = False
    """Whether its jobs have been answered for at least once."""
    tallies: dict[Group, Tally] = field(default_factory=dict)
    jobs: dict[JobKey, JobMemory] = field(default_factory=dict)
    runs: dict[str, SeenRun] = field(default_factory=dict)
    present: dict[JobKey, str] = field(default_factory=dict)
    """Jobs of the newest answer with their status."""

    def observe(self, records: Iterable[Record], now: float) -> None:
        """Enter one complete answer about the tenant's jobs."""
        records = list(records)
        jobs = [record for record in records if isinstance(record, Job)]
        runs = sorted((record for record in records if isinstance(record, Run)), key=_order)
        self.present = {job.job: job.status for job in jobs}
        for job in jobs:
            self._meet(job, now)
        for run in runs:
            self._enter(run, now)
        self._give_up(runs, now)
        for job in jobs:
            memory = self.jobs[job.job]
            hidden = job.status in UNDERWAY and memory.ended_status is not None
            memory.status = memory.ended_status if hidden and memory.ended_status else job.status
            memory.seen_at = now
        self.observed = True
        self._dismiss(now)
        if len(self.runs) > 4 * len(self.jobs) + 16:
            self._forget(now)

    def _meet(self, job: Job, now: float) -> None:
        """See to it that the job is remembered and, unless disabled, counted from 0."""
        self.jobs.setdefault(job.job, JobMemory(first_seen=now))
        if job.status != "disabled":
            self._tally(job.job, now, objects=job.counts_known, size=job.size_known)

    def _tally(self, job: JobKey, now: float, *, objects: bool, size: bool) -> Tally:
        group = Group(job.product, job.workload, job.job_type)
        tally = self.tallies.setdefault(group, Tally(born=now))
        if objects and tally.objects_born is None:
            tally.objects_born = now
        if size and tally.size_born is None:
            tally.size_born = now
        return tally

    def _enter(self, run: Run, now: float) -> None:
        memory = self.jobs.setdefault(run.job, JobMemory(first_seen=now))
        known = self.runs.get(run.run_id)
        if run.started_at is not None:
            memory.started_at = max(run.started_at, memory.started_at or run.started_at)
        if known is not None:
            known.seen_at = now
        if run.status not in ENDED:
            if known is None:
                self.runs[run.run_id] = SeenRun(run.job, "open", _order(run, now), seen_at=now)
            return
        if known is not None and known.state == "ended":
            return
        self.runs[run.run_id] = SeenRun(run.job, "ended", _order(run, now), seen_at=now)
        forgotten = _order(run) <= memory.forgotten_before
        if known is not None or (self.observed and not forgotten):
            self._count(run, now)
        _remember_end(memory, run, now)

    def _count(self, run: Run, now: float) -> None:
        tally = self._tally(run.job, now, objects=run.objects is not None, size=run.size_bytes is not None)
        tally.runs += 1
        tally.successes += run.status == "success"
        tally.failures += run.status in FAILURES
        tally.warnings += run.status == "warning"
        if run.status in TIMED and run.duration_seconds is not None:
            tally.duration_sum += run.duration_seconds
            tally.duration_count += 1
        tally.objects.update(run.objects or {})
        tally.size_bytes += run.size_bytes or 0.0

    def _give_up(self, runs: Sequence[Run], now: float) -> None:
        """Count the runs under way that are no longer shown although a newer one of their job is."""
        newest = {run.job: _order(run, now) for run in runs}
        shown = {run.run_id for run in runs}
        for run_id, seen in self.runs.items():
            if seen.state != "open" or run_id in shown:
                continue
            if newest.get(seen.job, float("-inf")) > seen.order:
                self._tally(seen.job, now, objects=False, size=False).unobserved += 1
                seen.state = "lost"

    def _dismiss(self, now: float) -> None:
        """Drop jobs that are neither shown nor have run for `ABANDONED_AFTER`: names come and go."""
        for key, memory in list(self.jobs.items()):
            if key not in self.present and now - max(memory.since(), memory.seen_at) > ABANDONED_AFTER:
                del self.jobs[key]

    def _forget(self, now: float) -> None:
        """Drop runs that have not been shown for long, but never the newest of a job or one under way."""
        newest: dict[JobKey, float] = {}
        for seen in self.runs.values():
            newest[seen.job] = max(seen.order, newest.get(seen.job, seen.order))
        for run_id, seen in list(self.runs.items()):
            late = now - seen.seen_at > REMEMBER_RUNS
            if seen.state != "open" and seen.order < newest[seen.job] and late:
                memory = self.jobs.get(seen.job)
                if memory is not None:
                    memory.forgotten_before = max(memory.forgotten_before, seen.order)
                del self.runs[run_id]

    def facts(
        self, tenant: str, now: float, *, overdue_after: float | None = None, birth_delay: float
    ) -> tuple[list[Record], float | None]:
        """Return what the books say at *now*, and the time from which they would say something else."""
        facts: list[Record] = []
        changes: list[float] = []
        running = Counter(
            Group(key.product, key.workload, key.job_type)
            for key, status in self.present.items()
            if status == "running"
        )
        for group, tally in self.tallies.items():
            births = (tally.born, tally.objects_born, tally.size_born)
            changes += [born + birth_delay for born in births if born is not None and now < born + birth_delay]
            facts.append(_tally_fact(tenant, group, tally, running[group], now - birth_delay))
        abandoned: Counter[str] = Counter()
        for key, memory in self.jobs.items():
            quiet = now - memory.since() > ABANDONED_AFTER
            if not quiet:
                changes.append(memory.since() + ABANDONED_AFTER + 1)
            abandoned[key.product] += quiet and memory.started_at is not None and memory.status != "disabled"
            allowed = None if quiet else overdue_after or OVERDUE_AFTER
            facts.append(_history_fact(tenant, key, memory, allowed, present=key in self.present))
        facts += [AbandonedJobs(tenant=tenant, product=product, jobs=jobs) for product, jobs in abandoned.items()]
        return facts, min(changes, default=None)


def _order(run: Run, otherwise: float = float("-inf")) -> float:
    return run.started_at if run.started_at is not None else otherwise


def _remember_end(memory: JobMemory, run: Run, now: float) -> None:
    """Move what is known of the last end, success and completion forward, never back."""
    if run.ended_at is not None:
        if run.status == "success":
            memory.succeeded_at = max(run.ended_at, memory.succeeded_at or run.ended_at)
        if run.status in COMPLETED:
            memory.completed_at = max(run.ended_at, memory.completed_at or run.ended_at)
    if _order(run, now) < memory.ended_order:
        return
    memory.ended_order = _order(run, now)
    memory.ended_status = run.status
    memory.ended_at = run.ended_at
    memory.duration_seconds = run.duration_seconds
    memory.size_bytes = run.size_bytes
    memory.objects = dict(run.objects) if run.objects is not None else None


def _tally_fact(tenant: str, group: Group, tally: Tally, running: int, grown_up: float) -> JobTally:
    """Return the counts to show: 0 while a series is younger than the birth delay allows."""
    shown = tally.born <= grown_up
    objects, size = tally.objects_born, tally.size_born
    outcomes: tuple[Outcome, ...] = ("successful", "failed", "skipped", "warning")
    return JobTally(
        tenant=tenant,
        product=group.product,
        workload=group.workload,
        job_type=group.job_type,
        runs=tally.runs * shown,
        successes=tally.successes * shown,
        failures=tally.failures * shown,
        warnings=tally.warnings * shown,
        unobserved=tally.unobserved * shown,
        duration_seconds_sum=tally.duration_sum * shown,
        duration_count=tally.duration_count * shown,
        objects=None if objects is None else {key: tally.objects[key] * (objects <= grown_up) for key in outcomes},
        size_bytes=None if size is None else tally.size_bytes * (size <= grown_up),
        in_progress=running,
    )


def _history_fact(
    tenant: str, key: JobKey, memory: JobMemory, overdue_after: float | None, *, present: bool
) -> JobHistory:
    """Return what to show of a job; of one that is no longer shown only its times."""
    idle = memory.status == "disabled" or (memory.started_at is None and memory.status in RESTING)
    return JobHistory(
        tenant=tenant,
        job=key,
        first_seen_at=memory.first_seen,
        status=memory.status if present else None,
        started_at=memory.started_at,
        ended_at=memory.ended_at,
        succeeded_at=memory.succeeded_at,
        completed_at=memory.completed_at,
        overdue_after_seconds=None if idle else overdue_after,
        duration_seconds=memory.duration_seconds if present else None,
        size_bytes=memory.size_bytes if present else None,
        objects=memory.objects if present else None,
    )
