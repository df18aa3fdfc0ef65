"""How often a job is meant to run, from its schedule policy.

Source: RESTJobSchedulePolicy and RESTCopyJobSchedulePolicy (the vendor reference, section 8.9).
"""

import re
from dataclasses import dataclass
from typing import Final

from exporter.client.fields import Fields
from exporter.client.values import count, flag, folded, text

HOUR: Final = 3600.0
DAY: Final = 24 * HOUR
WEEK: Final = 7 * DAY

_EVERY: Final = re.compile(r"(?P<unit>minutes|hours)(?P<number>[0-9]{1,4})")
_UNITS: Final = {"minutes": 60.0, "hours": HOUR}
_CLOCK: Final = re.compile(r"(?P<clock>[0-9]{2}:[0-9]{2})(?::[0-9]{2}(?:\.[0-9]+)?)?")
_RUNS_A_WEEK: Final = {"everyday": 7, "workdays": 5, "weekends": 2} | dict.fromkeys(
    ("monday", "tuesday", "wednesday", "thursday", "friday", "saturday", "sunday"), 1
)
_LONGEST_GAP: Final = {1: WEEK, 2: 6 * DAY, 5: 3 * DAY, 7: DAY}
"""Runs a week → the longest time from one to the next: over the weekend, or from one weekend to the next."""


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a job runs; ``interval_seconds`` is None if only somebody's hand starts it."""

    words: str
    """For people: ``every 15m``, ``workdays 22:00``, ``manual``, ``after its backup``."""
    interval_seconds: float | None = None
    longest_gap_seconds: float | None = None
    retries: int = 0
    """How often a run that failed is tried again."""
    retry_wait_seconds: float = 0.0


MANUAL: Final = Schedule("manual")
FOLLOWS: Final = Schedule("after its backup")
"""A copy job that begins as soon as there is something to copy."""


def backup_schedule(policy: Fields) -> Schedule | None:
    """Return the schedule of a backup job, ``None`` if it is not known."""
    if policy.read(flag, "scheduleEnabled") is False:
        return MANUAL
    kind = _word(policy, "type")
    windowed = policy.read(flag, "periodicallyWindowEnabled")
    match kind:
        case "manualonly":
            return MANUAL
        case "periodically":
            found = _periodically(policy, windowed=bool(windowed))
        case "daily":
            found = _daily(policy)
        case _:
            _tell(policy, kind)
            return None
    if found is None or not policy.read(flag, "retryEnabled"):
        return found
    return Schedule(
        found.words,
        found.interval_seconds,
        found.longest_gap_seconds,
        policy.read(count, "retryNumber") or 0,
        60.0 * (policy.read(count, "retryWaitInterval") or 0),
    )


def copy_schedule(policy: Fields) -> Schedule | None:
    """Return the schedule of a backup copy job, ``None`` if it is not known."""
    kind = _word(policy, "type")
    match kind:
        case "immediate":
            return FOLLOWS
        case "periodically":
            return _periodically(policy, windowed=bool(policy.read(flag, "backupCopyWindowEnabled")))
        case "dailyattime":
            return _daily(policy)
        case _:
            _tell(policy, kind)
            return None


def _periodically(policy: Fields, *, windowed: bool) -> Schedule | None:
    """Return a schedule of so many minutes or hours; inside a window, a day may pass between two windows."""
    word = _word(policy, "periodicallyEvery")
    match = _EVERY.fullmatch(word)
    if match is None or not int(match["number"]):
        _tell(policy, word, "periodicallyEvery")
        return None
    seconds = int(match["number"]) * _UNITS[match["unit"]]
    return Schedule(
        f"every {int(match['number'])}{match['unit'][0]}", seconds, max(seconds, DAY) if windowed else seconds
    )


def _daily(policy: Fields) -> Schedule | None:
    word = _word(policy, "dailyType")
    runs = _RUNS_A_WEEK.get(word)
    if runs is None:
        _tell(policy, word, "dailyType")
        return None
    match = _CLOCK.fullmatch(policy.read(text, "dailyTime") or "")
    clock = f" {match['clock']}" if match else ""
    return Schedule(f"{'daily' if runs == 7 else word}{clock}", WEEK / runs, _LONGEST_GAP[runs])  # noqa: PLR2004 a week


def _word(policy: Fields, name: str) -> str:
    return folded(policy.raw(name))


def _tell(policy: Fields, word: str, name: str = "schedulePolicy") -> None:
    """Tell of a word that is not documented; silence is none."""
    if word:
        policy.unknown(name)
