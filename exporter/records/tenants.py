"""What is true of a tenant: who it is, what it bought, how much of it is protected."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from exporter.records.words import Record, Status


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
    last_backup_at: float | None = None
    """When the vendor last backed up anything of it."""
    synchronized_at: float | None = None
    """When the vendor last read successfully what there is to protect."""


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
    seats_new: float | None = None
    """Users that will count as used from the first day of the next month on."""
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
class ProtectedEntities(Record):
    """How many things of a tenant have a backup, by type; a user's site counts in both: never a sum."""

    entities: Mapping[str, int]
    """``users``, ``groups``, ``sites``, ``teams``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class UnusualActivity(Record):
    """What the vendor found suspicious in a workload."""

    workload: str
    unusual_activities: int
    potential_ransomware_attacks: int


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
