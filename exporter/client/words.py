"""Vendor words: placeholders that say nothing, text, and names made comparable.

Source: AvePoint's reference, sections 3.3 and 3.4; Veeam's, section 6.
"""

import math
import re
from typing import Any, Final

from exporter.errors import ValueFault

_SAYS_NOTHING: Final = frozenset({"", "-", "n/a"})
_UNLIMITED: Final = re.compile(r"\s*unlimited\b", re.IGNORECASE)
_MOST_BITS: Final = 64
_ZERO_GUID: Final = re.compile(r"0{8}-?(?:0{4}-?){3}0{12}")


def is_placeholder(raw: Any) -> bool:
    """Tell whether *raw* is a way of saying nothing; "Unlimited" is not, it is a word."""
    return raw is None or (isinstance(raw, str) and "".join(raw.split()).casefold() in _SAYS_NOTHING)


def is_absent(raw: Any) -> bool:
    """Tell whether *raw* names no number: a placeholder, or "Unlimited" with whatever follows."""
    return is_placeholder(raw) or (isinstance(raw, str) and _UNLIMITED.match(raw) is not None)


def number(raw: Any, *, form: str) -> int | float:
    """Return a JSON number that arithmetic can carry; anything else is not *form*.

    Raises ValueFault for booleans, nan, infinities and integers wider than 64 bits.
    """
    if isinstance(raw, int) and not isinstance(raw, bool) and raw.bit_length() <= _MOST_BITS:
        return raw
    if isinstance(raw, float) and math.isfinite(raw):
        return raw
    raise ValueFault(f"expected {form}")


def text(raw: Any) -> str | None:
    """Return a name without the blanks around it, None for a placeholder; "Unlimited…" stays text.

    Numbers become their shortest spelling, since some vendors send ids as numbers.
    """
    if is_placeholder(raw):
        return None
    if isinstance(raw, str):
        return raw.strip()
    found = number(raw, form="text or a number")
    return str(int(found)) if found == int(found) else str(found)


def identifier(raw: Any) -> str | None:
    """Return an id as text in lower case, so that ids of two answers can be joined; the all-zero GUID is absent.

    Raises ValueFault for what is neither text nor a number.
    """
    spelled = text(raw)
    if spelled is None or _ZERO_GUID.fullmatch(spelled):
        return None
    return spelled.lower()


def folded(raw: Any) -> str:
    """Return a word of an enumeration as `fold` does, "" for what is no text."""
    return fold(raw) if isinstance(raw, str) else ""


def fold(name: str) -> str:
    """Return *name* in lower case, letters and digits only, to compare the words of an enumeration."""
    return "".join(character for character in name.casefold() if character.isalnum())
