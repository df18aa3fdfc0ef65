"""AvePoint's words and numbers in ours.

v3 answers integers, v1 words; both mean the same things, so both are looked up in the
same tables, words by `fold`: without case, spaces and punctuation.
"""

from collections.abc import Mapping
from typing import Any, Final

from exporter.client.fields import Fields
from exporter.client.values import fold, text
from exporter.records import JobType, Status

_MOST_DIGITS: Final = 9
"""Longer digits are no number of an enumeration."""
UNDOCUMENTED: Final = frozenset({"unknown_301"})
"""What the vendor has always sent without ever documenting it, module 301 for Salesforce: no news to be counted."""
_LONGEST_UNKNOWN: Final = 64

JOB_STATUS: Final[Mapping[int, Status]] = {
    0: "none",
    1: "running",
    2: "success",
    3: "failed",
    4: "warning",
    5: "skipped",
    6: "queued",
    7: "failed_to_start",
    8: "canceled",
    9: "rejected",
    10: "stopped",
    11: "not_scanned",
    12: "disabled",
    13: "not_started",
    14: "not_configured",
}
"""``status`` and ``lastScanStatus`` of v3."""

JOB_STATUS_WORDS: Final[Mapping[str, Status]] = {
    "none": "none",
    "running": "running",
    "inprogress": "running",
    "finished": "success",
    "successful": "success",
    "failed": "failed",
    "finishedwithexception": "warning",
    "skipped": "skipped",
    "pending": "queued",
    "failedtostart": "failed_to_start",
    "canceled": "canceled",
    "cancelled": "canceled",
    "rejected": "rejected",
    "stopped": "stopped",
    "notscanned": "not_scanned",
    "disabled": "disabled",
    "notstarted": "not_started",
    "waitingforconfiguration": "not_configured",
}

TENANT_STATUS: Final[Mapping[int, Status]] = {
    0: "none",
    1: "working",
    2: "failed",
    3: "not_configured",
    4: "multiple_issues",
    5: "warning",
    6: "no_backup_updates",
}
"""``jobStatus`` of a customer, a roll-up of its own."""

TENANT_STATUS_WORDS: Final[Mapping[str, Status]] = {
    "na": "none",
    "none": "none",
    "working": "working",
    "failed": "failed",
    "waitingforconfiguration": "not_configured",
    "multipleissuesfound": "multiple_issues",
    "finishedwithexception": "warning",
    "nobackupupdates": "no_backup_updates",
}

PRODUCT: Final[Mapping[int, str]] = {
    0: "Microsoft 365 scan",
    7: "Microsoft 365",
    10: "Google scan",
    11: "Google Workspace",
    12: "IaaS + PaaS",
    15: "Salesforce",
    16: "Dynamics 365",
}
"""``jobType`` of v3."""

PRODUCT_WORDS: Final[Mapping[str, str]] = {
    "microsoft365scan": "Microsoft 365 scan",
    "microsoft365": "Microsoft 365",
    "googleworkspacescan": "Google scan",
    "googleworkspace": "Google Workspace",
    "azure": "IaaS + PaaS",
    "iaaspaas": "IaaS + PaaS",
    "salesforce": "Salesforce",
    "dynamics365": "Dynamics 365",
}

DISCOVERY_WORDS: Final[Mapping[str, str]] = {
    "microsoft365discovery": "Microsoft 365 scan",
    "googleworkspacediscovery": "Google scan",
}
"""v1 calls every discovery scan ``DOR`` and names its product in the module."""

