"""
Tables: one row for each thing, one question for each column.

Grafana merges the answers by the labels that all of them have. A question may therefore bring further labels, which
become columns, but must have the labels that identify a row.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from string import ascii_uppercase
from typing import Final

from grafana_foundation_sdk.builders import common, table
from grafana_foundation_sdk.models.common import TableCellHeight
from grafana_foundation_sdk.models.dashboard import DataTransformerConfig, DynamicConfigValue

from grafana.src import look
from grafana.src.links import TENANT_OF_ROW
from grafana.src.panels import WIDE, Panel, Query, Size, Words, assembled

POINTS: Final = 200
"""How many of the shown time a forecast looks at: `$__interval` is its length divided by these."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Label:
    """A column of text: a label of the answers."""

    name: str
    title: str = ""
    """Empty for a label that links need and nobody wants to read."""
    mapped: look.Words | None = None
    link: str | None = None
    width: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Value:
    """A column of values: the answer to a question of its own."""

    expr: str
    title: str = ""
    """Empty for a question that is asked for its labels."""
    unit: str = look.NUMBER
    steps: look.Steps | None = None
    mapped: look.Words | None = None
    may_be_empty: str | None = None


NAME: Final = Label(name="tenant_name", title="Tenant", link=TENANT_OF_ROW, width=240)
SOURCE_COLUMN: Final = Label(name="source", title="Source", width=130)
ID: Final = Label(name="tenant")


def table_panel(
    words: Words,
    labels: tuple[Label, ...],
    values: tuple[Value, ...],
    *,
    sort: str,
    rising: bool = False,
    size: Size = WIDE,
) -> Panel:
    """Return a table, sorted by the column with the title *sort*, the highest first unless *rising*."""
    fields = _fields(values)
    drawn = (
        table.Panel()
        .unit(look.NUMBER)
        .thresholds(look.thresholds(look.PLAIN))
        .transformations(_transformations(labels, fields))
        .sort_by([common.TableSortByFieldState().display_name(sort).desc(desc=not rising)])
        .cell_height(TableCellHeight.SM)
        .footer(common.TableFooterOptions().show(show=False).reducer([]).enable_pagination(enable_pagination=True))
        .max_data_points(POINTS)
    )
    for label in labels:
        drawn.override_by_name(label.name, list(_label_properties(label)))
    for field, value in fields.items():
        if value.title:
            drawn.override_by_name(field, list(_value_properties(value)))
    queries = (Query(value.expr, may_be_empty=value.may_be_empty) for value in values)
    return assembled(words, queries, drawn.build(), size=size, of_now=True, table=True)


def _fields(values: tuple[Value, ...]) -> dict[str, Value]:
    """Return the values by the name that Grafana gives the field of each answer."""
    if len(values) == 1:
        return {"Value": values[0]}
    return {f"Value #{letter}": value for letter, value in zip(ascii_uppercase, values, strict=False)}


def _transformations(labels: tuple[Label, ...], fields: dict[str, Value]) -> list[DataTransformerConfig]:
    order = [*(label.name for label in labels), *fields]
    hidden = ["Time", *(field for field, value in fields.items() if not value.title)]
    options: dict[str, object] = {
        "excludeByName": dict.fromkeys(hidden, True),
        "indexByName": {name: place for place, name in enumerate(order)},
        "renameByName": {},
    }
    return [DataTransformerConfig("merge", options={}), DataTransformerConfig("organize", options=options)]


def _label_properties(label: Label) -> Iterator[DynamicConfigValue]:
    if not label.title:
        yield DynamicConfigValue("custom.hidden", value=True)
        return
    yield DynamicConfigValue("displayName", label.title)
    yield DynamicConfigValue("custom.filterable", value=True)
    if label.width:
        yield DynamicConfigValue("custom.width", label.width)
    if label.mapped:
        yield DynamicConfigValue("mappings", look.mappings(label.mapped))
        yield DynamicConfigValue("custom.cellOptions", {"type": "color-text"})
    if label.link:
        yield DynamicConfigValue("links", [{"title": "Show the tenant", "url": label.link}])


def _value_properties(value: Value) -> Iterator[DynamicConfigValue]:
    yield DynamicConfigValue("displayName", value.title)
    yield DynamicConfigValue("unit", value.unit)
    if value.unit != look.NUMBER:
        yield DynamicConfigValue("decimals", 1)
    if value.mapped:
        yield DynamicConfigValue("mappings", look.mappings(value.mapped))
    if value.steps:
        yield DynamicConfigValue("thresholds", look.thresholds(value.steps).build())
    if value.mapped or value.steps:
        yield DynamicConfigValue("custom.cellOptions", {"type": "color-text"})
