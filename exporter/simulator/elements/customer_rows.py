"""Customer and protection rows (reference 5.1, 5.4 and 6)."""

from exporter.simulator.customers import Customer
from exporter.simulator.elements.codes import CUSTOMER_STATUSES, MANAGEMENT_MODES, service_module
from exporter.simulator.elements.job_rows import Row, pascal
from exporter.simulator.elements.texts import NOT_APPLICABLE, gigabytes
from exporter.simulator.protection import Protection


def v3_customer(customer: Customer) -> Row:
    """Return the row of customers/batch."""
    return {
        "id": customer.id,
        "organization": customer.organization,
        "ownerEmail": customer.owner_email,
        "jobStatus": _status(customer),
        "countryOrRegion": customer.country,
        "managementMode": MANAGEMENT_MODES[customer.management],
        "tenants": [{"id": tenant.id, "name": tenant.name} for tenant in customer.tenants],
    }


def v1_customer(customer: Customer) -> Row:
    """Return the row of /Customers, in one of two cases."""
    row: Row = {
        "id": customer.id,
        "organization": customer.organization,
        "ownerEmail": customer.owner_email,
        "jobStatus": CUSTOMER_STATUSES[_status(customer)],
        "countryOrRegion": customer.country,
    }
    return pascal(row) if v1_is_pascal(customer) else row


def v1_is_pascal(customer: Customer) -> bool:
    """Tell whether v1 writes this customer with capital initials."""
    return customer.lot.chance(0.3, "v1 pascal")


def v3_protection(customer: Customer, protection: Protection) -> Row:
    """Return a row of the overview."""
    return {
        "customerId": customer.id,
        "customer": customer.owner_email,
        "serviceType": "Cloud Backup for Microsoft 365",
        "serviceModule": service_module(protection.workload),
        "totalScannedObjects": protection.scanned,
        "totalProtectedObjects": protection.protected,
        "dataSizeStoredInAvePoint": gigabytes(protection.stored_gb),
        "dataSizeStoredInBYOS": NOT_APPLICABLE,
    }


def v1_protection(customer: Customer, protection: Protection) -> Row:
    """Return a row of /Protected: strings, or whole GB as in the path table, for all rows of a customer."""
    row = v3_protection(customer, protection)
    if customer.lot.chance(0.4, "v1 whole sizes"):
        row |= {"dataSizeStoredInAvePoint": int(protection.stored_gb)}
    return pascal(row) if v1_is_pascal(customer) else row


def _status(customer: Customer) -> int:
    # The real one is no reliable roll-up of the jobs either (reference 5.1).
    if not customer.subscriptions:
        return 0
    return 1 if customer.quiet else customer.lot.pick((1, 1, 5, 6), "status")
