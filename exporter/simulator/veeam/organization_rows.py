"""Rows of organizations, their synchronisation and what they use (reference 8.4 to 8.6)."""

from base64 import urlsafe_b64encode
from collections.abc import Iterable
from math import floor
from typing import Final, NamedTuple

from exporter.simulator.customers import Customer
from exporter.simulator.era import HOUR, Era
from exporter.simulator.naming import slug
from exporter.simulator.veeam.history import last_backup
from exporter.simulator.veeam.jobs import VeeamJob
from exporter.simulator.veeam.pen import Pen, Row
from exporter.simulator.veeam.repositories import Repository
from exporter.simulator.veeam.usage import protected_objects, stored
from exporter.simulator.world import World

REGIONS: Final = (*("Worldwide",) * 8, "Germany", "USGovernment")
SYNC_HOURS: Final = 0.5
SYNC_ERRORS: Final = 0.1
"""The part of the organizations whose synchronisation fails, for hours on end."""

NEVER_SYNCED: Final = 0.03
FULL_SYNCS: Final = 0.05
SYNC_SECONDS: Final = 90.0
QUEUED_SECONDS: Final = 20.0
"""How long a synchronisation takes, and for how much of that it waits in a queue."""


def name_of(customer: Customer) -> str:
    """Return the domain by which the server knows an organization."""
    return f"{slug(customer.organization)}.onmicrosoft.example"


def backed_up_id(customer: Customer) -> str:
    """Return the id under which repositories keep an organization; it is no GUID."""
    return urlsafe_b64encode(customer.id.encode()[:18]).decode()


def organization_row(pen: Pen, customer: Customer, extended: Row) -> Row:
    """Return the row of an organization, with what only the extended view has."""
    lot = customer.lot.child("veeam organization")
    hybrid = lot.chance(0.15, "hybrid")
    path = f"Organizations/{customer.id}"
    row = {
        "isTeamsOnline": lot.pick((True, True, True, False, None), "teams"),
        "isTeamsChatsOnline": lot.pick((False, False, True), "chats"),
        "isExchangeOnline": True,
        "isSharePointOnline": lot.pick((True, True, True, False), "sharepoint"),
        "type": "Hybrid" if hybrid else "Office365",
        "region": lot.pick(REGIONS, "region"),
        "id": customer.id,
        "name": name_of(customer),
        "officeName": name_of(customer),
        "description": lot.pick((None, "", "Synthetic organization."), "description"),
        **extended,
        "msid": customer.tenants[0].id if customer.tenants else None,
        "backedUpOrganizationId": backed_up_id(customer),
        "_links": pen.links(
            self=path, jobs=f"{path}/Jobs", users=f"{path}/Users", usedRepositories=f"{path}/usedRepositories"
        ),
    }
    return pen.fields("organization", row | ({"isExchange": True, "isSharepoint": False} if hybrid else {}))


def extended_view(pen: Pen, jobs: Iterable[VeeamJob], now: float) -> Row:
    """Return what the server has to ask a proxy for."""
    ends = [end for job in jobs if (end := last_backup(job, now)) is not None]
    firsts = [first for job in jobs if (first := _first(job, now)) is not None]
    return {
        "isBackedup": bool(ends),
        "firstBackuptime": pen.time(min(firsts)) if ends and firsts else None,
        "lastBackuptime": pen.time(max(ends)) if ends else None,
    }


def _first(job: VeeamJob, now: float) -> float | None:
    """Return when the first run of a job began."""
    begins = job.era.start + (job.begins - job.era.start) / job.era.pace
    chains = job.chains(begins - 1, min(now, begins + job.era.seconds(60 * 24 * HOUR)))
    return next((chain[0].start for chain in chains), None)


def sync_state(pen: Pen, customer: Customer, era: Era, now: float) -> Row:
    """Return how the object cache of an organization was last brought up to date, in v8."""
    synced = _synced(customer, era, now)
    return {
        "organizationId": customer.id,
        "lastSyncState": _last_sync(pen, customer, synced.last, era),
        "currentSyncState": _current_sync(pen, synced.present, era, now),
        "_links": pen.links(organization=f"Organizations/{customer.id}"),
    }


def old_sync_state(pen: Pen, customer: Customer, era: Era, now: float) -> Row:
    """Return the same in v7."""
    last = _last_sync(pen, customer, _synced(customer, era, now).last, era)
    if last is None:
        return {"type": None, "status": "None", "lastSyncTime": None, "error": None, "_links": {}}
    return {
        "type": last["type"],
        "status": last["result"],
        "lastSyncTime": last["endTime"],
        "error": last["error"],
        "_links": {},
    }


class _Synced(NamedTuple):
    """When the last synchronisation that is over began, and the present one; None if there is none."""

    last: float | None
    present: float | None


def _synced(customer: Customer, era: Era, now: float) -> _Synced:
    lot = customer.lot.child("veeam sync")
    if not customer.quiet and lot.chance(NEVER_SYNCED, "never"):
        return _Synced(None, None)
    period, phase = era.seconds(SYNC_HOURS * HOUR), lot.fraction("phase")
    newest = era.start + (floor((now - era.start) / period - phase) + phase) * period
    over = newest + era.seconds(SYNC_SECONDS) <= now
    return _Synced(newest, None) if over else _Synced(newest - period, newest)


def _current_sync(pen: Pen, present: float | None, era: Era, now: float) -> Row | None:
    if present is None:
        return None
    queued = now < present + era.seconds(QUEUED_SECONDS)
    return {
        "type": "Incremental",
        "scheduledTime": pen.time(present) if queued else None,
        "startTime": None if queued else pen.time(present),
        "status": "Queued" if queued else "Running",
    }


def _last_sync(pen: Pen, customer: Customer, start: float | None, era: Era) -> Row | None:
    if start is None:
        return None
    lot = customer.lot.child("veeam sync")
    failed = not customer.quiet and lot.child("errors").one(floor(era.days(start))) < SYNC_ERRORS
    failed = failed or customer.struck("sync_stops", start) is not None
    return {
        "type": "Full" if lot.child("full").one(floor(start)) < FULL_SYNCS else "Incremental",
        "result": "Error" if failed else "Success",
        "startTime": pen.time(start),
        "endTime": pen.time(start + era.seconds(SYNC_SECONDS)),
        "error": "Access denied (synthetic)." if failed else None,
    }


def usage_row(
    pen: Pen, customer: Customer, repository: Repository, world: World, now: float, *, available: bool
) -> Row:
    """Return what an organization has in a repository; nothing is known of one that is not *available*."""
    identifier = repository.id_in(world.seed)
    kept = stored(customer, repository, world.era.days(now)) if available else None
    row = {
        "repositoryId": identifier,
        "usedSpaceBytes": kept.disk if kept else None,
        "localCacheUsedSpaceBytes": kept.cache if kept else None,
        "objectStorageUsedSpaceBytes": kept.objects if kept else None,
        "isAvailable": kept is not None,
        "details": "" if kept else "The proxy is offline (synthetic).",
        "protectedObjectsCount": protected_objects(customer, now) if kept else None,
        "_links": pen.links(backupRepository=f"BackupRepositories/{identifier}"),
    }
    return pen.fields("storage usage", row)
