"""What stands in grafana/dashboards, read as Grafana reads it."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent.parent
FOLDER: Final = ROOT / "grafana" / "dashboards"


@dataclass(frozen=True, slots=True)
class Shown:
    """One panel of a dashboard."""

    dashboard: dict[str, Any]
    panel: dict[str, Any]

    def __str__(self) -> str:
        return f"{self.dashboard['uid']}: {self.panel['title']}"

    @property
    def expressions(self) -> list[str]:
        """What it asks."""
        return [target["expr"] for target in self.panel["targets"]]

    @property
    def units(self) -> Iterator[str]:
        """The units of the panel and of its columns."""
        yield self.panel["fieldConfig"]["defaults"]["unit"]
        for properties in self.overrides().values():
            if "unit" in properties:
                yield properties["unit"]

    def overrides(self) -> dict[str, dict[str, Any]]:
        """Return what is special about single fields, by their names."""
        return {
            each["matcher"]["options"]: {given["id"]: given["value"] for given in each["properties"]}
            for each in self.panel["fieldConfig"]["overrides"]
        }


def dashboards() -> list[dict[str, Any]]:
    """Return all dashboards."""
    return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(FOLDER.glob("*.json"))]


def panels() -> list[Shown]:
    """Return all panels that ask something."""
    return [Shown(board, panel) for board in dashboards() for panel in board["panels"] if panel["type"] != "row"]


def strings(value: object) -> Iterator[str]:
    """Go through all texts within decoded JSON."""
    match value:
        case str():
            yield value
        case dict():
            for each in value.values():
                yield from strings(each)
        case list():
            for each in value:
                yield from strings(each)
        case _:
            return
