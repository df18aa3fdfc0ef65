"""Where backups are kept: disks and object storage, shared or of one organization."""

from dataclasses import dataclass, replace
from typing import Final, Literal

from exporter.simulator.chance import Lot
from exporter.simulator.customers import Customer
from exporter.simulator.naming import slug

Storage = Literal[
    "AzureBlob", "AmazonS3", "AmazonS3Compatible", "AzureBlobArchive", "AmazonS3Glacier", "WasabiCloud", "IBMCloud"
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository:
    """One repository: *storage* is None for a disk, *proxy* and *pool* are places in the lists of those.

    *limit_gb* of object storage for each customer; *immutable_days* of None is off, of 0 "as the retention".
    """

    key: str
    name: str
    storage: Storage | None = None
    proxy: int | None = 0
    pool: int | None = None
    owner: Customer | None = None
    limit_gb: int | None = None
    immutable_days: int | None = None
    long_term: bool = False
    out_of_sync: bool = False
    outdated: bool = False
    locked: bool = False
    out_of_order: bool = False

    def id_in(self, seed: int) -> str:
        """Return the id in the world of *seed*."""
        return self.lot(seed).guid("id")

    def lot(self, seed: int) -> Lot:
        """Return the chance of this repository in the world of *seed*."""
        return Lot.of(seed, "veeam repository", self.key)


OFFLINE_PROXY: Final = 3
"""The proxy that does not answer; what it serves is not available. In a calm world it answers."""

SHARED: Final = (
    Repository(key="default", name="Default Backup Repository"),
    Repository(key="disk", name="Disk-02", proxy=1),
    Repository(
        key="s3", name="S3 shared", storage="AmazonS3Compatible", proxy=None, pool=0, limit_gb=40, immutable_days=30
    ),
    Repository(key="azure", name="Azure shared", storage="AzureBlob", proxy=1, immutable_days=0),
    Repository(key="aws", name="AWS shared", storage="AmazonS3", proxy=None, pool=0),
)
COPIES: Final = (
    Repository(key="archive", name="Azure archive", storage="AzureBlobArchive", proxy=1, long_term=True),
    Repository(key="glacier", name="Glacier", storage="AmazonS3Glacier", proxy=0, long_term=True, immutable_days=90),
    Repository(key="wasabi", name="Wasabi copies", storage="WasabiCloud", proxy=None, pool=1, limit_gb=60),
    Repository(key="ibm", name="IBM copies", storage="IBMCloud", proxy=2, out_of_sync=True),
)
RETIRED: Final = (
    Repository(key="old", name="Disk-01 (old)", proxy=OFFLINE_PROXY, outdated=True),
    Repository(key="broken", name="S3 moved", storage="AmazonS3", proxy=1, locked=True, out_of_order=True),
)
"""What jobs that no longer run, or never did, write to."""


def calmed(repository: Repository) -> Repository:
    """Return *repository* as it is in a calm world, where every one is in sync."""
    return replace(repository, out_of_sync=False)


OWN: Final = 0.3
"""The part of the organizations with a repository of their own."""


def own_repository(customer: Customer) -> Repository | None:
    """Return the repository that *customer* shares with nobody, if it has one."""
    lot = customer.lot.child("veeam repository")
    if not lot.chance(OWN, "own"):
        return None
    return Repository(
        key=f"own {customer.id}",
        name=f"S3-{slug(customer.organization)}",
        storage=lot.pick(("AmazonS3Compatible", "AmazonS3", "WasabiCloud", "AzureBlob"), "storage"),
        proxy=None,
        pool=0,
        owner=customer,
        limit_gb=lot.pick((None, 500, 4096), "limit"),
        immutable_days=lot.pick((None, 0, 14, 30), "immutable"),
        out_of_sync=not customer.quiet and lot.chance(0.15, "sync"),
        out_of_order=not customer.quiet and lot.chance(0.08, "order"),
    )


def repository_ids(seed: int, customer: Customer, *, idle: bool) -> tuple[str, str]:
    """Return the two repositories that the backup jobs of *customer* use, the *idle* ones others."""
    lot = customer.lot.child("veeam repositories")
    if idle:
        return RETIRED[0].id_in(seed), RETIRED[1].id_in(seed)
    own = own_repository(customer)
    shared = [lot.pick(SHARED, "shared", place).id_in(seed) for place in range(2)]
    return own.id_in(seed) if own else shared[0], shared[1]
