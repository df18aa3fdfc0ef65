"""The big trial: the fleet, its 14 days, and what interrupts them."""

from typing import Final

import structlog

from exporter.simulator.era import DAY
from tools.trial.fleet import fleet
from tools.trial.plan import cases
from tools.trial.playing import STEP, Course
from tools.trial.trying import Outcome, tried

START: Final = 1_772_409_600.0
"""2026-03-02 00:00 UTC."""
TENANTS: Final = 20
CLOUD_BACKUP_TENANTS: Final = 3
DAYS: Final = 14
A_DAY: Final = round(DAY / STEP)
COURSE: Final = Course(scrapes=DAYS * A_DAY, down=(8 * A_DAY + 7, 8 * A_DAY + 8), skipped=(5 * A_DAY + 100,))


def run(calm: bool) -> Outcome:  # noqa: FBT001 a pool of processes hands over positions
    """Return what becomes of the fleet while all is well, or with all the incidents."""
    # Every incident is in the log too; faults of the exporter itself have an alert.
    structlog.configure(logger_factory=structlog.ReturnLoggerFactory())
    watched = fleet(start=START, tenants=TENANTS, cloudbackup_tenants=CLOUD_BACKUP_TENANTS, spare=not calm)
    return tried(watched, [] if calm else cases(watched), COURSE)
