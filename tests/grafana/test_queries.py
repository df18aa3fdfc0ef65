"""
What the dashboards ask.

The rules of dashboard-linter and pint that concern queries, without their binaries. Two of dashboard-linter's are not
ours: a matcher of job and instance in every query would split what two instances say about one tenant, so only the
dashboard about the exporter has them; our series have `source`, which plays their part and is demanded instead.
"""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Final

import pytest
import yaml

from exporter.metrics.catalog import CATALOG
from exporter.metrics.family import Family
from grafana.src.dashboards import panel_queries, replaced
from grafana.src.promql import COVERAGE, LATELY, NAMES, WATCHED
from tests.grafana.promql import mentioned
from tests.grafana.shown import ROOT, Shown, panels

PANELS: Final = panels()
EVERY_PANEL: Final = pytest.mark.parametrize("shown", PANELS, ids=str)
RATES: Final = frozenset({"rate", "irate", "increase"})
SLOPES: Final = frozenset({"deriv", "predict_linear", "delta", "idelta"})
VALUES: Final = {
    **dict.fromkeys(("source", "tenant", "workload", "job", "instance"), ".+"),
    "__rate_interval": "5m",
    "__interval": "5m",
    "__range": "1d",
}
SUFFIXES: Final = {
    "counter": ("",),
    "gauge": ("",),
    "summary": ("_sum", "_count"),
    "histogram": ("_sum", "_count", "_bucket"),
}
TARGET_LABELS: Final = frozenset({"job", "instance"})
MADE_BY_PROMETHEUS: Final = {
    "up": TARGET_LABELS,
    "ALERTS": frozenset({"alertname", "alertstate", "severity", "source", "tenant"}),
}
RUNTIME: Final = ("process_", "python_", "m365backup_exporter_")


def _labels() -> dict[str, frozenset[str]]:
    """Return the labels of every series there can be, by its name."""
    known = dict(MADE_BY_PROMETHEUS)
    for row in CATALOG:
        own = (*row.labels, *(row.further_labels if isinstance(row, Family) else ()))
        source = () if row.name.startswith(RUNTIME) else ("source",)
        bucket = {"le"} if row.kind == "histogram" else set()
        for suffix in SUFFIXES[row.kind]:
            known[row.name + suffix] = frozenset({*own, *source, *TARGET_LABELS, *bucket})
    for rule in _records():
        known[rule["record"]] = frozenset(_labels_of_record(rule["record"]))
    return known


def _records() -> list[dict[str, str]]:
    """Return the recording rules."""
    found = [
        yaml.safe_load(path.read_text(encoding="utf-8")) for path in (ROOT / "deploy/prometheus/rules").glob("*.yml")
    ]
    return [rule for file in found for group in file["groups"] for rule in group["rules"] if "record" in rule]


def _labels_of_record(name: str) -> set[str]:
    """Return the labels that a record's name begins with, in the shorthand of deploy/prometheus/rules/records.yml."""
    level, metric, _ = name.split(":")
    words = set(level.replace("job_type", "jobtype").split("_"))
    if "job" in words:
        words |= {"product", "workload", "jobtype", "job_name"}
    if "workload" in words:
        words.add("product")
    if metric == "m365backup_tenant":
        words.add("tenant_name")
    return {"job_type" if word == "jobtype" else word for word in words - {"job"}}


LABELS: Final = _labels()
COUNTERS: Final = {row.name + suffix for row in CATALOG if row.kind != "gauge" for suffix in SUFFIXES[row.kind]}


@EVERY_PANEL
def test_metrics_exist(shown: Shown) -> None:
    """Every metric that is asked for is in the catalog, recorded by a rule, or made by Prometheus itself."""
    asked = {selector.metric for expression in shown.expressions for selector in mentioned(expression).selectors}

    assert asked
    assert asked - LABELS.keys() == set()


@EVERY_PANEL
def test_labels_exist(shown: Shown) -> None:
    """A label in a matcher is one of the metric's, and one in `by` or `on` belongs to some metric of the query."""
    for expression in shown.expressions:
        found = mentioned(expression)
        for selector in found.selectors:
            assert set(selector.labels) <= LABELS[selector.metric], selector
        assert (found.kept | found.matched) <= frozenset().union(*(LABELS[each.metric] for each in found.selectors))


