"""Vendor times and durations, in seconds.

Source: AvePoint's reference, section 3.5; Veeam's, section 6. Day and month never swap: the only documented order with
the year last is the American one.
"""

import re
from datetime import UTC, datetime
from typing import Any, Final

from exporter.client.words import is_absent, number
from exporter.errors import ValueFault

_TIME_FORM: Final = "a time: ISO 8601, MM-dd-yyyy, MM/dd/yyyy, yyyy/MM/dd, .NET ticks or epoch"
_DURATION_FORM: Final = "a duration like 1h13m30s or d.hh:mm:ss"

_LONG: Final = re.compile(r"-?[0-9]{1,19}")
_TIME: Final = re.compile(
    r"(?:(?P<year>[0-9]{4})(?P<sep>[-/])(?P<month>[0-9]{2})(?P=sep)(?P<day>[0-9]{2})"
    r"|(?P<us_month>[0-9]{2})(?P<us_sep>[-/])(?P<us_day>[0-9]{2})(?P=us_sep)(?P<us_year>[0-9]{4}))"
    r"(?P<clock>[Tt ](?P<hour>[0-9]{2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})(?P<fraction>\.[0-9]{1,9})?"
    r"(?P<zone> ?(?:[Zz]|(?P<sign>[+-])(?P<zone_hour>[0-9]{2}):?(?P<zone_minute>[0-9]{2})))?)?"
)
_UNITS: Final = re.compile(
    r"(?=[0-9])(?:(?P<d>[0-9]{1,6}) ?d ?)?(?:(?P<h>[0-9]{1,8}) ?h ?)?"
    r"(?:(?P<m>[0-9]{1,9}) ?m ?)?(?:(?P<s>[0-9]{1,9}) ?s)?",
    re.IGNORECASE,
)
_SPAN: Final = re.compile(
    r"(?:(?P<d>[0-9]{1,8})\.)?(?P<h>[01][0-9]|2[0-3]):(?P<m>[0-5][0-9]):(?P<s>[0-5][0-9](?:\.[0-9]{1,7})?)"
)
_SECONDS_PER: Final = {"d": 86400, "h": 3600, "m": 60, "s": 1}

_DAY_SECONDS: Final = 86400
_TICKS_AT_1970: Final = 621_355_968_000_000_000
_TICKS_PER_SECOND: Final = 10_000_000
_LEAST_TICKS: Final = 10**17
_LEAST_MILLISECONDS: Final = 10**12
_LEAST_SECONDS: Final = 10**9
_END_OF_TIME: Final = 253_402_300_800.0
"""The year 10000: what lies beyond it is no time."""
_WIDEST_ZONE_SECONDS: Final = 14 * 3600


def timestamp(raw: Any) -> float | None:
    """Return Unix seconds of any documented form; a form without a zone is UTC.

    A time at or before 1970 is a vendor's zero (year 0001 is the smallest .NET date), hence None.
    Raises ValueFault for every other form.
    """
    return _moment(raw, whole_days=False)


def expiry_date(raw: Any) -> float | None:
    """Return midnight UTC of the date as written, in Unix seconds.

    The time of day is dropped: the vendor prints midnight with a 12-hour clock, always as 12:00:00.
    Absent and refused as in `timestamp`.
    """
    return _moment(raw, whole_days=True)


def duration_seconds(raw: Any) -> float | None:
    """Return the length of a run written with units or as d.hh:mm:ss.

    Bare numbers are a ValueFault: they are hours in one API and ticks in another.
    """
    if is_absent(raw):
        return None
    if isinstance(raw, str):
        spelled = " ".join(raw.split())
        match = _UNITS.fullmatch(spelled) or _SPAN.fullmatch(spelled)
        if match is not None:
            return float(sum(float(match[unit] or 0) * each for unit, each in _SECONDS_PER.items()))
    raise ValueFault(f"expected {_DURATION_FORM}")


def _moment(raw: Any, *, whole_days: bool) -> float | None:
    if is_absent(raw):
        return None
    spelled = raw.strip() if isinstance(raw, str) else None
    match = _TIME.fullmatch(spelled) if spelled is not None else None
    if match is not None:
        seconds = _written(match, whole_days=whole_days)
    else:
        long = int(spelled) if spelled is not None and _LONG.fullmatch(spelled) else raw
        seconds = _counted(number(long, form=_TIME_FORM))
        seconds -= seconds % _DAY_SECONDS if whole_days else 0.0
    if seconds >= _END_OF_TIME:
        raise ValueFault(f"expected {_TIME_FORM}")
    return seconds if seconds > 0 else None


def _counted(long: float) -> float:
    """Decode a bare number by its size alone, as the reference prescribes."""
    if long <= 0:
        return 0.0
    if long >= _LEAST_TICKS:
        return (long - _TICKS_AT_1970) / _TICKS_PER_SECOND
    if long >= _LEAST_MILLISECONDS:
        return long / 1000
    if long >= _LEAST_SECONDS:
        return float(long)
    raise ValueFault(f"expected {_TIME_FORM}")


def _written(match: re.Match[str], *, whole_days: bool) -> float:
    year, month, day = (int(match[part] or match["us_" + part]) for part in ("year", "month", "day"))
    hour, minute, second = (int(match[part] or 0) for part in ("hour", "minute", "second"))
    try:
        midnight = datetime(year, month, day, tzinfo=UTC)
        moment = midnight.replace(hour=hour, minute=minute, second=second)
    except ValueError:
        raise ValueFault(f"expected {_TIME_FORM}") from None
    if whole_days:
        return midnight.timestamp()
    return moment.timestamp() + float(match["fraction"] or 0) - _zone_seconds(match)


def _zone_seconds(match: re.Match[str]) -> int:
    """Return how far the written clock is ahead of UTC."""
    ahead = int(match["zone_hour"] or 0) * 3600 + int(match["zone_minute"] or 0) * 60
    if ahead > _WIDEST_ZONE_SECONDS:
        raise ValueFault(f"expected {_TIME_FORM}")
    return -ahead if match["sign"] == "-" else ahead
