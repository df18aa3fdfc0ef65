"""Tenants, what they bought and how much of them is protected."""

from typing import Any, Final

from exporter.metrics.family import CACHED, Family, Labels, by, gauge, info
from exporter.records import Collection, MicrosoftLicenses, Protection, Subscription, Tenant, UnusualActivity

TENANT: Final[Labels[Any]] = {"tenant": lambda record: record.tenant}
SUBSCRIPTION: Final[Labels[Subscription]] = {
    "tenant": lambda record: record.tenant,
    "subscription": lambda record: record.subscription,
}
WORKLOAD: Final[Labels[Protection]] = {
    "tenant": lambda record: record.tenant,
    "product": lambda record: record.product,
    "workload": lambda record: record.workload,
}
UNUSUAL: Final[Labels[UnusualActivity]] = {
    "tenant": lambda record: record.tenant,
    "workload": lambda record: record.workload,
}
COLLECTOR: Final[Labels[Collection]] = {
    "tenant": lambda record: record.tenant,
    "collector": lambda record: record.collector,
}


FAMILIES: Final[tuple[Family[Any], ...]] = (
    info(
        "tenant_info",
        "The tenant's name and country, with the labels of the operator's overrides; join it by tenant."
        f" {CACHED} (Elements: organization, countryOrRegion, ownerEmail)",
        Tenant,
        TENANT,
        lambda tenant: {
            "name": tenant.name,
            "country": tenant.country,
            "owner_email": tenant.owner_email,
            **tenant.labels,
        },
        ("name", "country", "owner_email", "and those of overrides"),
    ),
    gauge(
        "tenant_muted",
        "1 if the operator muted the tenant in overrides: no alert about it should reach anyone.",
        Tenant,
        TENANT,
        lambda tenant: float(tenant.muted),
        kept=True,
    ),
    by(
        "status",
        "tenant_status",
        "1 for the vendor's own roll-up of the tenant. Not a reliable sum of its jobs: alert on those."
        f" {CACHED} (Elements: jobStatus)",
        Tenant,
        TENANT,
        lambda tenant: {tenant.status: 1.0} if tenant.status else None,
    ),
    info(
        "subscription_info",
        f"What the tenant bought. {CACHED} (Elements: service, subscriptionModel, storage, retention, package,"
        " paymentType)",
        Subscription,
        SUBSCRIPTION,
        lambda bought: {
            "model": bought.model,
            "storage": bought.storage,
            "retention": bought.retention,
            "package": bought.package,
            "payment": bought.payment,
        },
        ("model", "storage", "retention", "package", "payment"),
    ),
    gauge(
        "seats_purchased",
        f"User seats bought; absent where the product is not sold by seat. {CACHED} (Elements, Cloud Backup:"
        " purchasedUserSeats)",
        Subscription,
        SUBSCRIPTION,
        lambda bought: bought.seats_purchased,
    ),
    gauge(
        "seats_used",
        "User seats in use. Elements has no such number: Microsoft licences assigned stand in for it, on every"
        f" subscription with seats, so never sum over subscriptions. {CACHED} (Elements: microsoftLicenseAssigned;"
        " Cloud Backup: assignedUserSeats)",
        Subscription,
        SUBSCRIPTION,
        lambda bought: bought.seats_used,
    ),
    gauge(
        "seats_change",
        f"Change of the seats drawn from a pooled licence since the first day of the month. {CACHED}"
        " (Elements: change)",
        Subscription,
        SUBSCRIPTION,
        lambda bought: bought.seats_change,
    ),
    gauge(
        "capacity_purchased_bytes",
        f"Storage bought, one GB taken as 2^30 bytes. {CACHED} (Elements: purchasedCapacity; Cloud Backup:"
        " purchasedStorageSize)",
        Subscription,
        SUBSCRIPTION,
        lambda bought: bought.capacity_purchased_bytes,
    ),
    gauge(
        "storage_consumed_bytes",
        "Storage used as the licence counts it, one GB taken as 2^30 bytes; it need not equal the sum of"
        f" storage_stored_bytes. {CACHED} (Elements: consumedStorage; Cloud Backup: protectedSize)",
        Subscription,
        SUBSCRIPTION,
        lambda bought: bought.storage_consumed_bytes,
    ),
    gauge(
        "license_out_of_policy_timestamp_seconds",
        f"When more came into use than was bought; absent while all is well. {CACHED} (Cloud Backup: outOfPolicyTime)",
        Subscription,
        SUBSCRIPTION,
        lambda bought: bought.out_of_policy_at,
        kept=True,
    ),
    gauge(
        "unusual_activities",
        "Sites in which the vendor found unusual activity, in the last days that are asked for (lookback)."
        f" {CACHED} (Cloud Backup v2: unusualActivitiesCount)",
        UnusualActivity,
        UNUSUAL,
        lambda found: found.unusual_activities,
    ),
    gauge(
        "potential_ransomware_attacks",
        "Sites in which the vendor suspects ransomware, in the last days that are asked for (lookback)."
        f" {CACHED} (Cloud Backup v2: potentialRansomwareAttackCount)",
        UnusualActivity,
        UNUSUAL,
        lambda found: found.potential_ransomware_attacks,
    ),
    gauge(
        "subscription_expiry_timestamp_seconds",
        f"Day on which the subscription ends, at midnight UTC. {CACHED} (Elements: expirationDate)",
        Subscription,
        SUBSCRIPTION,
        lambda bought: bought.expires_at,
        kept=True,
    ),
    gauge(
        "microsoft_licenses_assigned",
        f"Microsoft licences assigned to users, once a tenant. {CACHED} (Elements: microsoftLicenseAssigned)",
        MicrosoftLicenses,
        TENANT,
        lambda licenses: licenses.assigned,
    ),
    gauge(
        "microsoft_licenses_available",
        f"Microsoft licences the tenant owns, once a tenant. {CACHED} (Elements: microsoftLicenseAvailable)",
        MicrosoftLicenses,
        TENANT,
        lambda licenses: licenses.available,
    ),
    gauge(
        "objects_scanned",
        f"Objects the discovery scan knows. {CACHED} (Elements: totalScannedObjects)",
        Protection,
        WORKLOAD,
        lambda protection: protection.scanned,
    ),
    gauge(
        "objects_protected",
        f"Objects that have been backed up; compare with objects_scanned. {CACHED} (Elements: totalProtectedObjects)",
        Protection,
        WORKLOAD,
        lambda protection: protection.protected,
    ),
    by(
        "location",
        "storage_stored_bytes",
        "Backup data stored, one GB taken as 2^30 bytes, by location: avepoint, or byos for the customer's own"
        f" storage. {CACHED} (Elements: dataSizeStoredInAvePoint, dataSizeStoredInBYOS)",
        Protection,
        WORKLOAD,
        lambda protection: protection.stored_bytes,
    ),
    gauge(
        "collector_success",
        "1 if the last collection succeeded; absent where the tenant does not have what would be asked for.",
        Collection,
        COLLECTOR,
        lambda state: None if state.success is None else float(state.success),
        kept=True,
    ),
    gauge(
        "collector_last_success_timestamp_seconds",
        "When the collector last got a complete answer: the age of everything it serves.",
        Collection,
        COLLECTOR,
        lambda state: state.succeeded_at,
        kept=True,
    ),
    gauge(
        "collector_stale",
        "1 once collecting has failed for longer than stale_after: gauges of present state are withheld, counters,"
        " times and infos stay.",
        Collection,
        COLLECTOR,
        lambda state: None if state.success is None else float(state.stale),
        kept=True,
    ),
)
