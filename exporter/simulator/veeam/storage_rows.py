"""Rows of repositories, object storage and proxies (reference 8.7 and 8.8)."""

from typing import Final

from exporter.simulator.chance import Lot
from exporter.simulator.era import HOUR, Era
from exporter.simulator.veeam.codes import NOBODY
from exporter.simulator.veeam.installation import PROXY_HOSTS, Installation
from exporter.simulator.veeam.pen import Pen, Row
from exporter.simulator.veeam.repositories import Repository
from exporter.simulator.veeam.rooms import GIB, Room

CACHE_CAPACITY: Final = 100 * GIB
NEW_TYPES: Final = ("WasabiCloud", "IBMCloud")
"""What v6 knows as one of the compatible ones."""

RETENTIONS: Final[tuple[Row, ...]] = (
    {"retentionPeriodType": "Yearly", "yearlyRetentionPeriod": "Years3", "retentionFrequencyType": "Daily"},
    {"retentionPeriodType": "Yearly", "yearlyRetentionPeriod": "Keep", "retentionFrequencyType": "Monthly"},
    {"retentionPeriodType": "Monthly", "monthlyRetentionPeriod": 84},
    {"retentionPeriodType": "Daily", "dailyRetentionPeriod": 30},
)


def repository_row(pen: Pen, installation: Installation, repository: Repository, room: Room) -> Row:
    """Return the row of a repository with this *room*, in object storage or on its disk."""
    lot = repository.lot(installation.world.seed)
    path = f"C:\\Cache\\{repository.name}" if repository.storage else f"D:\\{repository.name}"
    row = {
        "id": repository.id_in(installation.world.seed),
        "name": repository.name,
        "description": "",
        "path": path,
        **_capacity(pen, repository, room),
        "retentionType": lot.pick(("ItemLevel", "SnapshotBased"), "retention type"),
        **lot.pick(RETENTIONS, "retention"),
        "proxyId": _proxy(pen, installation, repository),
        "proxyPoolId": installation.pool_id(repository.pool),
        "organizationId": repository.owner.id if repository.owner else None,
        "isLongTerm": repository.long_term,
        "isOutdated": repository.outdated,
        "isOutOfSync": repository.out_of_sync,
        "isIndexed": not repository.out_of_sync,
        "isMigrationLocked": repository.locked,
        "isOutOfOrder": repository.out_of_order,
        "outOfOrderReason": "The bucket is not reachable (synthetic)." if repository.out_of_order else None,
        "encryptionKeyId": lot.guid("key") if repository.storage and lot.chance(0.5, "encrypted") else None,
        "objectStorageEncryptionEnabled": bool(repository.storage and lot.chance(0.5, "encrypted")),
        "objectStorage": object_storage_row(pen, installation, repository, room) if repository.storage else None,
        "objectStorageId": lot.guid("object storage") if repository.storage else None,
        "objectStorageCachePath": path if repository.storage else None,
        "_links": pen.links(self=f"BackupRepositories/{repository.id_in(installation.world.seed)}"),
    }
    return pen.fields("repository", row)


def _capacity(pen: Pen, repository: Repository, room: Room) -> Row:
    """Return the size of the disk; with object storage it is that of the cache, which v8 does not show."""
    if repository.storage is None:
        return {"capacityBytes": room.capacity, "freeSpaceBytes": room.free}
    if pen.modern:
        return {"capacityBytes": None, "freeSpaceBytes": None}
    return {"capacityBytes": CACHE_CAPACITY, "freeSpaceBytes": CACHE_CAPACITY // 2}


def _proxy(pen: Pen, installation: Installation, repository: Repository) -> str | None:
    """Return the proxy; where there are no pools, the first one of what is a pool elsewhere."""
    if repository.proxy is None and not pen.modern:
        return installation.proxy_id(0)
    return installation.proxy_id(repository.proxy)


def object_storage_row(pen: Pen, installation: Installation, repository: Repository, room: Room) -> Row:
    """Return the object storage under a repository: a part of its row in v8, one of its own in the others."""
    lot = repository.lot(installation.world.seed)
    storage = repository.storage
    row = {
        "id": lot.guid("object storage"),
        "name": f"{repository.name} bucket",
        "description": "",
        "type": "AmazonS3Compatible" if pen.version == "v6" and storage in NEW_TYPES else storage,
        "accountId": lot.guid("account"),
        "sizeLimitEnabled": room.capacity is not None,
        "sizeLimitGB": None if room.capacity is None else room.capacity // GIB,
        "usedSpaceBytes": room.used,
        "freeSpaceBytes": room.free,
        "enableImmutability": repository.immutable_days is not None,
        "enableImmutabilityGovernanceMode": lot.chance(0.2, "governance"),
        "immutabilityPeriodDays": repository.immutable_days,
    }
    return pen.fields("object storage", row)


PROXIES: Final = (
    ("Local", "Windows", None),
    ("Domain", "Windows", None),
    ("Workgroup", "Linux", None),
    ("Domain", "Windows", None),
    ("Workgroup", "Linux", 0),
    ("Workgroup", "Linux", 1),
)
"""Type, operating system and pool of each proxy, in the order of their hosts."""

MAINTAINED: Final = 2
"""The proxy that is in maintenance mode, unless the world is calm."""

POOLS: Final = ("Linux pool", "Copy pool")
PORT: Final = 9193


def proxy_row(pen: Pen, installation: Installation, place: int, now: float, *, extended: bool) -> Row:
    """Return the row of a proxy; its settings are a part of the *extended* view of the older versions."""
    host, (kind, system, pool) = PROXY_HOSTS[place], PROXIES[place]
    offline = installation.offline(place, now)
    maintained = place == MAINTAINED and not installation.world.calm
    load = None if offline else _load(installation.lot.child("load", place), installation.world.era, now)
    row = {
        "type": kind,
        "useInternetProxy": False,
        "operatingSystem": system,
        "id": installation.proxy_id(place),
        "proxyPoolId": installation.pool_id(pool),
        "hostName": host,
        "fqdn": f"{host}.provider.example",
        "description": "",
        "port": PORT,
        **(_settings() if pen.modern or extended else {}),
        "status": "Offline" if offline else "Online",
        "maintenanceModeState": "Enabled" if maintained else "Disabled",
        "cpuUsagePercent": load[0] if load else None,
        "memoryUsagePercent": load[1] if load else None,
        "version": None if offline else VERSION,
        "serviceAccount": None,
        "role": [] if offline else ["Processor"] if place else ["Orchestrator", "Scheduler", "Processor"],
        "_links": pen.links(self=f"Proxies/{installation.proxy_id(place) or NOBODY}"),
    }
    return pen.fields("proxy", row)


VERSION: Final = "8.4.0.1000"


def pool_row(installation: Installation, place: int) -> Row:
    """Return the row of a proxy pool."""
    return {"id": installation.pool_id(place), "name": POOLS[place], "description": "", "_links": {}}


def _settings() -> Row:
    return {
        "threadsNumber": 64,
        "enableNetworkThrottling": False,
        "throttlingValue": None,
        "throttlingUnit": None,
    }


def _load(lot: Lot, era: Era, now: float) -> tuple[float, float]:
    """Return percentages of processor and memory in use, new ones every few minutes."""
    draws = lot.six(int(now // era.seconds(HOUR / 12)))
    return round(95 * draws[0], 2), round(20 + 70 * draws[1], 2)
