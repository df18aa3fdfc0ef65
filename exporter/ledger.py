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
from types import MappingProxyType
from typing import Final, NamedTuple

from exporter.job_memory import JobMemory, SeenRun
from exporter.overdue import EXPECTED_DAILY, allowed_age
from exporter.plausible import DAY, order_of, past, plausible
from exporter.records import ENDED, UNDERWAY, AbandonedJobs, Job, JobKey, Outcome, Record, Run
from exporter.tally import ErrorTally, Group, Tally

ABANDONED_AFTER: Final = 30 * DAY
REMEMBER_RUNS: Final = 2 * DAY
"""How long a run that is no longer shown is expected to be able to return in a late answer."""
SEEN_EVERY: Final = 3600.0
"""How old the note may be when a run was seen last; noting every sight would write every run at every poll."""

MOST_CODES: Final = 20
OTHER_CODES: Final = "other"


@dataclass(slots=True)
class Changes:
    """What one answer changed in a ledger, by key, for whoever writes it down; a key no longer there was dropped."""

    groups: set[Group] = field(default_factory=set)
    errors: set[str] = field(default_factory=set)
    jobs: set[JobKey] = field(default_factory=set)
    runs: set[str] = field(default_factory=set)


class _Known(NamedTuple):
    """Which of its optional series a job is known to have."""

    objects: tuple[Outcome, ...] = ()
    size: bool = False
    retries: bool = False


