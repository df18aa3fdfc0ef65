"""What a PromQL expression mentions. Whether it is one, promtool tells."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

TOKEN: Final = re.compile(
    r"""(?P<text>"(?:\\.|[^"\\])*")|(?P<range>\[[^\]]*\])|(?P<variable>\$\{?\w+\}?)"""
    r"""|(?P<name>[A-Za-z_:][\w:]*)|(?P<number>\d[\w.]*)|(?P<sign>=~|!~|!=|==|>=|<=|[{}(),=<>+\-*/%^])"""
)
LISTS: Final = frozenset({"by", "without", "on", "ignoring", "group_left", "group_right"})
WORDS: Final = LISTS | {"and", "or", "unless", "bool", "offset"}


@dataclass(frozen=True, slots=True)
class Selector:
    """A metric as an expression asks for it."""

    metric: str
    labels: tuple[str, ...]
    within: tuple[str, ...]
    """The functions around it, the outermost first."""
    over: str
    """The range, without brackets; empty for an instant."""


@dataclass(frozen=True, slots=True)
class Mentioned:
    """What an expression is made of."""

    selectors: tuple[Selector, ...]
    kept: frozenset[str]
    """Labels named after `by` and `group_left`."""
    matched: frozenset[str]
    """Labels named after `on`."""


def mentioned(expression: str) -> Mentioned:
    """Take an expression apart."""
    tokens = [(str(found.lastgroup), found[0]) for found in TOKEN.finditer(expression)]
    lists = list(_lists(tokens))
    return Mentioned(
        tuple(_selectors(tokens)),
        frozenset(label for word, labels in lists if word in {"by", "group_left"} for label in labels),
        frozenset(label for word, labels in lists if word == "on" for label in labels),
    )


def _lists(tokens: list[tuple[str, str]]) -> Iterator[tuple[str, list[str]]]:
    for place, (kind, text) in enumerate(tokens):
        if kind == "name" and text in LISTS and tokens[place + 1][1] == "(":
            yield text, [label for _, label in tokens[place + 2 : _closing(tokens, place + 1)] if label != ","]


def _closing(tokens: list[tuple[str, str]], start: int) -> int:
    return next(place for place in range(start, len(tokens)) if tokens[place][1] == ")")


def _selectors(tokens: list[tuple[str, str]]) -> Iterator[Selector]:
    around: list[str] = []
    place = 0
    while place < len(tokens):
        kind, text = tokens[place]
        following = tokens[place + 1][1] if place + 1 < len(tokens) else ""
        if text in LISTS and following == "(":
            place = _closing(tokens, place)
        elif text == "(":
            around.append(_caller(tokens, place))
        elif text == ")":
            around.pop()
        elif text == "{":
            msg = f"a selector without a name: {tokens[place:]}"
            raise AssertionError(msg)
        elif kind == "name" and text not in WORDS and following != "(" and not _before_list(following):
            selector, place = _selector(tokens, place, tuple(name for name in around if name))
            yield selector
        place += 1


def _before_list(following: str) -> bool:
    """Tell whether an aggregation is meant, which may have its list before its bracket."""
    return following in LISTS - {"on", "ignoring", "group_left", "group_right"}


def _caller(tokens: list[tuple[str, str]], bracket: int) -> str:
    """Return the function or aggregation that a bracket belongs to; nothing if it only groups."""
    before = tokens[bracket - 1] if bracket else ("", "")
    if before[1] == ")":
        opening = max(place for place in range(bracket) if tokens[place][1] == "(")
        if opening and tokens[opening - 1][1] in {"by", "without"}:
            return tokens[opening - 2][1]
        return ""
    return before[1] if before[0] == "name" and before[1] not in WORDS else ""


def _selector(tokens: list[tuple[str, str]], place: int, within: tuple[str, ...]) -> tuple[Selector, int]:
    metric, labels, over = tokens[place][1], [], ""
    if place + 1 < len(tokens) and tokens[place + 1][1] == "{":
        place += 2
        while tokens[place][1] != "}":
            if tokens[place][0] == "name":
                labels.append(tokens[place][1])
            place += 1
    if place + 1 < len(tokens) and tokens[place + 1][0] == "range":
        place += 1
        over = tokens[place][1][1:-1]
    return Selector(metric, tuple(labels), within, over), place
