# ruff: noqa: INP001 - a script beside the package
"""Puts the tables of alerts into their pages, from the rules and the runbooks: `python -m tools.alerts`."""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path
from typing import Any, Final

import yaml

ROOT: Final = Path(__file__).parent.parent
RULES: Final = ROOT / "deploy" / "prometheus" / "rules"
RUNBOOKS: Final = ROOT / "docs" / "runbooks"
AREAS: Final[Mapping[str, str]] = {
    "jobs": "Backups that failed, stopped, or are not done any more",
    "protection": "What is not covered by a backup",
    "threats": "What looks like an attack",
    "scan_profiles": "How new objects are found",
    "licensing": "Seats, storage, subscriptions and licences that run out",
    "infrastructure": "A Veeam server, its repositories and proxies",
    "source": "A vendor's API that cannot be asked",
    "exporter": "The exporter itself",
}
"""Every area and what it is about, in the order of the tables."""
BY_COLLECTOR: Final = "by collector"
"""The area of an alert whose label is a template: that of the alerts which stand on the same collector."""
SEVERITIES: Final = ("critical", "warning", "info")
MARKER: Final = "alerts"


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """One alert by its name; what it is divided into by severity or another label is one here."""

    name: str
    severities: tuple[str, ...]
    """As the rules have them, from the first to the last."""
    area: str
    lasting: str
    """How long the condition must hold, in Prometheus' words; empty where it fires at once."""

    @property
    def short(self) -> str:
        """Return the name without what all of them begin with."""
        return self.name.removeprefix("M365Backup")


def alerts() -> list[Alert]:
    """Return all alerts of the rules, in the order of the areas and then of the files."""
    rules = [rule for path in sorted(RULES.glob("*.yml")) for rule in _rules(path) if "alert" in rule]
    found = [_alert(name, list(same)) for name, same in groupby(rules, key=lambda rule: str(rule["alert"]))]
    places = [*AREAS, BY_COLLECTOR]
    return sorted(found, key=lambda alert: places.index(alert.area))


def fires_when(alert: Alert) -> str:
    """Return the first sentence of the runbook's meaning."""
    text = (RUNBOOKS / f"{alert.name}.md").read_text(encoding="utf-8")
    _, _, meaning = text.partition("\n## Meaning\n")
    paragraph = " ".join(meaning.strip().partition("\n\n")[0].split())
    sentence = re.match(r".*?\.(?= |$)", paragraph)
    return sentence[0] if sentence else paragraph


def table(every: Iterable[Alert]) -> str:
    """Return the table of docs/alerts.md: a row for each alert."""
    rows = [
        f"| {_link(alert, 'runbooks')} | {', '.join(alert.severities)} | {alert.area} | {fires_when(alert)}"
        f" | {alert.lasting or 'at once'} |"
        for alert in every
    ]
    return "\n".join(["| alert | severity | area | fires when | for |", "|---|---|---|---|---|", *rows])


def overview(every: Sequence[Alert]) -> str:
    """Return the table of README.md: a row for each area, its alerts under their worst severity."""
    rows = []
    for area, about in AREAS.items():
        here = [alert for alert in every if _row(alert) == area]
        columns = [_links(alert for alert in here if _worst(alert) == severity) for severity in SEVERITIES]
        rows.append(f"| `{area}` | {about} | {' | '.join(columns)} |")
    return "\n".join([f"| area | what | {' | '.join(SEVERITIES)} |", "|---|---|---|---|---|", *rows])


def index(every: Sequence[Alert]) -> str:
    """Return the lists of docs/runbooks/README.md: a line for each alert, by area."""
    parts = []
    for area, about in AREAS.items():
        lines = [f"* {_link(alert, '.')}: {fires_when(alert)}" for alert in every if _row(alert) == area]
        parts.append("\n".join([f"### {about} (`{area}`)", "", *lines]))
    return "\n\n".join(parts)


PAGES: Final[Mapping[Path, Callable[[Sequence[Alert]], str]]] = {
    ROOT / "README.md": overview,
    ROOT / "docs" / "alerts.md": table,
    RUNBOOKS / "README.md": index,
}
"""Which page shows what between its markers."""


def shown(page: Path) -> str:
    """Return what stands between the markers of a page."""
    _, part, _ = _divided(page)
    return part


def main() -> None:
    """Write each table into its page."""
    every = alerts()
    for page, render in PAGES.items():
        before, _, after = _divided(page)
        page.write_text(f"{before}\n{render(every)}\n{after}", encoding="utf-8")


def _divided(page: Path) -> tuple[str, str, str]:
    text = page.read_text(encoding="utf-8")
    begin, end = f"<!-- {MARKER} -->", f"<!-- /{MARKER} -->"
    before, _, rest = text.partition(begin)
    part, found, after = rest.partition(end)
    if not found:
        raise SystemExit(f"{page.name} has no {begin} or no {end}")
    return before + begin, part.strip(), end + after


def _rules(path: Path) -> list[dict[str, Any]]:
    groups = yaml.safe_load(path.read_text(encoding="utf-8"))["groups"]
    return [rule for group in groups for rule in group["rules"]]


def _alert(name: str, rules: Sequence[Mapping[str, Any]]) -> Alert:
    area = str(rules[0]["labels"]["area"])
    return Alert(
        name=name,
        severities=tuple(dict.fromkeys(str(rule["labels"]["severity"]) for rule in rules)),
        area=BY_COLLECTOR if "{{" in area else area,
        lasting=str(rules[0].get("for", "")),
    )


def _row(alert: Alert) -> str:
    return "source" if alert.area == BY_COLLECTOR else alert.area


def _worst(alert: Alert) -> str:
    return min(alert.severities, key=SEVERITIES.index)


def _link(alert: Alert, folder: str) -> str:
    return f"[{alert.name}]({'' if folder == '.' else folder + '/'}{alert.name}.md)"


def _links(some: Iterable[Alert]) -> str:
    return ", ".join(f"[{alert.short}](docs/runbooks/{alert.name}.md)" for alert in some) or "\N{EN DASH}"


if __name__ == "__main__":
    main()
