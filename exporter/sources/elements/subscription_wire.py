"""What customers have bought, as Elements sends it: nested products, or a row a product."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any, Final, NamedTuple

from exporter.client.fields import FaultObserver, Fields
from exporter.client.values import count, expiry_date, size_bytes, text
from exporter.records import MicrosoftLicenses, Subscription

MICROSOFT_365_BACKUP: Final = ("cloudbackupformicrosoft365", "cloudbackupexpress")
"""Services whose customers have protected objects, as `fold` writes them."""


def is_backup(service: str) -> bool:
    """Tell whether the folded name is that of a service with jobs."""
    return "backup" in service


def is_microsoft_365_backup(service: str) -> bool:
    """Tell whether the folded name is that of a service with protected objects."""
    return service.startswith(MICROSOFT_365_BACKUP)


class Product(NamedTuple):
    """One product of a customer, with the customer's licences at Microsoft, which every product repeats."""

    subscription: Subscription
    assigned: int | None
    available: int | None


def customer(fields: Fields) -> str | None:
    """Return whose services a row holds."""
    return fields.read(text, "customerId", needed=True)


def products(fields: Fields, observer: FaultObserver) -> list[Fields]:
    """Return the products of a row of services: nested (v3, later v1) or the row itself (v1's path table).

    What is no object stands there as a product that does not tell its name.
    """
    nested = fields.raw("products")
    if nested is None:
        return [] if fields.raw("service") is None else [fields]
    rows = nested if isinstance(nested, list) else [nested]
    return [Fields(row if isinstance(row, Mapping) else {}, observer) for row in rows]


def product(tenant: str, fields: Fields) -> Product | None:
    """Read one product of a customer (v3 5.2, v1 /Services)."""
    service = fields.read(text, "service", needed=True)
    if service is None:
        return None
    seats = fields.read(count, "purchasedUserSeats")
    assigned = fields.read(count, "microsoftLicenseAssigned")
    subscription = Subscription(
        tenant=tenant,
        subscription=service,
        model=fields.read(text, "subscriptionModel"),
        storage=fields.read(text, "storage"),
        retention=fields.read(text, "retention"),
        package=fields.read(text, "package"),
        payment=fields.read(text, "paymentType"),
        seats_purchased=seats,
        seats_used=assigned if seats is not None else None,
        seats_change=fields.read(change, "change"),
        capacity_purchased_bytes=fields.read(size_bytes, "purchasedCapacity"),
        storage_consumed_bytes=fields.read(size_bytes, "consumedStorage"),
        expires_at=fields.read(expiry_date, "expirationDate"),
    )
    return Product(subscription, assigned, fields.read(count, "microsoftLicenseAvailable"))


def change(raw: Any) -> int | None:
    """Return the signed change of seats; only "N/A" has been seen, a sign is what the words promise."""
    written = text(raw)
    if written is None:
        return None
    amount = count(written.lstrip("+-"))
    return -amount if amount is not None and written.startswith("-") else amount


def microsoft_licenses(tenant: str, bought: Sequence[Product]) -> MicrosoftLicenses | None:
    """Return the licences of the customer at Microsoft, once."""
    assigned = max((each.assigned for each in bought if each.assigned is not None), default=None)
    available = max((each.available for each in bought if each.available is not None), default=None)
    if assigned is None and available is None:
        return None
    return MicrosoftLicenses(tenant=tenant, assigned=assigned, available=available)


def merged(subscriptions: Sequence[Subscription]) -> list[Subscription]:
    """Bring together what a customer bought of one service more than once, so that joins stay one to one.

    Amounts are summed, words listed, and the earliest end counts.
    """
    together: dict[str, Subscription] = {}
    for each in subscriptions:
        first = together.get(each.subscription)
        together[each.subscription] = each if first is None else _both(first, each)
    return list(together.values())


def _both(one: Subscription, other: Subscription) -> Subscription:
    ends = [each for each in (one.expires_at, other.expires_at) if each is not None]
    return replace(
        one,
        model=_list(one.model, other.model),
        storage=_list(one.storage, other.storage),
        retention=_list(one.retention, other.retention),
        package=_list(one.package, other.package),
        payment=_list(one.payment, other.payment),
        seats_purchased=_sum(one.seats_purchased, other.seats_purchased),
        seats_used=one.seats_used if one.seats_used is not None else other.seats_used,
        seats_change=_sum(one.seats_change, other.seats_change),
        capacity_purchased_bytes=_sum(one.capacity_purchased_bytes, other.capacity_purchased_bytes),
        storage_consumed_bytes=_sum(one.storage_consumed_bytes, other.storage_consumed_bytes),
        expires_at=min(ends, default=None),
    )


def _sum(one: float | None, other: float | None) -> float | None:
    return one if other is None else other if one is None else one + other


def _list(one: str | None, other: str | None) -> str | None:
    words = [word for text in (one, other) if text for word in text.split(", ")]
    return ", ".join(dict.fromkeys(words)) or None
