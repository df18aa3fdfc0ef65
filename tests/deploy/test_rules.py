"""Prometheus' own tool on the shipped rules, and whether their tests prove what they should."""

import re
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple

import pytest

from tests.deploy.shipped_rules import ALERTS, PROMETHEUS, SERIES, TESTS, Rule, groups_of, load
from tools.alerts import RULES

USED: Final = re.compile(r"\$labels\.(\w+)")
GUARDED: Final = re.compile(r"\{\{ with \$labels\.(\w+) \}\}")
PLAYED: Final = re.compile(
    r"^ +- (?:\{series: '(?P<name>[^{]*).*|series: '(?P<other>[^{]*).*\n +values: .*)\n", re.MULTILINE
)
"""A series with its values, on one line or on two."""
INPUT: Final = re.compile(r"([a-z_0-9:]+)\{(.*)\}")
LABEL: Final = re.compile(r'(\w+)="')
EVERY_ALERT: Final = pytest.mark.parametrize("rule", ALERTS, ids=lambda rule: f"{rule.name}-{rule.labels['severity']}")


class Case(NamedTuple):
    """What one test says that an alert does at some time."""

    alert: str
    fires: list[dict[str, Any]]
    """With which labels and annotations; none if it does not fire."""


def _cases() -> Iterator[Case]:
    for file in TESTS:
        for group in load(file)["tests"]:
            for case in group.get("alert_rule_test", ()):
                yield Case(case["alertname"], case["exp_alerts"])


CASES: Final = list(_cases())


def firing(rule: Rule) -> list[dict[str, Any]]:
    """Return the alerts that the tests expect of a rule, known by its labels: several may have one name."""
    own = {name: value for name, value in rule.labels.items() if "{{" not in value}
    return [
        alert
        for case in CASES
        if case.alert == rule.name
        for alert in case.fires
        if own.items() <= alert["exp_labels"].items()
    ]


def promtool(*arguments: str | Path) -> None:
    """Run promtool in the folder of the rules; fail with what it says."""
    program = shutil.which("promtool") or pytest.fail("promtool is not installed")
    done = subprocess.run(  # noqa: S603 - our own arguments
        [program, *arguments], cwd=PROMETHEUS, capture_output=True, text=True, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr


def test_configuration_is_valid() -> None:
    """The shipped prometheus.yml works as it is, with all the rules beside it."""
    promtool("check", "config", "prometheus.yml")

    found = {path for pattern in load(PROMETHEUS / "prometheus.yml")["rule_files"] for path in PROMETHEUS.glob(pattern)}
    assert found == {PROMETHEUS / "links.yml", *RULES.glob("*.yml")}


def test_rules_are_valid() -> None:
    """Prometheus reads all rules, and none is there twice."""
    promtool("check", "rules", "--lint-fatal", "links.yml", *sorted(RULES.glob("*.yml")))


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.name)
def test_rules_do_what_their_tests_say(file: Path) -> None:
    """Promtool plays the series of the file and finds the expected alerts."""
    promtool("test", "rules", file)


@pytest.mark.full
@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.name)
def test_two_instances_are_one(file: Path, tmp_path: Path) -> None:
    """What two instances say alike raises the same alerts, with the same values, as if one said it."""
    rule_files = [str(path) for each in load(file)["rule_files"] for path in file.parent.glob(each)]
    text = re.sub(r"(?m)^rule_files: .*", f"rule_files: {rule_files}", file.read_text(encoding="utf-8"))
    doubled = tmp_path / file.name
    doubled.write_text(PLAYED.sub(_doubled, text), encoding="utf-8")

    promtool("test", "rules", doubled)


def _doubled(series: re.Match[str]) -> str:
    """Return a series as two instances show it; those that have an instance, and records, once."""
    name, text = series["name"] or series["other"], series[0]
    if 'instance="' in text or ":" in name:
        return text
    return "".join(text.replace(f"{name}{{", f'{name}{{instance="{each}", ') for each in ("here", "there"))


@EVERY_ALERT
def test_every_alert_is_seen_to_fire(rule: Rule) -> None:
    """Each rule fires in a test, with all its annotations; of an alert that is several rules each does."""
    for alert in firing(rule):
        assert alert["exp_annotations"].keys() == rule.annotations.keys()

    assert firing(rule)


@EVERY_ALERT
def test_every_alert_is_seen_silent(rule: Rule) -> None:
    """Each alert is seen not to fire twice at least: before its time, and after it ended."""
    assert len([case for case in CASES if case.alert == rule.name and not case.fires]) >= 2


@EVERY_ALERT
def test_templates_use_labels_that_are_left(rule: Rule) -> None:
    """Whatever a template shows is a label of the firing alert, unless the template asks first."""
    templates = " ".join([*rule.annotations.values(), *rule.labels.values()])
    needed = set(USED.findall(templates)) - set(GUARDED.findall(templates))

    for alert in firing(rule):
        assert needed <= alert["exp_labels"].keys()
        assert "{{" not in str(alert["exp_annotations"])
        assert "<no value>" not in str(alert["exp_annotations"])


@EVERY_ALERT
def test_a_tenant_is_called_by_its_name(rule: Rule) -> None:
    """An alert about a tenant has its name as a label, begins with it, and is seen to be ended by muting."""
    about_tenants = [alert for alert in firing(rule) if "tenant" in alert["exp_labels"]]
    played = (PROMETHEUS / "tests" / "every_tenant_alert.test.yml").read_text(encoding="utf-8")
    expected = f'{{alertname="{rule.name}", severity="{rule.labels["severity"]}", tenant_name="Contoso"}}'

    for alert in about_tenants:
        assert alert["exp_annotations"]["summary"].startswith(f"{alert['exp_labels']['tenant_name']}: ")
    assert bool(about_tenants) == (expected in played)
    assert bool(about_tenants) == ("source_tenant:m365backup_tenant:watched" in rule.expr)


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.name)
def test_tests_do_not_depend_on_chance(file: Path) -> None:
    """Each test says in which order all the groups are evaluated, or promtool takes them as they come."""
    told = load(file)
    groups = [name for each in told["rule_files"] for path in file.parent.glob(each) for name in groups_of(path)]
    order = told["group_eval_order"]

    assert sorted(order) == sorted(groups)
    assert order == sorted(order, key=lambda name: "-alerts-" in name)


@pytest.mark.parametrize("file", TESTS, ids=lambda file: file.name)
def test_tests_play_what_there_is(file: Path) -> None:
    """The series of a test are such as a scrape brings, with labels that they have; each group has a name."""
    groups = load(file)["tests"]
    played = [str(each["series"]) for group in groups for each in group["input_series"]]

    assert all(group["name"] for group in groups)
    for series in played:
        found = INPUT.fullmatch(series)
        assert found, series
        name, labels = found.groups()
        if ":" not in name:  # recorded: its labels are what the rule makes them
            assert set(LABEL.findall(labels)) <= SERIES[name], series
