"""What is wrong in the fleet, as expressions that several panels show."""

from typing import Final

from grafana.src.promql import (
    COVERAGE,
    FAILED,
    FIRING,
    OF_JOB,
    OF_WORKLOAD,
    OVERDUE,
    SOURCE,
    WORKLOAD,
    newest,
    series,
)

ALERTS: Final = series("ALERTS", FIRING)
FAILING: Final = newest(FAILED, OF_JOB, SOURCE, WORKLOAD)
LATE: Final = f"{newest(OVERDUE, OF_JOB, SOURCE, WORKLOAD)} > 0"
GAPS: Final = f"{newest(COVERAGE, OF_WORKLOAD, SOURCE, WORKLOAD)} < 0.9"
NOBODY: Final = "nothing is wrong"
