"""The shipped rules and their promtool tests, read once."""

from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any, Final

import yaml

from exporter.duration import duration_seconds
from exporter.metrics.catalog import CATALOG
from exporter.metrics.family import Family
from tools.alerts import ROOT, RULES

PROMETHEUS: Final = ROOT / "deploy" / "prometheus"
TESTS: Final = sorted((PROMETHEUS / "tests").glob("*.test.yml"))
EVALUATED_EVERY: Final = 60.0
"""Seconds between two evaluations of a group, and between two scrapes, as prometheus.yml has them."""
OF_THE_PROCESS: Final = ("m365backup_exporter_", "process_", "python_")


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One rule, recording or alerting."""

    name: str
    alerting: bool
    group: str
    every: float
    """Seconds between two evaluations."""
    expr: str
    lasting: float
    """Seconds that the condition must hold."""
    kept: float
    """Seconds for which the alert is kept firing."""
    labels: dict[str, str]
    annotations: dict[str, str]


@cache
def load(path: Path) -> Any:
    """Return what a YAML file says."""
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def groups_of(path: Path) -> list[str]:
    """Return the names of the groups of a file of rules, in their order."""
    return [str(group["name"]) for group in load(path)["groups"]]


def _rule(rule: dict[str, Any], group: dict[str, Any]) -> Rule:
    return Rule(
        name=rule.get("alert") or rule["record"],
        alerting="alert" in rule,
        group=group["name"],
        every=duration_seconds(group["interval"]) if "interval" in group else EVALUATED_EVERY,
        expr=rule["expr"],
        lasting=duration_seconds(rule["for"]) if "for" in rule else 0.0,
        kept=duration_seconds(rule["keep_firing_for"]) if "keep_firing_for" in rule else 0.0,
        labels=rule.get("labels", {}),
        annotations=rule.get("annotations", {}),
    )


def _rules() -> list[Rule]:
    files = [PROMETHEUS / "links.yml", *sorted(RULES.glob("*.yml"))]
    return [_rule(rule, group) for file in files for group in load(file)["groups"] for rule in group["rules"]]


SHIPPED: Final = _rules()
ALERTS: Final = [rule for rule in SHIPPED if rule.alerting]
RECORDS: Final = [rule for rule in SHIPPED if not rule.alerting]


def _series() -> dict[str, frozenset[str]]:
    """Return the labels of every series that a scrape can bring, by its name."""
    known = {"up": frozenset({"job", "instance"})}
    for row in CATALOG:
        further = row.further_labels if isinstance(row, Family) else ()
        source = () if row.name.startswith(OF_THE_PROCESS) else ("source",)
        known[row.name] = frozenset({*row.labels, *further, *source, "job", "instance"})
    return known


SERIES: Final = _series()
