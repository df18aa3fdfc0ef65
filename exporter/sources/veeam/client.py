"""The three generations of Veeam's REST API, asked for the same things.

Answers are rows as they came; the wire modules read them. Only offsets of our own lead from page to page: the links of
an answer may belong to another generation. Source: the vendor reference, sections 2, 5 and 8.
"""

from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from typing import Any, Final

from exporter.client.json_client import JsonClient
from exporter.client.paging import OffsetPage, offset_pages
from exporter.client.values import count
from exporter.errors import AnswerUnreadable, NotFound, PermissionMissing, ServerFailed, TimedOut, ValueFault
from exporter.sources.veeam.generations import Generation

PAGE_SIZE: Final = 500
"""Rows of a page: the vendor allows 10,000, but an answer should be read within milliseconds."""
PROTECTED: Final[Mapping[str, str]] = {
    "users": "ProtectedUsers",
    "groups": "ProtectedGroups",
    "sites": "ProtectedSites",
    "teams": "ProtectedTeams",
}
UNTOLD: Final = (AnswerUnreadable, NotFound, PermissionMissing)
"""With what a part of an answer may fail because it is not there, not there for us, or nonsense."""
IN_A_ROW: Final = 3
"""After how many failures, none of them followed by an answer, the others of a list are not asked about any more."""
OPERATORS_ONLY: Final = (
    "; is the account one of an administrator, and 'restore operator authentication only' switched off?"
)


class VeeamApi:
    """v8, and what all generations have in common; every method raises `SourceError`."""

    generation: Generation = "v8"
    pages_lists = True
    """Whether lists of what is configured come in pages, and may be asked for so."""
    knows_windows = True
    """Whether the sessions of a job can be asked for by time."""
    syncs_at_once: int | None = None
    """Of how many organizations a poll asks when they were read; ``None``: one answer tells of all."""

    def __init__(self, http: JsonClient, ahead_seconds: Callable[[], float] = lambda: 0.0) -> None:
        self._http = http
        self.ahead_seconds = ahead_seconds
        """Tells how far the server's clock is ahead of ours."""

    async def organizations(self, *, extended: bool) -> list[Any]:
        """Ask for organizations; *extended* adds their last backup, for which the server asks its proxies (8.4)."""
        query = {"extendedView": str(extended).lower()}
        return await self._pages("organizations", "Organizations", query, paged=self.pages_lists, once=extended)

    async def sync_states(self, organizations: Sequence[str]) -> list[Any]:  # noqa: ARG002 - v8 tells of all at once
        """Ask when each organization was last read (8.5)."""
        return await self._pages("sync_state", "Organizations/SyncState", {}, paged=False)

    async def jobs(self) -> list[Any]:
        """Ask for backup jobs (8.9)."""
        return await self._listed("jobs", "Jobs")

    async def copy_jobs(self) -> list[Any]:
        """Ask for backup copy jobs (8.9)."""
        return await self._listed("copy_jobs", "CopyJobs")

    async def running_sessions(self) -> list[Any]:
        """Ask for sessions under way (8.10)."""
        return await self._pages("sessions", "JobSessions", {"status": "Running"})

    async def sessions_since(self, since: float) -> list[Any]:
        """Ask for sessions that ended, or on some servers began, not before *since* (8.10)."""
        return await self._pages("sessions", "JobSessions", {"endTimeLowerBound": _time(since)})

    async def session(self, session_id: str) -> Any:
        """Ask for one session (8.10)."""
        return await self._get("session", f"JobSessions/{session_id}")

    async def sessions_of(self, job_id: str, since: float, until: float) -> list[Any]:
        """Ask for the sessions of a job that ended within a window of the past."""
        query = {"jobId": job_id, "endTimeLowerBound": _time(since), "endTimeUpperBound": _time(until)}
        return await self._pages("sessions", "JobSessions", query)

    async def items(self, job_id: str, which: str) -> list[Any]:
        """Ask for the ``SelectedItems`` or ``ExcludedItems`` of a backup job."""
        return await self._listed("job_items", f"Jobs/{job_id}/{which}")

    async def service_instance(self) -> Any:
        """Ask for the server's version (8.1)."""
        return await self._get("service_instance", "ServiceInstance")

    async def health(self) -> Any:
        """Ask how the server is (8.2); it may say 503 and mean what it says. ``None`` where nobody tells."""
        return await self._get("health", "Health", answer_if=_is_health)

    async def repositories(self) -> tuple[list[Any], list[Any]]:
        """Ask for repositories, and for object storages where those are listed apart (8.7)."""
        return await self._listed("repositories", "BackupRepositories"), []

    async def proxies(self) -> list[Any]:
        """Ask for proxies (8.8)."""
        return await self._listed("proxies", "Proxies")

    async def license(self) -> Any:
        """Ask for the server's licence (8.3)."""
        return await self._get("license", "License")

    async def licensing(self, organizations: Sequence[str]) -> list[Any]:  # noqa: ARG002 - one answer tells of all
        """Ask what each organization uses of the licence (8.12)."""
        return _organizations(await self._get("licensing", "licensing/statistic/usage"))

    async def used_repositories(self, organization: str) -> list[Any]:
        """Ask what an organization's backups occupy (8.6)."""
        return await self._pages("used_repositories", f"Organizations/{organization}/usedRepositories", {})

    async def protected(self, entity: str, organization: str) -> list[Any] | None:
        """Ask for an organization's protected users, groups, sites or teams (8.13); ``None`` where nobody tells."""
        return await self._pages(f"protected_{entity}", PROTECTED[entity], {"organizationId": organization})

    async def _listed(self, operation: str, path: str, query: Mapping[str, str] | None = None) -> list[Any]:
        return await self._pages(operation, path, query or {}, paged=self.pages_lists)

    async def _pages(
        self, operation: str, path: str, query: Mapping[str, str], *, paged: bool = True, once: bool = False
    ) -> list[Any]:
        async def fetch(offset: int, limit: int) -> OffsetPage:
            place = {"offset": str(offset), "limit": str(limit)} if paged else {}
            return _page(await self._get(operation, path, {**query, **place}, once=once))

        return await offset_pages(fetch, size=PAGE_SIZE, identity=_identity)

    async def _of_each(self, operation: str, organizations: Sequence[str], what: str) -> list[Any]:
        """Ask for a part of each organization, and return it with the organization's id; some may not tell."""
        rows, failed = [], 0
        for organization in organizations:
            try:
                row = await self._get(operation, f"Organizations/{organization}/{what}")
            except UNTOLD:
                continue
            except (ServerFailed, TimedOut):
                failed += 1
                if failed == IN_A_ROW:  # it is not theirs
                    raise
                continue
            failed = 0
            if isinstance(row, dict):
                rows.append({**row, "organizationId": organization})
        return rows

    async def _get(self, operation: str, path: str, query: Mapping[str, str] | None = None, **options: Any) -> Any:
        try:
            return await self._http.get(operation, f"{self.generation}/{path}", query, **options)
        except PermissionMissing as error:
            error.args = (f"{error}{OPERATORS_ONLY}",)
            raise


