"""Scan profiles: how a customer's objects are discovered, how that is changed, what each day brings."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import count
from math import ceil, floor
from typing import Final, Literal

from exporter.simulator.chance import Lot
from exporter.simulator.customers import Customer, Tenant
from exporter.simulator.era import DAY, Era
from exporter.simulator.incidents import Incident, IncidentKind
from exporter.simulator.protection import protection_of

ContainerKind = Literal["Mailbox", "OneDrive", "Site Collection", "Microsoft 365 Group"]
ScanStatus = Literal["success", "failed", "warning", "skipped", "stopped"]

CREATED_DAYS = 200.0
"""World days before the start when the profiles were made."""

CONTAINERS: tuple[ContainerKind, ...] = ("Mailbox", "OneDrive", "Site Collection", "Microsoft 365 Group")
SCAN_STATUSES: tuple[ScanStatus, ...] = (
    *("success",) * 12, "warning", "warning", "skipped", "failed", "stopped",
)  # fmt: skip

STEADY_DAILY: Final = "02:30"
"""When the daily scans of a calm world are."""

CHANGES: Final[tuple[IncidentKind, ...]] = ("profile_changed", "daily_scan_off")
"""The incidents that are a change of settings."""

REMOVED_SHARE: Final = 0.4
REMOVED_LEAST: Final = 200
"""How many of the objects scanned are removed where many are."""


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

    Those of a quiet customer report success; in a calm world settings never change, and there is a daily scan.
    """

    lot: Lot
    customer: Customer
    era: Era
    id: str
    name: str
    tenant: Tenant
    created: float
    period: float
    day: float

    @property
    def domain(self) -> str:
        """The domain of the customer."""
        return self.customer.domain

    def settings(self, now: float) -> Settings:
        """Return the settings in force at *now*."""
        settings = self._usual(now)
        for incident in self.customer.incidents:
            if incident.kind in CHANGES and incident.since <= now:
                settings = _changed(settings, incident, now)
        return settings

    def _usual(self, now: float) -> Settings:
        calm = self.customer.calm
        revision = 0 if calm else max(0, floor((now - self.created) / self.period))
        lot = self.lot.child("settings", revision)
        return Settings(
            modified=float(floor(self.created + revision * self.period)),
            advanced=lot.chance(0.3, "advanced"),
            archived_mailboxes=lot.chance(0.3, "archived"),
            ignore_locked=lot.chance(0.3, "locked"),
            notify=lot.chance(0.4, "notify"),
            daily_at=STEADY_DAILY if calm else _daily_at(lot),
            impersonation=f"scan@{self.domain}" if lot.chance(0.3, "account") else None,
            containers=CONTAINERS[: lot.whole(1, len(CONTAINERS), "containers")],
        )

    def report(self, now: float) -> Report:
        """Return the newest daily report at *now*."""
        settings = self.settings(now)
        if settings.daily_at is None:
            return Report(time=settings.modified, status="success", registered=0, moved=0, removed=0)
        day = next(day for day in self._days(now) if not self.customer.struck("scan_stops", self._time(day)))
        lot, time = self.lot.child("report", day), self._time(day)
        report = Report(
            time=time,
            status="success" if self.customer.quiet else lot.pick(SCAN_STATUSES, "status"),
            registered=lot.pick((0, 0, 1, 3, 12), "registered"),
            moved=lot.pick((0, 0, 0, 2), "moved"),
            removed=lot.pick((0, 0, 1), "removed"),
        )
        if self.customer.struck("scan_fails", time):
            report = replace(report, status="failed")
        return replace(report, removed=self._many(time)) if self.customer.struck("many_removed", time) else report

    def _days(self, now: float) -> Iterator[int]:
        """Yield the days of reports, the newest at *now* first."""
        return count(floor((now - self.created) / self.day), -1)

    def _time(self, day: int) -> float:
        return float(floor(self.created + day * self.day))

    def _many(self, time: float) -> int:
        scanned = sum(each.scanned for each in protection_of(self.customer, self.era, time))
        return max(REMOVED_LEAST, ceil(REMOVED_SHARE * scanned))


def _daily_at(lot: Lot) -> str | None:
    return f"{lot.whole(0, 23, 'h'):02d}:{lot.whole(0, 59, 'm'):02d}" if lot.chance(0.7) else None


def _changed(settings: Settings, incident: Incident, now: float) -> Settings:
    """Return *settings* as *incident*, which has begun, has them: changed, or changed back when it is over."""
    if now >= incident.until:
        return replace(settings, modified=max(settings.modified, float(floor(incident.until))))
    settings = replace(settings, modified=max(settings.modified, float(floor(incident.since))))
    if incident.kind == "daily_scan_off":
        return replace(settings, daily_at=None)
    return replace(settings, advanced=not settings.advanced)


def profiles_of(customer: Customer, era: Era) -> tuple[Profile, ...]:
    """Return the one or two profiles of *customer*; none without a Microsoft 365 subscription."""
    if not customer.has("Microsoft 365"):
        return ()
    names = ("Default Microsoft 365 Scan Profile", "Microsoft 365 Scan Profile 2")
    number = customer.lot.pick((1, 1, 2), "profiles")
    return tuple(_profile(name, place, customer, era) for place, name in enumerate(names[:number]))


def _profile(name: str, place: int, customer: Customer, era: Era) -> Profile:
    lot = customer.lot.child("profile", place)
    return Profile(
        lot=lot,
        customer=customer,
        era=era,
        id=lot.guid("id"),
        name=name,
        tenant=customer.tenants[place % len(customer.tenants)],
        created=float(floor(era.after(-CREATED_DAYS - lot.fraction("created")))),
        period=era.seconds(lot.between(15, 90, "period") * DAY),
        day=era.seconds(DAY),
    )
