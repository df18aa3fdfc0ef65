"""The endpoints of the three versions and what each answers with, in any case of their paths."""

from dataclasses import dataclass
from typing import Final, Literal

from exporter.simulator.veeam.codes import VERSIONS, Version

Shape = Literal["object", "list", "page"]

SHAPES: Final[dict[str, Shape]] = {"O": "object", "L": "list", "P": "page"}

ENDPOINTS: Final = {
    "service_instance": ("ServiceInstance", "OOO"),
    "health": ("Health", "--O"),
    "license": ("License", "OOO"),
    "license_auto_update": ("License/AutoUpdate", "OOO"),
    "licensed_users": ("LicensedUsers", "PPP"),
    "license_usage": ("licensing/statistic/usage", "-OO"),
    "organizations": ("Organizations", "LLP"),
    "organization": ("Organizations/*", "OOO"),
    "sync_states": ("Organizations/SyncState", "--L"),
    "sync_state": ("Organizations/*/SyncState", "-OO"),
    "licensing_information": ("Organizations/*/LicensingInformation", "OOO"),
    "used_repositories": ("Organizations/*/usedRepositories", "PPP"),
    "organization_jobs": ("Organizations/*/Jobs", "LL-"),
    "repositories": ("BackupRepositories", "LLP"),
    "repository": ("BackupRepositories/*", "OOO"),
    "backedup_organizations": ("BackupRepositories/*/backedupOrganizations", "PPP"),
    "object_storage": ("objectstoragerepositories", "LL-"),
    "proxies": ("Proxies", "LLP"),
    "proxy_pools": ("ProxyPools", "--P"),
    "jobs": ("Jobs", "LLP"),
    "copy_jobs": ("CopyJobs", "LLP"),
    "selected_items": ("Jobs/*/SelectedItems", "LLP"),
    "excluded_items": ("Jobs/*/ExcludedItems", "LLP"),
    "job_sessions": ("JobSessions", "PPP"),
    "job_session": ("JobSessions/*", "OOO"),
    "sessions_of_job": ("Jobs/*/JobSessions", "P--"),
    "processed_objects": ("JobSessions/*/ProcessedObjects", "-PP"),
    "log_items": ("JobSessions/*/LogItems", "PPP"),
    "restore_sessions": ("RestoreSessions", "PPP"),
    "restore_statistics": ("RestoreSessions/*/Statistics", "--O"),
    "restore_points": ("RestorePoints", "LPP"),
    "protected_users": ("ProtectedUsers", "--P"),
    "protected_groups": ("ProtectedGroups", "--P"),
    "protected_sites": ("ProtectedSites", "--P"),
    "protected_teams": ("ProtectedTeams", "--P"),
    "synchronize_sessions": ("RepositorySynchronizeSessions", "LLL"),
    "history_settings": ("HistorySettings", "OOO"),
    "management_mode": ("ManagementMode", "OOO"),
    "updates": ("Configuration/Updates", "--O"),
    "email_settings": ("VboEmailSettings", "OOO"),
    "portal_settings": ("RestorePortalSettings", "OOO"),
}
"""Path, "*" for an id, and per version an object, a bare list, a page, or nothing."""

TOKEN: Final = "token"  # noqa: S105 the name of an operation
LOGOUT: Final = "logout"
UNKNOWN: Final = "unknown"

POSTED: Final = {"token": TOKEN, "token/logout": LOGOUT}
BY_PATH: Final = {path.lower(): (name, shapes) for name, (path, shapes) in ENDPOINTS.items()}

ID_PLACE: Final = 1
"""The part of a path that may be an id."""


@dataclass(frozen=True, slots=True)
class Call:
    """What a request asks for: an endpoint of a version, with the id in its path; *shape* is None if there is none."""

    version: Version
    name: str
    shape: Shape | None
    id: str

    @property
    def operation(self) -> str:
        """The name under which it is counted."""
        return f"veeam_{self.version}_{self.name}"


def read_path(method: str, path: str) -> Call | None:
    """Return what *method* and *path* ask for; None where no version could be meant."""
    first, _, rest = path.strip("/").partition("/")
    version = next((each for each in VERSIONS if each == first.lower()), None)
    if version is None:
        return None
    if method == "POST":
        return Call(version, POSTED.get(rest.lower(), UNKNOWN), None, "")
    parts = rest.lower().split("/")
    exact = BY_PATH.get(rest.lower())
    found = exact or BY_PATH.get("/".join("*" if place == ID_PLACE else part for place, part in enumerate(parts)))
    if found is None or method != "GET":
        return Call(version, UNKNOWN, None, "")
    name, shapes = found
    shape = SHAPES.get(shapes[VERSIONS.index(version)])
    return Call(version, name if shape else UNKNOWN, shape, "" if exact else parts[ID_PLACE])
