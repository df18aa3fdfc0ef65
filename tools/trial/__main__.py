"""Runs the whole trial and writes its table; exit status 1 if the alerts are not as they should be."""

import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from typing import Final

from exporter.log import configure
from exporter.simulator.era import DAY
from tools.trial.fleet import fleet
from tools.trial.plan import cases
from tools.trial.playing import STEP, Course
from tools.trial.report import PAGE, write
from tools.trial.trying import Outcome, tried

START: Final = 1_772_409_600.0
"""2026-03-02 00:00 UTC."""
TENANTS: Final = 20
CLOUD_BACKUP_TENANTS: Final = 3
DAYS: Final = 14
A_DAY: Final = round(DAY / STEP)
COURSE: Final = Course(scrapes=DAYS * A_DAY, down=(8 * A_DAY + 7, 8 * A_DAY + 8), skipped=(5 * A_DAY + 100,))


def run(*, calm: bool) -> Outcome:
    """Return what becomes of the fleet, with or without the incidents."""
    configure(level="error", form="logfmt")
    watched = fleet(start=START, tenants=TENANTS, cloudbackup_tenants=CLOUD_BACKUP_TENANTS, spare=not calm)
    return tried(watched, [] if calm else cases(watched), COURSE)


def _calm() -> Outcome:
    return run(calm=True)


def _struck() -> Outcome:
    return run(calm=False)


def main() -> int:
    """Run both fleets at once, write the table, and say what is wrong."""
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        calm, struck = (each.result() for each in [pool.submit(_calm), pool.submit(_struck)])
    write(calm, struck)
    complaints = [*(f"while all is well: {each}" for each in calm.verdict.complaints), *struck.verdict.complaints]
    for complaint in complaints:
        sys.stderr.write(f"{complaint}\n")
    sys.stdout.write(f"{len(struck.verdict.rows)} alerts expected, {len(complaints)} complaints; see {PAGE.name}\n")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
