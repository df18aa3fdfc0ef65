"""Veeam's organizations, licences and protected things, row by row, in our words.

Source: the vendor reference, sections 8.3 to 8.6, 8.12 and 8.13.
"""

from calendar import monthrange
from collections.abc import Iterable, Mapping
from datetime import MAXYEAR, UTC, datetime
from typing import Any, Final

from exporter.client.fields import FaultObserver, Fields, objects
from exporter.client.values import byte_count, count, fold, folded, identifier, text, timestamp
from exporter.records import RepositoryUsage, ServerLicense, Subscription, Tenant
from exporter.sources.veeam.job_wire import linked
from exporter.sources.veeam.words import SUBSCRIPTION

_GRACE_MONTHS: Final = {"subscription": 1, "rental": 2, "evaluation": 0, "nfr": 0}
"""How long everything works on after the licence's end (user guide), where the API does not say, as v6 never does."""


def organizations(rows: Iterable[Any], observer: FaultObserver) -> list[Tenant]:
    """Read organizations; a name that is missing is no reason to leave one out."""
    found: dict[str, Tenant] = {}
    for fields in objects(rows, observer, "organizations"):
        tenant = fields.read(identifier, "id", needed=True)
        if tenant is not None:
            found[tenant] = Tenant(
                tenant=tenant,
                name=fields.read(text, "name", "officeName") or tenant,
                last_backup_at=fields.read(timestamp, "lastBackuptime"),
            )
    return list(found.values())


def synchronized(rows: Iterable[Any], observer: FaultObserver) -> dict[str, float]:
    """Return when each organization was last read successfully; v8 tells it one level deeper than v7."""
    found: dict[str, float] = {}
    for fields in objects(rows, observer, "sync_state"):
        tenant = fields.read(identifier, "organizationId", needed=True)
        deeper = fields.raw("lastSyncState")
        at = _synchronized(Fields(deeper, observer) if isinstance(deeper, Mapping) else fields)
        if tenant is not None and at is not None:
            found[tenant] = at
    return found


def _synchronized(state: Fields) -> float | None:
    word = folded(state.raw("result") or state.raw("status"))
    if word not in {"", "none", "success", "error"}:
        state.unknown("sync_state")
    return state.read(timestamp, "endTime", "lastSyncTime") if word == "success" else None


def server_license(fields: Fields) -> ServerLicense:
    """Read the licence of the server."""
    kind = fields.read(text, "type")
    expires_at = fields.read(timestamp, "licenseExpires", "expirationDate")
    grace_ends_at = fields.read(timestamp, "gracePeriodExpires")
    if grace_ends_at is None and expires_at is not None:
        grace_ends_at = _months_later(expires_at, _GRACE_MONTHS.get(fold(kind or "")))
    return ServerLicense(
        tenant="",
        type=kind,
        status=fields.read(text, "status"),
        package=fields.read(text, "package"),
        seats_purchased=fields.read(count, "totalNumber"),
        seats_used=fields.read(count, "usedNumber"),
        seats_new=fields.read(count, "newNumber"),
        expires_at=expires_at,
        grace_ends_at=grace_ends_at,
    )


def _months_later(at: float, months: int | None) -> float | None:
    """Return the same day of a later month, or that month's last one; ``None`` if nobody knows how much later."""
    if months is None:
        return None
    moment = datetime.fromtimestamp(at, UTC)
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    if year > MAXYEAR:
        return None
    day = min(moment.day, monthrange(year, month + 1)[1])
    return moment.replace(year=year, month=month + 1, day=day).timestamp()


def seats(rows: Iterable[Any], of: ServerLicense, observer: FaultObserver) -> list[Subscription]:
    """Read what each organization uses of the server's licence; how much was bought is the server's to tell.

    An organization may come once for each platform that the licence covers.
    """
    found: dict[str, tuple[float | None, float | None]] = {}
    for fields in objects(rows, observer, "licensing"):
        tenant = fields.read(identifier, "organizationId")
        used = fields.read(count, "usedObjectsCount", "licensedUsers")
        new = fields.read(count, "newObjectsCount", "newUsers")
        if tenant is not None:
            before = found.get(tenant, (None, None))
            found[tenant] = _plus(before[0], used), _plus(before[1], new)
    return [
        Subscription(
            tenant=tenant,
            subscription=SUBSCRIPTION,
            model=of.type.lower() if of.type else None,
            package=of.package,
            seats_used=used,
            seats_new=new,
        )
        for tenant, (used, new) in found.items()
    ]


def _plus(one: float | None, other: float | None) -> float | None:
    return other if one is None else one + (other or 0.0)


_LOCATIONS: Final = {
    "local": "usedSpaceBytes",
    "cache": "localCacheUsedSpaceBytes",
    "object": "objectStorageUsedSpaceBytes",
}


def used_repositories(tenant: str, rows: Iterable[Any], observer: FaultObserver) -> list[RepositoryUsage]:
    """Read what an organization's backups occupy, by repository; what cannot be reached says nothing."""
    found: dict[str, RepositoryUsage] = {}
    for fields in objects(rows, observer, "used_repositories"):
        repository = fields.read(identifier, "repositoryId") or linked(fields, "backupRepository")
        used = {where: fields.read(byte_count, name) for where, name in _LOCATIONS.items()}
        told = {where: size for where, size in used.items() if size is not None}
        if repository is None:
            observer.value_failed("repositoryId")
        elif told:
            found[repository] = RepositoryUsage(tenant=tenant, repository=repository, used_bytes=told)
    return list(found.values())


def instance(fields: Fields) -> tuple[str | None, str | None]:
    """Return version and installation id of the server."""
    return fields.read(text, "version"), fields.read(identifier, "installationId")
