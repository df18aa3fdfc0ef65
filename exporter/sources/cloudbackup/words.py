"""Cloud Backup's words and numbers in ours.

The API has four numberings (reference 4.3 and 4.4): the questions' ``jobType`` and ``objectType``, the answers'
``serviceType``, and ``state``, which is a word.
"""

from collections.abc import Mapping
from typing import Any, Final, NamedTuple

from exporter.client.values import folded
from exporter.records import JobType, Status

PRODUCT: Final = "Microsoft 365"
SUBSCRIPTION: Final = "Cloud Backup for Microsoft 365"

STATE: Final[Mapping[str, Status]] = {
    "inprogress": "running",
    "running": "running",
    "pending": "queued",
    "waiting": "queued",
    "finished": "success",
    "failed": "failed",
    "finishedexception": "warning",
    "finishedwithexception": "warning",
    "finishedwithexceptions": "warning",
    "partiallyfinished": "warning",
    "skipped": "skipped",
    "stopped": "stopped",
    "canceled": "canceled",
    "cancelled": "canceled",
}
"""``state`` of a job, folded. The live spelling is not documented; these are all that have been seen or promised."""

JOB_TYPE: Final[Mapping[JobType, int]] = {"backup": 1, "restore": 2, "export": 3, "delete": 4, "retention": 5}
"""The questions' ``jobType``."""

OBJECT_TYPE: Final[Mapping[str, int]] = {
    "Exchange Online": 1,
    "SharePoint Online": 2,
    "OneDrive": 3,
    "Microsoft 365 Groups": 4,
    "Project Online": 5,
    "Public Folders": 6,
    "Teams": 7,
    "Viva Engage": 8,
    "Teams Chat": 9,
    "Power BI": 10,
    "Power Automate": 11,
    "Power Apps": 12,
}
"""The questions' ``objectType``, the most common first."""

SERVICE_TYPE: Final[Mapping[int, str]] = {
    0: "Exchange Online",
    1: "SharePoint Online",
    2: "OneDrive",
    3: "Microsoft 365 Groups",
    4: "Project Online",
    5: "Public Folders",
    6: "Teams",
    9: "Viva Engage",
    10: "Teams Chat",
    11: "Power BI",
    12: "Power Automate",
    14: "Power Apps",
}
"""The answers' ``serviceType``."""


class Kind(NamedTuple):
    """What a job may be: its type, ``None`` if that must be asked, and the workloads it may be about."""

    job_type: JobType | None
    workloads: tuple[str, ...]


ALL: Final = tuple(OBJECT_TYPE)
_EXCHANGE: Final = Kind("backup", ("Exchange Online", "Public Folders"))
_SITES: Final = Kind("backup", ("SharePoint Online", "OneDrive", "Project Online"))
PREFIX: Final[Mapping[str, Kind]] = {
    "IB": _SITES,
    "FB": _SITES,
    "EIB": _EXCHANGE,
    "EFB": _EXCHANGE,
    "OIB": Kind("backup", ("Microsoft 365 Groups",)),
    "OFB": Kind("backup", ("Microsoft 365 Groups",)),
    "TIB": Kind("backup", ("Teams",)),
    "TFB": Kind("backup", ("Teams",)),
    "YIB": Kind("backup", ("Viva Engage",)),
    "YFB": Kind("backup", ("Viva Engage",)),
    "PAUIB": Kind("backup", ("Power Automate",)),
    "PAUFB": Kind("backup", ("Power Automate",)),
    "PAPIB": Kind("backup", ("Power Apps",)),
    "PAPFB": Kind("backup", ("Power Apps",)),
    "RS": Kind("restore", ALL),
}
"""What the letters of a job id say (reference 3.6, where those of full backups are inferred from the incremental)."""


def kind_of(run_id: str) -> Kind:
    """Return what the letters of a job id say, which for an unknown prefix is nothing."""
    letters = run_id.rstrip("0123456789")
    return PREFIX.get(letters.upper(), Kind(None, ALL))


def service(number: int | None) -> str | None:
    """Return the workload of a ``serviceType``, ``unknown_<n>`` for a number that is not documented."""
    return None if number is None else SERVICE_TYPE.get(number, f"unknown_{number}")


def state(raw: Any) -> tuple[Status, bool]:
    """Return a job's status, and whether its word is known."""
    word = folded(raw)
    if not word:
        return "none", raw is None
    return STATE.get(word, f"unknown_{word[:64]}"), word in STATE
