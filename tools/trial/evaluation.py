"""What Prometheus' own rule engine makes of a recording: promtool runs the shipped rules over it."""

import json
import re
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, TypeAlias

import yaml

from tools.trial.notation import written
from tools.trial.recording import Recording, moved, shown

FIRING: Final = 'ALERTS{alertstate="firing"}'
NOT_WHOM: Final = frozenset({"__name__", "alertstate", "alertname"})
"""Labels of ALERTS that do not say whom the alert is about."""

_FAILED: Final = re.compile(
    r'^    expr: (?P<expr>"(?:[^"\\]|\\.)*"), time: (?P<time>\w+),\n.*\n +got: ?(?P<got>.*)$', re.MULTILINE
)
_SECONDS: Final = {"y": 31536000, "w": 604800, "d": 86400, "h": 3600, "m": 60, "s": 1}
_DURATION: Final = re.compile(r"(\d+)([ywdhms])")
_SAMPLE: Final = re.compile(r'\{((?:[^"{}]|"(?:[^"\\]|\\.)*")*)\}')
_LABEL: Final = re.compile(r'(\w+)=("(?:[^"\\]|\\.)*")')

Firing: TypeAlias = tuple[str, tuple[tuple[str, str], ...]]
"""An alert's name and its labels."""


@dataclass(frozen=True, slots=True)
class Episode:
    """One time that an alert fired, in Unix seconds; *until* is None if it still did at the end."""

    alert: str
    labels: Mapping[str, str]
    since: float
    until: float | None


PARTS: Final = 2
"""What is evaluated apart: promtool's queries may load ten thousand samples, which more tenants would exceed.

Rules join within a tenant or a source; those that count the tenants of a source see fewer of them.
"""


def fired(recording: Recording, rules: Sequence[Path], folder: Path) -> list[Episode]:
    """Return what fires in *recording* by *rules*, whose groups are evaluated in their order.

    *folder* takes what promtool reads. RuntimeError if promtool cannot evaluate.
    """
    paths = [folder / f"part-{number}.yml" for number in range(PARTS)]
    with ThreadPoolExecutor(PARTS) as pool:
        found = list(pool.map(_fired, recording.parts(PARTS), [rules] * PARTS, paths))
    # What is about no tenant fires in each part.
    distinct = {
        (each.alert, *sorted(each.labels.items()), each.since, each.until): each for part in found for each in part
    }
    return sorted(distinct.values(), key=lambda each: each.since)


def _fired(recording: Recording, rules: Sequence[Path], path: Path) -> Iterator[Episode]:
    path.write_text(json.dumps(_test(recording, rules)), encoding="utf-8")  # what is JSON is YAML
    run = subprocess.run(["promtool", "test", "rules", path], capture_output=True, text=True, check=False)  # noqa: S603, S607
    said = run.stdout + run.stderr
    changes = list(_FAILED.finditer(said))
    if run.returncode and not changes:
        raise RuntimeError(f"promtool could not evaluate the rules, status {run.returncode}:\n{said[:4000]}")
    return _episodes(recording, changes)


def _test(recording: Recording, rules: Sequence[Path]) -> dict[str, Any]:
    """Return the rule test whose failures tell when alerts begin and cease to fire."""
    step = _step(recording)
    groups = (group for path in rules for group in yaml.safe_load(path.read_text(encoding="utf-8"))["groups"])
    return {
        "rule_files": [str(path.resolve()) for path in rules],
        "evaluation_interval": step,
        "group_eval_order": [group["name"] for group in groups],
        "tests": [
            {
                "interval": step,
                "input_series": [_input(recording, series) for series in recording.series],
                "promql_expr_test": [
                    {"expr": change, "eval_time": f"{scrape * recording.step:.0f}s"}
                    for scrape in range(recording.scrapes)
                    for change in (_begins(step), _ends(step))
                ],
            }
        ],
    }


def _step(recording: Recording) -> str:
    return f"{recording.step:.0f}s"


def _begins(step: str) -> str:
    return f"{FIRING} unless {FIRING} offset {step}"


def _ends(step: str) -> str:
    return f"{FIRING} offset {step} unless {FIRING}"


def _input(recording: Recording, series: str) -> dict[str, str]:
    values = (moved(series, value, recording.start) for value in recording.values(series))
    return {"series": shown(series), "values": written(values)}


def _episodes(recording: Recording, changes: Sequence[re.Match[str]]) -> Iterator[Episode]:
    """Yield what fired from and until when, from what promtool did not expect."""
    open_: dict[Firing, float] = {}
    begins = _begins(_step(recording))
    for change in sorted(changes, key=lambda each: _seconds(each["time"])):
        at = recording.start + _seconds(change["time"])
        for firing in map(_firing, _SAMPLE.findall(change["got"])):
            if json.loads(change["expr"]) == begins:
                open_[firing] = at
            else:
                yield _episode(firing, open_.pop(firing), at)
    for firing, since in open_.items():
        yield _episode(firing, since, None)


def _episode(firing: Firing, since: float, until: float | None) -> Episode:
    alert, labels = firing
    return Episode(alert, dict(labels), since, until)


def _firing(labels: str) -> Firing:
    known = {name: json.loads(value) for name, value in _LABEL.findall(labels)}
    return known["alertname"], tuple(sorted((name, each) for name, each in known.items() if name not in NOT_WHOM))


def _seconds(duration: str) -> int:
    return sum(int(count) * _SECONDS[unit] for count, unit in _DURATION.findall(duration))