WORKLOAD: Final[Mapping[int, str]] = {
    0: "all",
    8: "Archiver",
    10: "Retention",
    302: "SharePoint Online",
    303: "Exchange Online",
    304: "Microsoft 365 Groups",
    305: "OneDrive",
    306: "Project Online",
    307: "Public Folders",
    308: "Teams",
    309: "Teams Chat",
    310: "Power BI",
    311: "Power Automate",
    312: "Power Apps",
    355: "Cloud Backup for Azure",
    356: "Azure Virtual Machine",
    357: "Disk",
    358: "Microsoft Entra ID",
    359: "Storage",
    360: "Admin Portal Settings",
    361: "Amazon EC2",
    362: "Native Azure SQL Backup Monitoring",
    363: "DevOps",
    364: "Microsoft Entra ID B2C",
    365: "Azure SQL Backup",
    366: "Google Virtual Machine Instance",
    367: "Azure VMware Solution",
    368: "Microsoft SQL Server in Azure VM",
    369: "Google Cloud Storage",
    370: "Cosmos DB",
    371: "Azure PostgreSQL",
    401: "Dynamics 365",
    402: "Viva Engage",
    501: "Gmail",
    502: "Calendar",
    503: "Contacts",
    504: "Drive",
    505: "Shared Drives",
    506: "Google Classroom",
    507: "Chat",
    508: "Google Directory",
    550: "Dynamics CRM Backup",
    551: "Dynamics Unified Operations Backup",
}
"""``jobModule`` of v3."""

WORKLOAD_WORDS: Final[Mapping[str, str]] = {
    **{fold(name): name for name in WORKLOAD.values()},
    "none": "all",
    "onedriveforbusiness": "OneDrive",
    "microsoft365group": "Microsoft 365 Groups",
    "exchangeonlinepublicfolder": "Public Folders",
    "exchangeonlinepublicfolders": "Public Folders",
    "microsoftteams": "Teams",
    "microsoftteamschat": "Teams Chat",
    "yammer": "Viva Engage",
    "virtualmachine": "Azure Virtual Machine",
    "activedirectory": "Microsoft Entra ID",
    "adminportalsetting": "Admin Portal Settings",
    "dynamicscustomerengagement": "Dynamics CRM Backup",
    "dynamicsunifiedoperations": "Dynamics Unified Operations Backup",
}

SCAN_MODE: Final[Mapping[int, str]] = {0: "express", 1: "advanced"}
SCAN_MODE_WORDS: Final[Mapping[str, str]] = {
    "express": "express",
    "expressmode": "express",
    "advanced": "advanced",
    "advancedmode": "advanced",
}


def known(
    fields: Fields, name: str, numbers: Mapping[int, str], words: Mapping[str, str], *, needed: bool = False
) -> str | None:
    """Return the canonical word for an enum's number or text; an undocumented one is kept as unknown_<value>."""
    word = fields.read(lambda raw: word_of(raw, numbers, words), name, needed=needed)
    if word is not None and word.startswith("unknown_") and word not in UNDOCUMENTED:
        fields.unknown(name)
    return word


def word_of(raw: Any, numbers: Mapping[int, str], words: Mapping[str, str]) -> str | None:
    """Return the canonical word for *raw*; ``None`` if there is nothing to read.

    Raises ValueFault for what is neither text nor a number.
    """
    if type(raw) is int:  # v3's way
        return numbers.get(raw) or f"unknown_{raw}"[:_LONGEST_UNKNOWN]
    written = text(raw)
    if written is None:
        return words.get(fold(raw)) if isinstance(raw, str) else None
    if _is_number(written):
        return numbers.get(int(written), f"unknown_{written}")
    return words.get(fold(written), f"unknown_{written[:_LONGEST_UNKNOWN]}")


def _is_number(written: str) -> bool:
    return written.isdecimal() and len(written) <= _MOST_DIGITS


def job_words(fields: Fields) -> tuple[str, str, JobType] | None:
    """Return product, workload and job type of a job row, or ``None`` if it does not name them."""
    raw = fields.raw("jobType")
    discovery = isinstance(raw, str) and fold(raw) == "dor"
    if discovery:
        product = known(fields, "jobModule", {}, DISCOVERY_WORDS, needed=True)
    else:
        product = known(fields, "jobType", PRODUCT, PRODUCT_WORDS, needed=True)
    if product is None:
        return None
    if discovery or product.endswith(" scan"):
        return product, "all", "scan"
    workload = _workload(fields)
    if workload is None:
        return None
    return product, workload, "retention" if workload == "Retention" else "backup"


def _workload(fields: Fields) -> str | None:
    """Return the module's workload; one of words that is in no table is a product's own name for it."""
    named = fields.read(text, "jobModule", needed=True)
    if named is None or not _is_number(named):
        return WORKLOAD_WORDS.get(fold(named), named) if named else None
    return known(fields, "jobModule", WORKLOAD, {})
