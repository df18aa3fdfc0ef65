"""How much is backed up of an organization: users, groups, sites, teams, bytes in repositories."""

from dataclasses import dataclass
from typing import Final, Literal

from exporter.simulator.customers import Customer
from exporter.simulator.protection import covered
from exporter.simulator.veeam.repositories import Repository
from exporter.simulator.veeam.roster import ALL, ever_backed_up

Entity = Literal["users", "groups", "sites", "teams"]

SHARES: Final[dict[Entity, tuple[float, float]]] = {
    "users": (1.0, 1.15),
    "groups": (0.1, 0.3),
    "sites": (0.2, 0.6),
    "teams": (0.05, 0.2),
}
"""How many there are for each licensed user, from and to."""

BYTES_PER_USER: Final = 2_500_000_000
CACHE_SHARE: Final = 0.02
DAILY_GROWTH: Final = 0.0004


@dataclass(frozen=True, slots=True)
class Stored:
    """Bytes of one organization in one repository: on disk, in the cache, in object storage; None if unknown."""

    disk: int | None
    cache: int | None
    objects: int | None


def licensed_users(customer: Customer) -> int:
    """Return how many users of *customer* need a licence; nobody where nothing was ever backed up."""
    return customer.users if ever_backed_up(customer) else 0


def new_users(customer: Customer) -> int:
    """Return how many of them are new this month: under a rental licence they cost nothing yet."""
    return min(licensed_users(customer), customer.lot.pick((0, 0, 1, 3, 8), "veeam new users"))


def entities(customer: Customer, entity: Entity, now: float) -> int:
    """Return how many users, groups, sites or teams of *customer* are protected at *now*."""
    low, high = SHARES[entity]
    usual = licensed_users(customer) * customer.lot.between(low, high, "veeam", entity)
    return int(usual * covered(customer, ALL, now))


def protected_objects(customer: Customer, now: float) -> int:
    """Return all of them."""
    return sum(entities(customer, entity, now) for entity in SHARES)


def stored(customer: Customer, repository: Repository, days: float) -> Stored:
    """Return what *customer* has in *repository* after so many days of the world."""
    lot = customer.lot.child("veeam stored", repository.key)
    growth = 1 + DAILY_GROWTH * max(0.0, days)
    total = int(licensed_users(customer) * BYTES_PER_USER * lot.between(0.2, 2, "size") * growth)
    if repository.storage is None:
        return Stored(total, None, None)
    return Stored(0, int(total * CACHE_SHARE), total)
