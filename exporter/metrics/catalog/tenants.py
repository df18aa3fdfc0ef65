"""Tenants and what they bought."""

from typing import Any, Final

from exporter.metrics.family import CACHED, Family, Labels, by, gauge, info
from exporter.records import MicrosoftLicenses, Subscription, Tenant

TENANT: Final[Labels[Any]] = {"tenant": lambda record: record.tenant}
SUBSCRIPTION: Final[Labels[Subscription]] = {
    "tenant": lambda record: record.tenant,
    "subscription": lambda record: record.subscription,
}


FAMILIES: Final[tuple[Family[Any], ...]] = (
    info(
        "tenant_info",
        "The tenant's name and country, with the labels of the operator's overrides; join it by tenant."
        f" {CACHED} (Elements: organization, countryOrRegion, ownerEmail; Veeam: name)",
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
    gauge(
        "tenant_last_backup_timestamp_seconds",
        f"When the vendor last backed up anything of the tenant. {CACHED} (Veeam: lastBackuptime)",
        Tenant,
        TENANT,
        lambda tenant: tenant.last_backup_at,
        kept=True,
    ),
    gauge(
        "tenant_sync_last_success_timestamp_seconds",
        "When the vendor last read successfully which users, groups, sites and teams the tenant has; what is newer"
        f" is not backed up. {CACHED} (Veeam v8: endTime of lastSyncState; v7: lastSyncTime)",
        Tenant,
        TENANT,
        lambda tenant: tenant.synchronized_at,
        kept=True,
    ),
    info(
        "subscription_info",
        f"What the tenant bought. {CACHED} (Elements: service, subscriptionModel, storage, retention, package,"
        " paymentType; Veeam: type, package of the server's licence)",
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
        "User seats bought; absent where the product is not sold by seat, and with Veeam, whose licence is the"
        f" server's (server_license_seats_purchased). {CACHED} (Elements, Cloud Backup: purchasedUserSeats)",
        Subscription,
        SUBSCRIPTION,
        lambda bought: bought.seats_purchased,
    ),
    gauge(
        "seats_used",
        "User seats in use. Elements has no such number: Microsoft licences assigned stand in for it, on every"
        f" subscription with seats, so never sum over subscriptions. {CACHED} (Elements: microsoftLicenseAssigned;"
        " Cloud Backup: assignedUserSeats; Veeam: usedObjectsCount or licensedUsers)",
        Subscription,
        SUBSCRIPTION,
        lambda bought: bought.seats_used,
    ),
    gauge(
        "seats_new",
        "Users backed up for the first time this month, who will count as seats in use from the first day of the next"
        f" month on. {CACHED} (Veeam: newObjectsCount or newUsers)",
        Subscription,
        SUBSCRIPTION,
        lambda bought: bought.seats_new,
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
)
