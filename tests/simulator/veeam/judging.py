"""Judges answers by the tables of fields: what is not documented, of a wrong type, or null where it must not be."""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Final
from uuid import UUID

from tests.simulator.veeam.fields import ENUMS, FIELDS

TIME: Final = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{7}(Z|[+-]\d\d:\d\d)")

NULLED: Final = {
    ("license", "package"),
    ("licensed_user", "lastBackupDate"),
    ("sync_state", "lastSyncState"),
    ("sync_state", "currentSyncState"),
    ("repository", "objectStorage"),
    ("repository", "objectStorageCachePath"),
    ("synchronize_session", "error"),
    ("management_mode", "companyName"),
    ("session", "mainSessionId"),
    ("session", "endTime"),
    ("job", "description"),
}
"""What is null, against its description, where samples or reports have it so (reference 6)."""

Shapes = dict[str, dict[str, str]]


def documented(resource: str, version: str) -> dict[str, str]:
    """Return the fields of a resource in a version, each with its type."""
    lines = (line.split() for line in FIELDS[resource])
    return {name: kind for versions, kind, *names in lines if version[1] in versions for name in names}


def faults(resource: str, version: str, row: dict[str, Any], seen: set[tuple[str, str]]) -> Iterator[str]:
    """Yield what is wrong with a row; note in *seen* the fields that it sends with a value."""
    known = documented(resource, version)
    for name, value in row.items():
        if name in ("_links", "_actions"):
            if not isinstance(value, dict):
                yield f"{version} {resource}.{name}: {value!r}"
        elif name not in known:
            yield f"{version} {resource}.{name} is not documented"
        elif value is None:
            if not known[name].endswith("?") and (resource, name) not in NULLED:
                yield f"{version} {resource}.{name} is null"
        else:
            seen.add((resource, name))
            yield from _faults_of(f"{version} {resource}.{name}", known[name].rstrip("?"), version, value, seen)


def _faults_of(place: str, kind: str, version: str, value: Any, seen: set[tuple[str, str]]) -> Iterator[str]:
    match kind[0]:
        case "[":
            for each in value:
                yield from _faults_of(place, kind[1:-1], version, each, seen)
        case "{":
            for each in value.values():
                yield from faults(kind[1:-1], version, each, seen)
        case "<":
            yield from faults(kind[1:-1], version, value, seen)
        case _ if kind in FIELDS:
            yield from faults(kind, version, value, seen)
        case _ if not _fits(kind, value):
            yield f"{place}: {value!r} is no {kind}"
        case _:
            return


def _fits(kind: str, value: Any) -> bool:
    return value in ENUMS[kind].split() if kind in ENUMS else CHECKS[kind](value)


CHECKS: Final[dict[str, Callable[[Any], bool]]] = {
    "uuid": lambda value: str(UUID(value)) == value,
    "time": lambda value: TIME.fullmatch(value) is not None and datetime.fromisoformat(value).tzinfo is not None,
    "int32": lambda value: type(value) is int and abs(value) < 2**31,
    "int64": lambda value: type(value) is int and abs(value) < 2**63,
    "double": lambda value: type(value) is float,
    "bool": lambda value: type(value) is bool,
    "string": lambda value: type(value) is str,
}
