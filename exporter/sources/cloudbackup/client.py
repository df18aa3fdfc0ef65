"""The three generations of the API, asked for the same things.

Answers are rows as they came; `wire` reads them. Source: the vendor reference, sections 7 to 9.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Any, Final, Protocol

from exporter.client.json_client import JsonClient
from exporter.client.paging import Page, indexed_pages
from exporter.client.values import count
from exporter.errors import (
    AnswerUnreadable,
    NotFound,
    PermissionMissing,
    RequestRefused,
    ServerFailed,
    SourceError,
    ValueFault,
)

PAGE_SIZE: Final = 50
"""As the vendor's own samples ask; the most that is allowed is not documented."""
DAY: Final = 86400.0
_TICKS_AT_1970: Final = 621_355_968_000_000_000
_TICKS_PER_SECOND: Final = 10_000_000
_REFUSED: Final = 400
_SERVERS: Final = 500
_FAULTS: Final[Mapping[int, type[SourceError]]] = {401: PermissionMissing, 403: PermissionMissing, 404: NotFound}
"""What the body's own status means, if it is neither that the server failed nor that it refused the question."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """Which jobs are asked for: those that started in a window, of a type and a workload (0: of all)."""

    since: float
    until: float
    job_type: int = 0
    object_type: int = 0


class CloudBackupApi(Protocol):
    """What all generations can be asked for; every method raises `SourceError`."""

    async def jobs(self, question: Question) -> list[Any]:
        """Return the rows of the job history."""
        ...

    async def license_consumption(self) -> Any:
        """Return seats, sizes and whether they are exceeded."""
        ...


class Legacy:
    """``/cloudbackup``: PascalCase, times as .NET ticks, also in the question."""

    def __init__(self, http: JsonClient, location: str | None) -> None:
        self._http = http
        self._location = location

    async def jobs(self, question: Question) -> list[Any]:
        """Ask ``/cloudbackup/jobs`` (7)."""
        query = {
            "StartTime": str(_ticks(question.since)),
            "FinishTime": str(_ticks(question.until)),
            "JobType": str(question.job_type),
            "ObjectType": str(question.object_type),
            "JobState": "0",
            **_at(self._location),
        }
        get = partial(self._http.get, "jobs", "/cloudbackup/jobs")
        return await _all_pages(get, query, _flat, names=("PageIndex", "PageSize"))

    async def license_consumption(self) -> Any:
        """Ask ``/cloudbackup/licenseconsumption`` (7)."""
        return await self._http.get("license", "/cloudbackup/licenseconsumption")


class V1:
    """``/backup/m365``: flat bodies, days in the question."""

    def __init__(self, http: JsonClient, location: str | None) -> None:
        self._http = http
        self._location = location

    async def jobs(self, question: Question) -> list[Any]:
        """Ask ``/backup/m365/jobs`` (8)."""
        get = partial(self._http.get, "jobs", "/backup/m365/jobs")
        return await _all_pages(get, {**_asked(question), **_at(self._location)}, _flat)

    async def license_consumption(self) -> Any:
        """Ask ``/backup/m365/licenseconsumption`` (8)."""
        return await self._http.get("license", "/backup/m365/licenseconsumption")


class V2:
    """``/backup/m365/cloudbackup*``: an envelope, whose status may contradict that of HTTP."""

    def __init__(self, http: JsonClient, location: str | None) -> None:
        self._http = http
        self._location = location

    async def jobs(self, question: Question) -> list[Any]:
        """Ask ``/backup/m365/cloudbackupjobs`` (9)."""
        get = partial(self._get, "jobs", "/backup/m365/cloudbackupjobs")
        return await _all_pages(get, {**_asked(question), **_at(self._location)}, _page)

    async def license_consumption(self) -> Any:
        """Ask ``/backup/m365/cloudbackuplicenseconsumption`` (9)."""
        return _data(await self._get("license", "/backup/m365/cloudbackuplicenseconsumption", {}))

    async def unusual_activities(self, since: float, until: float) -> list[Any]:
        """Ask ``/backup/m365/cloudbackupunusualactivitydata`` (9), which holds its rows one level deeper."""
        query = {"startTime": _day(since), "finishTime": _day(until)}
        data = _data(await self._get("unusual_activity", "/backup/m365/cloudbackupunusualactivitydata", query))
        return _list(_folded(data).get("data") if isinstance(data, dict) else data)

    async def frequency(self) -> list[Any]:
        """Ask ``/backup/m365/settings/backup/frequency`` (9)."""
        path = "/backup/m365/settings/backup/frequency"
        return _list(_data(await self._get("frequency", path, {})))

    async def retention_policy(self) -> Any:
        """Ask ``/backup/m365/settings/retention-policy`` (9)."""
        path = "/backup/m365/settings/retention-policy"
        return _data(await self._get("retention_policy", path, {}))

    async def _get(self, operation: str, path: str, query: Mapping[str, str]) -> Any:
        answer = await self._http.get(operation, path, query)
        status = _number(_folded(answer).get("statuscode"))
        if status is not None and status >= _REFUSED:
            fault = _FAULTS.get(status, RequestRefused if status < _SERVERS else ServerFailed)
            raise fault(f"the answer says status {status}, although HTTP says that all is well")
        return answer


async def _all_pages(
    get: Callable[[dict[str, str]], Awaitable[Any]],
    query: Mapping[str, str],
    read: Callable[[Any], Page],
    *,
    names: tuple[str, str] = ("pageIndex", "pageSize"),
) -> list[Any]:
    """Return the rows of all pages that answer *query*; *names* are those of the parameters for index and size."""

    async def fetch(index: int, size: int) -> Page:
        return read(await get({**query, names[0]: str(index), names[1]: str(size)}))

    return await indexed_pages(fetch, first=0, size=PAGE_SIZE, first_may_repeat=True, identity=_identity)


def _identity(row: Any) -> str:
    """Return what tells a job's row from others, even if it has no id."""
    return str(_folded(row).get("id") or id(row))


