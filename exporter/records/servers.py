"""What belongs to a vendor's server on the customer's premises: its licence, repositories and proxies.

`Record.tenant` is ``""`` but for what a tenant's backups occupy.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field

from exporter.records.words import Record


@dataclass(frozen=True, slots=True, kw_only=True)
class Server(Record):
    """The vendor's server itself."""

    api: str
    """The generation of its API that is spoken."""
    version: str | None = None
    installation: str | None = None
    health: Mapping[str, bool] = field(default_factory=dict)
    """Component → whether it is healthy; ``server`` is all of it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ServerLicense(Record):
    """What was bought for a server, whichever tenants use it up."""

    type: str | None = None
    status: str | None = None
    package: str | None = None
    seats_purchased: float | None = None
    seats_used: float | None = None
    seats_new: float | None = None
    expires_at: float | None = None
    grace_ends_at: float | None = None
    """When all jobs begin to fail."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Repository(Record):
    """A place where backups are kept."""

    repository: str
    name: str | None = None
    storage: str | None = None
    """``disk``, or the vendor's word for the kind of object storage."""
    immutable: bool | None = None
    capacity_bytes: float | None = None
    free_bytes: float | None = None
    used_bytes: float | None = None
    immutability_seconds: float | None = None
    out_of_sync: bool | None = None
    """Whether its cache must be synchronised with the object storage."""
    outdated: bool | None = None
    """Whether it must be upgraded."""
    out_of_order: bool | None = None
    """Whether the server says that it cannot be used."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RepositoryUsage(Record):
    """What a tenant's backups occupy in one repository."""

    repository: str
    used_bytes: Mapping[str, float]
    """By location: ``local``, ``cache`` (of an object storage) or ``object``."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Proxy(Record):
    """A machine that moves the data."""

    proxy: str
    name: str | None = None
    operating_system: str | None = None
    version: str | None = None
    online: bool | None = None
    maintenance: bool | None = None
    cpu_ratio: float | None = None
    memory_ratio: float | None = None
