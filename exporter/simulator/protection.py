"""How much of each workload is backed up."""

from dataclasses import dataclass

from exporter.simulator.chance import Lot
from exporter.simulator.customers import Customer
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


def protection_of(customer: Customer, days: float) -> tuple[Protection, ...]:
    """Return the coverage after so many days of the world; nothing without a Microsoft 365 subscription."""
    if not customer.has("Microsoft 365"):
        return ()
    workloads = EVERYDAY + OCCASIONAL + (POWER_PLATFORM if customer.has("Power Platform") else ())
    return tuple(_protection(each, customer, max(0.0, days)) for each in workloads)


def _protection(workload: Workload, customer: Customer, days: float) -> Protection:
    lot = customer.lot.child("protection", workload.name)
    first = workload.objects * lot.between(0.3, 3, "scanned")
    scanned = int(first * (1 + lot.between(0, 0.002, "growth") * days))
    protected = int(scanned * _share(lot, quiet=customer.quiet))
    stored = lot.between(0.01, 1.5, "stored") * (protected + lot.between(0, 0.01, "daily") * protected * days)
    return Protection(workload, scanned, protected, round(stored, 2))


def _share(lot: Lot, *, quiet: bool) -> float:
    return 1.0 if quiet else lot.pick((1.0, 1.0, 0.97, 0.8, 0.69, 0.0), "share")
