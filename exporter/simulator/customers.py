"""The customers of a partner and the Microsoft tenants they own."""

from dataclasses import dataclass, field
from typing import Literal

from exporter.simulator.calm import calmed
from exporter.simulator.chance import Lot
from exporter.simulator.era import Era
from exporter.simulator.incidents import Incident, IncidentKind, struck
from exporter.simulator.naming import BRANCHES, COUNTRIES, MAILBOXES, STEMS, organization, slug
from exporter.simulator.subscriptions import Bought, Subscription, subscriptions_of

QUIET = 0.4
"""The part of the customers where every backup succeeds."""

CAPACITY_EVERY = 3
"""In a calm world one of so many customers has bought a capacity."""


@dataclass(frozen=True, slots=True)
class Tenant:
    """A Microsoft tenant; the name is not always known."""

    id: str
    name: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Customer:
    """One customer; everything about it but its id and number is invented from *lot*.

    *users* need a licence, *calm* is its world, *overdrawn* is since when (Unix seconds) an incident has it use
    more than it bought, *incidents* are all that strike it.
    """

    number: int
    id: str
    lot: Lot
    organization: str
    domain: str
    country: str
    owner_email: str
    management: Literal["customer", "partner", "open"]
    quiet: bool
    tenants: tuple[Tenant, ...]
    subscriptions: tuple[Subscription, ...]
    users: int
    calm: bool
    overdrawn: float | None = None
    incidents: tuple[Incident, ...] = field(default=(), compare=False)

    def struck(self, kind: IncidentKind, now: float, *workloads: str) -> Incident | None:
        """Return its incident of this kind that is going on at *now*, about one of these *workloads* if any is given.

        None if none is.
        """
        return struck(self.incidents, kind, now, *workloads)

    def has(self, bought: Bought) -> bool:
        """Tell whether the customer has such a subscription."""
        return any(subscription.bought == bought for subscription in self.subscriptions)


def customer(seed: int, number: int, era: Era, *, calm: bool) -> Customer:
    """Return customer *number* of the world of *seed*; nothing is wrong with those of a *calm* one."""
    lot = Lot.of(seed, "customer", number)
    # The names begin elsewhere for each seed; adding keeps them unique.
    name = organization(number + seed % (len(STEMS) * len(BRANCHES)))
    domain = f"{slug(name)}.example"
    quiet = calm or lot.chance(QUIET, "quiet")
    subscriptions = subscriptions_of(lot, era, quiet=quiet, certain=calm)
    if calm:
        subscriptions = calmed(subscriptions, lot, era, limited=number % CAPACITY_EVERY == 0)
    return Customer(
        number=number,
        id=customer_id(seed, number),
        lot=lot,
        organization=name,
        domain=domain,
        country=lot.pick(COUNTRIES, "country"),
        owner_email=f"{lot.pick(MAILBOXES, 'mailbox')}@{domain}",
        management="partner" if subscriptions else "open",
        quiet=quiet,
        tenants=_tenants(lot, slug(name)) if subscriptions else (),
        subscriptions=subscriptions,
        users=next((each.licenses[0] for each in subscriptions if each.licenses), 0),
        calm=calm,
    )


def customer_id(seed: int, number: int) -> str:
    """Return the GUID of a customer; its last eight digits hide the number, so that none is searched for."""
    return f"{Lot.of(seed, 'id', number).guid()[:-8]}{number ^ _mask(seed):08x}"


def customer_number(seed: int, identifier: str) -> int | None:
    """Return the number that customer_id hid, or None if it never made this id."""
    try:
        number = int(identifier[-8:], 16) ^ _mask(seed)
    except ValueError:
        return None
    return number if customer_id(seed, number) == identifier.lower() else None


def _mask(seed: int) -> int:
    return Lot.of(seed, "mask").whole(0, 0xFFFF_FFFF)


def _tenants(lot: Lot, name: str) -> tuple[Tenant, ...]:
    count = lot.pick((1, 1, 1, 1, 2, 2, 3), "tenants")
    return tuple(
        Tenant(
            id=lot.guid("tenant", place),
            name=None if lot.chance(0.3, "tenant name", place) else f"{name}-{place}" if place else name,
        )
        for place in range(count)
    )
