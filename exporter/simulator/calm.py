"""What the customers of a calm world have bought: it is enough, and it lasts."""

from collections.abc import Iterable
from dataclasses import replace
from math import ceil
from typing import Final

from exporter.simulator.chance import Lot
from exporter.simulator.era import DAY, Era
from exporter.simulator.subscriptions import Subscription

SEATS_USED: Final = 0.8
"""At most this part of the seats is used."""

SEATS_STEP: Final = 20
"""Seats are a multiple of this, so that percentages of them are whole."""

FEWEST_SEATS: Final = 40
CAPACITY_GB: Final = 512
LASTING_DAYS: Final = 401
"""For so many days after the start nothing ends."""


def calmed(subscriptions: Iterable[Subscription], lot: Lot, era: Era, *, limited: bool) -> tuple[Subscription, ...]:
    """Return *subscriptions* with room and time in them; the one of Microsoft 365 has a capacity only if *limited*."""
    return tuple(_calmed(each, lot.child("calm", each.bought), era, limited=limited) for each in subscriptions)


def _calmed(subscription: Subscription, lot: Lot, era: Era, *, limited: bool) -> Subscription:
    main = subscription.bought == "Microsoft 365"
    earliest = era.start - era.start % DAY + LASTING_DAYS * DAY
    return replace(
        subscription,
        seats=None if subscription.seats is None else _seats(subscription, main=main),
        capacity_gb=_capacity(lot, limited=limited) if main else subscription.capacity_gb,
        unlimited=subscription.unlimited and not (main and limited),
        expires=earliest + lot.whole(0, 700, "expires") * DAY,
    )


def _seats(subscription: Subscription, *, main: bool) -> int:
    """Return plenty; of other products twice as many, because each shows the customer's licences as its use."""
    assigned, _ = subscription.licenses or (0, 0)
    seats = max(FEWEST_SEATS, ceil(assigned / SEATS_USED / SEATS_STEP) * SEATS_STEP)
    return seats if main else 2 * seats


def _capacity(lot: Lot, *, limited: bool) -> int | None:
    return CAPACITY_GB * lot.whole(1, 4, "capacity") if limited else None
