"""All dashboards, their files, and their questions for whoever wants to ask them."""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from grafana.src import fleet, health, licensing, scan_profiles, tenant, veeam
from grafana.src.page import Page

FOLDER: Final = Path(__file__).parent.parent / "dashboards"

PAGES: Final[tuple[Callable[[], Page], ...]] = (
    fleet.page,
    tenant.page,
    licensing.page,
    scan_profiles.page,
    veeam.page,
    health.page,
)

VARIABLE: Final = re.compile(r"\$(?:\{(\w+)(?::\w+)?\}|(\w+))")


@dataclass(frozen=True, slots=True)
class PanelQuery:
    """A question of a panel as Prometheus gets it."""

    dashboard: str
    panel: str
    expr: str
    may_be_empty: str | None
    """Why the answer is empty while all is well; `None` if it must hold something."""


def panel_queries(variables: Mapping[str, str]) -> Iterator[PanelQuery]:
    """
    Yield what every panel asks, Grafana's variables replaced by the given values.

    The variables are source, tenant, workload, job, instance, __range, __interval and
    __rate_interval, without their dollar.
    """
    for page in PAGES:
        built = page()
        for panel in built.panels():
            for query in panel.queries:
                yield PanelQuery(built.uid, panel.title, replaced(query.expr, variables), query.may_be_empty)


def replaced(expression: str, variables: Mapping[str, str]) -> str:
    """Return the expression with the variables' values; one without a value is an error."""
    return VARIABLE.sub(lambda found: variables[found[1] or found[2]], expression)


def files() -> dict[Path, str]:
    """Return what grafana/dashboards is made of."""
    return {FOLDER / f"{page.uid}.json": page.json() for page in (each() for each in PAGES)}
