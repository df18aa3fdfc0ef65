"""What the ledger makes of runs and answers over time, and how the collecting itself fares."""

from collections.abc import Mapping
from dataclasses import dataclass

from exporter.records.jobs import JobKey
from exporter.records.words import JobType, Outcome, Record, Status


@dataclass(frozen=True, slots=True, kw_only=True)
class JobTally(Record):
    """Counts since the ledger began, over the jobs of one (product, workload, job_type)."""

    product: str
    workload: str
    job_type: JobType
    runs: float
    successes: float
    failures: float
    warnings: float
    unobserved: float
    duration_seconds_sum: float
    duration_count: float
    objects: Mapping[Outcome, float] | None
    size_bytes: float | None
    retries: float | None
    in_progress: int


@dataclass(frozen=True, slots=True, kw_only=True)
class JobErrors(Record):
    """Errors of one code since the ledger began."""

    code: str
    errors: float


@dataclass(frozen=True, slots=True, kw_only=True)
class JobHistory(Record):
    """What is remembered of one job, whatever the vendor shows now."""

    job: JobKey
    first_seen_at: float
    status: Status | None
    """``None`` once the vendor no longer shows the job; so are the facts of its last run."""
    started_at: float | None
    ended_at: float | None
    succeeded_at: float | None
    completed_at: float | None
    overdue_after_seconds: float | None
    duration_seconds: float | None
    size_bytes: float | None
    objects: Mapping[Outcome, int] | None


@dataclass(frozen=True, slots=True, kw_only=True)
class AbandonedJobs(Record):
    """How many jobs of a product have not run for thirty days."""

    product: str
    jobs: int


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanProfileDrift(Record):
    """How a profile's settings differ from their baseline, and how often they changed."""

    profile: str
    drifted: Mapping[str, bool]
    changes: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Collection(Record):
    """How the collecting itself fares: one (tenant, collector)."""

    collector: str
    success: bool | None
    """``None``: not applicable to this tenant, or not yet tried."""
    succeeded_at: float | None
    stale: bool
