"""What is true of a backup, in nobody's dialect.

Records are what every vendor's answers become and all that the metrics know. They are
frozen, compare by value, name their units, and say ``None`` where the vendor said
nothing, which is never zero. Times are Unix seconds. ``tenant`` is the vendor's stable
id; ``""`` stands for the source as a whole.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple, TypeAlias

Status: TypeAlias = str
"""One of `STATUSES`, or ``unknown_<value>`` for a word that the vendor has not documented."""

STATUSES: Final[frozenset[str]] = frozenset(
    {
        "success",
        "warning",
        "failed",
        "failed_to_start",
        "running",
        "queued",
        "skipped",
        "canceled",
        "stopped",
        "rejected",
        "disabled",
        "not_started",
        "not_configured",
        "not_scanned",
        "disconnected",
        "none",
    }
)
ENDED: Final[frozenset[str]] = frozenset(
    {"success", "warning", "failed", "failed_to_start", "skipped", "canceled", "stopped", "rejected"}
)
"""Statuses with which a run is over."""
FAILURES: Final[frozenset[str]] = frozenset({"failed", "failed_to_start", "rejected"})
COMPLETED: Final[frozenset[str]] = frozenset({"success", "warning"})
"""Statuses after which data was backed up."""
TIMED: Final[frozenset[str]] = frozenset({"success", "warning", "failed"})
"""Statuses of runs whose duration says something about the work."""
UNDERWAY: Final[frozenset[str]] = frozenset({"running", "queued"})
"""Statuses that never hide how the last run ended."""

JobType = Literal["backup", "restore", "export", "delete", "retention", "scan", "copy"]
Outcome = Literal["successful", "failed", "skipped", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A fact about one tenant."""

    tenant: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Tenant(Record):
    """A customer whose backups the source can see."""

    name: str
    country: str | None = None
    owner_email: str | None = None
    """Personal data; ``None`` unless the operator asked for it."""
    status: Status | None = None
    """The vendor's own roll-up of the tenant, not reliable as a sum of its jobs."""
    labels: Mapping[str, str] = field(default_factory=dict)
    """What the operator's `overrides` add to tenant_info."""
    muted: bool = False
    overdue_after_seconds: float | None = None
    """The operator's allowed age of a completed run, instead of the default."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription(Record):
    """One product that a tenant has bought, as the vendor's licence list tells it."""

    subscription: str
    model: str | None = None
    storage: str | None = None
    retention: str | None = None
    package: str | None = None
    payment: str | None = None
    seats_purchased: float | None = None
    seats_used: float | None = None
    seats_change: float | None = None
    capacity_purchased_bytes: float | None = None
    storage_consumed_bytes: float | None = None
    expires_at: float | None = None
    out_of_policy_at: float | None = None
    """When more was used than was bought."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MicrosoftLicenses(Record):
    """The licences of the tenant at Microsoft: once a tenant, not once a product."""

    assigned: float | None
    available: float | None


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Job(Record):
    """The present state of a job; a vendor's placeholder has a status but no run."""

    job: JobKey
    status: Status
    counts_known: bool = False
    """Whether the vendor counts objects for this job, a zero included."""
    size_known: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class JobSchedule(Record):
    """How often a job is meant to run."""

    job: JobKey
    interval_seconds: float
    longest_gap_seconds: float
    """The longest time from one start to the next that the schedule itself has."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnusualActivity(Record):
    """What the vendor found suspicious in a workload."""

    workload: str
    unusual_activities: int
    potential_ransomware_attacks: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Protection(Record):
    """How much of a workload is known, protected and stored."""

    product: str
    workload: str
    scanned: int | None
    protected: int | None
    stored_bytes: Mapping[str, float] = field(default_factory=dict)
    """By location: ``avepoint`` or ``byos`` (the customer's own storage)."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ScanProfile(Record):
    """A profile that decides which new objects are found and come under backup."""

    profile: str
    name: str
    mode: str | None = None
    domain: str | None = None
    modified_at: float | None = None
    reported_at: float | None = None
    daily_scan: bool | None = None
    last_status: Status | None = None
    changed_objects: Mapping[str, int] = field(default_factory=dict)
    """Of the last daily report, by change: registered, moved, removed."""
    settings: Mapping[str, str] = field(default_factory=dict)
    """What can drift: setting → value, both words of ours."""


# What the ledger makes of runs and answers over time.


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
