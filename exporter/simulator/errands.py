"""What is done with backups besides making them: restores, exports, deletions, retention."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from typing import Final

from exporter.simulator.chance import Lot
from exporter.simulator.customers import Customer
from exporter.simulator.era import DAY, HOUR, Era
from exporter.simulator.jobs import Job, Purpose, Temper
from exporter.simulator.portfolio import HISTORY_DAYS
from exporter.simulator.strikes import UNSTRUCK
from exporter.simulator.timetable import Timetable
from exporter.simulator.workloads import EVERYDAY

NEVER_FAILS: Final = 0.0


@dataclass(frozen=True, slots=True)
class Custom:
    """What customers do: its id's prefix, which part of the jobs see it, every how many hours."""

    purpose: Purpose
    prefix: str
    share: float
    hours: tuple[float, ...]


CUSTOMS: Final = (
    Custom("restore", "RS", 0.5, (30.0, 55.0, 100.0)),
    Custom("export", "EX", 0.3, (100.0, 210.0)),
    Custom("delete", "DE", 0.2, (150.0, 300.0)),
    Custom("retention", "RE", 0.6, (24.0,)),
)
"""Only the prefix of restores is known (reference 3.6); the other three are invented."""


def errands_of(customer: Customer, jobs: Iterable[Job], era: Era) -> tuple[Job, ...]:
    """Return what is done with the Microsoft 365 backups among *jobs*, as jobs of their own."""
    backups = (job for job in jobs if job.workload in EVERYDAY and job.kind == "running")
    return tuple(errand for job in backups for errand in _errands(customer, job, era))


def _errands(customer: Customer, job: Job, era: Era) -> Iterator[Job]:
    for custom in CUSTOMS:
        lot = customer.lot.child("errand", custom.purpose, job.workload.name)
        if lot.chance(custom.share, "seen"):
            yield _errand(custom, job, lot, era, quiet=customer.quiet)


def _errand(custom: Custom, job: Job, lot: Lot, era: Era, *, quiet: bool) -> Job:
    period = era.seconds(lot.pick(custom.hours, "period") * HOUR)
    anchor = era.after(-HISTORY_DAYS) + lot.fraction("phase") * min(period, era.seconds(DAY))
    return replace(
        job,
        lot=lot,
        workload=replace(job.workload, incremental=custom.prefix, full=custom.prefix),
        name=None,
        timetable=Timetable(lot, anchor, period),
        temper=Temper(
            seconds=era.seconds(lot.pick((30, 120, 600), "seconds")),
            objects=lot.whole(1, 200, "objects"),
            failure=NEVER_FAILS if quiet else lot.pick((0.0, 0.05, 0.1), "failure"),
            warning=NEVER_FAILS if quiet else lot.pick((0.0, 0.1), "warning"),
        ),
        purpose=custom.purpose,
        scripts=(),
        strikes=UNSTRUCK,
    )
