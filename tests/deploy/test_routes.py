"""Who hears what: Alertmanager's own tool on the shipped routes."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import pytest
import yaml

from exporter.duration import duration_seconds
from tests.deploy.shipped_rules import ALERTS
from tools.alerts import ROOT

CONFIG: Final = ROOT / "deploy" / "alertmanager" / "alertmanager.yml"
TEXT: Final = CONFIG.read_text(encoding="utf-8")
REMEMBERED: Final = 120 * 3600.0
"""Seconds for which Alertmanager knows by default what it told."""
COMMENTED: Final = re.compile(r"(?m)^    # (?=- matchers|  receiver|  continue)")


def receivers(config: Path, **labels: str) -> list[str]:
    """Return who is told of an alert with these labels."""
    program = shutil.which("amtool") or pytest.fail("amtool is not installed")
    told = subprocess.run(  # noqa: S603 - our own arguments
        [program, "config", "routes", "test", f"--config.file={config}", *(f"{k}={v}" for k, v in labels.items())],
        capture_output=True,
        text=True,
        check=True,
    )
    return told.stdout.strip().split(",")


def routes(route: dict[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a route and all below it."""
    yield route
    for each in route.get("routes", ()):
        yield from routes(each)


def written_out(pattern: str) -> set[str]:
    """Return what a regular expression of alternatives matches."""
    found = re.search(r"\(([^()]*)\)", pattern)
    if found is None:
        return {pattern}
    before, after = pattern[: found.start()], pattern[found.end() :]
    return {name for each in found[1].split("|") for name in written_out(before + each + after)}


@pytest.mark.parametrize("area", ["source", "jobs", "licensing"])
@pytest.mark.parametrize(("severity", "receiver"), [("critical", "pages"), ("warning", "tickets")])
def test_severity_says_who_is_told(area: str, severity: str, receiver: str) -> None:
    """What is critical pages somebody and a warning is a ticket, of a source as of a tenant."""
    assert receivers(CONFIG, alertname="M365Backup", area=area, severity=severity) == [receiver]


def test_what_is_good_to_know_is_collected() -> None:
    """Alerts of severity info are told in digests."""
    assert receivers(CONFIG, alertname="M365BackupSeatsAlmostUsed", area="licensing", severity="info") == ["digests"]


def test_others_are_told_as_well(tmp_path: Path) -> None:
    """The routes that are shipped as comments tell further people of an alert, and keep it from nobody."""
    config = tmp_path / "alertmanager.yml"
    text = COMMENTED.sub("    ", TEXT).replace("receivers:\n", "receivers:\n  - name: accounts\n  - name: contoso\n", 1)
    config.write_text(text.replace('templates: ["templates/*.tmpl"]', ""), encoding="utf-8")

    told = receivers(config, area="licensing", severity="critical", source="s", tenant="t", tenant_name="Contoso Ltd")

    assert told == ["accounts", "contoso", "pages"]


def test_a_vendor_that_is_down_is_one_message() -> None:
    """Alerts about sources are grouped by their name alone, and all others by source before anything else."""
    top = yaml.safe_load(TEXT)["route"]
    groups = {str(route.get("matchers")): route["group_by"] for route in routes(top) if "group_by" in route}

    assert groups.pop("['area=\"source\"']") == ["alertname"]
    assert [group[0] for group in groups.values()] == ["source", "source"]
    assert top["group_by"] == ["source", "tenant"]


def test_nothing_is_told_twice_because_it_was_forgotten() -> None:
    """Each alert is repeated while Alertmanager still knows that it told of it."""
    waits = [route["repeat_interval"] for route in routes(yaml.safe_load(TEXT)["route"]) if "repeat_interval" in route]

    assert max(map(duration_seconds, waits)) <= REMEMBERED


def test_inhibitions_name_alerts_that_there_are() -> None:
    """Each name in an inhibition, written out, is that of an alert."""
    inhibitions = yaml.safe_load(TEXT)["inhibit_rules"]
    matchers = [each for rule in inhibitions for side in ("source", "target") for each in rule[f"{side}_matchers"]]
    patterns = [pattern for matcher in matchers for pattern in re.findall(r'alertname[!=~]+"(.*)"', matcher)]

    names = {name for pattern in patterns for name in written_out(pattern)}

    assert names - {rule.name for rule in ALERTS} == set()
    assert {"M365BackupSubscriptionExpired", "M365BackupShardBlind"} <= names
