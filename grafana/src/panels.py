"""Panels: what they ask, and how Grafana draws it."""

from collections.abc import Iterable
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Final, TypeAlias

from grafana_foundation_sdk.builders import bargauge, common, prometheus, stat, statetimeline, timeseries
from grafana_foundation_sdk.builders.dashboard import DashboardLink
from grafana_foundation_sdk.cog.builder import Builder
from grafana_foundation_sdk.models import dashboard
from grafana_foundation_sdk.models.common import (
    BarGaugeDisplayMode,
    BigValueGraphMode,
    GraphDrawStyle,
    GraphTresholdsStyleMode,
    LegendDisplayMode,
    LegendPlacement,
    SortOrder,
    StackingMode,
    TooltipDisplayMode,
    VisibilityMode,
    VizOrientation,
)
from grafana_foundation_sdk.models.prometheus import PromQueryFormat, QueryEditorMode

from grafana.src import look
from grafana.src.variables import DATA_SOURCE

Size: TypeAlias = tuple[int, int]
"""Columns of 24, and rows."""
SMALL: Final[Size] = (4, 4)
THIRD: Final[Size] = (8, 9)
HALF: Final[Size] = (12, 9)
WIDE: Final[Size] = (24, 11)
LOW: Final[Size] = (24, 6)

POINTS: Final = 400
"""As many as a line needs: a point of a thousand tenants' series costs Prometheus thousands of samples."""
HOURLY: Final = "1h"
"""The narrowest bar where runs are counted, which happen a few times a day."""


@dataclass(frozen=True, slots=True)
class Query:
    """One question to Prometheus."""

    expr: str
    legend: str = ""
    may_be_empty: str | None = None
    """Why nothing is found while all is well; `None` if something always is."""
    colour: str = ""
    """Of the series with that legend; empty for one of the palette."""


@dataclass(frozen=True, slots=True)
class Panel:
    """One panel without its place."""

    drawn: dashboard.Panel
    queries: tuple[Query, ...]
    size: Size

    @property
    def title(self) -> str:
        """What stands above it."""
        return self.drawn.title or ""


@dataclass(frozen=True, slots=True)
class Words:
    """What a panel says about itself, and where a click on a value leads."""

    title: str
    description: str
    link: str | None = None

    def links(self) -> list[Builder[dashboard.DashboardLink]]:
        """Return the links of the panel's values."""
        return [DashboardLink("Open").url(self.link)] if self.link else []


def stat_panel(
    words: Words,
    query: Query,
    *,
    unit: str = look.NUMBER,
    steps: look.Steps = look.PLAIN,
    mapped: look.Words | None = None,
    size: Size = SMALL,
) -> Panel:
    """Return one number of now, in the colour of its step."""
    drawn = (
        stat.Panel()
        .unit(unit)
        .thresholds(look.thresholds(steps))
        .mappings(look.mappings(mapped or {}))
        .graph_mode(BigValueGraphMode.NONE)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .data_links(words.links())
        .no_value("none")
    )
    return assembled(words, (query,), drawn.build(), size=size, of_now=True)


def bars_panel(
    words: Words,
    query: Query,
    *,
    unit: str = look.NUMBER,
    steps: look.Steps = look.UNJUDGED,
    most: float | None = None,
    size: Size = THIRD,
) -> Panel:
    """Return a bar for each series of now, longest where most is found."""
    drawn = (
        bargauge.Panel()
        .unit(unit)
        .min(0)
        .thresholds(look.thresholds(steps))
        .display_mode(BarGaugeDisplayMode.BASIC)
        .orientation(VizOrientation.HORIZONTAL)
        .reduce_options(common.ReduceDataOptions().calcs(["lastNotNull"]))
        .data_links(words.links())
        .no_value("none")
    )
    if most is not None:
        drawn.max(most)
    return assembled(words, (query,), drawn.build(), size=size, of_now=True)


