"""How a version writes: times, links, and which fields it knows."""

from collections.abc import Mapping
from dataclasses import dataclass
from math import floor
from time import gmtime, strftime
from typing import Any, Final

from exporter.simulator.veeam.codes import Version

Row = dict[str, Any]

ONLY: Final[dict[str, dict[str, str]]] = {
    "license": {
        "licenseExpires": "78",
        "gracePeriodExpires": "78",
        "package": "78",
        "expirationDate": "6",
        "supportExpirationDate": "6",
        "contactPerson": "6",
    },
    "organization": {"description": "78", "msid": "8", "backedUpOrganizationId": "8"},
    "storage usage": {"repositoryId": "8", "protectedObjectsCount": "8"},
    "repository": {
        "proxyPoolId": "8",
        "organizationId": "8",
        "isOutdated": "8",
        "isIndexed": "8",
        "isMigrationLocked": "8",
        "isOutOfOrder": "8",
        "outOfOrderReason": "8",
        "objectStorage": "8",
        "objectStorageId": "67",
        "objectStorageCachePath": "67",
    },
    "object storage": {
        "name": "67",
        "description": "67",
        "enableImmutability": "78",
        "enableImmutabilityGovernanceMode": "8",
        "immutabilityPeriodDays": "8",
    },
    "proxy": {
        "operatingSystem": "8",
        "proxyPoolId": "8",
        "fqdn": "78",
        "maintenanceModeState": "8",
        "cpuUsagePercent": "8",
        "memoryUsagePercent": "8",
        "version": "8",
        "serviceAccount": "8",
        "role": "8",
        "threadsNumber": "67",
    },
    "job": {"organizationId": "8", "lastBackup": "78", "eTag": "8"},
    "job schedule": {"periodicallyWindowEnabled": "78"},
    "session": {
        "jobId": "8",
        "repositoryId": "78",
        "mainSessionId": "78",
        "jobWillBeRetried": "78",
        "jobType": "78",
        "jobSessionConfigType": "8",
        "eTag": "8",
        "proxyId": "8",
        "proxyPoolId": "8",
    },
    "log item": {"type": "8", "message": "8", "title": "67"},
    "restore session": {"eTag": "8"},
    "restore point": {
        "isDeleted": "78",
        "isCopy": "78",
        "eTag": "8",
        "objectsEtag": "8",
        "immutabilityExpiresOn": "8",
    },
    "email settings": {"isAuthenticated": "78"},
    "portal settings": {"restorePortalUri": "78"},
}
"""The fields that not every version has, and the versions that have them; the others are in all."""


@dataclass(frozen=True, slots=True)
class Pen:
    """Writes for one version, times in the zone so many minutes from UTC."""

    version: Version
    offset_minutes: int

    @property
    def modern(self) -> bool:
        """Whether this is the version whose rows carry ids instead of links."""
        return self.version == "v8"

    def time(self, seconds: float | None) -> str | None:
        """Return Unix *seconds* as ISO with seven digits of a second."""
        if seconds is None:
            return None
        thousandths = round(seconds * 1000)
        whole = thousandths // 1000
        text = strftime("%Y-%m-%dT%H:%M:%S", gmtime(whole + 60 * self.offset_minutes))
        return f"{text}.{thousandths % 1000:03d}0000{_zone(self.offset_minutes)}"

    def links(self, /, **paths: str) -> Row:
        """Return the relative links of a row."""
        return {name: {"href": f"/{self.version}/{path}"} for name, path in paths.items()}

    def fields(self, resource: str, row: Mapping[str, Any]) -> Row:
        """Return *row* without what this version does not have."""
        only = ONLY[resource]
        number = self.version[1]
        return {name: value for name, value in row.items() if number in only.get(name, number)}


def _zone(minutes: int) -> str:
    if not minutes:
        return "Z"
    sign = "+" if minutes > 0 else "-"
    return f"{sign}{abs(minutes) // 60:02d}:{abs(minutes) % 60:02d}"


def rounded_up(number: float, step: int) -> int:
    """Return the next multiple of *step* that is not below *number*."""
    return -floor(-number / step) * step
