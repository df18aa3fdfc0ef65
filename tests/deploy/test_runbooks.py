"""Alerts, runbooks, dashboards, metrics and the pages that list them know each other."""

import json
import re
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

from exporter.metrics.catalog import CATALOG
from tools.alerts import AREAS, BY_COLLECTOR, PAGES, ROOT, RULES, RUNBOOKS, Alert, alerts, fires_when, shown

ALERTS = alerts()
PAGES_OF_ALERTS = [pytest.param(alert, id=alert.name) for alert in ALERTS]
HEADINGS = ["Meaning", "Impact", "Diagnosis", "Mitigation"]
PROMQL = re.compile(r"^```promql\n(.*?)^```$", re.DOTALL | re.MULTILINE)
HEADING = re.compile(r"^## (.+)$", re.MULTILINE)
NAME = re.compile(r"(?<![\w:])(?:[a-z_]+:)?m365backup[a-z0-9_:]+")
LABEL = re.compile(r'\blabel "(\w+)"')
LINK = re.compile(r'label "(runbooks_url|grafana_url)" \}\}\{\{ end \}\}([^"\n?]*)')
EVENT = re.compile(r"`([a-z]+(?:_[a-z]+)+)`")
SENTENCE = re.compile(r"\n\n|(?<=\.)\s")
LOG = re.compile(r"\blog (?:has|names|lists|says)\b|\bexporter's log\b|\bin the log\b")
SUFFIXES = ("", "_sum", "_count", "_bucket")
UNUSED = {
    "python_info": "what the client library tells of any Python process; for debugging",
    "python_gc_objects_collected_total": "as python_info",
    "python_gc_objects_uncollectable_total": "as python_info",
    "python_gc_collections_total": "as python_info",
    "m365backup_job_duration_seconds": "for reports over months; alerts and panels ask how long the last run took",
    "process_virtual_memory_bytes": "resident memory is what runs out; virtual memory says little",
}
"""Families that nothing asks for, and why they are shown all the same."""


def read_rules() -> list[dict[str, Any]]:
    """Return all rules, recording and alerting."""
    files = [yaml.safe_load(path.read_text(encoding="utf-8")) for path in sorted(RULES.glob("*.yml"))]
    return [rule for file in files for group in file["groups"] for rule in group["rules"]]


ALL_RULES = read_rules()


def runbook(alert: Alert) -> str:
    """Return the text of an alert's runbook."""
    return (RUNBOOKS / f"{alert.name}.md").read_text(encoding="utf-8")


def queries(text: str) -> Iterator[str]:
    """Yield the queries of a page; an empty line parts them within a block."""
    for block in PROMQL.findall(text):
        yield from block.strip().split("\n\n")


def dashboards() -> list[Path]:
    """Return the dashboards of Grafana."""
    return sorted((ROOT / "grafana" / "dashboards").glob("*.json"))


def named(texts: Iterable[str]) -> set[str]:
    """Return the metrics that texts name, recorded ones too."""
    return {name for text in texts for name in NAME.findall(text)}


def test_every_alert_has_a_runbook() -> None:
    """Each alert has a runbook, and each runbook an alert."""
    assert {page.stem for page in RUNBOOKS.glob("M365*.md")} == {alert.name for alert in ALERTS}
    assert {page.name for page in RUNBOOKS.iterdir()} == {"README.md", *(f"{alert.name}.md" for alert in ALERTS)}


def test_every_alert_is_one_row() -> None:
    """Rules of one alert stand together and are alike but for a label, so that one row tells of all of them."""
    assert len({alert.name for alert in ALERTS}) == len(ALERTS)
    for alert in ALERTS:
        same = [rule for rule in ALL_RULES if rule.get("alert") == alert.name]
        assert len({(rule["labels"]["area"], rule.get("for")) for rule in same}) == 1
        assert len({tuple(sorted(rule["labels"].items())) for rule in same}) == len(same)
        assert set(alert.severities) == {rule["labels"]["severity"] for rule in same}


def test_every_area_is_explained() -> None:
    """The areas of the tables are those of the rules, no more and no fewer."""
    assert {alert.area for alert in ALERTS} - {BY_COLLECTOR} == set(AREAS)


@pytest.mark.parametrize("alert", PAGES_OF_ALERTS)
def test_form_of_a_runbook(alert: Alert) -> None:
    """A runbook has the alert's name, severity and area, the four headings in this order, and queries; it is short."""
    text = runbook(alert)

    title, _, facts, *_ = text.splitlines()
    assert title == f"# {alert.name}"
    assert facts == f"Severity: {', '.join(alert.severities)}. Area: {alert.area}."
    assert HEADING.findall(text) == HEADINGS
    assert 25 <= len(text.splitlines()) <= 60
    assert max(map(len, text.splitlines())) <= 200
    assert list(queries(text))


