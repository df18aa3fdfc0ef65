"""The enumerations of Elements: integers in v3, words in v1 (reference 4.1, 4.2 and 4.4)."""

from typing import Final, Literal, NamedTuple

from exporter.simulator.jobs import Status
from exporter.simulator.profiles import ContainerKind, ScanStatus
from exporter.simulator.workloads import Product, Workload


class Code(NamedTuple):
    """One value in both generations."""

    number: int
    word: str


JOB_TYPES: Final[dict[Product, Code]] = {
    "Microsoft 365 scan": Code(0, "DOR"),
    "Microsoft 365": Code(7, "Microsoft 365"),
    "Google scan": Code(10, "DOR"),
    "Google Workspace": Code(11, "Google Workspace"),
    "IaaS + PaaS": Code(12, "Azure"),
    "Salesforce": Code(15, "Salesforce"),
    "Dynamics 365": Code(16, "Dynamics 365"),
}

JOB_MODULES: Final[dict[tuple[Product, str], Code]] = {
    ("Microsoft 365 scan", "none"): Code(0, "Microsoft 365 Discovery"),
    ("Google scan", "none"): Code(0, "Google Workspace Discovery"),
    ("Salesforce", "Salesforce"): Code(301, "Salesforce"),  # undocumented, yet real
    ("Microsoft 365", "SharePoint Online"): Code(302, "SharePoint Online"),
    ("Microsoft 365", "Exchange Online"): Code(303, "Exchange Online"),
    ("Microsoft 365", "Microsoft 365 Groups"): Code(304, "Microsoft 365 Group"),
    ("Microsoft 365", "OneDrive"): Code(305, "OneDrive for Business"),
    ("Microsoft 365", "Project Online"): Code(306, "Project Online"),
    ("Microsoft 365", "Public Folders"): Code(307, "Exchange Online Public Folders"),
    ("Microsoft 365", "Teams"): Code(308, "Microsoft Teams"),
    ("Microsoft 365", "Teams Chat"): Code(309, "Microsoft Teams Chat"),
    ("Microsoft 365", "Power BI"): Code(310, "Power BI"),
    ("Microsoft 365", "Power Automate"): Code(311, "Power Automate"),
    ("Microsoft 365", "Power Apps"): Code(312, "Power Apps"),
    ("IaaS + PaaS", "Azure Virtual Machine"): Code(356, "Virtual Machine"),
    ("IaaS + PaaS", "Microsoft Entra ID"): Code(358, "Active Directory"),
    ("IaaS + PaaS", "Storage"): Code(359, "Storage"),
    ("IaaS + PaaS", "Admin Portal Settings"): Code(360, "Admin Portal Setting"),
    ("Microsoft 365", "Viva Engage"): Code(402, "Yammer"),
    ("Google Workspace", "Gmail"): Code(501, "Gmail"),
    ("Google Workspace", "Calendar"): Code(502, "Calendar"),
    ("Google Workspace", "Contacts"): Code(503, "Contacts"),
    ("Google Workspace", "Drive"): Code(504, "Drive"),
    ("Google Workspace", "Shared Drives"): Code(505, "Shared Drives"),
    ("Google Workspace", "Chat"): Code(507, "Chat"),
    ("Dynamics 365", "Dynamics CRM"): Code(550, "Dynamics Customer Engagement"),
    ("Dynamics 365", "Dynamics Unified Operations"): Code(551, "Dynamics Unified Operations"),
}

SERVICE_MODULES: Final = {
    "Microsoft 365 Groups": "Microsoft 365 Group",
    "Public Folders": "Exchange Online Public Folders",
    "Teams": "Microsoft Teams",
    "Teams Chat": "Microsoft Teams chat",
}
"""The names of the protection overview where they are not ours."""

STATUSES: Final[dict[Status | ScanStatus, Code]] = {
    "running": Code(1, "Running"),
    "success": Code(2, "Successful"),
    "failed": Code(3, "Failed"),
    "warning": Code(4, "Finished with exception"),
    "skipped": Code(5, "Skipped"),
    "queued": Code(6, "Pending"),
    "stopped": Code(10, "Stopped"),
    "disabled": Code(12, "Disabled"),
    "not_started": Code(13, "Not Finished"),
}

CUSTOMER_STATUSES: Final = {
    0: "N/A",
    1: "Working",
    5: "Finished with exception",
    6: "No backup updates",
}

MANAGEMENT_MODES: Final[dict[Literal["customer", "partner", "open"], int]] = {
    "customer": 0,
    "partner": 1,
    "open": 2,
}

CONTAINERS: Final[dict[ContainerKind, Code]] = {
    "Site Collection": Code(0, "SiteCollection"),
    "Mailbox": Code(1, "Mailbox"),
    "OneDrive": Code(2, "OneDrive"),
    "Microsoft 365 Group": Code(5, "Microsoft365Group"),
}


def job_type(workload: Workload) -> Code:
    """Return the service of a job."""
    return JOB_TYPES[workload.product]


def job_module(workload: Workload) -> Code:
    """Return the module of a job."""
    return JOB_MODULES[workload.product, workload.name]


def service_module(workload: Workload) -> str:
    """Return what the protection overview calls a workload."""
    return SERVICE_MODULES.get(workload.name, workload.name)
