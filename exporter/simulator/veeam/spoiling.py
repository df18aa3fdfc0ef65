"""Answers with what no description allows: null anywhere, numbers in strings, words nobody listed (reference 6)."""

from typing import Any, Final

from exporter.simulator.chance import Lot
from exporter.simulator.veeam.pen import Row

UNTOUCHED: Final = ("id", "_links")
"""Without these nothing could be said of a row at all."""

UNLISTED: Final = "Updating"
STATES: Final = ("lastStatus",)


def spoil(row: Row, lot: Lot, rate: float) -> Row:
    """Return *row* with about this part of its values spoiled."""
    return {name: value if name in UNTOUCHED else _spoiled(name, value, lot, rate) for name, value in row.items()}


def _spoiled(name: str, value: Any, lot: Lot, rate: float) -> Any:
    draw = lot.fraction(name)
    if draw < rate:
        if draw < rate / 2 or isinstance(value, bool):
            return None
        if name in STATES:
            return UNLISTED
        return str(value) if isinstance(value, (int, float)) else None
    match value:
        case dict():
            return spoil(value, lot.child(name), rate)
        case list():
            return [
                spoil(each, lot.child(name, place), rate) if isinstance(each, dict) else each
                for place, each in enumerate(value)
            ]
        case _:
            return value
