"""Which permissions each collector of Elements needs."""

from collections.abc import Mapping
from typing import Final

SCOPES: Final[Mapping[str, Mapping[str, str]]] = {
    "v3": {
        "tenants": "elements.customers.read.all",
        "subscriptions": "elements.license.read.all",
        "jobs": "elements.jobs.read.all",
        "protection": "elements.cbprotected.read.all",
        "scan_profiles": "elements.scanprofiles.read.all",
    },
    "v1": {
        "tenants": "partner.customers.read.all",
        "subscriptions": "partner.license.read.all",
        "jobs": "partner.jobs.read.all",
        "protection": "partner.cbprotected.read.all",
        "scan_profiles": "partner.scanprofiles.read.all",
    },
}
"""Generation → collector → the only permission it needs."""
