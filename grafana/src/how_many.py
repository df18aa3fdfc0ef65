"""Counts of now: how many things are in a state, in the colour that this deserves."""

from grafana.src import look
from grafana.src.panels import Panel, Query, Words, stat_panel
from grafana.src.promql import count, or_zero


def how_many(
    title: str, description: str, which: str, steps: look.Steps = look.PLAIN, link: str | None = None
) -> Panel:
    """Return the number of series that an expression finds, 0 if none."""
    return stat_panel(Words(title, description, link), Query(or_zero(count(which))), steps=steps)
