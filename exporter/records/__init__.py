"""What is true of a backup, in nobody's dialect.

Records are what every vendor's answers become and all that the metrics know. They are
frozen, compare by value, name their units, and say ``None`` where the vendor said
nothing, which is never zero. Times are Unix seconds. ``tenant`` is the vendor's stable
id; ``""`` stands for the source as a whole.
"""

from exporter.records.books import AbandonedJobs, Collection, JobErrors, JobHistory, JobTally, ScanProfileDrift
from exporter.records.jobs import Job, JobKey, JobSchedule, JobSettings, Run
from exporter.records.servers import Proxy, Repository, RepositoryUsage, Server, ServerLicense
from exporter.records.tenants import (
    MicrosoftLicenses,
    ProtectedEntities,
    Protection,
    ScanProfile,
    Subscription,
    Tenant,
    UnusualActivity,
)
from exporter.records.words import (
    COMPLETED,
    ENDED,
    FAILURES,
    STATUSES,
    TIMED,
    UNDERWAY,
    JobType,
    Outcome,
    Record,
    Status,
)

__all__ = [
    "COMPLETED",
    "ENDED",
    "FAILURES",
    "STATUSES",
    "TIMED",
    "UNDERWAY",
    "AbandonedJobs",
    "Collection",
    "Job",
    "JobErrors",
    "JobHistory",
    "JobKey",
    "JobSchedule",
    "JobSettings",
    "JobTally",
    "JobType",
    "MicrosoftLicenses",
    "Outcome",
    "ProtectedEntities",
    "Protection",
    "Proxy",
    "Record",
    "Repository",
    "RepositoryUsage",
    "Run",
    "ScanProfile",
    "ScanProfileDrift",
    "Server",
    "ServerLicense",
    "Status",
    "Subscription",
    "Tenant",
    "UnusualActivity",
]
