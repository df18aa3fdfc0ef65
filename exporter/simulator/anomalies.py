"""What looked unusual in the data of a customer: sudden changes, and what may be ransomware."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from math import floor
from typing import Final

from exporter.simulator.chance import Lot
from exporter.simulator.customers import Customer, Tenant
from exporter.simulator.era import Era
from exporter.simulator.incidents import Incident
from exporter.simulator.jobs import Job
from exporter.simulator.portfolio import HISTORY_DAYS
from exporter.simulator.workloads import Workload

UNUSUAL: Final = 0.06
"""The part of the days on which a workload shows something unusual."""

ATTACKS: Final = 0.1
"""The part of those on which some of it may be an attack."""

STRUCK: Final = 3
"""How often an incident shows each day, in one workload of the first tenant."""


@dataclass(frozen=True, slots=True)
class Anomalies:
    """How often the data of a workload in a Microsoft tenant changed unusually, and as under attack."""

    tenant: Tenant
    workload: Workload
    unusual: int
    attacks: int


def anomalies_of(
    customer: Customer, jobs: Iterable[Job], era: Era, after: float, until: float
) -> tuple[Anomalies, ...]:
    """Return a row for each tenant and Microsoft 365 workload with backups, zeros too.

    They add up the days of the world from the one of *after* to the one of *until*, within its history.
    """
    days = range(max(floor(-HISTORY_DAYS), floor(era.days(after))), floor(era.days(until)) + 1)
    workloads = [job.workload for job in jobs if job.workload.product == "Microsoft 365" and job.runs_at_all]
    found = [_sum(customer, tenant, workload, days) for tenant in customer.tenants for workload in workloads]
    for incident in customer.incidents:
        if incident.kind in ("unusual_activity", "ransomware") and incident.since <= until:
            place = next((place for place, each in enumerate(found) if _about(each, incident)), None)
            if place is not None:
                found[place] = _struck(found[place], incident, era, days)
    return tuple(found)


def _about(found: Anomalies, incident: Incident) -> bool:
    return incident.workload in ("", found.workload.name)


def _struck(found: Anomalies, incident: Incident, era: Era, days: Iterable[int]) -> Anomalies:
    """Return *found* with the share of *incident*: all that looks like an attack is unusual too."""
    count = STRUCK * sum(era.after(day) < incident.until and incident.since < era.after(day + 1) for day in days)
    attacks = count if incident.kind == "ransomware" else 0
    return replace(found, unusual=found.unusual + count, attacks=found.attacks + attacks)


def _sum(customer: Customer, tenant: Tenant, workload: Workload, days: Iterable[int]) -> Anomalies:
    if customer.quiet:
        return Anomalies(tenant, workload, 0, 0)
    lot = customer.lot.child("anomalies", tenant.id, workload.name)
    counts = list(_daily(lot, days))
    return Anomalies(tenant, workload, sum(one for one, _ in counts), sum(other for _, other in counts))


def _daily(lot: Lot, days: Iterable[int]) -> Iterator[tuple[int, int]]:
    for day in days:
        draws = lot.six(day)
        if draws[0] < UNUSUAL:
            unusual = 1 + int(draws[1] * 4)
            yield unusual, 1 + int(draws[3] * unusual) if draws[2] < ATTACKS else 0