@dataclass(slots=True)
class TenantLedger:
    """The books of one tenant of one source."""

    observed: bool = False
    """Whether its jobs have been answered for at least once."""
    tallies: dict[Group, Tally] = field(default_factory=dict)
    errors: dict[str, ErrorTally] = field(default_factory=dict)
    """By code, at most `MOST_CODES` of them and `OTHER_CODES`."""
    jobs: dict[JobKey, JobMemory] = field(default_factory=dict)
    runs: dict[str, SeenRun] = field(default_factory=dict)
    open_runs: set[str] = field(default_factory=set)
    """Those of `runs` that are under way."""
    present: dict[JobKey, str] = field(default_factory=dict)
    """Jobs of the newest answer with their status."""
    _last: dict[int, Record] = field(default_factory=dict, repr=False, compare=False)
    """The records of the newest answer by identity."""

    def observe(self, records: Iterable[Record], now: float, *, history: bool = False) -> Changes:
        """Enter one complete answer about the tenant's jobs; records that were in the last one change nothing.

        *history*: it tells what happened in some window, so that a regular job that is not in it has not gone.
        """
        records = tuple(records)
        jobs = {record.job: record for record in records if isinstance(record, Job)}
        runs = [record for record in records if isinstance(record, Run)]
        fresh_runs = sorted((plausible(run, now) for run in runs if id(run) not in self._last), key=order_of)
        fresh_jobs = [job for job in jobs.values() if id(job) not in self._last]
        changes = Changes()
        self._rename(fresh_jobs, changes)
        for job in fresh_jobs:
            self._meet(job, now, changes)
        for run in fresh_runs:
            self._enter(run, now, changes)
        if self.open_runs:
            self._give_up(runs, now, changes)
        for job in fresh_jobs:
            if self.jobs[job.job].show(job.status) or self.present.get(job.job) != job.status:
                changes.jobs.add(job.job)
        present = self._still_there(changes) if history else {}
        present |= {key: job.status for key, job in jobs.items()}
        self._note_absent(present, now, changes)
        self.present = present
        self.observed = True
        self._last = {id(record): record for record in records}
        if len(self.runs) > 4 * len(self.jobs) + 16:
            self._forget({run.run_id for run in runs}, now, changes)
        return changes

    def _still_there(self, changes: Changes) -> dict[JobKey, str]:
        """Return the regular jobs of before with their status; one is under way only while a run of it is."""
        open_jobs = {self.runs[run_id].job for run_id in self.open_runs}
        there = {key: status for key, status in self.present.items() if key.job_type in EXPECTED_DAILY}
        for key, status in there.items():
            if status in UNDERWAY and key not in open_jobs:
                there[key] = self.jobs[key].ended_status or "none"
                self.jobs[key].show(there[key])
                changes.jobs.add(key)
        return there

    def _note_absent(self, jobs: Mapping[JobKey, object], now: float, changes: Changes) -> None:
        """Note since when jobs are not shown; drop those that neither are nor ran for `ABANDONED_AFTER`.

        Without that, the names of virtual machines long gone would stay for ever.
        """
        for key in self.present.keys() - jobs.keys():
            self.jobs[key].seen_at = now
            changes.jobs.add(key)
        if len(self.jobs) > len(jobs):
            for key, memory in list(self.jobs.items()):
                if key not in jobs and now - max(memory.since(), memory.seen_at) > ABANDONED_AFTER:
                    del self.jobs[key]
                    changes.jobs.add(key)

    def _rename(self, jobs: Iterable[Job], changes: Changes) -> None:
        """Let jobs go on with what is remembered of them under another name."""
        renamed = {job.formerly: job.job for job in jobs if job.formerly in self.jobs}
        moved = {new: self.jobs.pop(old) for old, new in renamed.items() if old is not None}
        shown = {new: self.present.pop(old) for old, new in renamed.items() if old in self.present}
        self.jobs |= {key: memory.renamed() for key, memory in moved.items()}
        self.present |= shown
        if renamed:
            changes.jobs |= {*self.jobs, *(key for key in renamed if key is not None)}
            for run_id, run in self.runs.items():
                if run.job in renamed:
                    run.job = renamed[run.job]
                    changes.runs.add(run_id)

    def _meet(self, job: Job, now: float, changes: Changes) -> None:
        """See to it that the job is remembered and, unless disabled, counted from 0."""
        if self._job(job.job, now, changes).tell(past(job.started_at, now), past(job.completed_at, now)):
            changes.jobs.add(job.job)
        if job.status != "disabled":
            known = _Known(objects=job.outcomes, size=job.size_known, retries=job.retries_known)
            self._tally(job.job, now, changes, known)

    def _job(self, key: JobKey, now: float, changes: Changes) -> JobMemory:
        memory = self.jobs.get(key)
        if memory is None:
            memory = self.jobs[key] = JobMemory(first_seen=now)
            changes.jobs.add(key)
        return memory

    def _tally(self, job: JobKey, now: float, changes: Changes, known: _Known) -> Tally:
        group = Group(job.product, job.workload, job.job_type)
        tally = self.tallies.get(group)
        if tally is None:
            tally = self.tallies[group] = Tally(born=now)
            changes.groups.add(group)
        if tally.bear(now, objects=known.objects, size=known.size, retries=known.retries):
            changes.groups.add(group)
        return tally

    def _enter(self, run: Run, now: float, changes: Changes) -> None:
        memory = self._job(run.job, now, changes)
        if memory.start(run.started_at):
            changes.jobs.add(run.job)
        known = self.runs.get(run.run_id)
        if known is not None and now - known.seen_at > SEEN_EVERY:
            known.seen_at = now
            changes.runs.add(run.run_id)
        if run.status not in ENDED:
            if known is None:
                self.runs[run.run_id] = SeenRun(run.job, "open", order_of(run, now), seen_at=now)
                self.open_runs.add(run.run_id)
                changes.runs.add(run.run_id)
            return
        self._end(run, known, memory, now, changes)

    def _end(self, run: Run, known: SeenRun | None, memory: JobMemory, now: float, changes: Changes) -> None:
        order = order_of(run, now if known is None else known.order)
        if known is not None and known.state == "ended":
            if memory.ends_later(run, order):  # what was taken for its end was not; it has counted all the same
                memory.end(run, order)
                changes.jobs.add(run.job)
            return
        self.runs[run.run_id] = SeenRun(run.job, "ended", order, seen_at=now)
        self.open_runs.discard(run.run_id)
        changes.runs.add(run.run_id)
        changes.jobs.add(run.job)
        forgotten = run.started_at is not None and run.started_at <= memory.forgotten_before
        if known is not None or (self.observed and not forgotten):
            told = _Known(
                objects=tuple(run.objects or ()), size=run.size_bytes is not None, retries=run.retries is not None
            )
            self._tally(run.job, now, changes, told).count(run)
            changes.groups.add(Group(run.job.product, run.job.workload, run.job.job_type))
            self._count_errors(run.errors or {}, now, changes)
        memory.end(run, order)

    def _count_errors(self, errors: Mapping[str, int], now: float, changes: Changes) -> None:
        for code, number in errors.items():
            named = code_counted_as(code, self.errors)
            self.errors.setdefault(named, ErrorTally(born=now)).errors += number
            changes.errors.add(named)

    def _give_up(self, runs: Sequence[Run], now: float, changes: Changes) -> None:
        """Count the runs under way that are no longer shown although a newer one of their job is, or for days."""
        for run_id in self.open_runs - {run.run_id for run in runs}:
            seen = self.runs[run_id]
            gone = now - seen.seen_at > REMEMBER_RUNS
            if gone or any(run.job == seen.job and order_of(run, now) > seen.order for run in runs):
                self._tally(seen.job, now, changes, _Known()).unobserved += 1
                changes.groups.add(Group(seen.job.product, seen.job.workload, seen.job.job_type))
                seen.state = "lost"
                changes.runs.add(run_id)
                self.open_runs.discard(run_id)

    def _forget(self, shown: Collection[str], now: float, changes: Changes) -> None:
        """Drop runs that have not been shown for long, but never the newest of a job or one under way."""
        newest: dict[JobKey, float] = {}
        for seen in self.runs.values():
            newest[seen.job] = max(seen.order, newest.get(seen.job, seen.order))
        for run_id, seen in list(self.runs.items()):
            late = run_id not in shown and now - seen.seen_at > REMEMBER_RUNS
            memory = self.jobs.get(seen.job)
            if late and (memory is None or (seen.state != "open" and seen.order < newest[seen.job])):
                if memory is not None:
                    memory.forgotten_before = max(memory.forgotten_before, seen.order)
                    changes.jobs.add(seen.job)
                del self.runs[run_id]
                changes.runs.add(run_id)
                self.open_runs.discard(run_id)

    def under_way(self) -> dict[str, float]:
        """Return the runs under way, and when each began or was first seen."""
        return {run_id: self.runs[run_id].order for run_id in self.open_runs}

    def facts(
        self,
        tenant: str,
        now: float,
        *,
        birth_delay: float,
        overdue_after: float | None = None,
        gaps: Mapping[JobKey, float] = MappingProxyType({}),
    ) -> tuple[list[Record], float | None]:
        """Return what the books say at *now*, and the time from which they would say something else.

        *overdue_after* is what the operator allows, *gaps* the longest pause in each job's schedule, in seconds, and
        0 where it is known that there is none; otherwise what is remembered counts.
        """
        facts: list[Record] = []
        changes: list[float] = []
        running = Counter(
            Group(key.product, key.workload, key.job_type) for key, status in self.present.items() if status in UNDERWAY
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
            gap = gaps.get(key, memory.gap)
            allowed = None if quiet else allowed_age(key, gap, overdue_after)
            facts.append(memory.fact(tenant, key, allowed, present=key in self.present, scheduled=bool(gap)))
        facts += [AbandonedJobs(tenant=tenant, product=product, jobs=jobs) for product, jobs in abandoned.items()]
        for code, errors in self.errors.items():
            if now < errors.born + birth_delay:
                changes.append(errors.born + birth_delay)
            facts.append(errors.fact(tenant, code, now - birth_delay))
        return facts, min(changes, default=None)


def code_counted_as(code: str, counted: Mapping[str, object]) -> str:
    """Return the code under which an error counts, where those of *counted* do already."""
    known = code in counted or len(counted.keys() - {OTHER_CODES}) < MOST_CODES
    return code if known else OTHER_CODES