@pytest.mark.parametrize("alert", PAGES_OF_ALERTS)
def test_first_sentence_of_a_runbook(alert: Alert) -> None:
    """The meaning begins with a sentence short enough for the tables."""
    sentence = fires_when(alert)

    assert sentence.endswith(".")
    assert len(sentence) <= 180
    assert "|" not in sentence


def test_log_events_exist() -> None:
    """What a runbook calls an event of the log stands in the code."""
    code = "\n".join(path.read_text(encoding="utf-8") for path in (ROOT / "exporter").rglob("*.py"))
    sentences = [each for alert in ALERTS for each in SENTENCE.split(runbook(alert)) if LOG.search(each)]

    events = {event for sentence in sentences for event in EVENT.findall(sentence)}

    assert {event for event in events if f'"{event}"' not in code} == set()
    assert {"source_failed", "collection_bug", "state_not_writable"} <= events


@pytest.mark.parametrize("rule", [rule for rule in ALL_RULES if "alert" in rule], ids=lambda rule: str(rule["alert"]))
def test_links_lead_somewhere(rule: dict[str, Any]) -> None:
    """The links of an alert lead to its runbook and to a dashboard that there is, which the runbook names."""
    boards = [json.loads(path.read_text(encoding="utf-8")) for path in dashboards()]
    titles = {board["uid"]: board["title"].removeprefix("M365 backup / ") for board in boards}

    found = {
        address: LINK.findall(annotation)
        for address, annotation in rule["annotations"].items()
        if address.endswith("_url")
    }

    assert found["runbook_url"] == [("runbooks_url", f"{rule['alert']}.md")]
    [(place, path)] = found["dashboard_url"]
    assert place == "grafana_url"
    title = titles[path.removeprefix("/d/")]
    page = RUNBOOKS / f"{rule['alert']}.md"
    assert f"*{title}*" in " ".join(page.read_text(encoding="utf-8").split())


def test_labels_of_the_links_are_recorded() -> None:
    """The addresses that alerts look up are those that links.yml lets the operator set."""
    links = yaml.safe_load((RULES.parent / "links.yml").read_text(encoding="utf-8"))
    [link] = links["groups"][0]["rules"]

    for rule in ALL_RULES:
        for address, annotation in rule.get("annotations", {}).items():
            if address.endswith("_url"):
                assert link["record"] in annotation
                assert set(LABEL.findall(annotation)) <= set(link["labels"])


def test_metrics_of_runbooks_exist() -> None:
    """Every metric that a runbook's query names is in the catalog or recorded by a rule."""
    catalog = {row.name + suffix for row in CATALOG for suffix in SUFFIXES}
    recorded = {rule["record"] for rule in ALL_RULES if "record" in rule}

    for alert in ALERTS:
        assert named(queries(runbook(alert))) - catalog - recorded - {"m365backup_"} == set(), alert.name


def test_queries_of_runbooks_are_valid(tmp_path: Path) -> None:
    """Prometheus understands every query of every runbook as it is written, with its placeholders."""
    every = [query for alert in ALERTS for query in queries(runbook(alert))]
    recorded = [{"record": f"runbook:query:{number}", "expr": query} for number, query in enumerate(every)]
    file = tmp_path / "queries.yml"
    file.write_text(json.dumps({"groups": [{"name": "runbooks", "rules": recorded}]}), encoding="utf-8")

    program = shutil.which("promtool") or pytest.fail("promtool is not installed")
    checked = subprocess.run([program, "check", "rules", file], capture_output=True, text=True, check=False)  # noqa: S603 - our own arguments

    assert checked.returncode == 0, checked.stderr
    assert f"{len(every)} rules found" in checked.stdout


def test_every_metric_is_of_use() -> None:
    """Every family is asked for by an alert, a recording rule, a dashboard or a runbook, or it is said why not."""
    asking = [str(rule["expr"]) + str(rule.get("annotations", "")) for rule in ALL_RULES]
    asking += [query for alert in ALERTS for query in queries(runbook(alert))]
    asking += [path.read_text(encoding="utf-8") for path in dashboards()]
    words = set(re.findall(r"[a-z0-9_]+", "\n".join(asking)))

    unused = {row.name for row in CATALOG if not any(row.name + suffix in words for suffix in SUFFIXES)}

    assert unused == set(UNUSED)


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_tables_are_those_of_the_rules(page: Path) -> None:
    """Each page shows what `make docs` puts there now, every alert once."""
    table = PAGES[page](ALERTS)

    assert shown(page) == table
    assert sorted(re.findall(r"(M365Backup\w+)\.md\)", table)) == sorted(alert.name for alert in ALERTS)


def test_place_for_the_trial() -> None:
    """docs/alerts.md has one place for the results of the trial, in its last section."""
    text = (ROOT / "docs" / "alerts.md").read_text(encoding="utf-8")

    assert HEADING.findall(text)[-1] == "The trial"
    assert [line for line in text.splitlines() if line in {"<!-- trial -->", "<!-- /trial -->"}] == [
        "<!-- trial -->",
        "<!-- /trial -->",
    ]
