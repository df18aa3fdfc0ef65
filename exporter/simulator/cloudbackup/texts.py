"""How Cloud Backup writes and reads times and durations (reference 3.5)."""

from datetime import UTC, datetime
from math import floor
from time import gmtime, strftime
from typing import Final

EPOCH: Final = 621_355_968_000_000_000
"""1970 in .NET ticks: 100 ns since the year 1."""

TICKS: Final = 10_000_000
"""Ticks in a second."""


def instant(seconds: float) -> str:
    """Return Unix *seconds* as ISO in UTC, cut to the second."""
    return strftime("%Y-%m-%dT%H:%M:%SZ", gmtime(seconds))


def stamp(seconds: float, digits: int) -> str:
    """Return Unix *seconds* as ISO in UTC with so many digits of a second, not more than 7."""
    whole = floor(seconds)
    fraction = f"{round((seconds - whole) * 1000):03d}0000"[:digits]
    return f"{strftime('%Y-%m-%dT%H:%M:%S', gmtime(whole))}.{fraction}Z"


def ticks(seconds: float) -> int:
    """Return Unix *seconds* as .NET ticks, exact to the millisecond."""
    return EPOCH + round(seconds * 1000) * (TICKS // 1000)


def hours(seconds: float, error: int) -> str:
    """Return a duration in hours, wrong by so many thousandths."""
    return f"{max(0.0, round(seconds / 3600, 3) + error / 1000):.3f}"


def read_ticks(text: str) -> float | None:
    """Return Unix seconds, None where nothing, 0 or less says "no filter"; ValueError for what is no number."""
    number = int(text or "0")
    return None if number <= 0 else (number - EPOCH) / TICKS


def read_instant(text: str) -> float | None:
    """Return Unix seconds of a date or an ISO time, UTC if it says nothing else; None for nothing.

    ValueError for what is no time.
    """
    if not text:
        return None
    moment = datetime.fromisoformat(text)
    return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp()
