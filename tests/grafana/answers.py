"""What a Prometheus answers to the dashboards' questions: promtool plays series and asks."""

import json
import re
import shutil
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import pytest

from grafana.src.dashboards import replaced
from tests.grafana.shown import ROOT, panels

RECORDS: Final = ROOT / "deploy" / "prometheus" / "rules" / "records.yml"
EVERYTHING: Final = {
    **dict.fromkeys(("source", "workload", "job", "instance"), ".+"),
    **dict.fromkeys(("__rate_interval", "__range"), "5m"),
}
PATTERN: Final = re.compile(r"[$^*{}\[\]'+?.()|]")
Samples = dict[str, float]
"""Values by their labels, written as in an exposition."""


@dataclass(frozen=True, slots=True)
class Play:
    """Series in promtool's notation and when to ask: by default one value each, five minutes old."""

    folder: Path
    series: dict[str, str | float]
    at: str = "5m"
    every: str = "1m"

    def answers(self, expression: str, expected: Samples, **chosen: str) -> None:
        """Fail unless the expression, with the chosen values for Grafana's variables, has this answer."""
        case = {
            "expr": replaced(expression, EVERYTHING | chosen),
            "eval_time": self.at,
            "exp_samples": [{"labels": labels, "value": value} for labels, value in expected.items()],
        }
        played = [
            {"series": name, "values": values if isinstance(values, str) else f"{values}x5"}
            for name, values in self.series.items()
        ]
        test = {"interval": self.every, "input_series": played, "promql_expr_test": [case]}
        file = self.folder / "asked.test.yml"
        rules = [str(RECORDS)] if self.every == "1m" else []
        whole = {"rule_files": rules, "evaluation_interval": self.every, "tests": [test]}
        file.write_text(json.dumps(whole), encoding="utf-8")
        program = shutil.which("promtool") or pytest.fail("promtool is not installed")
        done = subprocess.run(  # noqa: S603 - the file is our own
            [program, "test", "rules", str(file)], capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def several(*values: str) -> str:
    """Return what Grafana puts in the place of a variable with several values, or of one that could have them."""
    escaped = [PATTERN.sub(r"\\\\\g<0>", value.replace("\\", "\\" * 4)) for value in values]
    return escaped[0] if len(escaped) == 1 else f"({'|'.join(escaped)})"


def question(dashboard: str, panel: str, column: str = "") -> str:
    """Return what a panel asks, or a column of a table by its title."""
    (shown,) = (
        each
        for each in panels()
        if (each.dashboard["uid"], each.panel["title"], each.panel["type"] == "table")
        == (dashboard, panel, bool(column))
    )
    if not column:
        (expression,) = shown.expressions
        return expression
    (field,) = (name for name, given in shown.overrides().items() if given.get("displayName") == column)
    letter = field.removeprefix("Value #")
    return str(next(target["expr"] for target in shown.panel["targets"] if target["refId"] == letter))
