"""Restore sessions: what people got back from their backups, computed from customer and time (reference 8.11)."""

from collections.abc import Iterator
from math import floor
from typing import Final, NamedTuple

from exporter.simulator.chance import Lot
from exporter.simulator.customers import Customer
from exporter.simulator.era import DAY, Era
from exporter.simulator.veeam.archive import KEPT
from exporter.simulator.veeam.organization_rows import name_of
from exporter.simulator.veeam.pen import Pen, Row

EVERY_DAYS: Final = 4.0
HAPPENS: Final = 0.4
"""The part of the periods in which an organization restores something."""

LONGEST: Final = 7200.0
RESULTS: Final = (*("Success",) * 8, "Warning", "Failed")


class Restore(NamedTuple):
    """One restore; times in Unix seconds."""

    customer: Customer
    number: int
    start: float
    end: float

    @property
    def lot(self) -> Lot:
        """The chance of this restore."""
        return self.customer.lot.child("veeam restore", self.number)

    @property
    def id(self) -> str:
        """Its id."""
        return self.lot.guid("id")


def restores(customers: list[Customer], era: Era, now: float, after: float) -> Iterator[Restore]:
    """Yield the restores that began from *after* to *now* and are still kept, organization by organization."""
    after = max(after, now - era.seconds(KEPT))
    period = era.seconds(EVERY_DAYS * DAY)
    for customer in customers:
        lot = customer.lot.child("veeam restores")
        for number in range(floor((after - era.start) / period) - 1, floor((now - era.start) / period) + 1):
            draws = lot.six(number)
            start = round(era.start + (number + 0.9 * draws[1]) * period, 3)
            if draws[0] < HAPPENS and after <= start <= now:
                yield Restore(customer, number, start, round(start + era.seconds(60 + LONGEST * draws[2]), 3))


def restore_row(pen: Pen, restore: Restore, now: float) -> Row:
    """Return the row of a restore that has begun."""
    lot, over = restore.lot, restore.end <= now
    person = f"user{lot.whole(0, 99, 'person')}@{restore.customer.domain}"
    row = {
        "id": restore.id,
        "name": "Explore backups (synthetic)",
        "organization": name_of(restore.customer),
        "type": lot.pick(("Vex", "Vex", "Veod", "Vesp", "Vet"), "type"),
        "creationTime": pen.time(restore.start),
        "endTime": pen.time(restore.end) if over else None,
        "state": "Stopped" if over else "Working",
        "result": "Success" if restore.customer.quiet or not over else lot.pick(RESULTS, "result"),
        "initiatedBy": lot.pick((person, "PROVIDER\\pat"), "by"),
        "details": "",
        "scopeName": person,
        "clientHost": "vb365.provider.example",
        "reason": lot.pick(("", "Deleted file (synthetic)."), "reason"),
        "eTag": 2 if over else 1,
        "_links": pen.links(self=f"RestoreSessions/{restore.id}"),
    }
    return pen.fields("restore session", row)


def statistics_row(restore: Restore) -> Row:
    """Return what a restore brought back."""
    total = restore.lot.whole(1, 60, "items")
    failed = 0 if restore.customer.quiet else restore.lot.pick((0, 0, 0, 1), "failed")
    return {
        "totalItemsCount": total,
        "restoredItemsCount": total - failed,
        "failedItemsCount": failed,
        "skippedItemsCount": 0,
        "warnings": [],
        "errors": ["An item is locked (synthetic)."] * failed,
        "items": [],
    }
