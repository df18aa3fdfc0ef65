"""What goes wrong in a world, and when: incidents with names, each with a beginning and an end."""

from collections.abc import Iterable
from dataclasses import dataclass
from math import inf
from typing import Final, Literal, get_args

BackupIncident = Literal["backup_fails", "backup_stops", "backup_vanishes", "backup_disabled", "backup_hangs"]
UseIncident = Literal[
    "seats_filled", "seats_exceeded", "seats_growing", "storage_filled", "storage_exceeded", "storage_growing"
]
ProfileIncident = Literal["profile_changed", "daily_scan_off", "scan_fails", "scan_stops", "many_removed"]
CustomerIncident = Literal[
    BackupIncident, UseIncident, ProfileIncident,
    "coverage_drops", "subscription_ends", "out_of_policy", "unusual_activity", "ransomware", "customer_leaves",
    "sync_stops", "tenant_fails",
]  # fmt: skip
RepositoryIncident = Literal[
    "repository_full", "repository_filled", "repository_growing",
    "repository_out_of_order", "repository_out_of_sync", "repository_outdated",
]  # fmt: skip
ServerIncident = Literal[
    RepositoryIncident, "proxy_offline", "server_unhealthy", "license_ends", "license_overused", "license_exceeded"
]
ApiIncident = Literal["api_down", "credentials_refused", "permission_missing", "throttled"]
IncidentKind = Literal[CustomerIncident, ServerIncident, ApiIncident]
Vendor = Literal["elements", "cloudbackup", "veeam"]

KINDS: Final[tuple[IncidentKind, ...]] = get_args(IncidentKind)
OF_BACKUPS: Final[frozenset[IncidentKind]] = frozenset(get_args(BackupIncident))
OF_CUSTOMERS: Final[frozenset[IncidentKind]] = frozenset(get_args(CustomerIncident))
OF_APIS: Final[frozenset[IncidentKind]] = frozenset(get_args(ApiIncident))
VENDORS: Final[tuple[Vendor, ...]] = get_args(Vendor)
DATES: Final[frozenset[IncidentKind]] = frozenset(("subscription_ends", "license_ends"))
"""The kinds that are a date, *until*, which is known from the beginning of the world; *since* says nothing."""


@dataclass(frozen=True, slots=True)
class Incident:
    """One thing that is wrong from *since* to before *until*, in Unix seconds.

    *workload* narrows it: a workload of the customer ("all" of Veeam's jobs), the name of a repository or the host
    of a proxy ("" is the first), the vendor whose API is meant.
    """

    kind: IncidentKind
    since: float
    until: float = inf
    customer_id: str = ""
    workload: str = ""

    def __post_init__(self) -> None:
        """Refuse with ValueError what could not be seen anywhere."""
        if (self.kind in OF_CUSTOMERS) != bool(self.customer_id):
            raise ValueError(f"{self.kind} {'needs a' if not self.customer_id else 'is about no'} customer")
        if self.kind in OF_APIS and self.workload not in VENDORS:
            raise ValueError(f"{self.kind} needs a vendor as its workload: {', '.join(VENDORS)}")
        if self.kind in DATES and self.until == inf:
            raise ValueError(f"{self.kind} needs an end: it is the date")

    def strikes(self, now: float) -> bool:
        """Tell whether it is going on at *now*."""
        return self.since <= now < self.until

    @property
    def seconds(self) -> float:
        """How long it goes on."""
        return self.until - self.since


class Incidents:
    """All incidents of a world, by whom and what they are about."""

    def __init__(self, incidents: Iterable[Incident]) -> None:
        self.all = tuple(incidents)
        self._of: dict[str, tuple[Incident, ...]] = {}
        for each in self.all:
            self._of[each.customer_id] = (*self.of(each.customer_id), each)

    def of(self, customer_id: str) -> tuple[Incident, ...]:
        """Return all incidents of a customer."""
        return self._of.get(customer_id, ())

    def of_kind(self, kind: IncidentKind) -> tuple[Incident, ...]:
        """Return all incidents of a kind, past and future ones too."""
        return tuple(each for each in self.all if each.kind == kind)

    def struck(self, kind: IncidentKind, now: float, *workloads: str) -> Incident | None:
        """Return the incident of a server or an API that is going on at *now*, about one of these *workloads*."""
        return struck(self.of(""), kind, now, *workloads)


def struck(incidents: Iterable[Incident], kind: IncidentKind, now: float, *workloads: str) -> Incident | None:
    """Return which of *incidents* is of this kind and going on at *now*; None if none is.

    With *workloads*, it is also about one of these.
    """
    found = (each for each in incidents if each.kind == kind and each.strikes(now))
    return next((each for each in found if not workloads or each.workload in workloads), None)
