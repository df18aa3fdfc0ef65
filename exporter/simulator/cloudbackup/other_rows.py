"""Licences, unusual activities, frequency and retention (reference 7 to 9)."""

from typing import Any, Final

from exporter.simulator.anomalies import Anomalies
from exporter.simulator.chance import Lot
from exporter.simulator.cloudbackup.codes import SERVICE_TYPES
from exporter.simulator.cloudbackup.texts import instant, ticks
from exporter.simulator.customers import Customer
from exporter.simulator.era import DAY, Era
from exporter.simulator.jobs import Job
from exporter.simulator.schedule import Plan
from exporter.simulator.subscriptions import Subscription

Row = dict[str, Any]

OVERDRAWN: Final = 0.08
"""The part of the customers that use more than they bought, though nothing expired."""

SERVICE_POLICIES: Final = 0.4
"""The part of the workloads with a retention of their own."""


def license_of(customer: Customer, era: Era, now: float) -> Row:
    """Return what is bought and used, sizes in whole GB."""
    subscription = next(each for each in customer.subscriptions if each.bought == "Microsoft 365")
    assigned, _ = subscription.licenses or (0, 0)
    return {
        "outOfPolicyTime": _out_of_policy(customer, subscription, era, now),
        "purchasedUserSeats": subscription.seats or 0,
        "assignedUserSeats": assigned,
        "purchasedStorageSize": _storage(customer.lot, subscription),
        "protectedSize": int(subscription.consumed(era.days(now)) or 0),
    }


def activity(customer: Customer, found: Anomalies) -> Row:
    """Return the unusual activities of one workload; the owner is personal data."""
    return {
        "tenantOwner": customer.owner_email,
        "tenantId": found.tenant.id,
        "serviceType": SERVICE_TYPES[found.workload.name],
        "potentialRansomwareAttackCount": found.attacks,
        "unusualActivitiesCount": found.unusual,
    }


def frequency(plan: Plan) -> Row:
    """Return how often a workload is backed up, and when today."""
    return {
        "serviceType": SERVICE_TYPES[plan.workload.name],
        "frequency": plan.per_day,
        "backupStartTime": [instant(start) for start in plan.starts],
    }


def retention(customer: Customer, jobs: tuple[Job, ...]) -> Row:
    """Return how long the backups of the workloads of *jobs* are kept."""
    subscription = next(each for each in customer.subscriptions if each.bought == "Microsoft 365")
    lot = customer.lot.child("retention policy")
    years = None if subscription.unlimited else subscription.retention_years
    workloads = [job.workload.name for job in jobs if lot.chance(SERVICE_POLICIES, "own", job.workload.name)]
    return {
        "enableDailyRetentionPolicy": lot.chance(0.3, "daily"),
        "enableCustomizedRetentionPolicy": bool(workloads),
        "retentionPeriod": f"{years} years" if years else "Unlimited",
        "servicePolicies": [_policy(lot.child(name), SERVICE_TYPES[name]) for name in workloads],
    }


def _policy(lot: Lot, service: int) -> Row:
    containers = [
        {
            "containerId": lot.guid("container", place),
            "containerName": f"Container {place + 1}",
            "retentionPeriod": _period(lot.child("container", place)),
        }
        for place in range(lot.whole(0, 2, "containers"))
    ]
    return {
        "serviceType": service,
        "containerPolicies": containers,
        "retentionPeriod": _period(lot),
        "unassignedObjectRetentionPeriod": _period(lot.child("unassigned")),
    }


def _period(lot: Lot) -> str:
    return lot.pick(("1 years", "2 years", "3 years", "Unlimited"), "period")


def _out_of_policy(customer: Customer, subscription: Subscription, era: Era, now: float) -> int:
    if subscription.expires <= now:
        return ticks(subscription.expires)
    if customer.overdrawn is not None:
        return ticks(customer.overdrawn)
    if customer.quiet or not customer.lot.chance(OVERDRAWN, "overdrawn"):
        return 0
    return ticks(era.start - customer.lot.whole(1, 20, "overdrawn since") * DAY)


def _storage(lot: Lot, subscription: Subscription) -> int:
    if subscription.unlimited:
        return lot.pick((0, -1), "no storage limit")
    return subscription.capacity_gb or 0