def lines_panel(
    words: Words, *queries: Query, unit: str = look.NUMBER, steps: look.Steps = (), size: Size = HALF
) -> Panel:
    """Return lines over the shown time; steps colour the area behind them."""
    drawn = _colour(_over_time(words, unit).line_width(1).fill_opacity(8), queries)
    if steps:
        drawn.thresholds(look.thresholds(steps))
        drawn.thresholds_style(common.GraphThresholdsStyleConfig().mode(GraphTresholdsStyleMode.AREA))
    return assembled(words, queries, drawn.build(), size=size)


def counts_panel(words: Words, *queries: Query, unit: str = look.NUMBER, size: Size = HALF) -> Panel:
    """Return stacked bars over the shown time, one an hour at most: for what grew in each."""
    drawn = (
        _over_time(words, unit)
        .draw_style(GraphDrawStyle.BARS)
        .line_width(0)
        .fill_opacity(80)
        .stacking(common.StackingConfig().mode(StackingMode.NORMAL))
        .interval(HOURLY)
    )
    return assembled(words, queries, _colour(drawn, queries).build(), size=size)


def states_panel(words: Words, query: Query, mapped: look.Words, *, size: Size = WIDE) -> Panel:
    """Return a band for each series over the shown time, coloured by its words."""
    drawn = (
        statetimeline.Panel()
        .max_data_points(POINTS)
        .unit(look.NUMBER)
        .mappings(look.mappings(mapped))
        .show_value(VisibilityMode.NEVER)
        .merge_values(merge_values=True)
        .row_height(0.8)
        .fill_opacity(80)
        .legend(_legend())
        .data_links(words.links())
    )
    return assembled(words, (query,), drawn.build(), size=size)


def assembled(
    words: Words,
    queries: Iterable[Query],
    drawn: dashboard.Panel,
    *,
    size: Size,
    of_now: bool = False,
    table: bool = False,
) -> Panel:
    """Give a drawing its words and questions; *of_now* asks for one instant, *table* for an answer in columns."""
    asked = tuple(queries)
    if drawn.field_config is not None and drawn.field_config.defaults.unit == look.NUMBER:
        drawn.field_config.defaults.decimals = 0
    drawn.title, drawn.description, drawn.datasource = words.title, words.description, DATA_SOURCE
    drawn.targets = [
        _target(query, letter, of_now=of_now, table=table).build()
        for query, letter in zip(asked, ascii_uppercase, strict=False)
    ]
    return Panel(drawn, asked, size)


def _colour(drawn: timeseries.Panel, queries: tuple[Query, ...]) -> timeseries.Panel:
    for query in queries:
        if query.colour:
            fixed = {"mode": "fixed", "fixedColor": query.colour}
            drawn.override_by_name(query.legend, [dashboard.DynamicConfigValue("color", fixed)])
    return drawn


def _target(query: Query, letter: str, *, of_now: bool, table: bool) -> prometheus.Dataquery:
    target = (
        prometheus.Dataquery()
        .ref_id(letter)
        .datasource(DATA_SOURCE)
        .editor_mode(QueryEditorMode.CODE)
        .expr(query.expr)
        .format(PromQueryFormat.TABLE if table else PromQueryFormat.TIME_SERIES)
    )
    if query.legend:
        target.legend_format(query.legend)
    return target.instant() if of_now else target.range()


def _over_time(words: Words, unit: str) -> timeseries.Panel:
    return (
        timeseries.Panel()
        .unit(unit)
        .max_data_points(POINTS)
        .min(0)
        .show_points(VisibilityMode.NEVER)
        .tooltip(common.VizTooltipOptions().mode(TooltipDisplayMode.MULTI).sort(SortOrder.DESCENDING))
        .legend(_legend())
        .data_links(words.links())
    )


def _legend() -> common.VizLegendOptions:
    return (
        common.VizLegendOptions()
        .display_mode(LegendDisplayMode.LIST)
        .placement(LegendPlacement.BOTTOM)
        .show_legend(show_legend=True)
    )
