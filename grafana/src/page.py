"""A dashboard as a page of sections, and the JSON that Grafana reads."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from grafana_foundation_sdk.builders.dashboard import Dashboard, QueryVariable, Row
from grafana_foundation_sdk.cog.encoder import JSONEncoder
from grafana_foundation_sdk.models import dashboard

from grafana.src.links import TAG, siblings
from grafana.src.panels import Panel
from grafana.src.variables import datasource

COLUMNS: Final = 24


@dataclass(frozen=True, slots=True)
class Section:
    """Panels that answer one question, under a heading."""

    title: str
    panels: tuple[Panel, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Page:
    """One dashboard."""

    uid: str
    title: str
    description: str
    variables: tuple[QueryVariable, ...]
    """Beside the data source, which all have."""
    sections: tuple[Section, ...]
    since: str = "now-24h"

    def panels(self) -> Iterator[Panel]:
        """Go through the panels in reading order."""
        for section in self.sections:
            yield from section.panels

    def build(self) -> dashboard.Dashboard:
        """Return it as Grafana's model, every panel with an id and a place."""
        builder = (
            Dashboard(self.title)
            .uid(self.uid)
            .description(self.description)
            .tags([TAG])
            .readonly()
            .time(self.since, "now")
            .timezone("browser")
            .refresh("5m")
            .tooltip(dashboard.DashboardCursorSync.CROSSHAIR)
            .link(siblings())
            .with_variable(datasource())
        )
        for variable in self.variables:
            builder.with_variable(variable)
        built = builder.build()
        built.panels = list(self._placed())
        return built

    def json(self) -> str:
        """Return the text of its file."""
        return json.dumps(self.build(), cls=JSONEncoder, indent=2, ensure_ascii=False, sort_keys=True) + "\n"

    def _placed(self) -> Iterator[dashboard.Panel | dashboard.RowPanel]:
        """Give out ids and places: headings as wide as the page, panels from left to right below them."""
        number, top = 0, 0
        for section in self.sections:
            number += 1
            place = dashboard.GridPos(h=1, w=COLUMNS, x=0, y=top)
            yield Row(section.title).id(number).grid_pos(place).build()
            for panel, place in _flow(section.panels, top + 1):
                number += 1
                panel.drawn.id_val, panel.drawn.grid_pos = number, place
                yield panel.drawn
                top = max(top, place.y + place.h)


def _flow(panels: tuple[Panel, ...], top: int) -> Iterator[tuple[Panel, dashboard.GridPos]]:
    left, height = 0, 0
    for panel in panels:
        wide, high = panel.size
        if left + wide > COLUMNS:
            left, top, height = 0, top + height, 0
        yield panel, dashboard.GridPos(h=high, w=wide, x=left, y=top)
        left, height = left + wide, max(height, high)
