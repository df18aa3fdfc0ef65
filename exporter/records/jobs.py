"""Jobs and their runs, as the vendors tell them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from exporter.records.words import JobType, Outcome, Record, Status


class JobKey(NamedTuple):
    """What makes two rows the same job of a tenant; ``name`` is ``""`` where the vendor has none."""

    product: str
    workload: str
    job_type: JobType
    name: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run(Record):
    """One execution of a job, under way or ended."""

    run_id: str
    job: JobKey
    status: Status
    started_at: float | None = None
    ended_at: float | None = None
    duration_seconds: float | None = None
    objects: Mapping[Outcome, int] | None = None
    size_bytes: float | None = None
    errors: Mapping[str, int] | None = None
    """How often what went wrong, by code; never messages, which may name people."""
    retries: int | None = None
    """Attempts beyond the first; ``None`` where the vendor does not try again by itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Record):
    """The present state of a job; a vendor's placeholder has a status but no run."""

    job: JobKey
    status: Status
    outcomes: tuple[Outcome, ...] = ()
    """By which outcomes the vendor counts the objects of this job, zeros included."""
    size_known: bool = False
    retries_known: bool = False
    started_at: float | None = None
    """When its newest run started, for vendors that tell that without showing the run; so the next."""
    completed_at: float | None = None
    formerly: JobKey | None = None
    """As what it was known before, if the vendor has it that it is the same job."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSchedule(Record):
    """How often a job is meant to run; ``None``: when somebody starts it."""

    job: JobKey
    interval_seconds: float | None
    longest_gap_seconds: float | None
    """The longest time from one start to the next that the schedule itself has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSettings(Record):
    """How a job is set up, and what slowed down its last run."""

    job: JobKey
    vendor_id: str | None = None
    """The vendor's own id of it, which outlives its name; not shown."""
    under_way_since: float | None = None
    """When the run began that is under way by the job's own word; not shown."""
    enabled: bool | None = None
    next_run_at: float | None = None
    schedule: str | None = None
    backup_type: str | None = None
    bottleneck: str | None = None
    selected: Mapping[str, int] = field(default_factory=dict)
    """How many items it was told to back up, by type: users, groups, sites, teams."""
    excluded: Mapping[str, int] = field(default_factory=dict)
