"""What fired held against what should have fired."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from math import inf
from typing import Final

from tools.trial.cases import Case, Expected
from tools.trial.evaluation import Episode
from tools.trial.fleet import Fleet
from tools.trial.recording import Recording
from tools.trial.rules import Rule

LAST_SUCCESS: Final = "m365backup_collector_last_success_timestamp_seconds"
ALLOWED: Final = 2
"""Evaluations after its time within which an alert ends: one to see it, one for what is kept for a while."""


@dataclass(frozen=True, slots=True)
class Row:
    """How an expected alert did: *delay* is from the first scrape that could show the incident, None if it never fired.

    *held* is what its rule waits; both in seconds.
    """

    title: str
    alert: str
    severity: str
    delay: float | None
    held: float


@dataclass(slots=True)
class Verdict:
    """The rows of the table, the alerts that nobody expected, and what is wrong, in words."""

    rows: list[Row] = field(default_factory=list)
    false_alarms: list[Episode] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)

    @property
    def good(self) -> bool:
        """Whether everything was as it should be."""
        return not self.complaints


@dataclass(frozen=True, slots=True)
class Trial:
    """What happened: the *fleet* with its incidents, what was scraped of it, and what fired."""

    fleet: Fleet
    recording: Recording
    episodes: Sequence[Episode]

    def answered(self, case: Case, expected: Expected, instant: float) -> float:
        """Return when the first scrape was that could show what was so at the vendor from *instant* on; inf if none."""
        if instant == inf:
            return inf
        if not expected.collector:
            return self._scrape_from(instant)
        source, collector = f'source="{case.source}"', f'collector="{expected.collector}"'
        of_tenant = f'{source},tenant="{case.incident.customer_id}",{collector}'
        names = (f"{LAST_SUCCESS}{{{labels}}}" for labels in (of_tenant, f"{source},{collector}"))
        changes = next(self.recording.series[name] for name in names if name in self.recording.series)
        scrape = next((at for at, value in changes if value is not None and value >= instant), None)
        return inf if scrape is None else self.recording.at(scrape)

    def _scrape_from(self, instant: float) -> float:
        scrapes = (self.recording.at(scrape) for scrape in range(self.recording.scrapes))
        return next((at for at in scrapes if at >= instant), inf)

    def about(self, case: Case, alert: str, labels: Mapping[str, str]) -> list[Episode]:
        """Return the episodes of an alert with these labels at the source, and at the tenant, of a case."""
        wanted = {"source": case.source, **labels}
        if case.incident.customer_id:
            wanted["tenant"] = case.incident.customer_id
        found = (each for each in self.episodes if each.alert == alert and wanted.items() <= each.labels.items())
        return [each for each in found if case.incident.since <= each.since <= case.incident.until + case.lingers]


def judged(trial: Trial, cases: Iterable[Case], rules: Sequence[Rule]) -> Verdict:
    """Hold what fired against the *cases*."""
    verdict, known = Verdict(), set[int]()
    for case in cases:
        for expected in case.expected:
            episodes = trial.about(case, expected.alert, expected.labels)
            known |= {id(each) for each in episodes}
            _judge(verdict, trial, case, expected, _rule(rules, expected), episodes)
        known |= {id(each) for alert in case.others for each in _others(trial, case, alert)}
    for episode in trial.episodes:
        if id(episode) not in known:
            verdict.false_alarms.append(episode)
            verdict.complaints.append(f"nobody expected {_told(trial, episode)}")
    return verdict


def _judge(
    verdict: Verdict, trial: Trial, case: Case, expected: Expected, rule: Rule, episodes: Sequence[Episode]
) -> None:
    site = trial.fleet.site(case.source)
    span = expected.truth(site.world, site.vendor, case.incident)
    visible, gone = (trial.answered(case, expected, each) for each in (span.shows, span.ends))
    step = trial.recording.step
    first = min((each.since for each in episodes), default=None)
    delay = None if first is None else first - visible
    verdict.rows.append(Row(case.title, rule.alert, rule.severity, delay, rule.held))
    due = visible + rule.held
    if first is None or not due <= first <= due + step + expected.within:
        seen = "never" if first is None else _hours(trial, first)
        verdict.complaints.append(f"{case.title}: {expected.alert} was due {_hours(trial, due)} and fired {seen}")
    last = max((each.until or inf for each in episodes), default=gone)
    latest = gone + rule.kept + ALLOWED * step + expected.within
    if not gone <= last <= latest and min(gone, last) < inf:
        verdict.complaints.append(
            f"{case.title}: {expected.alert} was to end {_hours(trial, gone)} and ended {_hours(trial, last)}"
        )
    if len({tuple(each.labels.items()) for each in episodes}) < len(episodes):
        verdict.complaints.append(f"{case.title}: {expected.alert} came and went: {len(episodes)} times")


def _others(trial: Trial, case: Case, alert: str) -> Iterator[Episode]:
    """Yield the episodes of an alert that may belong to *case*: at its source and tenant, or about its whole source."""
    customer = case.incident.customer_id
    for each in trial.episodes:
        theirs = each.labels.get("tenant", customer)  # what befalls a source befalls its tenants
        mine = each.labels.get("source") == case.source and (not customer or theirs == customer)
        meanwhile = case.incident.since <= each.since <= case.incident.until + case.lingers
        if each.alert == alert and mine and meanwhile:
            yield each


def _rule(rules: Sequence[Rule], expected: Expected) -> Rule:
    """Return the rule of what is expected; where several have its name, the severity says which."""
    severity = expected.labels.get("severity")
    return next(each for each in rules if each.alert == expected.alert and severity in (None, each.severity))


def _told(trial: Trial, episode: Episode) -> str:
    until = inf if episode.until is None else episode.until
    about = ", ".join(f"{name} {value}" for name, value in sorted(episode.labels.items()) if name != "area")
    return f"{episode.alert} from {_hours(trial, episode.since)} to {_hours(trial, until)}: {about}"


def _hours(trial: Trial, instant: float) -> str:
    """Return an instant as the time since the beginning."""
    return "never" if instant == inf else str(timedelta(seconds=round(instant - trial.recording.start)))
