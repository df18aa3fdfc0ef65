"""What is wrong in the fleet, as expressions that several panels show."""

from typing import Final

from grafana.src.promql import (
    COVERAGE,
    FAILED,
    FIRING,
    LATELY,
    OF_JOB,
    OF_WORKLOAD,
    OVERDUE,
    SCANNED,
    SOURCE,
    WORKLOAD,
    newest,
    series,
)

ALERTS: Final = series("ALERTS", FIRING)
FAILING: Final = newest(FAILED, OF_JOB, SOURCE, WORKLOAD)
LATE: Final = f"{newest(OVERDUE, OF_JOB, SOURCE, WORKLOAD)} > 0"
NOBODY: Final = "nothing is wrong"


def meant_coverage(*matchers: str) -> str:
    """
    Return the coverage of the workloads that are judged, by the conditions of the alert M365BackupCoverageLow.

    Where nothing was protected for a month nothing is meant to be, and a share of fewer than ten objects says little.
    """
    covered = newest(COVERAGE, OF_WORKLOAD, *matchers)
    lately = f"max by ({', '.join(OF_WORKLOAD)}) (max_over_time({series(COVERAGE, *matchers)}[{LATELY}]))"
    return f"({covered} > 0 or {covered} and {lately} > 0) and {newest(SCANNED, OF_WORKLOAD, *matchers)} >= 10"


GAPS: Final = f"({meant_coverage(SOURCE, WORKLOAD)}) < 0.9"
