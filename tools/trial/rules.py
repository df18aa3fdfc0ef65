"""The shipped rules, as far as the trial must know them."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

import yaml

from exporter.duration import duration_seconds

SHIPPED: Final = Path(__file__).parents[2] / "deploy" / "prometheus"
_WORD: Final = re.compile(r"[a-zA-Z_]\w*")


@dataclass(frozen=True, slots=True)
class Rule:
    """An alerting rule: for how many seconds its expression must hold, and how long it fires on."""

    alert: str
    severity: str
    held: float
    kept: float


def shipped() -> list[Path]:
    """Return the files in the order in which they build on each other."""
    records = SHIPPED / "rules" / "records.yml"
    alerts = sorted({*(SHIPPED / "rules").glob("*.yml")} - {records})
    return [SHIPPED / "links.yml", records, *alerts]


def words() -> frozenset[str]:
    """Return all words of the rules: whatever metric they ask for is among them."""
    return frozenset(word for path in shipped() for word in _WORD.findall(path.read_text(encoding="utf-8")))


def alerts() -> list[Rule]:
    """Return the alerting rules; one name may stand for several of different severity."""
    return [_rule(rule) for rule in _rules() if "alert" in rule]


def _rules() -> Iterator[dict[str, Any]]:
    for path in shipped():
        for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]:
            yield from group["rules"]


def _rule(rule: dict[str, Any]) -> Rule:
    held, kept = (duration_seconds(rule[key]) if key in rule else 0.0 for key in ("for", "keep_firing_for"))
    return Rule(rule["alert"], rule["labels"]["severity"], held, kept)
