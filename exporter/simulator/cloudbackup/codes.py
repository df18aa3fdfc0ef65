"""The numbers and words of Cloud Backup (reference 4.3 and 4.4)."""

from typing import Final, Literal

from exporter.simulator.jobs import Purpose

State = Literal["in progress", "finished", "failed", "with exception", "partially"]

JOB_TYPES: Final[dict[Purpose, int]] = {"backup": 1, "restore": 2, "export": 3, "delete": 4, "retention": 5}
"""What the filter jobType asks for; 0 is all."""

OBJECT_TYPES: Final = {
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
"""What the filter objectType asks for; 0 is all."""

SERVICE_TYPES: Final = {
    "Exchange Online": 0,
    "SharePoint Online": 1,
    "OneDrive": 2,
    "Microsoft 365 Groups": 3,
    "Project Online": 4,
    "Public Folders": 5,
    "Teams": 6,
    "Viva Engage": 9,
    "Teams Chat": 10,
    "Power BI": 11,
    "Power Automate": 12,
    "Power Apps": 14,
}
"""What answers call the same workloads."""

STATES: Final[dict[State, int]] = {
    "in progress": 1,
    "finished": 2,
    "failed": 3,
    "with exception": 4,
    "partially": 5,
}
"""What the filter jobState asks for; 0 is all."""

SPELLINGS: Final[dict[State, tuple[str, ...]]] = {
    "in progress": ("InProgress", "In Progress"),
    "finished": ("Finished",),
    "failed": ("Failed",),
    "with exception": ("FinishedException", "Finished with Exception", "FinishedWithException"),
    "partially": ("PartiallyFinished", "Partially Finished"),
}
"""What rows call a state; the live spelling is unknown."""

LOCATIONS: Final = frozenset(
    "PrimaryGeoLocation NAM EUR GBR JPN APC AUS CAN IND FRA ARE ZAF CHE KOR DEU BRA NOR SWE QAT POL ITA "
    "ISR MEX NZL ESP TWN".lower().split()
)
PRIMARY: Final = "primarygeolocation"
