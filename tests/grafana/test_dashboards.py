"""The files that Grafana reads."""

import re
from collections import Counter
from itertools import combinations
from typing import Any, Final

import pytest
from grafana_foundation_sdk.models import units

from grafana.src.dashboards import files
from tests.grafana.shown import FOLDER, Shown, dashboards, panels, strings

DASHBOARDS: Final = dashboards()
EVERY: Final = pytest.mark.parametrize("board", DASHBOARDS, ids=lambda board: str(board["uid"]))
EVERY_PANEL: Final = pytest.mark.parametrize("shown", panels(), ids=str)
BUILT_IN: Final = {"stat", "table", "timeseries", "bargauge", "state-timeline", "gauge", "text", "row"}
UNITS: Final = {value for name, value in vars(units).items() if not name.startswith("_") and isinstance(value, str)}
SENTENCE: Final = 20


def test_the_files_are_what_the_code_makes() -> None:
    """`make dashboards` would change nothing."""
    assert {path: path.read_text(encoding="utf-8") for path in FOLDER.glob("*.json")} == files()


def test_ids_are_unique() -> None:
    """No two dashboards have the same id or title, and no id is longer than Grafana's 40 characters."""
    for key in ("uid", "title"):
        assert max(Counter(board[key] for board in DASHBOARDS).values()) == 1
    assert all(re.fullmatch(r"m365-backup-[a-z-]{1,28}", board["uid"]) for board in DASHBOARDS)


@EVERY
def test_panels_have_ids_and_places_of_their_own(board: dict[str, Any]) -> None:
    """Panel ids are unique in a dashboard, and no two panels overlap or stick out."""
    places = [panel["gridPos"] for panel in board["panels"]]

    assert max(Counter(panel["id"] for panel in board["panels"]).values()) == 1
    assert all(place["x"] + place["w"] <= 24 for place in places)
    assert [pair for pair in combinations(places, 2) if _overlap(*pair)] == []


def _overlap(one: dict[str, int], other: dict[str, int]) -> bool:
    return all(
        one[at] < other[at] + other[size] and other[at] < one[at] + one[size] for at, size in (("x", "w"), ("y", "h"))
    )


@EVERY
def test_links_lead_to_dashboards(board: dict[str, Any]) -> None:
    """
    Every link names a dashboard that exists and a variable that it has, and keeps the time range and the choices.

    A value that it adds is encoded, or a `+` in a tenant's id would arrive as a blank.
    """
    variables = {each["uid"]: {one["name"] for one in each["templating"]["list"]} for each in DASHBOARDS}
    addresses = [text for text in strings(board) if text.startswith("/") and "/d/" in text]

    for address in addresses:
        target, _, query = address.removeprefix("/d/").partition("?")
        assert target in variables
        assert {"${__url_time_range}", "${datasource:queryparam}", "${source:queryparam}"} <= set(query.split("&"))
        assert set(re.findall(r"var-(\w+)=", query)) <= variables[target]
        assert all(value.endswith(":percentencode}") for value in re.findall(r"var-\w+=([^&]*)", query))
    assert board["links"][0]["keepTime"]
    assert board["links"][0]["includeVars"]


@EVERY
def test_dashboards_are_not_edited_in_grafana(board: dict[str, Any]) -> None:
    """The code is the only place to change one; all carry the tag that the menu of links looks for."""
    assert board["editable"] is False
    assert board["links"][0]["tags"] == board["tags"] == ["m365-backup"]
    assert board["description"]


@EVERY
def test_variables_follow_the_linter(board: dict[str, Any]) -> None:
    """
    The data source comes first and all others ask it, follow the time range, and have a label.

    Where several values can be chosen, all is one of them and matches whatever there is.
    """
    first, *others = board["templating"]["list"]

    assert (first["type"], first["name"], first["label"], first["query"]) == (
        "datasource",
        "datasource",
        "Data source",
        "prometheus",
    )
    for each in others:
        assert (each["type"], each["refresh"], each["datasource"]["uid"]) == ("query", 2, "${datasource}")
        assert each["label"] == each["name"].capitalize()
        assert re.fullmatch(r"(label_values|query_result)\(.+\)", each["query"]["query"])
        if each.get("multi"):
            assert (each["includeAll"], each["allValue"]) == (True, ".+")


@EVERY
def test_variables_are_used(board: dict[str, Any]) -> None:
    """No choice is offered that changes nothing, and none is used that is not offered."""
    offered = {each["name"] for each in board["templating"]["list"]}
    asked = [text for panel in board["panels"] for text in strings(panel.get("targets", []))]
    used = {name for text in asked for name in re.findall(r"\$\{?([a-z]\w*)", text)}

    assert used | {"datasource"} == offered


def test_the_tenant_is_chosen_by_name() -> None:
    """The choice of tenants shows names, a quote in one of them included, and carries ids."""
    variables = [each for board in DASHBOARDS for each in board["templating"]["list"] if each["name"] == "tenant"]
    answer = 'source_tenant:m365backup_tenant:info{source="veeam",tenant="1-2",tenant_name="Contoso "North""} 1 170000'
    for each in variables:
        pattern = each["regex"].strip("/").replace("(?<", "(?P<")

        assert (found := re.search(pattern, answer))
        assert found.groupdict() == {"value": "1-2", "text": 'Contoso "North"'}


@EVERY_PANEL
def test_panels_ask_the_chosen_data_source(shown: Shown) -> None:
    """The data source of every panel and query is the variable, and a panel without a query does not exist."""
    asked = [shown.panel["datasource"], *(target["datasource"] for target in shown.panel["targets"])]

    assert asked[1:]
    assert {(each["type"], each["uid"]) for each in asked} == {("prometheus", "${datasource}")}


@EVERY_PANEL
def test_panels_explain_themselves(shown: Shown) -> None:
    """Every panel is of a kind that Grafana brings along, has a title, and a description that says more than it."""
    assert shown.panel["type"] in BUILT_IN
    assert shown.panel["title"]
    assert len(shown.panel["description"]) > SENTENCE
    assert shown.panel["description"].endswith(".")


@EVERY_PANEL
def test_units_are_known(shown: Shown) -> None:
    """Every panel and every column of values has a unit that Grafana knows."""
    assert set(shown.units) <= UNITS


@EVERY_PANEL
def test_tables_ask_for_now(shown: Shown) -> None:
    """A table asks for one instant and an answer in columns, and sorts by a column that it has."""
    if shown.panel["type"] != "table":
        return
    titles = {properties.get("displayName") for properties in shown.overrides().values()}

    assert {(target["instant"], target["format"]) for target in shown.panel["targets"]} == {(True, "table")}
    assert {each["displayName"] for each in shown.panel["options"]["sortBy"]} <= titles
