"""The two generations of the Elements API, asked for the same things.

Answers are rows as they came; `wire` and `profile_wire` read them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import quote

from exporter.client.json_client import JsonClient
from exporter.client.paging import LinkedPage, Page, indexed_pages, linked_pages
from exporter.client.values import count
from exporter.errors import AnswerUnreadable, NotFound, ValueFault

GENERAL: Final = "/partner/external/v3/general"
PAGE_SIZE: Final = 100
"""The most that v3 allows."""


class ModuleFilter(NamedTuple):
    """One job type and module, in the words (v1) or numbers (v3) of the API."""

    job_type: str
    job_module: str


class ElementsApi(Protocol):
    """What both generations can be asked for; every method raises `SourceError`."""

    async def customers(self, ids: Sequence[str]) -> list[Any]:
        """Return all customers, or those with *ids* that there are."""
        ...

    async def services(self, ids: Sequence[str]) -> list[Any]:
        """Return what customers have bought: a row a customer, or a row a product."""
        ...

    async def jobs(self, customer: str, only: Sequence[ModuleFilter]) -> list[Any]:
        """Return the latest job of each module, or of those in *only*."""
        ...

    async def protection(self, customer: str) -> list[Any]:
        """Return a row a workload of Cloud Backup for Microsoft 365."""
        ...

    async def scan_profiles(self, customer: str) -> list[Any]:
        """Return the list of scan profiles."""
        ...

    async def scan_profile(self, customer: str, profile: str) -> Any:
        """Return one profile with its settings."""
        ...

    async def daily_report(self, customer: str, profile: str) -> Any:
        """Return the numbers of a profile's last daily report."""
        ...

    async def daily_report_objects(self, customer: str, profile: str, report: Any) -> Any:
        """Return the objects behind the numbers of *report*."""
        ...


class ElementsV3:
    """``/partner/external/v3``: lists are POST with a JSON body and pages counted from 1."""

    def __init__(self, http: JsonClient) -> None:
        self._http = http

    async def customers(self, ids: Sequence[str]) -> list[Any]:
        """Ask ``customers/batch`` (5.1)."""
        return await self._selected("customers", "/customers/batch", ids)

    async def services(self, ids: Sequence[str]) -> list[Any]:
        """Ask ``customers/services/batch`` (5.2), whose pages count customers."""
        return await self._selected("services", "/customers/services/batch", ids)

    async def jobs(self, customer: str, only: Sequence[ModuleFilter]) -> list[Any]:
        """Ask ``avpt-products/jobs/batch`` (5.3)."""
        path = f"/customers/{_segment(customer)}/avpt-products/jobs/batch"
        bodies: list[Mapping[str, Any]] = [
            {"jobType": int(each.job_type), "jobModule": int(each.job_module)} for each in only
        ] or [{}]
        return [row for body in bodies for row in await self._list("jobs", path, body)]

    async def protection(self, customer: str) -> list[Any]:
        """Ask ``cloud-backup-m365/overview`` (5.4)."""
        path = f"{GENERAL}/customers/{_segment(customer)}/cloud-backup-m365/overview"

        async def fetch(index: int, size: int) -> Page:
            query = {"pageIndex": str(index), "pageSize": str(size)}
            return _page(await self._http.get("protection", path, query))

        return await indexed_pages(fetch, first=1, size=PAGE_SIZE)

    async def scan_profiles(self, customer: str) -> list[Any]:
        """Ask ``scan-profiles/batch`` (5.5)."""
        return await self._list("scan_profiles", f"/customers/{_segment(customer)}/scan-profiles/batch", {})

    async def scan_profile(self, customer: str, profile: str) -> Any:
        """Ask for one profile, which comes bare."""
        return await self._http.get("scan_profile", _profile_v3(customer, profile))

    async def daily_report(self, customer: str, profile: str) -> Any:
        """Ask for its ``changes``, numbers and objects together."""
        return await self._http.get("scan_profile_changes", f"{_profile_v3(customer, profile)}/changes")

    async def daily_report_objects(self, customer: str, profile: str, report: Any) -> Any:  # noqa: ARG002 - as v1
        """Return *report* itself, which holds them."""
        return report

    async def _selected(self, operation: str, path: str, ids: Sequence[str]) -> list[Any]:
        if not ids:
            return await self._list(operation, path, {})
        rows: list[Any] = []
        for start in range(0, len(ids), PAGE_SIZE):
            body = {"customerIds": list(ids[start : start + PAGE_SIZE])}
            rows += await self._list(operation, path, body)
        return rows

    async def _list(self, operation: str, path: str, body: Mapping[str, Any]) -> list[Any]:
        async def fetch(index: int, size: int) -> Page:
            query = f"pageIndex={index}&pageSize={size}"
            return _page(await self._http.post(operation, f"{GENERAL}{path}?{query}", body))

        return await indexed_pages(fetch, first=1, size=PAGE_SIZE)


def _profile_v3(customer: str, profile: str) -> str:
    return f"{GENERAL}/customers/{_segment(customer)}/scan-profiles/{_segment(profile)}"