class V7(VeeamApi):
    """v7: lists of what is configured are bare, and object storages are listed apart."""

    generation: Generation = "v7"
    pages_lists = False
    syncs_at_once = 50

    async def sync_states(self, organizations: Sequence[str]) -> list[Any]:
        """Ask each organization when it was last read (8.5)."""
        return await self._of_each("sync_state", organizations, "SyncState")

    async def running_sessions(self) -> list[Any]:
        """Return none: nothing selects them, and those that are shown are among `sessions_since`."""
        return []

    async def health(self) -> Any:
        """Return ``None``: v7 does not tell."""
        return None

    async def repositories(self) -> tuple[list[Any], list[Any]]:
        """Ask for repositories and for object storages."""
        return (
            await self._listed("repositories", "BackupRepositories"),
            await self._listed("object_storages", "objectstoragerepositories"),
        )

    async def protected(self, entity: str, organization: str) -> list[Any] | None:  # noqa: ARG002 - as v8
        """Return ``None``: before v8 only single restore points tell what is in them."""
        return None


class V6(V7):
    """v6: rows tell less, and sessions of the past are asked for job by job."""

    generation: Generation = "v6"
    knows_windows = False
    syncs_at_once = 0

    async def sync_states(self, organizations: Sequence[str]) -> list[Any]:  # noqa: ARG002 - as v7
        """Return none: v6 does not tell."""
        return []

    async def licensing(self, organizations: Sequence[str]) -> list[Any]:
        """Ask each organization what it uses of the licence (8.6)."""
        return await self._of_each("licensing", organizations, "LicensingInformation")

    async def sessions_of(self, job_id: str, since: float, until: float) -> list[Any]:  # noqa: ARG002 - as v8
        """Ask for all sessions of a job, as v6 knows no window."""
        return await self._pages("sessions", f"Jobs/{job_id}/JobSessions", {})


APIS: Final[Mapping[Generation, type[VeeamApi]]] = {"v8": VeeamApi, "v7": V7, "v6": V6}


def _page(answer: Any) -> OffsetPage:
    """Read a page or a bare list: which of them comes has changed with the generations."""
    if isinstance(answer, list):
        return OffsetPage.whole(answer)
    body = answer if isinstance(answer, dict) else {}
    rows = body.get("results")
    if not isinstance(rows, list):
        raise AnswerUnreadable("the answer is neither a list nor a page with `results`")
    try:
        limit = count(body.get("limit"))
    except ValueFault:
        limit = None
    return OffsetPage(rows, limit)


def _identity(row: Any) -> str | None:
    """Return what tells a row from others; ``None``: it is like no other."""
    found = row.get("id") if isinstance(row, dict) else None
    return found if isinstance(found, str) and found else None


def _organizations(answer: Any) -> list[Any]:
    """Return the rows about organizations of all that the licence covers."""
    platforms = answer.get("platformTypes") if isinstance(answer, dict) else None
    if not isinstance(platforms, list):
        raise AnswerUnreadable("the answer has no `platformTypes`")
    lists = [platform.get("organizations") for platform in platforms if isinstance(platform, dict)]
    return [row for rows in lists if isinstance(rows, list) for row in rows]


def _is_health(body: Any) -> bool:
    return isinstance(body, dict) and isinstance(body.get("status"), str)


def _time(at: float) -> str:
    return datetime.fromtimestamp(at, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
