"""Units, colours and words: the same thing looks the same on every dashboard."""

from collections.abc import Mapping
from typing import Final, TypeAlias

from grafana_foundation_sdk.builders.dashboard import ThresholdsConfig
from grafana_foundation_sdk.models import units
from grafana_foundation_sdk.models.dashboard import (
    Threshold,
    ThresholdsMode,
    ValueMap,
    ValueMapping,
    ValueMappingResult,
)

NUMBER: Final = units.LocaleFormat
"""Every digit of it: 1,234 seats are not 1.2 thousand on an invoice."""
SHARE: Final = units.PercentUnit
BYTES: Final = units.BytesIEC
SECONDS: Final = units.Seconds
DATE: Final = units.DatetimeISO
PER_SECOND: Final = units.RequestsPerSecond

GREEN: Final = "green"
YELLOW: Final = "yellow"
ORANGE: Final = "orange"
RED: Final = "red"
BLUE: Final = "blue"
GREY: Final = "text"

Steps: TypeAlias = tuple[tuple[float | None, str], ...]
"""From which value on which colour holds; the first begins at `None`."""
Words: TypeAlias = Mapping[str, tuple[str, str]]
"""Value → text and colour."""

DAY: Final = 86400

PLAIN: Final[Steps] = ((None, GREY),)
UNJUDGED: Final[Steps] = ((None, BLUE),)
"""For bars, which the colour of text would not suit."""
NONE_IS_GOOD: Final[Steps] = ((None, GREEN), (1, RED))
NONE_IS_BETTER: Final[Steps] = ((None, GREEN), (1, YELLOW))
FILLING: Final[Steps] = ((None, GREEN), (0.9, YELLOW), (1.0001, RED))
"""Seats and storage that were bought: full is not yet too much."""
FILLING_DISK: Final[Steps] = ((None, GREEN), (0.8, YELLOW), (0.9, ORANGE), (0.95, RED))
COVERED: Final[Steps] = ((None, RED), (0.8, ORANGE), (0.9, YELLOW), (0.98, GREEN))
TIME_LEFT: Final[Steps] = ((None, RED), (7 * DAY, ORANGE), (30 * DAY, YELLOW), (60 * DAY, GREEN))
OVERDUE_BY: Final[Steps] = ((None, GREEN), (0, RED))
FRESH: Final[Steps] = ((None, GREEN), (6 * 3600, YELLOW), (DAY, RED))
BACKUP_AGE: Final[Steps] = ((None, GREEN), (26 * 3600, YELLOW), (2 * DAY, ORANGE), (7 * DAY, RED))
REPORT_AGE: Final[Steps] = ((None, GREEN), (36 * 3600, YELLOW), (3 * DAY, RED))
LAG: Final[Steps] = ((None, GREEN), (300, YELLOW), (3600, RED))
ALL_OR_NOTHING: Final[Steps] = ((None, RED), (1, GREEN))

STATUS: Final[Words] = {
    "success": ("success", GREEN),
    "warning": ("warning", YELLOW),
    "failed": ("failed", RED),
    "failed_to_start": ("failed to start", RED),
    "rejected": ("rejected", RED),
    "running": ("running", BLUE),
    "queued": ("queued", BLUE),
    "skipped": ("skipped", GREY),
    "canceled": ("canceled", ORANGE),
    "stopped": ("stopped", ORANGE),
    "disabled": ("disabled", GREY),
    "not_started": ("not started", GREY),
    "not_configured": ("not configured", GREY),
    "not_scanned": ("not scanned", ORANGE),
    "disconnected": ("disconnected", RED),
    "none": ("none", GREY),
}
STATE: Final[Words] = {"0": ("good", GREEN), "1": ("other", BLUE), "2": ("warning", YELLOW), "3": ("failed", RED)}
"""The status of a job as a number, for what can only be drawn as one."""
COLLECTING: Final[Words] = {"0": ("fresh", GREEN), "1": ("failing", YELLOW), "2": ("stale", RED)}
GOOD: Final[Words] = {"1": ("yes", GREEN), "0": ("no", RED)}
BAD: Final[Words] = {"1": ("yes", RED), "0": ("no", GREEN)}
NOTED: Final[Words] = {"1": ("yes", BLUE), "0": ("", GREY)}


def thresholds(steps: Steps) -> ThresholdsConfig:
    """Return the steps as Grafana's thresholds."""
    found = [Threshold(value=value, color=color) for value, color in steps]
    return ThresholdsConfig().mode(ThresholdsMode.ABSOLUTE).steps(found)


def mappings(words: Words) -> list[ValueMapping]:
    """Return the words as Grafana's value mappings; none for none."""
    options = {
        value: ValueMappingResult(text=text, color=color, index=index)
        for index, (value, (text, color)) in enumerate(words.items())
    }
    return [ValueMap(options=options)] if options else []
