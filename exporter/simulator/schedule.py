"""When backups are planned: a few times a day, of which some may be left out."""

from dataclasses import dataclass
from math import ceil
from typing import Final

from exporter.simulator.era import DAY, HOUR, Era
from exporter.simulator.jobs import Job
from exporter.simulator.workloads import Workload

PLANNED_HOURS: Final = (6.0, 12.0, 24.0)
"""A backup every 8 hours is planned every 6: four a day are not guaranteed (reference 9)."""

MOST: Final = 288
"""More starts of a day are not listed; only a world in a hurry has them."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The planned backups of one workload on the present day (UTC): how many, and their Unix times."""

    workload: Workload
    per_day: int
    starts: tuple[float, ...]


def plan_of(job: Job, era: Era, now: float) -> Plan:
    """Return the plan of a job that runs; its first start of a day keeps the rhythm of the real ones."""
    hours = job.timetable.period * era.pace / HOUR
    period = era.seconds(max(each for each in PLANNED_HOURS if each <= hours + 1) * HOUR)
    midnight = now - now % DAY
    first = job.timetable.anchor + ceil((midnight - job.timetable.anchor) / period) * period
    per_day = max(1, round(DAY / period))
    return Plan(job.workload, per_day, tuple(first + number * period for number in range(min(per_day, MOST))))
