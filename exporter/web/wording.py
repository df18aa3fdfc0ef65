"""Times and sizes in words for people."""

from datetime import UTC, datetime
from typing import Final

_SPANS: Final = ((86400.0, "d"), (3600.0, "h"), (60.0, "min"), (1.0, "s"))
_SIZES: Final = ("B", "KiB", "MiB", "GiB")
_KIB: Final = 1024
_FEW: Final = 10


def span(seconds: float) -> str:
    """Return how long that is, in one unit; two where one alone would be coarse."""
    seconds = max(0.0, seconds)
    for place, (size, unit) in enumerate(_SPANS):
        if seconds >= size:
            whole, rest = divmod(seconds, size)
            smaller = _SPANS[min(place + 1, len(_SPANS) - 1)]
            more = int(rest // smaller[0]) if whole < _FEW and unit != "s" else 0
            return f"{whole:.0f} {unit} {more} {smaller[1]}" if more and unit in "dh" else f"{whole:.0f} {unit}"
    return "0 s"


def ago(at: float | None, now: float) -> str:
    """Return how long ago that was."""
    return "never" if at is None else f"{span(now - at)} ago"


def ahead(at: float | None, now: float) -> str:
    """Return in how long that will be."""
    if at is None:
        return "not planned"
    return "now" if at <= now else f"in {span(at - now)}"


def moment(at: float | None) -> str:
    """Return a time as ISO 8601 has it, in UTC."""
    return "" if at is None else datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def size(count: float) -> str:
    """Return a number of bytes."""
    for unit in _SIZES[:-1]:
        if count < _KIB:
            return f"{count:.0f} {unit}"
        count /= _KIB
    return f"{count:.1f} {_SIZES[-1]}"


def shortened(text: str, longest: int) -> str:
    """Return no more than the beginning of what is too long to be shown."""
    return text if len(text) <= longest else text[: longest - 1] + "…"