def _page(answer: Any) -> Page:
    """Read v3's envelope; ``metadata`` has had two spellings, and so has its count."""
    envelope = _folded(answer)
    rows = envelope.get("data")
    if not isinstance(rows, list):
        raise AnswerUnreadable("the answer has no list `data`: not an Elements v3 list")
    metadata = _folded(envelope.get("metadata"))
    try:
        total = count(metadata.get("totalcount", metadata.get("totalnumber")))
    except ValueFault:
        total = None
    return Page(rows, total)


class ElementsV1:
    """The eleven GET operations of the published path table, with OData envelopes."""

    def __init__(self, http: JsonClient) -> None:
        self._http = http

    async def customers(self, ids: Sequence[str]) -> list[Any]:
        """Ask ``/Customers``, or ``/Customers/{id}`` for each of *ids*; an unknown id is no row."""
        if not ids:
            return await self._list("customers", "/Customers")
        return await self._each("customer", "/Customers", ids)

    async def services(self, ids: Sequence[str]) -> list[Any]:
        """Ask ``/Services``, or ``/Services/{id}`` for each of *ids*."""
        if not ids:
            return await self._list("services", "/Services")
        return await self._each("service", "/Services", ids)

    async def jobs(self, customer: str, only: Sequence[ModuleFilter]) -> list[Any]:
        """Ask ``/Customers/{Id}/Jobs``, or its ``JobType/…/JobModule/…`` form for each of *only*."""
        path = f"{_customer_v1(customer)}/Jobs"
        if not only:
            return await self._list("jobs", path)
        rows: list[Any] = []
        for each in only:
            module = f"JobType/{_segment(each.job_type)}/JobModule/{_segment(each.job_module)}"
            rows += await self._list("jobs_filtered", f"{path}/{module}")
        return rows

    async def protection(self, customer: str) -> list[Any]:
        """Ask ``/Customers/{id}/Protected``."""
        return await self._list("protection", f"{_customer_v1(customer)}/Protected")

    async def scan_profiles(self, customer: str) -> list[Any]:
        """Ask ``/Customers/{id}/ScanProfiles``."""
        return await self._list("scan_profiles", f"{_customer_v1(customer)}/ScanProfiles")

    async def scan_profile(self, customer: str, profile: str) -> Any:
        """Ask ``…/ScanProfilesDetails/ProfileId/{ProfileId}``."""
        return await self._entity("scan_profile", customer, "ScanProfilesDetails", profile)

    async def daily_report(self, customer: str, profile: str) -> Any:
        """Ask ``…/ScanProfilesDailyNew/ProfileId/{ProfileId}``."""
        return await self._entity("scan_profile_daily", customer, "ScanProfilesDailyNew", profile)

    async def daily_report_objects(self, customer: str, profile: str, report: Any) -> Any:  # noqa: ARG002 - as v3
        """Ask ``…/ScanProfilesDailyNewDetail/ProfileId/{ProfileId}``."""
        return await self._entity("scan_profile_daily_detail", customer, "ScanProfilesDailyNewDetail", profile)

    async def _entity(self, operation: str, customer: str, action: str, profile: str) -> Any:
        path = f"{_customer_v1(customer)}/{action}/ProfileId/{_segment(profile)}"
        return await self._http.get(operation, path)

    async def _each(self, operation: str, path: str, ids: Sequence[str]) -> list[Any]:
        """Ask one by one; an unknown id is skipped, but if all are, so may be the path."""
        rows: list[Any] = []
        unknown: NotFound | None = None
        for each in ids:
            try:
                rows += _entities(await self._http.get(operation, f"{path}/{_segment(each)}"))
            except NotFound as error:
                unknown = error
        if unknown is not None and not rows:
            raise unknown
        return rows

    async def _list(self, operation: str, path: str) -> list[Any]:
        async def first() -> LinkedPage:
            return _linked(await self._http.get(operation, path))

        async def follow(link: str) -> LinkedPage:
            return _linked(await self._http.follow(operation, link))

        return await linked_pages(first, follow)


def _customer_v1(customer: str) -> str:
    return f"/Customers/{_segment(customer)}"


def _entities(answer: Any) -> list[Any]:
    """Return a flat entity as the one row it is; a customer with rows for its products may come as a list."""
    rows = _folded(answer).get("value")
    return rows if isinstance(rows, list) else [answer]


def _linked(answer: Any) -> LinkedPage:
    """Read OData's envelope; the link to further rows is promised in general text and has many spellings."""
    envelope = _folded(answer)
    rows = envelope.get("value")
    if not isinstance(rows, list):
        raise AnswerUnreadable("the answer has no list `value`: not an Elements v1 list")
    link = envelope.get("@odata.nextlink") or envelope.get("nextlink")
    return LinkedPage(rows, link if isinstance(link, str) else None)


def _folded(raw: Any) -> dict[str, Any]:
    """Return an object with its names in lower case, an empty one for anything else."""
    return {name.lower(): value for name, value in raw.items()} if isinstance(raw, dict) else {}


def _segment(name: str) -> str:
    """Return *name* as one segment of a path; dots alone would lead out of it, however they are encoded."""
    if name in {"", ".", ".."}:
        raise AnswerUnreadable("an id that cannot stand in a path")
    return quote(name, safe="")
