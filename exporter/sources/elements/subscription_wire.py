"""What customers have bought, as Elements sends it: nested products, or a row a product."""

from collections.abc import Sequence
from dataclasses import replace
from typing import Any, Final

from exporter.client.fields import FaultObserver, Fields
from exporter.client.values import count, expiry_date, size_bytes, text
from exporter.records import MicrosoftLicenses, Subscription
from exporter.sources.elements.wire import objects

MICROSOFT_365_BACKUP: Final = ("cloudbackupformicrosoft365", "cloudbackupexpress")
"""Services whose customers have protected objects, as `fold` writes them."""


def customer(fields: Fields) -> str | None:
    """Return whose services a row holds."""
    tenant = fields.read(text, "customerId")
    if tenant is None:
        fields.failed("customerId")
    return tenant


def products(fields: Fields, observer: FaultObserver) -> list[Fields]:
    """Return the products of a row of services: nested (v3, later v1) or the row itself (v1's path table)."""
    nested = fields.raw("products")
    if isinstance(nested, list):
        return objects(nested, observer, "products")
    return [fields] if fields.read(text, "service") else []


def subscription(tenant: str, fields: Fields) -> Subscription | None:
    """Read one product of a customer (v3 5.2, v1 /Services)."""
    service = fields.read(text, "service")
    if service is None:
        fields.failed("service")
        return None
    seats = fields.read(count, "purchasedUserSeats")
    return Subscription(
        tenant=tenant,
        subscription=service,
        model=fields.read(text, "subscriptionModel"),
        storage=fields.read(text, "storage"),
        retention=fields.read(text, "retention"),
        package=fields.read(text, "package"),
        payment=fields.read(text, "paymentType"),
        seats_purchased=seats,
        seats_used=fields.read(count, "microsoftLicenseAssigned") if seats is not None else None,
        seats_change=fields.read(change, "change"),
        capacity_purchased_bytes=fields.read(size_bytes, "purchasedCapacity"),
        storage_consumed_bytes=fields.read(size_bytes, "consumedStorage"),
        expires_at=fields.read(expiry_date, "expirationDate"),
    )


def change(raw: Any) -> int | None:
    """Return the signed change of seats; only "N/A" has been seen, a sign is what the words promise."""
    written = text(raw)
    if written is None:
        return None
    amount = count(written.lstrip("+-"))
    return -amount if amount is not None and written.startswith("-") else amount


def microsoft_licenses(tenant: str, rows: Sequence[Fields]) -> MicrosoftLicenses | None:
    """Read the licences of the customer at Microsoft, which every product row repeats."""
    assigned = [row.read(count, "microsoftLicenseAssigned") for row in rows]
    available = [row.read(count, "microsoftLicenseAvailable") for row in rows]
    known_assigned = [each for each in assigned if each is not None]
    known_available = [each for each in available if each is not None]
    if not known_assigned and not known_available:
        return None
    return MicrosoftLicenses(
        tenant=tenant,
        assigned=max(known_assigned, default=None),
        available=max(known_available, default=None),
    )


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
