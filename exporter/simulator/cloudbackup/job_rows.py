"""Job rows: strings and hours in v1 and v2, ticks in legacy (reference 7 to 9)."""

from math import floor
from typing import Any, Final

from exporter.simulator.chance import Lot
from exporter.simulator.cloudbackup.codes import SPELLINGS
from exporter.simulator.cloudbackup.history import Shown
from exporter.simulator.cloudbackup.texts import hours, instant, ticks

Row = dict[str, Any]

WRONG: Final = 0.1
"""The part of the durations whose last digit is wrong, as in the vendor's samples."""


def row(shown: Shown) -> Row:
    """Return the row of v1 and v2; it tells neither the type nor the workload."""
    lot = shown.lot
    spelling = lot.pick(("Count", "Number"), "counts")
    return {
        "id": shown.run.id,
        "state": _state(shown, lot),
        "startTime": instant(shown.run.start),
        **_finish(shown, lot),
        "duration": _hours(shown, lot),
        "backupDetails": {f"{name}{spelling}": number for name, number in _counts(shown)},
        "jobErrors": [
            {"isErrorCode": each.is_code, "value": each.value, "url": each.url, "number": each.number}
            for each in shown.mishaps
        ],
    }


def legacy_row(shown: Shown, *, whole_seconds: bool) -> Row:
    """Return the row of legacy, in capital initials."""
    cut = floor if whole_seconds else float
    start = ticks(cut(shown.run.start))
    finish = None if shown.end is None else ticks(cut(shown.end))
    lot = shown.lot
    return {
        "Id": shown.run.id,
        "State": _state(shown, lot),
        "StartTime": start,
        **_legacy_finish(finish, lot),
        "Duration": 0 if finish is None else finish - start,
        "BackupDetails": {f"{name.capitalize()}Count": number for name, number in _counts(shown)},
        "JobErrors": [
            {"IsErrorCode": each.is_code, "Value": each.value, "Url": each.url, "Number": each.number}
            for each in shown.mishaps
        ],
    }


def _state(shown: Shown, lot: Lot) -> str:
    return lot.pick(SPELLINGS[shown.state], "state")


def _counts(shown: Shown) -> tuple[tuple[str, int], ...]:
    counts = shown.counts
    return (
        ("total", counts.total),
        ("failed", counts.failed),
        ("successful", counts.successful),
        ("skipped", counts.skipped),
    )


def _finish(shown: Shown, lot: Lot) -> Row:
    if shown.end is not None:
        return {"finishTime": instant(shown.end)}
    forms: tuple[Row, ...] = ({"finishTime": None}, {}, {"finishTime": ""})
    return lot.pick(forms, "running")


def _legacy_finish(finish: int | None, lot: Lot) -> Row:
    if finish is not None:
        return {"FinishTime": finish}
    forms: tuple[Row, ...] = ({"FinishTime": None}, {}, {"FinishTime": 0})
    return lot.pick(forms, "running")


def _hours(shown: Shown, lot: Lot) -> str:
    if shown.end is None:
        return "0.000"
    error = lot.pick((-1, 1), "error") if lot.chance(WRONG, "wrong") else 0
    return hours(shown.end - shown.run.start, error)
