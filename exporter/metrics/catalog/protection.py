"""How much of a tenant is protected, what that occupies, and what the vendor found suspicious in it."""

from typing import Any, Final

from exporter.metrics.family import CACHED, Family, Labels, by, gauge
from exporter.records import ProtectedEntities, Protection, RepositoryUsage, UnusualActivity

WORKLOAD: Final[Labels[Protection]] = {
    "tenant": lambda record: record.tenant,
    "product": lambda record: record.product,
    "workload": lambda record: record.workload,
}
ENTITIES: Final[Labels[ProtectedEntities]] = {"tenant": lambda record: record.tenant}
USAGE: Final[Labels[RepositoryUsage]] = {
    "tenant": lambda record: record.tenant,
    "repository": lambda record: record.repository,
}
UNUSUAL: Final[Labels[UnusualActivity]] = {
    "tenant": lambda record: record.tenant,
    "workload": lambda record: record.workload,
}


FAMILIES: Final[tuple[Family[Any], ...]] = (
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
    by(
        "entity",
        "protected_entities",
        "Users, groups, sites and teams of the tenant that have a backup. A user's site counts as both: never sum."
        f" {CACHED} (Veeam v8: rows of ProtectedUsers, ProtectedGroups, ProtectedSites, ProtectedTeams)",
        ProtectedEntities,
        ENTITIES,
        lambda protected: protected.entities,
    ),
    by(
        "location",
        "tenant_repository_used_bytes",
        "Bytes that the tenant's backups occupy in a repository, by location: local, object storage, or cache, the"
        f" local copy of what object storage holds. {CACHED} (Veeam: usedSpaceBytes, objectStorageUsedSpaceBytes,"
        " localCacheUsedSpaceBytes of usedRepositories)",
        RepositoryUsage,
        USAGE,
        lambda usage: usage.used_bytes,
    ),
)
