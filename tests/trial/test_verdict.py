from collections.abc import Sequence

import pytest

from exporter.simulator.incidents import Incident
from tools.trial.cases import Case, Expected
from tools.trial.evaluation import Episode
from tools.trial.fleet import fleet
from tools.trial.recording import Recording
from tools.trial.rules import Rule, alerts
from tools.trial.verdict import Trial, Verdict, judged

START = 1_772_409_600.0
STEP = 300.0
RULES = [Rule("Full", "critical", held=600.0, kept=600.0)]
INCIDENT = Incident("repository_full", START + 10 * STEP, START + 30 * STEP)
CASE = Case("a repository is full", "veeam", INCIDENT, (Expected("Full"),), frozenset({"Filled"}))


def episode(since: float, until: float | None, alert: str = "Full", source: str = "veeam") -> Episode:
    """Return what fired between two evaluations."""
    return Episode(alert, {"source": source}, START + since * STEP, None if until is None else START + until * STEP)


def verdict_on(*episodes: Episode, cases: Sequence[Case] = (CASE,)) -> Verdict:
    """Return the verdict on these episodes of a recording of fifty scrapes."""
    watched = fleet(start=START, tenants=1, cloudbackup_tenants=0, spare=False)
    return judged(Trial(watched, Recording(START, STEP, scrapes=50), episodes), cases, RULES)


def test_an_alert_in_time_is_good() -> None:
    """What fires when its rule has waited, and ends soon after its cause, is a row with its delay and no complaint."""
    verdict = verdict_on(episode(12, 33))

    assert verdict.good
    assert [(row.alert, row.severity, row.delay, row.held) for row in verdict.rows] == [("Full", "critical", 600, 600)]


@pytest.mark.parametrize(
    ("episodes", "complaint"),
    [
        ([], "was due 1:00:00 and fired never"),
        ([episode(11, 33)], "was due 1:00:00 and fired 0:55:00"),
        ([episode(14, 33)], "was due 1:00:00 and fired 1:10:00"),
        ([episode(12, 29)], "was to end 2:30:00 and ended 2:25:00"),
        ([episode(12, None)], "was to end 2:30:00 and ended never"),
        ([episode(12, 20), episode(22, 33)], "came and went: 2 times"),
        ([episode(12, 33), episode(5, 6, "Other")], "nobody expected Other from 0:25:00 to 0:30:00: source veeam"),
        ([episode(12, 33), episode(12, 33, source="other")], "nobody expected Full"),
        ([episode(12, 33), episode(9, 20, "Filled")], "nobody expected Filled"),
    ],
)
def test_every_deviation_is_told(episodes: Sequence[Episode], complaint: str) -> None:
    """Too early, too late, never, too short, too long, flapping, or about something else: each is one complaint."""
    (told,) = verdict_on(*episodes).complaints

    assert complaint in told


def test_what_belongs_to_an_incident_is_no_false_alarm() -> None:
    """Alerts that are declared with an incident may fire while it lasts."""
    assert verdict_on(episode(12, 33), episode(15, 20, "Filled")).good


def test_a_calm_fleet_is_silent() -> None:
    """Without incidents every alert is a false alarm."""
    verdict = verdict_on(episode(3, 4), cases=())

    assert len(verdict.false_alarms) == 1
    assert not verdict.good


def test_the_shipped_alerts_are_read() -> None:
    """Every alert has its severity and how long it waits."""
    down = next(each for each in alerts() if each.alert == "M365BackupSourceDown")

    assert (down.severity, down.held, down.kept) == ("critical", 600.0, 600.0)
