"""The file of incidents: a list in YAML, in words of people: organizations, durations, names of kinds."""

from collections.abc import Iterator, Mapping
from math import inf
from typing import Any, Final, get_args

import yaml

from exporter.duration import EXPECTED, duration_seconds
from exporter.simulator.customers import Customer
from exporter.simulator.incidents import (
    KINDS,
    OF_APIS,
    OF_BACKUPS,
    VENDORS,
    Incident,
    IncidentKind,
    RepositoryIncident,
)
from exporter.simulator.veeam.installation import PROXY_HOSTS, Installation
from exporter.simulator.veeam.roster import ALL
from exporter.simulator.world import World

KEYS: Final = ("kind", "tenant", "workload", "after", "for")


class BadIncidents(Exception):
    """The text cannot be used; *faults* are lines that say where and why."""

    def __init__(self, faults: list[str]) -> None:
        super().__init__("\n".join(faults))
        self.faults = faults


def read_incidents(text: str, world: World, now: float) -> tuple[Incident, ...]:
    """Return the incidents that *text* lists for *world*, their times counted from *now*."""
    try:
        rows = yaml.safe_load(text)
    except yaml.YAMLError as error:
        raise BadIncidents([f"is not YAML: {error}"]) from error
    if not isinstance(rows, list):
        raise BadIncidents(["should be a list of incidents, such as - {kind: backup_fails, tenant: 0, for: 6h}"])
    incidents: list[Incident] = []
    faults: list[str] = []
    for place, row in enumerate(rows, 1):
        try:
            incidents.append(_incident(row, world, now))
        except ValueError as error:
            faults.append(f"incident {place}: {error}")
    if faults:
        raise BadIncidents(faults)
    return tuple(incidents)


def _incident(row: Any, world: World, now: float) -> Incident:
    if not isinstance(row, Mapping):
        raise ValueError(f"should be a mapping of {', '.join(KEYS)}")  # noqa: TRY004 told like the other faults
    for key in row:
        if key not in KEYS:
            raise ValueError(f"unknown key {key!r}; there are {', '.join(KEYS)}")
    kind = _kind(row.get("kind"))
    customer = _customer(row["tenant"], world, now) if "tenant" in row else None
    workload = str(row.get("workload", ""))
    known = tuple(dict.fromkeys(_workloads(kind, customer, world, now)))
    if workload and workload not in known:
        raise ValueError(f"unknown workload {workload!r}; {_choice(known)}")
    since = now + _seconds("after", row.get("after", "0s"))
    until = since + _seconds("for", row["for"]) if "for" in row else inf
    if until <= since:
        raise ValueError("for: should be longer than zero")
    return Incident(kind, since, until, customer.id if customer else "", workload)


def _kind(value: Any) -> IncidentKind:
    for kind in KINDS:
        if kind == value:
            return kind
    raise ValueError(f"unknown kind {value!r}; there are {', '.join(KINDS)}")


def _customer(value: Any, world: World, now: float) -> Customer:
    customers = world.customers(now)
    if str(value).isdecimal() and int(str(value)) < len(customers):
        return customers[int(str(value))]
    for customer in customers:
        if customer.organization == value:
            return customer
    raise ValueError(f"unknown tenant {value!r}; there are 0 to {len(customers) - 1}, {customers[0].organization!r}, …")


def _workloads(kind: IncidentKind, customer: Customer | None, world: World, now: float) -> Iterator[str]:
    """Yield what an incident of this kind can be narrowed to."""
    if kind in OF_APIS:
        yield from VENDORS
    elif kind in get_args(RepositoryIncident):
        yield from (each.name for each in Installation(world).repositories(now))
    elif kind == "proxy_offline":
        yield from PROXY_HOSTS
    elif customer and kind in (*OF_BACKUPS, "coverage_drops", "unusual_activity", "ransomware"):
        yield from (each.workload.name for each in world.jobs(customer) if each.kind != "scan")
        yield ALL.name


def _choice(known: tuple[str, ...]) -> str:
    return f"there are {', '.join(known)}" if known else "leave it out"


def _seconds(key: str, value: Any) -> float:
    text = str(value)
    if text == "0s":
        return 0.0
    sign, digits = (-1.0, text[1:]) if text.startswith("-") else (1.0, text)
    try:
        return sign * duration_seconds(digits)
    except ValueError as error:
        raise ValueError(f"{key}: {value!r} should be {EXPECTED}, with - before it for the past") from error
