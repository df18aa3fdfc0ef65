"""Veeam's server, repositories and proxies, row by row, in our words.

Source: the vendor reference, sections 8.1, 8.2, 8.7 and 8.8.
"""

import re
from collections.abc import Iterable, Mapping
from typing import Any, Final

from exporter.client.fields import FaultObserver, Fields, objects
from exporter.client.values import byte_count, count, flag, folded, identifier, text
from exporter.client.words import is_absent, number
from exporter.errors import ValueFault
from exporter.records import Proxy, Repository

DAY: Final = 86400.0
GB: Final = 2.0**30
_PERCENT: Final = 100.0
MOST_COMPONENTS: Final = 20
_COMPONENT: Final = re.compile(r"[A-Za-z0-9_.-]{1,64}")
"""What the name of a component looks like."""


def health(fields: Fields) -> dict[str, bool]:
    """Return which components are healthy; ``server`` is all of them."""
    raw = fields.raw("entries")
    entries = raw if isinstance(raw, Mapping) else {}
    states = {"server": _healthy(fields)}
    for name, entry in list(entries.items())[:MOST_COMPONENTS]:
        if name not in states and _COMPONENT.fullmatch(name) and isinstance(entry, Mapping):
            states[name] = _healthy(Fields(entry, fields.observer))
    return {name: healthy for name, healthy in states.items() if healthy is not None}


def _healthy(fields: Fields) -> bool | None:
    word = folded(fields.raw("status"))
    if word not in {"healthy", "unhealthy", ""}:
        fields.unknown("health")
    return {"healthy": True, "unhealthy": False}.get(word)


def repositories(rows: Iterable[Any], storages: Iterable[Any], observer: FaultObserver) -> list[Repository]:
    """Read repositories; *storages* are the object storages, which v6 and v7 list apart."""
    apart: dict[str, Fields] = {}
    for fields in objects(storages, observer, "object_storages"):
        identity = fields.read(identifier, "id", needed=True)
        if identity is not None:
            apart[identity] = fields
    found: dict[str, Repository] = {}
    for fields in objects(rows, observer, "repositories"):
        repository = fields.read(identifier, "id", needed=True)
        if repository is not None:
            found[repository] = _repository(repository, fields, _storage(fields, apart))
    return list(found.values())


def _storage(fields: Fields, apart: Mapping[str, Fields]) -> Fields | None:
    raw = fields.raw("objectStorage")
    if isinstance(raw, Mapping):
        return Fields(raw, fields.observer)
    identity = fields.read(identifier, "objectStorageId")
    if identity is None:
        return None
    return apart.get(identity) or Fields({}, fields.observer)


def _repository(repository: str, fields: Fields, storage: Fields | None) -> Repository:
    """Return a repository; of one on object storage the capacity is that of the storage, not of its local cache."""
    capacity, free, used = _disk_space(fields) if storage is None else _storage_space(storage)
    immutable = storage.read(flag, "enableImmutability") if storage else None
    days = storage.read(count, "immutabilityPeriodDays") if storage and immutable else None
    return Repository(
        tenant="",
        repository=repository,
        name=fields.read(text, "name"),
        storage="disk" if storage is None else storage.read(text, "type") or "object",
        immutable=immutable,
        capacity_bytes=capacity,
        free_bytes=free,
        used_bytes=used,
        immutability_seconds=days * DAY if days else None,  # 0: as long as the retention, which has no fixed length
        out_of_sync=fields.read(flag, "isOutOfSync"),
        outdated=fields.read(flag, "isOutdated"),
        out_of_order=fields.read(flag, "isOutOfOrder"),
    )


def _disk_space(fields: Fields) -> tuple[float | None, float | None, float | None]:
    capacity, free = fields.read(byte_count, "capacityBytes"), fields.read(byte_count, "freeSpaceBytes")
    used = capacity - free if capacity is not None and free is not None and free <= capacity else None
    return capacity, free, used


def _storage_space(storage: Fields) -> tuple[float | None, float | None, float | None]:
    limited = storage.read(flag, "sizeLimitEnabled")
    limit = storage.read(count, "sizeLimitGB") if limited else None
    free = storage.read(byte_count, "freeSpaceBytes") if limited else None
    return (limit * GB if limit else None), free, storage.read(byte_count, "usedSpaceBytes")


def proxies(rows: Iterable[Any], observer: FaultObserver) -> list[Proxy]:
    """Read proxies; what an offline one does not measure is no measurement."""
    found: dict[str, Proxy] = {}
    for fields in objects(rows, observer, "proxies"):
        proxy = fields.read(identifier, "id", needed=True)
        if proxy is not None:
            found[proxy] = Proxy(
                tenant="",
                proxy=proxy,
                name=fields.read(text, "hostName", "fqdn"),
                operating_system=fields.read(text, "operatingSystem"),
                version=fields.read(text, "version"),
                online=_one_of(fields, "status", {"online": True, "offline": False}),
                maintenance=_one_of(
                    fields, "maintenanceModeState", {"disabled": False, "enabling": True, "enabled": True}
                ),
                cpu_ratio=fields.read(_ratio, "cpuUsagePercent"),
                memory_ratio=fields.read(_ratio, "memoryUsagePercent"),
            )
    return list(found.values())


def _one_of(fields: Fields, name: str, words: Mapping[str, bool]) -> bool | None:
    word = folded(fields.raw(name))
    if word and word not in words:
        fields.unknown(name)
    return words.get(word)


def _ratio(raw: Any) -> float | None:
    """Return a percentage as a part of 1; what is measured a little beyond 100 is 1."""
    if is_absent(raw):
        return None
    if isinstance(raw, str):
        try:
            raw = float(raw)
        except ValueError:
            raise ValueFault("expected a percentage") from None
    percent = float(number(raw, form="a percentage"))
    if percent < 0:
        raise ValueFault("expected a percentage")
    return min(percent / _PERCENT, 1.0)
