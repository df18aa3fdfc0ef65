"""How much of each workload is backed up."""

from dataclasses import dataclass, replace

from exporter.simulator.chance import Lot
from exporter.simulator.customers import Customer
from exporter.simulator.era import Era
from exporter.simulator.workloads import EVERYDAY, OCCASIONAL, POWER_PLATFORM, Workload


@dataclass(frozen=True, slots=True)
class Protection:
    """The coverage of one workload: objects found, objects backed up, GB stored.

    More scanned than protected is common, and so is nothing protected at all.
    """

    workload: Workload
    scanned: int
    protected: int
    stored_gb: float


DROPPED = 0.5
"""What is left of the coverage when it drops."""


def protection_of(customer: Customer, era: Era, now: float) -> tuple[Protection, ...]:
    """Return the coverage at *now*; nothing without a Microsoft 365 subscription."""
    if not customer.has("Microsoft 365"):
        return ()
    workloads = EVERYDAY + OCCASIONAL + (POWER_PLATFORM if customer.has("Power Platform") else ())
    usual = (_protection(each, customer, max(0.0, era.days(now))) for each in workloads)
    return tuple(replace(each, protected=int(each.protected * covered(customer, each.workload, now))) for each in usual)


def covered(customer: Customer, workload: Workload, now: float) -> float:
    """Return which part of what is usually backed up of a workload is so at *now*."""
    return DROPPED if customer.struck("coverage_drops", now, "", workload.name) else 1.0


def _protection(workload: Workload, customer: Customer, days: float) -> Protection:
    lot = customer.lot.child("protection", workload.name)
    first = workload.objects * lot.between(0.3, 3, "scanned")
    scanned = int(first * (1 + lot.between(0, 0.002, "growth") * days))
    protected = int(scanned * _share(lot, quiet=customer.quiet))
    stored = lot.between(0.01, 1.5, "stored") * (protected + lot.between(0, 0.01, "daily") * protected * days)
    return Protection(workload, scanned, protected, round(stored, 2))


def _share(lot: Lot, *, quiet: bool) -> float:
    return 1.0 if quiet else lot.pick((1.0, 1.0, 0.97, 0.8, 0.69, 0.0), "share")
