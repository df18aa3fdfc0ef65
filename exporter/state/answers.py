"""Last good answers as bytes and back: a cache on disk, which may be dropped when it cannot be read."""

from collections.abc import Sequence
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from pydantic_core import from_json, to_json

from exporter.records import (
    JobSchedule,
    JobSettings,
    MicrosoftLicenses,
    ProtectedEntities,
    Protection,
    Proxy,
    Record,
    Repository,
    RepositoryUsage,
    ScanProfile,
    Server,
    ServerLicense,
    Subscription,
    Tenant,
    UnusualActivity,
)

KINDS: Final[dict[str, TypeAdapter[Any]]] = {
    kind.__name__: TypeAdapter(kind)
    for kind in (
        *(Tenant, Subscription, MicrosoftLicenses, Protection, ScanProfile, JobSchedule, UnusualActivity),
        *(JobSettings, ProtectedEntities, RepositoryUsage, Server, ServerLicense, Repository, Proxy),
    )
}
"""The records that are shown as they came; those of jobs are in the books."""


def packed(records: Sequence[Record]) -> bytes:
    """Return *records* as JSON."""
    return to_json([[type(record).__name__, record] for record in records], inf_nan_mode="constants")


def unpacked(packed: bytes) -> tuple[Record, ...]:
    """Return the records; ValueError if another version wrote them in a form that this one cannot read."""
    try:
        return tuple(KINDS[kind].validate_python(fields) for kind, fields in from_json(packed))
    except (ValidationError, KeyError, TypeError) as error:
        raise ValueError("the records are not in a form of this version") from error
