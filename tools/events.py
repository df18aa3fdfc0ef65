# ruff: noqa: INP001 - a script beside the package
"""Puts the table of events into docs/logging.md, from the calls in the code: `python -m tools.events`."""

import ast
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

ROOT: Final = Path(__file__).parent.parent
PAGE: Final = ROOT / "docs" / "logging.md"
BEGIN: Final = "<!-- events: made from the code by `make docs` -->\n"
END: Final = "<!-- end of events -->\n"
LEVELS: Final[Mapping[str, str]] = {
    "debug": "debug",
    "info": "info",
    "warning": "warning",
    "error": "error",
    "exception": "error",
}
"""Method of a logger → level."""
ORDER: Final = ("error", "warning", "info", "debug")
BY_CALL: Final[Mapping[str, tuple[str, ...]]] = {
    "failure.facts": ("collector", "reason", "error", "request_id"),
    "failure.tenants_own": ("tenant",),
    "whose": ("tenant",),
    "number": ("tenants",),
    "facts": ("source", "collector", "reason"),
    "_about": ("collector", "tenant"),
    "_given": ("query", "request_id"),
    "what": ("table", "source", "tenant"),
    "news": ("added", "removed", "changed"),
}
"""What an expression behind ``**`` in a call stands for."""
BOUND: Final[Mapping[str, tuple[str, ...]]] = {
    "exporter/client": ("source", "collector", "tenant"),
    "exporter/sources": ("source", "collector", "tenant"),
    "exporter/fleet.py:not_closed": ("source",),
}
"""What is bound to the task in which a module works: its events name it without being told."""


@dataclass(frozen=True, slots=True)
class Event:
    """One event, as the code logs it somewhere."""

    name: str
    level: str
    keys: tuple[str, ...]


def events() -> dict[str, Event]:
    """Return all events of the exporter by name; ValueError if a call tells no name or two levels are told."""
    found: dict[str, Event] = {}
    for path in sorted((ROOT / "exporter").rglob("*.py")):
        for each in _calls(path):
            before = found.get(each.name, each)
            if before.level != each.level:
                raise ValueError(f"{path}: {each.name} is logged at {each.level} and at {before.level}")
            found[each.name] = Event(each.name, each.level, tuple(dict.fromkeys((*before.keys, *each.keys))))
    return found


def _calls(path: Path) -> Iterator[Event]:
    place = path.relative_to(ROOT).as_posix()
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if not (isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute) and node.func.attr in LEVELS):
            continue
        if isinstance(node.func.value, ast.Name) and node.func.value.id == "LOG":
            for name in _names(node, path):
                yield Event(name, LEVELS[node.func.attr], tuple(_keys(node, place, name)))


def _names(call: ast.Call, path: Path) -> tuple[str, ...]:
    match call.args:
        case [ast.Constant(value=str(name))]:
            return (name,)
        case [ast.Name(id="event")] if path.name == "internal.py":
            return ("value_unreadable", "value_unknown")
    raise ValueError(f"{path}:{call.lineno}: an event's name is not a literal")


def _keys(call: ast.Call, place: str, name: str) -> Iterator[str]:
    for bound, keys in BOUND.items():
        if place.startswith(bound) or f"{place}:{name}" == bound:
            yield from keys
    if isinstance(call.func, ast.Attribute) and call.func.attr == "exception":
        yield "exception"
    for keyword in call.keywords:
        if keyword.arg is None:
            yield from _spread(keyword.value)
        else:
            yield "exception" if keyword.arg == "exc_info" else keyword.arg


def _spread(value: ast.expr) -> tuple[str, ...]:
    if isinstance(value, ast.IfExp) and isinstance(value.body, ast.Dict):
        return tuple(str(key.value) for key in value.body.keys if isinstance(key, ast.Constant))
    return BY_CALL[ast.unparse(value).partition("(")[0]]


def meanings() -> dict[str, str]:
    """Return what the page says of each event by now."""
    rows = [line.split(" | ") for line in _table().splitlines() if line.startswith("| `")]
    return {row[0].strip("| `"): row[2] for row in rows}


def _table() -> str:
    return PAGE.read_text(encoding="utf-8").partition(BEGIN)[2].partition(END)[0]


def table(said: Mapping[str, str]) -> str:
    """Return the table, the gravest first, with the meanings that were *said*; a new event asks for one."""
    lines = ["| event | level | meaning | keys |\n", "|---|---|---|---|\n"]
    for event in sorted(events().values(), key=lambda each: (ORDER.index(each.level), each.name)):
        keys = ", ".join(f"`{key}`" for key in event.keys)
        lines.append(f"| `{event.name}` | {event.level} | {said.get(event.name, '?')} | {keys} |\n")
    return "".join(lines)


def page() -> str:
    """Return the page with the table of now."""
    text = PAGE.read_text(encoding="utf-8")
    head, _, rest = text.partition(BEGIN)
    return f"{head}{BEGIN}\n{table(meanings())}\n{END}{rest.partition(END)[2]}"


if __name__ == "__main__":
    PAGE.write_text(page(), encoding="utf-8")
