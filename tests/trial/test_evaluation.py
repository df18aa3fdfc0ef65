from pathlib import Path

import pytest

from tools.trial.evaluation import fired
from tools.trial.recording import Recording

RULES = """
groups:
  - name: test
    rules:
      - alert: Late
        expr: a > 0
        for: 10m
        labels: {severity: warning}
"""


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """Return a file with one rule."""
    path = tmp_path / "rules.yml"
    path.write_text(RULES, encoding="utf-8")
    return path


def test_episodes_are_what_promtool_saw(rules: Path, tmp_path: Path) -> None:
    """An alert fires once its time has passed, ends with its cause, and may go on at the end; labels are read whole."""
    recording = Recording(1_000_000.0, 300.0)
    for value in (0, 1, 1, 1, 1, 0, 0, 1, 1, 1, 1):
        recording.scraped(f'a{{b="c, \\"d}}"}} {value}\n')

    first, second = fired(recording, [rules], tmp_path)

    assert (first.alert, first.since, first.until) == ("Late", recording.at(3), recording.at(5))
    assert (second.since, second.until) == (recording.at(9), None)
    assert first.labels == {"b": 'c, "d}', "severity": "warning", "job": "m365-backup", "instance": "exporter:10365"}


def test_rules_that_cannot_be_evaluated_are_told(rules: Path, tmp_path: Path) -> None:
    """What promtool says of a broken rule is not taken for silence."""
    rules.write_text(RULES.replace("a > 0", "sum("), encoding="utf-8")
    recording = Recording(0.0, 300.0)
    recording.scraped("a 1\n")

    with pytest.raises(RuntimeError, match="parse error"):
        fired(recording, [rules], tmp_path)