@EVERY_PANEL
def test_counters_are_asked_for_their_growth(shown: Shown) -> None:
    """A counter is only ever read through rate or increase, and a gauge never."""
    for expression in shown.expressions:
        for selector in mentioned(expression).selectors:
            assert bool(RATES & set(selector.within)) == (selector.metric in COUNTERS), selector
            assert not (SLOPES & set(selector.within) and selector.metric in COUNTERS), selector


@EVERY_PANEL
def test_ranges_follow_the_reader(shown: Shown) -> None:
    """
    A range is Grafana's rate interval in what is drawn over time, and the shown time in what is one number.

    What looks ahead learns from the shown time, from as few of its points as Grafana's interval says. Whether any of a
    workload was protected lately is asked of a month, whatever is shown.
    """
    for target in shown.panel["targets"]:
        allowed = "$__range" if target.get("instant") else "$__rate_interval"
        for selector in mentioned(target["expr"]).selectors:
            wanted = {"$__range:$__interval"} if SLOPES & set(selector.within) else {"", allowed}
            if selector.metric == COVERAGE and "max_over_time" in selector.within:
                wanted = {LATELY}
            assert selector.over in wanted, selector


@EVERY_PANEL
def test_choices_are_heeded(shown: Shown) -> None:
    """
    Every metric is asked for with a matcher of each variable of its dashboard that it has a label for.

    The names of tenants are joined, so that the other side has chosen already. Every dashboard has the source or, for
    what belongs to no source, job and instance.
    """
    offered = {each["name"] for each in shown.dashboard["templating"]["list"]}
    for expression in shown.expressions:
        for selector in mentioned(expression).selectors:
            if selector.metric not in {NAMES, WATCHED}:
                assert set(selector.labels) >= offered & LABELS[selector.metric], selector
                assert "source" in selector.labels or set(selector.labels) >= {"job", "instance"}, selector


@EVERY_PANEL
def test_choices_match_as_they_are_escaped(shown: Shown) -> None:
    """Where several can be chosen Grafana escapes them for a pattern, and only there they are asked for as one."""
    several = {each["name"] for each in shown.dashboard["templating"]["list"] if each.get("multi")}
    for expression in shown.expressions:
        for sign, variable in re.findall(r'\w(=~|!~|!=|=)"[^"$]*\$(\w+)', expression):
            assert sign == ("=~" if variable in several else "="), expression


@EVERY_PANEL
def test_what_is_shown_is_kept(shown: Shown) -> None:
    """The labels of a legend, a link or a column survive the aggregation of the query."""
    kept = [mentioned(expression).kept for expression in shown.expressions]
    links = re.findall(r"__(?:field\.labels|data\.fields)\.(\w+)", str(shown.panel["fieldConfig"]))
    for target, labels in zip(shown.panel["targets"], kept, strict=True):
        assert set(re.findall(r"\{\{(\w+)\}\}", target.get("legendFormat", ""))) <= labels

    assert set(links) <= kept[0]
    if shown.panel["type"] == "table":
        columns = {name for name in shown.overrides() if not name.startswith("Value")}
        assert columns == frozenset().union(*kept) & columns
        assert columns & frozenset.intersection(*kept)


def test_every_query_is_promql(tmp_path: Path) -> None:
    """Promtool reads every query, Grafana's variables replaced, as the expression of a rule."""
    promtool = shutil.which("promtool")
    assert promtool is not None
    queries = list(panel_queries(VALUES))
    rules = [{"record": f"query:{number}", "expr": query.expr} for number, query in enumerate(queries)]
    file = tmp_path / "rules.yml"
    file.write_text(yaml.safe_dump({"groups": [{"name": "dashboards", "rules": rules}]}), encoding="utf-8")

    checked = subprocess.run(  # noqa: S603 - the file is our own
        [promtool, "check", "rules", "--lint=none", str(file)], capture_output=True, text=True, check=False
    )

    assert checked.returncode == 0, checked.stdout + checked.stderr


def test_queries_are_those_of_the_panels() -> None:
    """What `panel_queries` hands out are the queries of the files, in their order, with the variables replaced."""
    written = [replaced(expression, VALUES) for shown in PANELS for expression in shown.expressions]

    assert sorted(query.expr for query in panel_queries(VALUES)) == sorted(written)


def test_a_variable_without_a_value_is_told() -> None:
    """A query is never asked with a variable left in it."""
    with pytest.raises(KeyError):
        replaced('up{instance=~"$instance"}', {})