def _asked(question: Question) -> dict[str, str]:
    """Return the question as v1 and v2 put it: whole days, as nobody says whether a time of day is heard."""
    return {
        "startTime": _day(question.since),
        "finishTime": _day(question.until + DAY),
        "jobType": str(question.job_type),
        "objectType": str(question.object_type),
    }


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, tz=UTC).date().isoformat()


def _ticks(at: float) -> int:
    return _TICKS_AT_1970 + int(at) * _TICKS_PER_SECOND


def _at(location: str | None) -> dict[str, str]:
    """Return the location only where one is configured: on a tenant with one location it empties the answer."""
    return {"location": location} if location else {}


def _flat(answer: Any) -> Page:
    """Read the body of legacy and v1; ``NextLink`` is a hint that paging by index does not need."""
    body = _folded(answer)
    total = _total(body)
    return Page(_list(body.get("jobs"), total), total)


def _page(answer: Any) -> Page:
    """Read v2's envelope."""
    total = _total(_folded(_folded(answer).get("metadata")))
    return Page(_list(_data(answer), total), total)


def _total(body: Mapping[str, Any]) -> int | None:
    return _number(body.get("totalcount", body.get("totalnumber")))


def _number(raw: Any) -> int | None:
    try:
        return count(raw)
    except ValueFault:
        return None


def _data(answer: Any) -> Any:
    envelope = _folded(answer)
    if "data" not in envelope:
        raise AnswerUnreadable("the answer has no `data`: not the envelope of api: v2")
    return envelope["data"]


def _list(raw: Any, total: int | None = None) -> list[Any]:
    """Return a list; nothing at all is one where the answer counts no row."""
    if raw is None and total == 0:
        return []
    if not isinstance(raw, list):
        raise AnswerUnreadable("the answer has no list where one is documented; is `api` the right generation?")
    return raw


def _folded(raw: Any) -> dict[str, Any]:
    """Return an object with its names in lower case, an empty one for anything else."""
    return {name.lower(): value for name, value in raw.items()} if isinstance(raw, dict) else {}
