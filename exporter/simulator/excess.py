"""What incidents change about what a customer has bought and uses of it."""

from dataclasses import replace
from typing import Final

from exporter.simulator.calm import CAPACITY_GB
from exporter.simulator.customers import Customer
from exporter.simulator.era import DAY
from exporter.simulator.incidents import IncidentKind, UseIncident
from exporter.simulator.subscriptions import Subscription

USED: Final[dict[UseIncident, float]] = {
    "seats_filled": 0.95,
    "storage_filled": 0.95,
    "seats_exceeded": 1.05,
    "storage_exceeded": 1.05,
}
"""Which part is used."""

GROWS_FROM: Final = 0.5
GROWS_SECONDS: Final = 30 * DAY
"""What grows was at this part before, and is full so many real seconds after."""

SEATS: Final[tuple[UseIncident, ...]] = ("seats_filled", "seats_exceeded", "seats_growing")
STORAGE: Final[tuple[UseIncident, ...]] = ("storage_filled", "storage_exceeded", "storage_growing")


def as_of(customer: Customer, now: float) -> Customer:
    """Return *customer* as its incidents have it at *now*; those of seats and storage are about Microsoft 365."""
    if not customer.incidents:
        return customer
    limit = customer.struck("out_of_policy", now)
    seats = _assigned(customer, now)
    return replace(
        customer,
        subscriptions=tuple(_struck(customer, each, seats, now) for each in customer.subscriptions),
        overdrawn=limit.since if limit else None,
    )


def growing(since: float, now: float, seconds: float) -> float:
    """Return which part is used of what began to grow at *since* and is full so many *seconds* later."""
    return GROWS_FROM + (1 - GROWS_FROM) * max(0.0, now - since) / seconds


def _assigned(customer: Customer, now: float) -> int | None:
    """Return how many seats are used, None if as many as always."""
    share = _share(customer, SEATS, now)
    bought = (each.seats for each in customer.subscriptions if each.bought == "Microsoft 365")
    return None if share is None else round((next(bought, None) or 0) * share)


def _struck(customer: Customer, subscription: Subscription, seats: int | None, now: float) -> Subscription:
    if seats is not None and subscription.licenses:
        # Every subscription shows the licences of the same Microsoft tenants.
        subscription = replace(subscription, licenses=(seats, subscription.licenses[1]))
    return _main(customer, subscription, now) if subscription.bought == "Microsoft 365" else subscription


def _main(customer: Customer, subscription: Subscription, now: float) -> Subscription:
    if _any(customer, *STORAGE):
        capacity = subscription.capacity_gb or CAPACITY_GB
        share = _share(customer, STORAGE, now)
        consumed = subscription.consumed_gb if share is None else capacity * share
        growth = subscription.growth_gb if share is None else 0.0
        subscription = replace(
            subscription, capacity_gb=capacity, unlimited=False, consumed_gb=consumed, growth_gb=growth
        )
    ends = [each.until for each in customer.incidents if each.kind == "subscription_ends"]
    return replace(subscription, expires=ends[-1]) if ends else subscription


def _any(customer: Customer, *kinds: IncidentKind) -> bool:
    return any(each.kind in kinds for each in customer.incidents)


def _share(customer: Customer, kinds: tuple[UseIncident, ...], now: float) -> float | None:
    """Return which part is used at *now*, None if no incident says."""
    for kind in kinds:
        if customer.struck(kind, now) and kind in USED:
            return USED[kind]
    planned = [each for each in customer.incidents if each.kind in kinds and each.kind not in USED and now < each.until]
    return growing(planned[0].since, now, GROWS_SECONDS) if planned else None
