"""A vendor's server on the customer's premises: its licence, repositories and proxies."""

from typing import Any, Final

from exporter.metrics.family import CACHED, Family, Labels, by, gauge, info
from exporter.records import Proxy, Repository, Server, ServerLicense

SERVER: Final[Labels[Server]] = {}
LICENSE: Final[Labels[ServerLicense]] = {}
REPOSITORY: Final[Labels[Repository]] = {"repository": lambda repository: repository.repository}
PROXY: Final[Labels[Proxy]] = {"proxy": lambda proxy: proxy.proxy}


def _word(value: bool | None) -> str | None:  # noqa: FBT001 - what a record says
    """Return the text of a label that is true, false or not there."""
    return None if value is None else str(value).lower()


FAMILIES: Final[tuple[Family[Any], ...]] = (
    info(
        "server_info",
        "The vendor's server: its version, the generation of its API that is spoken, and the id of the installation."
        f" {CACHED} (Veeam: version, installationId)",
        Server,
        SERVER,
        lambda server: {"version": server.version, "api": server.api, "installation": server.installation},
        ("version", "api", "installation"),
    ),
    by(
        "component",
        "server_healthy",
        "1 if the server says that the component is healthy; the component server is all of it."
        f" {CACHED} (Veeam v8: status, entries)",
        Server,
        SERVER,
        lambda server: server.health,
    ),
    info(
        "server_license_info",
        f"The licence of the server. {CACHED} (Veeam: type, status, package)",
        ServerLicense,
        LICENSE,
        lambda license_: {"type": license_.type, "status": license_.status, "package": license_.package},
        ("type", "status", "package"),
    ),
    gauge(
        "server_license_seats_purchased",
        f"Users that the server's licence is for, whichever tenants have them. {CACHED} (Veeam: totalNumber)",
        ServerLicense,
        LICENSE,
        lambda license_: license_.seats_purchased,
    ),
    gauge(
        "server_license_seats_used",
        "Users that count against the server's licence: with more than it is for and an allowance, further users are"
        f" silently not backed up. {CACHED} (Veeam: usedNumber)",
        ServerLicense,
        LICENSE,
        lambda license_: license_.seats_used,
    ),
    gauge(
        "server_license_seats_new",
        "Users backed up for the first time this month, who will count against the server's licence from the first"
        f" day of the next month on; only a rental licence has any. {CACHED} (Veeam: newNumber)",
        ServerLicense,
        LICENSE,
        lambda license_: license_.seats_new,
    ),
    gauge(
        "server_license_expiry_timestamp_seconds",
        f"When the server's licence ends. {CACHED} (Veeam: licenseExpires; v6: expirationDate)",
        ServerLicense,
        LICENSE,
        lambda license_: license_.expires_at,
        kept=True,
    ),
    gauge(
        "server_license_grace_end_timestamp_seconds",
        "When all jobs begin to fail because the server's licence has ended."
        f" {CACHED} (Veeam: gracePeriodExpires; v6: expirationDate and the months of grace of the licence's type)",
        ServerLicense,
        LICENSE,
        lambda license_: license_.grace_ends_at,
        kept=True,
    ),
    info(
        "repository_info",
        "A place where backups are kept: its name, disk or the kind of object storage, and whether backups in it are"
        f" protected from change. {CACHED} (Veeam: id, name, type and enableImmutability of the object storage)",
        Repository,
        REPOSITORY,
        lambda repository: {
            "name": repository.name,
            "storage": repository.storage,
            "immutable": _word(repository.immutable),
        },
        ("name", "storage", "immutable"),
    ),
    gauge(
        "repository_capacity_bytes",
        "Bytes that the repository has room for, used or not: of a disk its volume, of object storage its size limit,"
        f" one GB taken as 2^30 bytes; absent without a limit. {CACHED} (Veeam: capacityBytes, sizeLimitGB)",
        Repository,
        REPOSITORY,
        lambda repository: repository.capacity_bytes,
    ),
    gauge(
        "repository_free_bytes",
        "Bytes that the repository still has room for; absent for object storage without a size limit."
        f" {CACHED} (Veeam: freeSpaceBytes)",
        Repository,
        REPOSITORY,
        lambda repository: repository.free_bytes,
    ),
    gauge(
        "repository_used_bytes",
        "Bytes in use in the repository: of object storage by its backups, of a disk by whatever is on its volume."
        f" {CACHED} (Veeam: usedSpaceBytes, for a disk capacityBytes minus freeSpaceBytes)",
        Repository,
        REPOSITORY,
        lambda repository: repository.used_bytes,
    ),
    gauge(
        "repository_immutability_seconds",
        "How long nobody can change or delete a backup in the repository; absent where that is as long as backups are"
        f" kept. {CACHED} (Veeam v8: immutabilityPeriodDays)",
        Repository,
        REPOSITORY,
        lambda repository: repository.immutability_seconds,
    ),
    gauge(
        "repository_out_of_sync",
        "1 if the repository's cache must be synchronised with its object storage before it can be used."
        f" {CACHED} (Veeam: isOutOfSync)",
        Repository,
        REPOSITORY,
        lambda repository: repository.out_of_sync,
    ),
    gauge(
        "repository_outdated",
        f"1 if the repository must be upgraded to the server's version. {CACHED} (Veeam v8: isOutdated)",
        Repository,
        REPOSITORY,
        lambda repository: repository.outdated,
    ),
    gauge(
        "repository_out_of_order",
        f"1 if the server says that the repository cannot be used. {CACHED} (Veeam v8: isOutOfOrder)",
        Repository,
        REPOSITORY,
        lambda repository: repository.out_of_order,
    ),
    info(
        "proxy_info",
        "A machine that moves the data: its host name, operating system and version."
        f" {CACHED} (Veeam: id, hostName, operatingSystem, version)",
        Proxy,
        PROXY,
        lambda proxy: {"name": proxy.name, "os": proxy.operating_system, "version": proxy.version},
        ("name", "os", "version"),
    ),
    gauge(
        "proxy_online",
        f"1 if the server reaches the proxy. {CACHED} (Veeam: status)",
        Proxy,
        PROXY,
        lambda proxy: proxy.online,
    ),
    gauge(
        "proxy_maintenance",
        f"1 if the proxy is in maintenance, so that it takes no work. {CACHED} (Veeam v8: maintenanceModeState)",
        Proxy,
        PROXY,
        lambda proxy: proxy.maintenance,
    ),
    gauge(
        "proxy_cpu_ratio",
        f"Share of the proxy's processors that is in use, from 0 to 1. {CACHED} (Veeam v8: cpuUsagePercent)",
        Proxy,
        PROXY,
        lambda proxy: proxy.cpu_ratio,
    ),
    gauge(
        "proxy_memory_ratio",
        f"Share of the proxy's memory that is in use, from 0 to 1. {CACHED} (Veeam v8: memoryUsagePercent)",
        Proxy,
        PROXY,
        lambda proxy: proxy.memory_ratio,
    ),
)
