"""Subscription rows: nested products in v3, nested or flat in v1 (reference 5.2 and 6)."""

from time import gmtime, strftime
from typing import Final

from exporter.simulator.customers import Customer
from exporter.simulator.elements.customer_rows import v1_is_pascal
from exporter.simulator.elements.job_rows import Row, pascal
from exporter.simulator.elements.texts import NOT_APPLICABLE, count, gigabytes, instant, noon
from exporter.simulator.subscriptions import Bought, Storage, Subscription

SERVICES: Final[dict[Bought, tuple[str, str]]] = {
    "Microsoft 365": ("Cloud Backup for Microsoft 365 - Microsoft 365 services", "Standard"),
    "Power Platform": ("Cloud Backup for Microsoft 365 - Power Platform", "New"),
    "Google Workspace": ("Cloud Backup for Google Workspace - Workspace", "Standard"),
    "Salesforce": ("Cloud Backup for Salesforce® - Backup", "New"),
    "IaaS units": ("Cloud Backup for IaaS + PaaS - Unit", NOT_APPLICABLE),
    "IaaS seats": ("Cloud Backup for IaaS + PaaS - User Seats", "Enterprise"),
    "Dynamics 365": ("Cloud Backup for Dynamics 365", "Dynamics 365 (Dataverse)"),
}
"""The name of each service and its usual subscription model."""

STORAGES: Final[dict[Storage | None, str]] = {
    "vendor": "AvePoint storage",
    "vendor blob": "AvePoint storage (Microsoft Azure Blob)",
    "own": "Bring your own storage",
    None: NOT_APPLICABLE,
}

V1_DATES: Final = ("%Y-%m-%d", "%m/%d/%Y", "%Y/%m/%d", "%Y-%m-%dT00:00:00Z")

FLAT: Final = (
    "service", "subscriptionModel", "purchasedUserSeats", "microsoftLicenseAssigned",
    "microsoftLicenseAvailable", "purchasedCapacity", "storage", "retention", "consumedStorage",
    "expirationDate", "change",
)  # fmt: skip
"""The product fields of v1's path table."""


def v3_services(customer: Customer, days: float) -> Row:
    """Return the row of a customer with its products."""
    return {**_owner(customer), "products": [_product(each, days) for each in customer.subscriptions]}


def v1_services(customer: Customer, days: float) -> list[Row]:
    """Return one row with nested products, or flat rows, one a product, whichever this customer gets."""
    if not customer.subscriptions or customer.lot.chance(0.5, "v1 nested"):
        row = v1_service(customer, days)
        return [pascal(row) if v1_is_pascal(customer) else row]
    rows = [
        {**_owner(customer), "tenantId": _tenants(customer)} | {name: product[name] for name in FLAT}
        for product in _v1_products(customer, days)
    ]
    return [pascal(row) for row in rows] if v1_is_pascal(customer) else rows


def v1_service(customer: Customer, days: float) -> Row:
    """Return one customer with nested products, as the entity /Services/{id}."""
    return {
        **_owner(customer),
        "tenantId": _tenants(customer),
        "products": _v1_products(customer, days),
    }


def _v1_products(customer: Customer, days: float) -> list[Row]:
    date = customer.lot.pick(V1_DATES, "v1 date")
    return [
        _product(each, days) | {"expirationDate": strftime(date, gmtime(each.expires))}
        for each in customer.subscriptions
    ]


def _owner(customer: Customer) -> Row:
    return {
        "customerId": customer.id,
        "organization": customer.organization,
        "customer": customer.owner_email,
    }


def _tenants(customer: Customer) -> str:
    return ",".join(tenant.id for tenant in customer.tenants)


def _product(subscription: Subscription, days: float) -> Row:
    service, model = SERVICES[subscription.bought]
    main = subscription.bought == "Microsoft 365"
    assigned, available = subscription.licenses or (None, None)
    consumed = subscription.consumed(days)
    return {
        "service": service,
        "subscriptionModel": "Unlimited organizations" if main and subscription.unlimited else model,
        "purchasedUserSeats": count(subscription.seats),
        "purchasedUnits": count(subscription.units),
        "microsoftLicenseAssigned": count(assigned),
        "microsoftLicenseAvailable": count(available),
        "purchasedCapacity": _capacity(subscription),
        "protectedCapacity": NOT_APPLICABLE if subscription.capacity_gb is None else "0 GB",
        "storage": STORAGES[subscription.storage],
        "retention": _retention(subscription),
        "consumedStorage": NOT_APPLICABLE if consumed is None else gigabytes(consumed),
        # Units are the one service seen with the ISO date that is promised for all.
        "expirationDate": (instant if subscription.units else noon)(subscription.expires),
        "change": NOT_APPLICABLE,
        "source": "AvePoint pooled subscription" if subscription.pooled else "AvePoint subscription",
        "paymentType": "Pay as you go" if subscription.units else _payment(subscription),
        "subscriptionName": NOT_APPLICABLE,
        "package": "Standard" if main and subscription.pooled else NOT_APPLICABLE,
        "contractEndDate": NOT_APPLICABLE,
    }


def _capacity(subscription: Subscription) -> str:
    if subscription.capacity_gb is None:
        return NOT_APPLICABLE
    size = f"{subscription.capacity_gb} GB"
    return f"0/{size}" if subscription.units else size


def _payment(subscription: Subscription) -> str:
    return "Prepaid" if subscription.prepaid else NOT_APPLICABLE


def _retention(subscription: Subscription) -> str:
    if subscription.unlimited:
        return "Unlimited retention"
    years = subscription.retention_years
    return NOT_APPLICABLE if years is None else f"Retain data for {years} years"
