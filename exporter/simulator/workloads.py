"""What can be backed up: products, their workloads and how each names its runs."""

from dataclasses import dataclass
from typing import Final, Literal

Product = Literal[
    "Microsoft 365",
    "Google Workspace",
    "IaaS + PaaS",
    "Salesforce",
    "Dynamics 365",
    "Microsoft 365 scan",
    "Google scan",
]


@dataclass(frozen=True, slots=True)
class Workload:
    """One module of a product.

    *incremental* and *full* begin the ids of its runs, *digits* is how many digits follow
    (reference 3.6); *objects* is how many of them an ordinary customer has.
    """

    product: Product
    name: str
    incremental: str
    full: str
    digits: int
    objects: int


def _microsoft(name: str, prefix: str, objects: int) -> Workload:
    return Workload("Microsoft 365", name, f"{prefix}IB", f"{prefix}FB", 20, objects)


def _google(name: str, prefix: str, objects: int) -> Workload:
    return Workload("Google Workspace", name, f"GB{prefix}", f"GB{prefix}", 14, objects)


def _cloud(name: str, objects: int) -> Workload:
    return Workload("IaaS + PaaS", name, "IB", "FB", 17, objects)


EVERYDAY: Final = (
    _microsoft("Exchange Online", "E", 180),
    _microsoft("SharePoint Online", "", 900),
    _microsoft("OneDrive", "", 150),
    _microsoft("Microsoft 365 Groups", "O", 90),
    _microsoft("Teams", "T", 60),
)
OCCASIONAL: Final = (
    _microsoft("Teams Chat", "C", 140),
    _microsoft("Viva Engage", "Y", 12),
    _microsoft("Project Online", "", 9),
    _microsoft("Public Folders", "E", 25),
)
POWER_PLATFORM: Final = (
    _microsoft("Power BI", "PB", 14),
    _microsoft("Power Automate", "PAU", 30),
    _microsoft("Power Apps", "PAP", 11),
)
GOOGLE: Final = (
    _google("Gmail", "G", 80),
    _google("Calendar", "CA", 80),
    _google("Contacts", "CO", 80),
    _google("Drive", "D", 80),
    _google("Shared Drives", "SD", 8),
    _google("Chat", "CH", 70),
)
CLOUD: Final = (
    _cloud("Azure Virtual Machine", 1),
    _cloud("Storage", 40),
    _cloud("Microsoft Entra ID", 300),
    _cloud("Admin Portal Settings", 25),
)
SALESFORCE: Final = Workload("Salesforce", "Salesforce", "IB", "FB", 20, 640)
DYNAMICS: Final = (
    Workload("Dynamics 365", "Dynamics CRM", "DCIB", "DCFB", 22, 400),
    Workload("Dynamics 365", "Dynamics Unified Operations", "DUIB", "DUFB", 22, 200),
)
MICROSOFT_SCAN: Final = Workload("Microsoft 365 scan", "none", "Scan", "Scan", 20, 0)
GOOGLE_SCAN: Final = Workload("Google scan", "none", "Scan", "Scan", 20, 0)
