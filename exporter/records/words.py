"""The words that all vendors' answers are translated into, and what every record has."""

from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

Status: TypeAlias = str
"""One of `STATUSES`, or ``unknown_<value>`` for a word that the vendor has not documented."""

STATUSES: Final[frozenset[str]] = frozenset(
    {
        "success",
        "warning",
        "failed",
        "failed_to_start",
        "running",
        "queued",
        "skipped",
        "canceled",
        "stopped",
        "rejected",
        "disabled",
        "not_started",
        "not_configured",
        "not_scanned",
        "disconnected",
        "none",
    }
)
ENDED: Final[frozenset[str]] = frozenset(
    {"success", "warning", "failed", "failed_to_start", "skipped", "canceled", "stopped", "rejected"}
)
"""Statuses with which a run is over."""
FAILURES: Final[frozenset[str]] = frozenset({"failed", "failed_to_start", "rejected"})
COMPLETED: Final[frozenset[str]] = frozenset({"success", "warning"})
"""Statuses after which data was backed up."""
TIMED: Final[frozenset[str]] = frozenset({"success", "warning", "failed"})
"""Statuses of runs whose duration says something about the work."""
UNDERWAY: Final[frozenset[str]] = frozenset({"running", "queued"})
"""Statuses that never hide how the last run ended."""

JobType = Literal["backup", "restore", "export", "delete", "retention", "scan", "copy"]
Outcome = Literal["successful", "failed", "skipped", "warning"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """A fact about one tenant."""

    tenant: str
