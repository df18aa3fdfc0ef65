"""The words of Veeam: versions, schedules, states."""

from typing import Final, Literal

Version = Literal["v6", "v7", "v8"]
VERSIONS: Final[tuple[Version, ...]] = ("v6", "v7", "v8")

Result = Literal["success", "warning", "failed", "stopped"]
"""How a session ends."""

STATUSES: Final[dict[Result, str]] = {
    "success": "Success",
    "warning": "Warning",
    "failed": "Failed",
    "stopped": "Stopped",
}
"""What rows call it."""

FILTERS: Final = {
    "stopped": "Stopped",
    "running": "Running",
    "succeeded": "Success",
    "failed": "Failed",
    "warning": "Warning",
}
"""The status in rows for each value of the filter `status`, which has words of its own (reference 6)."""

PERIODS: Final = {
    "Minutes5": 300.0,
    "Minutes10": 600.0,
    "Minutes15": 900.0,
    "Minutes30": 1800.0,
    "Hours1": 3600.0,
    "Hours2": 7200.0,
    "Hours4": 14400.0,
    "Hours8": 28800.0,
    "Hours12": 43200.0,
}
"""The seconds of each value of periodicallyEvery; the last one is of v8 only."""

NEW_PERIOD: Final = "Hours12"

DAYS: Final[dict[str, frozenset[int]]] = {
    "Everyday": frozenset(range(7)),
    "Workdays": frozenset(range(5)),
    "Weekends": frozenset((5, 6)),
    "Monday": frozenset((0,)),
    "Tuesday": frozenset((1,)),
    "Wednesday": frozenset((2,)),
    "Thursday": frozenset((3,)),
    "Friday": frozenset((4,)),
    "Saturday": frozenset((5,)),
    "Sunday": frozenset((6,)),
}
"""The weekdays of each value of dailyType, Monday is 0."""

NOBODY: Final = "00000000-0000-0000-0000-000000000000"
"""What may stand where there is no id."""
