"""The shipped rules over small fleets, and the big trial."""

import pytest

from tools.trial.cases import Case, Expected
from tools.trial.fleet import Fleet, fleet
from tools.trial.fortnight import run
from tools.trial.plan import Pen
from tools.trial.playing import Course
from tools.trial.truths import failing
from tools.trial.trying import tried

START = 1_772_409_600.0
A_DAY = 288


def cases(watched: Fleet) -> list[Case]:
    """Return a handful of incidents."""
    elements, veeam = Pen(watched, "elements").case, Pen(watched, "veeam").case
    failed = Expected("M365BackupJobFailed", "jobs", failing(1))
    drift = Expected("M365BackupScanProfileDrift", "scan_profiles", labels={"setting": "scan_mode"})
    full = Expected("M365BackupRepositoryFull", "infrastructure")
    return [
        elements("a backup fails", "backup_fails", (0.2, 0.6), failed, tenant=0, workload="Exchange Online"),
        elements("a muted customer's backup fails", "backup_fails", (0.2, 0.6), tenant=-1),
        elements("somebody changes a scan profile", "profile_changed", (0.4, 3), drift, tenant=1),
        veeam("a repository is full", "repository_full", (0.3, 0.5), full, workload="Disk-02"),
    ]


def test_each_incident_raises_its_alert_and_nothing_else_fires() -> None:
    """A day of a small fleet, with a restart: what must fire does in time, a muted customer raises nothing."""
    watched = fleet(start=START, tenants=6, cloudbackup_tenants=1, spare=False)

    outcome = tried(watched, cases(watched), Course(A_DAY + 24, down=(200, 201), skipped=(50,)))

    assert outcome.verdict.complaints == []
    assert len(outcome.verdict.rows) == 3


@pytest.mark.full
@pytest.mark.timeout(3600)
@pytest.mark.parametrize("calm", [True, False])
def test_the_whole_trial(*, calm: bool) -> None:
    """In 14 days of a calm fleet nothing fires; with forty incidents each raises its alert, and nothing else does."""
    outcome = run(calm)

    assert outcome.verdict.complaints == []
    assert len({row.title for row in outcome.verdict.rows}) >= (0 if calm else 40)
