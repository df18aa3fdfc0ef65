"""Which permissions each collector of Cloud Backup needs."""

from collections.abc import Mapping, Sequence
from typing import Final

JOBS: Final = "microsoft365backup.jobInfo.read.all"
SUBSCRIPTION: Final = "microsoft365backup.subscriptionInfo.read.all"
SETTINGS: Final = "microsoft365backup.settings.read.all"
UNUSUAL_ACTIVITY: Final = "microsoft365backup.unusualActivity.read.all"

SCOPES: Final[Mapping[str, Sequence[str]]] = {
    "tenants": (),
    "jobs": (JOBS,),
    "license": (SUBSCRIPTION,),
    "unusual_activity": (UNUSUAL_ACTIVITY,),
    "schedule": (SETTINGS,),
}
"""Collector → the permissions it needs, the same in all generations."""
