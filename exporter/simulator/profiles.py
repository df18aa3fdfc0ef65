"""Scan profiles: how a customer's objects are discovered, how that is changed, what each day brings."""

from dataclasses import dataclass
from math import floor
from typing import Literal

from exporter.simulator.chance import Lot
from exporter.simulator.customers import Customer, Tenant
from exporter.simulator.era import DAY, Era

ContainerKind = Literal["Mailbox", "OneDrive", "Site Collection", "Microsoft 365 Group"]
ScanStatus = Literal["success", "failed", "warning", "skipped", "stopped"]

CREATED_DAYS = 200.0
"""World days before the start when the profiles were made."""

CONTAINERS: tuple[ContainerKind, ...] = ("Mailbox", "OneDrive", "Site Collection", "Microsoft 365 Group")
SCAN_STATUSES: tuple[ScanStatus, ...] = (
    *("success",) * 12, "warning", "warning", "skipped", "failed", "stopped",
)  # fmt: skip


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """What a person set, and when (Unix seconds); *daily_at* is hh:mm, None without a daily scan."""

    modified: float
    advanced: bool
    archived_mailboxes: bool
    ignore_locked: bool
    notify: bool
    daily_at: str | None
    impersonation: str | None
    containers: tuple[ContainerKind, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """The daily report: Unix time, result, numbers of objects; without one, zeros at the settings' time."""

    time: float
    status: ScanStatus
    registered: int
    moved: int
    removed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Profile:
    """One scan profile of one Microsoft tenant; its settings change every *period*, reports come every *day* (seconds).

    Those of a *quiet* customer report success.
    """

    lot: Lot
    quiet: bool
    id: str
    name: str
    tenant: Tenant
    domain: str
    created: float
    period: float
    day: float

    def settings(self, now: float) -> Settings:
        """Return the settings in force at *now*."""
        revision = max(0, floor((now - self.created) / self.period))
        lot = self.lot.child("settings", revision)
        return Settings(
            modified=float(floor(self.created + revision * self.period)),
            advanced=lot.chance(0.3, "advanced"),
            archived_mailboxes=lot.chance(0.3, "archived"),
            ignore_locked=lot.chance(0.3, "locked"),
            notify=lot.chance(0.4, "notify"),
            daily_at=f"{lot.whole(0, 23, 'h'):02d}:{lot.whole(0, 59, 'm'):02d}" if lot.chance(0.7) else None,
            impersonation=f"scan@{self.domain}" if lot.chance(0.3, "account") else None,
            containers=CONTAINERS[: lot.whole(1, len(CONTAINERS), "containers")],
        )

    def report(self, now: float) -> Report:
        """Return the newest daily report at *now*."""
        settings = self.settings(now)
        if settings.daily_at is None:
            return Report(time=settings.modified, status="success", registered=0, moved=0, removed=0)
        day = floor((now - self.created) / self.day)
        lot = self.lot.child("report", day)
        return Report(
            time=float(floor(self.created + day * self.day)),
            status="success" if self.quiet else lot.pick(SCAN_STATUSES, "status"),
            registered=lot.pick((0, 0, 1, 3, 12), "registered"),
            moved=lot.pick((0, 0, 0, 2), "moved"),
            removed=lot.pick((0, 0, 1), "removed"),
        )


def profiles_of(customer: Customer, era: Era) -> tuple[Profile, ...]:
    """Return the one or two profiles of *customer*; none without a Microsoft 365 subscription."""
    if not customer.has("Microsoft 365"):
        return ()
    names = ("Default Microsoft 365 Scan Profile", "Microsoft 365 Scan Profile 2")
    count = customer.lot.pick((1, 1, 2), "profiles")
    return tuple(_profile(name, place, customer, era) for place, name in enumerate(names[:count]))


def _profile(name: str, place: int, customer: Customer, era: Era) -> Profile:
    lot = customer.lot.child("profile", place)
    return Profile(
        lot=lot,
        quiet=customer.quiet,
        id=lot.guid("id"),
        name=name,
        tenant=customer.tenants[place % len(customer.tenants)],
        domain=customer.domain,
        created=float(floor(era.after(-CREATED_DAYS - lot.fraction("created")))),
        period=era.seconds(lot.between(15, 90, "period") * DAY),
        day=era.seconds(DAY),
    )
