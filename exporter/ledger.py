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
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, Self

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
    _fact: JobTally | None = field(default=None, repr=False, compare=False)
    _fact_of: tuple[int, bool, bool, bool] | None = field(default=None, repr=False, compare=False)

    def touch(self) -> Self:
        """Have the fact made anew: something is about to change."""
        self._fact_of = None
        return self

    def births(self) -> list[float]:
        """Return when the series of the group came into being."""
        return [born for born in (self.born, self.objects_born, self.size_born) if born is not None]

    def fact(self, tenant: str, group: Group, running: int, grown_up: float) -> JobTally:
        """Return the counts to show, the same object for as long as they are the same.

        A series whose birth is after *grown_up* is 0 whatever it counted.
        """
        of = (
            running,
            self.born <= grown_up,
            (self.objects_born or grown_up) <= grown_up,
            (self.size_born or grown_up) <= grown_up,
        )
        if self._fact is None or of != self._fact_of:
            self._fact, self._fact_of = _tally_fact(tenant, group, self, running, grown_up), of
        return self._fact


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
    """When the vendor stopped showing the job."""
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

    _fact: JobHistory | None = field(default=None, repr=False, compare=False)

    def show(self, status: str) -> None:
        """Set the status to show: one under way does not hide how the last run ended."""
        hidden = status in UNDERWAY and self.ended_status is not None
        self.status = self.ended_status if hidden and self.ended_status else status
        self._fact = None

    def fact(self, tenant: str, key: JobKey, overdue_after: float | None, *, present: bool) -> JobHistory:
        """Return what to show of the job: the same object for as long as it says the same."""
        idle = self.status == "disabled" or (self.started_at is None and self.status in RESTING)
        overdue_after = None if idle else overdue_after
        known = self._fact
        if known is None or known.overdue_after_seconds != overdue_after or present != (known.status is not None):
            self._fact = known = _history(tenant, key, self, overdue_after, present=present)
        return known

    def forget_fact(self) -> None:
        """Have the fact made anew: something changed."""
        self._fact = None

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
    open_runs: set[str] = field(default_factory=set)
    """Those of `runs` that are under way."""
    present: dict[JobKey, str] = field(default_factory=dict)
    """Jobs of the newest answer with their status."""
    _last: dict[int, Record] = field(default_factory=dict, repr=False, compare=False)
    """The records of the newest answer by identity."""

    def observe(self, records: Iterable[Record], now: float) -> None:
        """Enter one complete answer about the tenant's jobs; records that were in the last one change nothing."""
        records = tuple(records)
        jobs = {record.job: record for record in records if isinstance(record, Job)}
        runs = [record for record in records if isinstance(record, Run)]
        fresh_runs = sorted((run for run in runs if id(run) not in self._last), key=_order)
        fresh_jobs = [job for job in jobs.values() if id(job) not in self._last]
        for job in fresh_jobs:
            self._meet(job, now)
        for run in fresh_runs:
            self._enter(run, now)
        if fresh_runs and self.open_runs:
            self._give_up(runs, now)
        for job in fresh_jobs:
            self.jobs[job.job].show(job.status)
        self._note_absent(jobs, now)
        self.present = {key: job.status for key, job in jobs.items()}
        self.observed = True
        self._last = {id(record): record for record in records}
        if len(self.runs) > 4 * len(self.jobs) + 16:
            self._forget({run.run_id for run in runs}, now)

    def _note_absent(self, jobs: Mapping[JobKey, Job], now: float) -> None:
        """Note since when jobs are not shown; drop those that neither are nor ran for `ABANDONED_AFTER`.

        Without that, the names of virtual machines long gone would stay for ever.
        """
        for key in self.present.keys() - jobs.keys():
            self.jobs[key].seen_at = now
        if len(self.jobs) > len(jobs):
            for key, memory in list(self.jobs.items()):
                if key not in jobs and now - max(memory.since(), memory.seen_at) > ABANDONED_AFTER:
                    del self.jobs[key]

    def _meet(self, job: Job, now: float) -> None:
        """See to it that the job is remembered and, unless disabled, counted from 0."""
        self.jobs.setdefault(job.job, JobMemory(first_seen=now))
        if job.status != "disabled":
            self._tally(job.job, now, objects=job.counts_known, size=job.size_known)

    def _tally(self, job: JobKey, now: float, *, objects: bool, size: bool) -> Tally:
        group = Group(job.product, job.workload, job.job_type)
        tally = self.tallies.setdefault(group, Tally(born=now)).touch()
        if objects and tally.objects_born is None:
            tally.objects_born = now
        if size and tally.size_born is None:
            tally.size_born = now
        return tally

    def _enter(self, run: Run, now: float) -> None:
        memory = self.jobs.setdefault(run.job, JobMemory(first_seen=now))
        memory.forget_fact()
        known = self.runs.get(run.run_id)
        if run.started_at is not None:
            memory.started_at = max(run.started_at, memory.started_at or run.started_at)
        if known is not None:
            known.seen_at = now
        if run.status not in ENDED:
            if known is None:
                self.runs[run.run_id] = SeenRun(run.job, "open", _order(run, now), seen_at=now)
                self.open_runs.add(run.run_id)
            return
        if known is not None and known.state == "ended":
            return
        self.runs[run.run_id] = SeenRun(run.job, "ended", _order(run, now), seen_at=now)
        self.open_runs.discard(run.run_id)
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
        for run_id in self.open_runs - {run.run_id for run in runs}:
            seen = self.runs[run_id]
            if any(run.job == seen.job and _order(run, now) > seen.order for run in runs):
                self._tally(seen.job, now, objects=False, size=False).unobserved += 1
                seen.state = "lost"
                self.open_runs.discard(run_id)

    def _forget(self, shown: Collection[str], now: float) -> None:
        """Drop runs that have not been shown for long, but never the newest of a job or one under way."""
        newest: dict[JobKey, float] = {}
        for seen in self.runs.values():
            newest[seen.job] = max(seen.order, newest.get(seen.job, seen.order))
        for run_id, seen in list(self.runs.items()):
            late = run_id not in shown and now - seen.seen_at > REMEMBER_RUNS
            if late and seen.state != "open" and seen.order < newest[seen.job]:
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
            changes += [born + birth_delay for born in tally.births() if now < born + birth_delay]
            facts.append(tally.fact(tenant, group, running[group], now - birth_delay))
        abandoned: Counter[str] = Counter()
        for key, memory in self.jobs.items():
            quiet = now - memory.since() > ABANDONED_AFTER
            if not quiet:
                changes.append(memory.since() + ABANDONED_AFTER + 1)
            abandoned[key.product] += quiet and memory.started_at is not None and memory.status != "disabled"
            allowed = None if quiet else overdue_after or OVERDUE_AFTER
            facts.append(memory.fact(tenant, key, allowed, present=key in self.present))
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


def _history(tenant: str, key: JobKey, memory: JobMemory, overdue_after: float | None, *, present: bool) -> JobHistory:
    """Return what is remembered of a job; of one that is no longer shown only its times."""
    return JobHistory(
        tenant=tenant,
        job=key,
        first_seen_at=memory.first_seen,
        status=memory.status if present else None,
        started_at=memory.started_at,
        ended_at=memory.ended_at,
        succeeded_at=memory.succeeded_at,
        completed_at=memory.completed_at,
        overdue_after_seconds=overdue_after,
        duration_seconds=memory.duration_seconds if present else None,
        size_bytes=memory.size_bytes if present else None,
        objects=memory.objects if present else None,
    )
