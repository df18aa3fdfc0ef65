"""How Elements writes numbers, sizes, times and durations (reference 3.4 and 3.5)."""

from time import gmtime, strftime
from typing import Final

NOT_APPLICABLE: Final = "N/A"


def instant(seconds: float) -> str:
    """Return Unix *seconds* as ISO in UTC, cut to the second."""
    return strftime("%Y-%m-%dT%H:%M:%SZ", gmtime(seconds))


def american_instant(seconds: float) -> str:
    """Return Unix *seconds* as the older scan profile times, MM/dd/yyyy first."""
    return strftime("%m/%d/%Y %H:%M:%S", gmtime(seconds))


def noon(seconds: float) -> str:
    """Return the date of Unix *seconds* as v3 prints expiry dates: always at 12:00:00."""
    return strftime("%m-%d-%YT12:00:00Z", gmtime(seconds))


def gigabytes(number: float) -> str:
    """Return a size in GB: two decimals, none for zero; the unit never changes."""
    return f"{number:.2f} GB" if number else "0 GB"


def elapsed(seconds: int) -> str:
    """Return a duration as "38s", "2m33s", "1h13m30s"; zero is "0 S"."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}h{minutes}m{rest}s"
    if minutes:
        return f"{minutes}m{rest}s"
    return f"{rest}s" if rest else "0 S"


def count(number: int | None) -> str:
    """Return a number as the string Elements makes of it."""
    return NOT_APPLICABLE if number is None else str(number)
