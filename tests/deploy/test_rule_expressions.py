"""What the shipped rules ask: the checks of pint that need no running Prometheus."""

import re
from typing import Final, get_args

import pytest

from exporter.duration import duration_seconds
from exporter.errors import REASONS
from exporter.metrics.catalog import CATALOG
from exporter.records import STATUSES, JobType
from exporter.simulator.veeam.manners import LicenseType
from tests.deploy.shipped_rules import ALERTS, EVALUATED_EVERY, RECORDS, SERIES, SHIPPED, Rule
from tests.grafana.promql import mentioned
from tools.alerts import AREAS, ROOT, SEVERITIES
from tools.configuration import SOURCES

EVERY_RULE: Final = pytest.mark.parametrize("rule", SHIPPED, ids=lambda rule: str(rule.name))
EVERY_ALERT: Final = pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: str(rule.name))
EVERY_RECORD: Final = pytest.mark.parametrize("rule", RECORDS, ids=lambda rule: str(rule.name))
RECORD: Final = re.compile(r"[a-z]+(?:_[a-z]+)*:[a-z0-9]+(?:_[a-z0-9]+)*:[a-z]+(?:\d[dh])?|m365backup:links:info")
MATCHER: Final = re.compile(r'(\w+)(?:=~|!=|=)"([^"]*)"')
SELECTOR: Final = re.compile(r"\{[^{}]*\}")
COMPARISON: Final = re.compile(r"==|!=|>=|<=|>|<")
CONDITION: Final = re.compile(r"\b(?:and|unless)\b|/")
COUNTERS: Final = {row.name for row in CATALOG if row.kind == "counter"}
AGGREGATIONS: Final = {"max", "min", "sum", "avg", "count", "group", "topk"}
GOLDEN: Final = "".join(path.read_text(encoding="utf-8") for path in (ROOT / "tests/fixtures").rglob("*.prom"))
EMITTED: Final = {
    "status": STATUSES,
    "job_type": frozenset(get_args(JobType)),
    "collector": frozenset(name for kind in SOURCES for name, _ in kind.model_fields["collectors"].default),
    "reason": frozenset(REASONS),
    "change": frozenset(re.findall(r'change="(\w+)"', GOLDEN)),
    "component": frozenset({"server"}),
    "type": frozenset(get_args(LicenseType)),
}
"""Label → the values of it that the exporter can show, as far as rules ask for some."""
FREE: Final = frozenset({"job", "subscription"})
"""Labels whose values the operator or the vendor makes up."""


@EVERY_ALERT
def test_alerts_are_sorted(rule: Rule) -> None:
    """Every alert has a severity and an area, and says what, why and where to read on."""
    assert rule.labels["severity"] in SEVERITIES
    assert rule.labels["area"] in AREAS or "{{" in rule.labels["area"]
    assert rule.annotations.keys() == {"summary", "description", "runbook_url", "dashboard_url"}
    assert rule.annotations["runbook_url"].endswith(f"}}}}{rule.name}.md")


@EVERY_ALERT
def test_alerts_wait_for_restarts(rule: Rule) -> None:
    """An alert outlives two missed scrapes, about a tenant half an hour; what must last is evaluated twice at least."""
    assert rule.kept >= max(600.0, 2 * rule.every)
    assert rule.kept >= 1800.0 or "source_tenant:m365backup_tenant:watched" not in rule.expr
    assert rule.lasting == 0 or rule.lasting >= 2 * rule.every


NAMED_BY_OTHERS = {"job", "subscription"}
"""Labels whose values the operator or the vendor chooses."""


@EVERY_RECORD
def test_records_are_named_and_used(rule: Rule) -> None:
    """A record is named level:metric:operations, and an alert, another rule or a dashboard asks for it."""
    asked = [other.expr + str(other.annotations) for other in SHIPPED if other is not rule]
    asked += [path.read_text(encoding="utf-8") for path in (ROOT / "grafana" / "dashboards").glob("*.json")]

    assert RECORD.fullmatch(rule.name)
    assert any(rule.name in text for text in asked)


@EVERY_RECORD
def test_records_do_not_come_and_go(rule: Rule) -> None:
    """What is recorded is a value and never whether it is high: comparisons stand in conditions and divisors only."""
    for alternative in re.split(r"\bor\b", SELECTOR.sub("", rule.expr)):
        assert not COMPARISON.search(CONDITION.split(alternative)[0])


@EVERY_RULE
def test_metrics_exist(rule: Rule) -> None:
    """Every metric that a rule asks for is in the catalog, recorded by a rule, or made by Prometheus itself."""
    asked = {selector.metric for selector in mentioned(rule.expr).selectors}

    assert asked - SERIES.keys() - {record.name for record in RECORDS} == set()


@EVERY_RULE
def test_matchers_can_match(rule: Rule) -> None:
    """A matcher asks for a label of its metric, and for a value that the exporter can show."""
    for selector in mentioned(rule.expr).selectors:
        assert set(selector.labels) <= SERIES.get(selector.metric, set())
    for braces in SELECTOR.findall(rule.expr):
        for label, value in MATCHER.findall(braces):
            assert value == "" or label in NAMED_BY_OTHERS or set(value.split("|")) <= EMITTED[label], (label, value)


@EVERY_RULE
def test_every_scrape_is_aggregated(rule: Rule) -> None:
    """What is scraped about a source is aggregated: two instances count once; a process is told by its instance."""
    if rule.group == "m365-backup-alerts-exporter":
        assert {"job", "instance"} <= SERIES[mentioned(rule.expr).selectors[0].metric]
        return
    for selector in mentioned(rule.expr).selectors:
        assert ":" in selector.metric or AGGREGATIONS & set(selector.within), selector


@EVERY_RULE
def test_ranges_span_four_samples(rule: Rule) -> None:
    """A range is at least four times as long as its samples are apart, so that a missed one does not matter."""
    apart = {record.name: record.every for record in RECORDS}
    for selector in mentioned(rule.expr).selectors:
        if selector.over:
            length, _, step = selector.over.partition(":")
            least = duration_seconds(step) if step else apart.get(selector.metric, EVALUATED_EVERY)
            assert duration_seconds(length) >= 4 * least, selector


@EVERY_RULE
def test_counters_are_asked_for_their_growth(rule: Rule) -> None:
    """Rate and increase are of counters, and of a counter nothing else counts but that it is there."""
    for selector in mentioned(rule.expr).selectors:
        growth = {"rate", "increase"} & set(selector.within)
        assert bool(growth) == (selector.metric in COUNTERS and "group" not in selector.within), selector
