"""Vendor values: one decoded JSON value in, one typed value or None out.

None means the vendor says nothing, which is never zero. What is in no documented form is a
ValueFault that names the form and never the value. Source: AvePoint's reference, section 3.4; Veeam's, section 6.
"""

import math
import re
from typing import Any, Final

from exporter.client.moments import duration_seconds, expiry_date, timestamp
from exporter.client.words import fold, folded, identifier, is_absent, number, text
from exporter.errors import ValueFault

__all__ = [
    "GB_BYTES",
    "byte_count",
    "count",
    "count_or_length",
    "duration_seconds",
    "expiry_date",
    "flag",
    "fold",
    "folded",
    "identifier",
    "size_bytes",
    "text",
    "timestamp",
]

GB_BYTES: Final = 2**30
"""Bytes of the vendor's "GB". The base is unknown; purchased capacities like "1024 GB" speak for binary."""

MOST: Final = 2**53
"""The largest count that is believed: below it a float is exact."""

_COUNT: Final = re.compile(r"[+-]?[0-9]{1,18}")
_SIZE: Final = re.compile(
    r"(?:[0-9]{1,30}(?:\.[0-9]{1,30})?\s*/\s*(?=\S+\s*[A-Z]))?"  # of used/purchased, a unit behind it
    r"(?P<amount>[+-]?[0-9]{1,30}(?:\.[0-9]{1,30})?)\s*(?P<unit>[KMGTP]?B)?",
    re.IGNORECASE,
)
_UNIT_BYTES: Final = {
    "B": 1.0,
    "KB": 2.0**10,
    "MB": 2.0**20,
    "GB": float(GB_BYTES),
    "TB": 2.0**40,
    "PB": 2.0**50,
}
_FLAGS: Final = {
    "true": True,
    "false": False,
    "yes": True,
    "no": False,
    "enabled": True,
    "disabled": False,
    "1": True,
    "0": False,
}


def count(raw: Any) -> int | None:
    """Return a whole number of things; negative counts are absent.

    Raises ValueFault for fractions, thousands separators, booleans, what no database can add up, and all else.
    """
    if is_absent(raw):
        return None
    if isinstance(raw, str) and _COUNT.fullmatch(raw.strip()):
        raw = int(raw)
    found = number(raw, form="a whole number")
    if found != int(found) or found > MOST:
        raise ValueFault("expected a whole number")
    return int(found) if found >= 0 else None


def count_or_length(raw: Any) -> int | None:
    """Return a count, or the length where the vendor lists the things instead of counting them."""
    return len(raw) if isinstance(raw, list) else count(raw)


def size_bytes(raw: Any, *, plain: float = GB_BYTES) -> float | None:
    """Return a size in bytes; a number without unit counts *plain* bytes each.

    "0/1 GB" is used/purchased and gives the purchased one; negative sizes are absent.
    Raises ValueFault for other units and everything else.
    """
    if is_absent(raw):
        return None
    amount, unit_bytes = _sized(raw, plain)
    size = amount * unit_bytes
    if not math.isfinite(size):
        raise ValueFault('expected a size like "1134.33 GB" or a number')
    return size if size >= 0 else None


def byte_count(raw: Any) -> float | None:
    """Return a size that is told in plain bytes, or with its unit. Raises ValueFault as `size_bytes` does."""
    return size_bytes(raw, plain=1.0)


def _sized(raw: Any, plain: float) -> tuple[float, float]:
    form = 'a size like "1134.33 GB" or a number'
    match = _SIZE.fullmatch(raw.strip()) if isinstance(raw, str) else None
    if match is None:
        return float(number(raw, form=form)), plain
    unit = match["unit"]
    return float(match["amount"]), plain if unit is None else _UNIT_BYTES[unit.upper()]


def flag(raw: Any) -> bool | None:
    """Return a yes or no; raises ValueFault for words that are neither."""
    if is_absent(raw):
        return None
    found = None
    if isinstance(raw, str):
        found = _FLAGS.get(raw.strip().casefold())
    elif isinstance(raw, (bool, int)) and raw in (0, 1):
        found = bool(raw)
    if found is None:
        raise ValueFault("expected true or false, yes or no, enabled or disabled, 0 or 1")
    return found
