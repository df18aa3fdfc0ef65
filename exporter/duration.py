"""Durations as Prometheus writes them: ``30s``, ``15m``, ``1h30m``, ``1d``."""

import re
from typing import Annotated, Any, Final

from pydantic import AfterValidator, BeforeValidator, PlainSerializer, WithJsonSchema

UNITS: Final = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}
FORM: Final = "^" + "".join(rf"(\d{{1,9}}{unit})?" for unit in ("y", "w", "d", "h", "m", "s", "ms")) + "$"
EXPECTED: Final = "a duration such as 30s, 15m, 1h30m or 1d"

_FORM: Final = re.compile(FORM, re.ASCII)
_PART: Final = re.compile(r"(\d+)(ms|[smhdwy])", re.ASCII)


def duration_seconds(text: Any) -> float:
    """Return the seconds of a Prometheus duration; ValueError names the form, not the value."""
    if not isinstance(text, str) or not text or not _FORM.fullmatch(text):
        raise ValueError(f"should be {EXPECTED}")
    seconds = sum(int(digits) * UNITS[unit] for digits, unit in _PART.findall(text))
    if seconds <= 0:
        raise ValueError("should be longer than zero")
    return seconds


def prometheus_duration(seconds: float) -> str:
    """Return *seconds* in the largest whole units, as the file would have it."""
    rest, parts = round(seconds * 1000), []
    for unit in ("d", "h", "m", "s", "ms"):
        amount, rest = divmod(rest, round(UNITS[unit] * 1000))
        if amount:
            parts.append(f"{amount}{unit}")
    return "".join(parts) or "0s"


def _not_too_often(seconds: float) -> float:
    if seconds < 1:
        raise ValueError("should be at least 1s")
    return seconds


Duration = Annotated[
    float,
    BeforeValidator(duration_seconds),
    PlainSerializer(prometheus_duration, return_type=str),
    WithJsonSchema({"type": "string", "pattern": FORM, "examples": ["30s", "15m", "1h30m", "1d"]}),
]
"""Seconds in code, Prometheus style in the file."""

Interval = Annotated[Duration, AfterValidator(_not_too_often)]
"""A duration of at least a second."""
