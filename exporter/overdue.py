"""How old the last completed run of a job may be."""

from typing import Final

from exporter.records import JobKey

OVERDUE_AFTER: Final = 26 * 3600.0
"""Where no schedule is known: a daily backup with two hours of grace."""
EXPECTED_DAILY: Final = frozenset({"backup", "copy"})
"""Types of jobs that are expected to run daily unless the operator or a schedule says otherwise."""


def allowed_age(key: JobKey, gap: float | None, overdue_after: float | None) -> float | None:
    """Return the allowed age in seconds: twice the longest pause of the schedule, but never less than the default.

    A vendor skips a run that is due while the one before is still at work. What runs only when somebody starts it
    (*gap* 0) is never overdue, whatever the operator allows by *overdue_after*.
    """
    if gap == 0:
        return None
    if overdue_after is not None:
        return overdue_after
    if gap is None:
        return OVERDUE_AFTER if key.job_type in EXPECTED_DAILY else None
    return max(OVERDUE_AFTER, 2 * gap)
