"""The values of a series as promtool's rule tests write them: runs, gaps and staleness."""

import re
from collections.abc import Iterable, Iterator
from decimal import Decimal
from itertools import groupby
from math import inf, isinf, isnan, nan
from typing import Final, Literal, TypeAlias

Value: TypeAlias = float | Literal["stale"] | None
"""What one scrape told of a series: a number, that it ended, or nothing."""

_RUN: Final = re.compile(r"(?P<value>[+-]?(?:\d+(?:\.\d+)?|Inf)|NaN|_)(?:(?:\+0)?x(?P<more>\d+))?")


def written(values: Iterable[Value]) -> str:
    """Return *values*, one a scrape, in promtool's words."""
    return " ".join(word for value, run in groupby(values, _same) for word in _words(value, sum(1 for _ in run)))


def read(text: str) -> list[Value]:
    """Return what *text* means; ValueError if `written` never wrote it."""
    return [value for word in text.split() for value in _values(word)]


def _same(value: Value) -> str | None:
    """Return what makes two values one run: NaN equals itself here, and 0 is not -0."""
    return value if isinstance(value, str) or value is None else number(value)


def number(value: float) -> str:
    """Return *value* without an exponent, which a run of values has no room for."""
    if isnan(value):
        return "NaN"
    if isinf(value):
        return "Inf" if value > 0 else "-Inf"
    return format(Decimal(repr(value)), "f").removesuffix(".0")


def _words(value: str | None, count: int) -> Iterator[str]:
    match value:
        case None:
            yield f"_x{count}"
        case "stale" | "NaN" | "Inf" | "-Inf":
            yield from [value] * count
        case _:
            yield value if count == 1 else f"{value}+0x{count - 1}"


def _values(word: str) -> list[Value]:
    if word == "stale":
        return ["stale"]
    found = _RUN.fullmatch(word)
    if found is None:
        raise ValueError(f"not in the notation of rule tests: {word}")
    more = int(found["more"] or 0)
    match found["value"]:
        case "_":
            return [None] * more
        case "NaN":
            return [nan]
        case "Inf" | "-Inf":
            return [-inf if word.startswith("-") else inf]
        case value:
            return [float(value)] * (more + 1)
