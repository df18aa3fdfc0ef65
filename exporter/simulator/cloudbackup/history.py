"""What Cloud Backup shows of the runs of a customer: the truth for tests, in nobody's spelling.

The backups are those of Elements. Two differences: a run that was skipped is never shown, because no state of
Cloud Backup could say so, and objects with a warning count as failed, "objects with errors".
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from heapq import merge

from exporter.simulator.chance import Lot
from exporter.simulator.cloudbackup.codes import JOB_TYPES, OBJECT_TYPES, State
from exporter.simulator.cloudbackup.mishaps import Mishap, mishaps_of
from exporter.simulator.customers import Customer
from exporter.simulator.jobs import Job, Purpose, Run
from exporter.simulator.world import World

PARTIAL = 0.3
"""The part of the warnings that are Partially Finished instead of Finished with Exception."""

NO_LIMIT = float("inf")


@dataclass(frozen=True, slots=True)
class Counts:
    """The objects of a run; *total* is the sum of the others."""

    total: int
    failed: int
    successful: int
    skipped: int


@dataclass(frozen=True, slots=True)
class Shown:
    """A run as it is shown at an instant; *end* is None while it is in progress."""

    job: Job
    run: Run
    state: State
    end: float | None
    counts: Counts
    mishaps: tuple[Mishap, ...]

    @property
    def purpose(self) -> Purpose:
        """What it does with backups."""
        return self.job.purpose

    @property
    def workload(self) -> str:
        """The world's name of what it works on."""
        return self.job.workload.name

    @property
    def lot(self) -> Lot:
        """The chance of how its row is spelled."""
        return self.job.lot.child("cloudbackup row", self.run.number)


def jobs_of(world: World, customer: Customer, job_type: int = 0, object_type: int = 0) -> list[Job]:
    """Return the jobs whose runs are shown, optionally of one type (0 for all)."""
    backups = (job for job in world.jobs(customer) if job.workload.product == "Microsoft 365" and job.runs_at_all)
    return [
        job
        for job in (*backups, *world.errands(customer))
        if job_type in (0, JOB_TYPES[job.purpose]) and object_type in (0, OBJECT_TYPES[job.workload.name])
    ]


def show(job: Job, run: Run, now: float) -> Shown:
    """Return what is shown of a run at *now*."""
    if now < run.end:
        return Shown(job, run, "in progress", None, Counts(0, 0, 0, 0), ())
    objects = run.objects
    failed = objects.failed + objects.warning
    counts = Counts(objects.total, failed, objects.success, objects.skipped)
    return Shown(job, run, state_of(job, run, now), run.end, counts, mishaps_of(job, run, failed))


def newest_first(jobs: Iterable[Job], after: float, until: float) -> Iterator[tuple[Job, Run]]:
    """Yield the runs of these jobs that started later than *after* and not later than *until*."""
    histories = [_backwards(job, after, until) for job in jobs]
    return merge(*histories, key=lambda pair: (pair[1].start, pair[1].id), reverse=True)


def history(
    world: World, customer: Customer, now: float, *, after: float = 0.0, until: float = NO_LIMIT
) -> list[Shown]:
    """Return what is shown at *now* of the runs that started later than *after* and not later than *until*."""
    runs = newest_first(jobs_of(world, customer), after, min(now, until))
    return [show(job, run, now) for job, run in runs]


def ended_between(world: World, customer: Customer, after: float, until: float) -> Iterator[Shown]:
    """Yield, as shown after its end, what ended later than *after* and not later than *until*, job by job.

    The backups among it are World.runs_ended_between without other products and what was skipped.
    """
    for job in jobs_of(world, customer):
        for run in job.runs_ended(after, until):
            if run.outcome != "skipped":
                yield show(job, run, run.end)


def find(world: World, customer: Customer, run_id: str, now: float) -> Shown | None:
    """Return the run with this id that is shown at *now*."""
    jobs = [job for job in jobs_of(world, customer) if not job.vanished(now)]
    everything = newest_first(jobs, 0.0, now)
    return next((show(job, run, now) for job, run in everything if run.id == run_id), None)


def _backwards(job: Job, after: float, until: float) -> list[tuple[Job, Run]]:
    return [(job, run) for run in job.runs(after, until) if run.outcome != "skipped"][::-1]


def state_of(job: Job, run: Run, now: float) -> State:
    """Return the state of a run that is shown at *now*."""
    if now < run.end:
        return "in progress"
    match run.outcome:
        case "success":
            return "finished"
        case "warning":
            return "partially" if job.lot.child("partial").one(run.number) < PARTIAL else "with exception"
        case _:
            return "failed"
