"""Runs the whole trial and writes its table; exit status 1 if the alerts are not as they should be."""

import sys
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context

from tools.trial.fortnight import run
from tools.trial.report import PAGE, write


def main() -> int:
    """Run both fleets at once, write the table, and say what is wrong."""
    with ProcessPoolExecutor(2, get_context("spawn")) as pool:
        calm, struck = pool.map(run, (True, False))
    write(calm, struck)
    complaints = [*(f"while all is well: {each}" for each in calm.verdict.complaints), *struck.verdict.complaints]
    for complaint in complaints:
        sys.stderr.write(f"{complaint}\n")
    sys.stdout.write(f"{len(struck.verdict.rows)} alerts expected, {len(complaints)} complaints; see {PAGE.name}\n")
    return 1 if complaints else 0


if __name__ == "__main__":
    sys.exit(main())
