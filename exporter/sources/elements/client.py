"""The two generations of the Elements API, asked for the same things.

Answers are rows as they came; `wire` and `profile_wire` read them.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, NamedTuple, Protocol
from urllib.parse import quote

from exporter.client.json_client import JsonClient
from exporter.client.paging import LinkedPage, Page, indexed_pages, linked_pages
from exporter.errors import AnswerUnreadable, NotFound

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

    async def daily_report_objects(self, customer: str, profile: str) -> Any:
        """Return the objects of a profile's last daily report."""
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
        path = f"/customers/{quote(customer, safe='')}/avpt-products/jobs/batch"
        bodies: list[Mapping[str, Any]] = [
            {"jobType": int(each.job_type), "jobModule": int(each.job_module)} for each in only
        ] or [{}]
        return [row for body in bodies for row in await self._list("jobs", path, body)]

    async def protection(self, customer: str) -> list[Any]:
        """Ask ``cloud-backup-m365/overview`` (5.4)."""
        path = f"{GENERAL}/customers/{quote(customer, safe='')}/cloud-backup-m365/overview"

        async def fetch(index: int, size: int) -> Page:
            query = {"pageIndex": str(index), "pageSize": str(size)}
            return _page(await self._http.get("protection", path, query))

        return await indexed_pages(fetch, first=1, size=PAGE_SIZE)

    async def scan_profiles(self, customer: str) -> list[Any]:
        """Ask ``scan-profiles/batch`` (5.5)."""
        return await self._list("scan_profiles", f"/customers/{quote(customer, safe='')}/scan-profiles/batch", {})

    async def scan_profile(self, customer: str, profile: str) -> Any:
        """Ask for one profile, which comes bare."""
        return await self._http.get("scan_profile", _profile_v3(customer, profile))

    async def daily_report(self, customer: str, profile: str) -> Any:
        """Ask for its ``changes``, numbers and objects together."""
        return await self._http.get("scan_profile_changes", f"{_profile_v3(customer, profile)}/changes")

    async def daily_report_objects(self, customer: str, profile: str) -> Any:
        """Ask for its ``changes``: v3 has no separate list."""
        return await self.daily_report(customer, profile)

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
    return f"{GENERAL}/customers/{quote(customer, safe='')}/scan-profiles/{quote(profile, safe='')}"


def _page(answer: Any) -> Page:
    """Read v3's envelope; ``metadata`` has had two spellings, and so has its count."""
    if not isinstance(answer, dict) or not isinstance(answer.get("data"), list):
        raise AnswerUnreadable("the answer has no list `data`: not an Elements v3 list")
    metadata = answer.get("metadata") or answer.get("metaData")
    metadata = metadata if isinstance(metadata, dict) else {}
    total = metadata.get("totalCount", metadata.get("totalNumber"))
    return Page(answer["data"], total if isinstance(total, int) and not isinstance(total, bool) else None)


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
            module = f"JobType/{quote(each.job_type, safe='')}/JobModule/{quote(each.job_module, safe='')}"
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

    async def daily_report_objects(self, customer: str, profile: str) -> Any:
        """Ask ``…/ScanProfilesDailyNewDetail/ProfileId/{ProfileId}``."""
        return await self._entity("scan_profile_daily_detail", customer, "ScanProfilesDailyNewDetail", profile)

    async def _entity(self, operation: str, customer: str, action: str, profile: str) -> Any:
        path = f"{_customer_v1(customer)}/{action}/ProfileId/{quote(profile, safe='')}"
        return await self._http.get(operation, path)

    async def _each(self, operation: str, path: str, ids: Sequence[str]) -> list[Any]:
        rows: list[Any] = []
        for each in ids:
            try:
                rows.append(await self._http.get(operation, f"{path}/{quote(each, safe='')}"))
            except NotFound:
                if len(ids) == 1:
                    raise
        if ids and not rows:
            raise NotFound(f"none of the {len(ids)} ids of tenants.ids is known to {path}")
        return rows

    async def _list(self, operation: str, path: str) -> list[Any]:
        async def first() -> LinkedPage:
            return _linked(await self._http.get(operation, path))

        async def follow(link: str) -> LinkedPage:
            return _linked(await self._http.follow(operation, link))

        return await linked_pages(first, follow)


def _customer_v1(customer: str) -> str:
    return f"/Customers/{quote(customer, safe='')}"


def _linked(answer: Any) -> LinkedPage:
    """Read OData's envelope; the link to further rows is promised in general text and has many spellings."""
    if isinstance(answer, dict):
        folded = {name.lower(): value for name, value in answer.items()}
        if isinstance(folded.get("value"), list):
            link = folded.get("@odata.nextlink") or folded.get("nextlink")
            return LinkedPage(folded["value"], link if isinstance(link, str) else None)
    raise AnswerUnreadable("the answer has no list `value`: not an Elements v1 list")
