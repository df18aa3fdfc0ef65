"""The paths of the three generations, in any case, and the permission that each needs (reference 2.4)."""

from typing import Final

LEGACY: Final = "cloudbackup"
M365: Final = "backup/m365"

PATHS: Final = {
    "cloudbackup_legacy_jobs": f"{LEGACY}/jobs",
    "cloudbackup_legacy_license": f"{LEGACY}/licenseconsumption",
    "cloudbackup_v1_jobs": f"{M365}/jobs",
    "cloudbackup_v1_license": f"{M365}/licenseconsumption",
    "cloudbackup_v1_unusual_activity": f"{M365}/unusualactivitydata",
    "cloudbackup_v2_jobs": f"{M365}/cloudbackupjobs",
    "cloudbackup_v2_job": f"{M365}/cloudbackupjobs",
    "cloudbackup_v2_license": f"{M365}/cloudbackuplicenseconsumption",
    "cloudbackup_v2_unusual_activity": f"{M365}/cloudbackupunusualactivitydata",
    "cloudbackup_v2_frequency": f"{M365}/settings/backup/frequency",
    "cloudbackup_v2_retention": f"{M365}/settings/retention-policy",
}
"""The path of each operation, without the slash before it; the one of a single job goes on with its id."""

JOBS: Final = "microsoft365backup.jobInfo.read.all"
SUBSCRIPTION: Final = "microsoft365backup.subscriptionInfo.read.all"
SETTINGS: Final = "microsoft365backup.settings.read.all"
ACTIVITY: Final = "microsoft365backup.unusualActivity.read.all"

SCOPES: Final = {
    "cloudbackup_legacy_jobs": JOBS,
    "cloudbackup_legacy_license": SUBSCRIPTION,
    "cloudbackup_v1_jobs": JOBS,
    "cloudbackup_v1_license": SUBSCRIPTION,
    "cloudbackup_v1_unusual_activity": ACTIVITY,
    "cloudbackup_v2_jobs": JOBS,
    "cloudbackup_v2_job": JOBS,
    "cloudbackup_v2_license": SUBSCRIPTION,
    "cloudbackup_v2_unusual_activity": ACTIVITY,
    "cloudbackup_v2_frequency": SETTINGS,
    "cloudbackup_v2_retention": SETTINGS,
}
"""The scope that each operation needs."""


def pattern(operation: str) -> str:
    """Return the path of *operation* as aiohttp matches it, whatever its case."""
    return f"/{{path:(?i:{PATHS[operation]})}}"
