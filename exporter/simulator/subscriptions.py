"""What customers have bought."""

from dataclasses import dataclass
from typing import Literal

from exporter.simulator.chance import Lot
from exporter.simulator.era import DAY, Era

Bought = Literal[
    "Microsoft 365",
    "Power Platform",
    "Google Workspace",
    "Salesforce",
    "IaaS units",
    "IaaS seats",
    "Dynamics 365",
]
Storage = Literal["vendor", "vendor blob", "own"]

SHARES: tuple[tuple[Bought, float], ...] = (
    ("Microsoft 365", 0.93),
    ("Power Platform", 0.25),
    ("Google Workspace", 0.2),
    ("Salesforce", 0.2),
    ("IaaS units", 0.15),
    ("IaaS seats", 0.12),
    ("Dynamics 365", 0.1),
)
"""Which part of the customers buys what."""

QUIET_DAYS = 180
"""For how many days after the start nothing of a quiet customer ends."""

EXPIRED_DAYS = 20
"""How many days before the start the subscription of another may have ended."""

NOTHING = 0.06
"""The part of the customers that has bought nothing yet."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Subscription:
    """One thing bought; None is "does not apply".

    Sizes in GB, the expiry in Unix seconds at midnight UTC, *consumed_gb* with its growth per day
    of the world, *licenses* as (assigned, available) of the customer's own Microsoft tenants.
    """

    bought: Bought
    seats: int | None
    units: int | None
    capacity_gb: int | None
    storage: Storage | None
    retention_years: int | None
    unlimited: bool
    consumed_gb: float | None
    growth_gb: float
    licenses: tuple[int, int] | None
    expires: float
    pooled: bool
    prepaid: bool

    def consumed(self, days: float) -> float | None:
        """Return the GB in use after so many days of the world."""
        return None if self.consumed_gb is None else self.consumed_gb + max(0.0, days) * self.growth_gb


def subscriptions_of(lot: Lot, era: Era, *, quiet: bool, certain: bool) -> tuple[Subscription, ...]:
    """Return what the customer of *lot* has bought; Power Platform never without Microsoft 365.

    Nothing of a *quiet* customer ends soon; one that is *certain* has bought Microsoft 365.
    """
    if lot.chance(NOTHING, "nothing") and not certain:
        return ()
    bought: list[Bought] = [name for name, share in SHARES if lot.chance(share, "bought", name)]
    if certain and "Microsoft 365" not in bought:
        bought.insert(0, "Microsoft 365")
    if "Microsoft 365" not in bought and "Power Platform" in bought:
        bought.remove("Power Platform")
    licenses = (lot.whole(5, 900, "assigned"), lot.whole(0, 120, "available"))
    midnight = era.start - era.start % DAY
    earliest = midnight + (QUIET_DAYS if quiet else -EXPIRED_DAYS) * DAY
    return tuple(_subscription(name, lot.child("subscription", name), earliest, licenses) for name in bought)


def _subscription(bought: Bought, lot: Lot, earliest: float, licenses: tuple[int, int]) -> Subscription:
    units = bought == "IaaS units"
    main = bought == "Microsoft 365"
    return Subscription(
        bought=bought,
        seats=None if units else licenses[0] + 10 * lot.whole(0, 9, "seats"),
        units=lot.whole(1, 9, "units") if units else None,
        capacity_gb=_capacity(bought, lot),
        storage=lot.pick(("vendor", "vendor blob", "own"), "storage") if main or units else None,
        retention_years=lot.pick((None, 1, 3), "retention"),
        unlimited=lot.chance(0.5, "unlimited"),
        consumed_gb=lot.between(1, 90, "consumed") if main else None,
        growth_gb=lot.between(0, 0.2, "growth"),
        licenses=None if units else licenses,
        expires=earliest + lot.whole(0, 700, "expires") * DAY,
        pooled=main and lot.chance(0.4, "pooled"),
        prepaid=not units and lot.chance(0.4, "prepaid"),
    )


def _capacity(bought: Bought, lot: Lot) -> int | None:
    if bought == "IaaS units":
        return 1
    return 512 * lot.whole(1, 4, "capacity") if lot.chance(0.15, "has capacity") else None
