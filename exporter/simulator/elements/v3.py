"""Elements v3: lists by POST, pages from 1, an envelope with a count (reference 3.1 and 5)."""

from typing import Any, Final, TypeVar

import orjson
from aiohttp import web

from exporter.clock import Clock
from exporter.simulator.customers import Customer
from exporter.simulator.elements.answers import answer, bad_request, not_found
from exporter.simulator.elements.codes import job_module, job_type
from exporter.simulator.elements.customer_rows import v3_customer, v3_protection
from exporter.simulator.elements.job_rows import v3_job
from exporter.simulator.elements.profile_rows import v3_changes, v3_details, v3_profile
from exporter.simulator.elements.service_rows import v3_services
from exporter.simulator.profiles import Profile
from exporter.simulator.world import World

Item = TypeVar("Item")

PREFIX: Final = "/partner/external/v3/general"
DEFAULT_PAGE: Final = 50
MAX_PAGE: Final = 100

SCOPES: Final = {
    "v3_customers": "elements.customers.read.all",
    "v3_services": "elements.license.read.all",
    "v3_jobs": "elements.jobs.read.all",
    "v3_protection": "elements.cbprotected.read.all",
    "v3_scan_profiles": "elements.scanprofiles.read.all",
    "v3_scan_profile": "elements.scanprofiles.read.all",
    "v3_scan_profile_changes": "elements.scanprofiles.read.all",
}
"""The scope that each operation needs."""


class ElementsV3:
    """The seven operations over a world."""

    def __init__(self, world: World, clock: Clock) -> None:
        self._world = world
        self._clock = clock

    def routes(self) -> list[web.RouteDef]:
        """Return the routes, each under the name of its operation."""
        one = f"{PREFIX}/customers/{{customer}}"
        profile = f"{one}/scan-profiles/{{profile}}"
        get, post = web.get, web.post
        return [
            post(f"{PREFIX}/customers/batch", self.customers, name="v3_customers"),
            post(f"{PREFIX}/customers/services/batch", self.services, name="v3_services"),
            post(f"{one}/avpt-products/jobs/batch", self.jobs, name="v3_jobs"),
            post(f"{one}/scan-profiles/batch", self.profiles, name="v3_scan_profiles"),
            get(f"{one}/cloud-backup-m365/overview", self.protection, name="v3_protection"),
            get(profile, self.profile, name="v3_scan_profile"),
            get(f"{profile}/changes", self.changes, name="v3_scan_profile_changes"),
        ]

    async def customers(self, request: web.Request) -> web.Response:
        """List the customers, optionally some by id."""
        page = _Page(request)
        chosen = page.cut(await self._chosen(request))
        return page.answer([v3_customer(each) for each in chosen])

    async def services(self, request: web.Request) -> web.Response:
        """List what the customers have bought; pages and counts customers."""
        page = _Page(request)
        days = self._world.era.days(self._clock.now())
        chosen = page.cut(await self._chosen(request))
        return page.answer([v3_services(each, days) for each in chosen])

    async def jobs(self, request: web.Request) -> web.Response:
        """List the jobs of a customer, optionally of one type or module."""
        page, now = _Page(request), self._clock.now()
        customer = self._customer(request)
        body = await _body(request)
        kind, module = _number(body, "jobType"), _number(body, "jobModule")
        jobs = [
            job
            for job in self._world.shown_jobs(customer, now)
            if kind in (None, job_type(job.workload).number) and module in (None, job_module(job.workload).number)
        ]
        return page.answer([v3_job(job, now, self._world.era) for job in page.cut(jobs)])

    async def protection(self, request: web.Request) -> web.Response:
        """List the coverage of a customer, no rows without Microsoft 365."""
        page = _Page(request)
        customer = self._customer(request)
        rows = page.cut(self._world.protection(customer, self._clock.now()))
        return page.answer([v3_protection(customer, row) for row in rows])

    async def profiles(self, request: web.Request) -> web.Response:
        """List the scan profiles of a customer, optionally some by id."""
        page, now = _Page(request), self._clock.now()
        customer = self._customer(request)
        ids = _ids(await _body(request), "scanProfileIds")
        found = [each for each in self._world.profiles(customer) if ids is None or each.id in ids]
        return page.answer([v3_profile(each, now) for each in page.cut(found)])

    async def profile(self, request: web.Request) -> web.Response:
        """Show the settings of a scan profile."""
        return answer(v3_details(self._profile(request), self._clock.now()))

    async def changes(self, request: web.Request) -> web.Response:
        """Show the daily report of a scan profile."""
        return answer(v3_changes(self._profile(request), self._clock.now()))

    async def _chosen(self, request: web.Request) -> list[Customer]:
        ids = _ids(await _body(request), "customerIds")
        customers = self._world.customers(self._clock.now())
        return customers if ids is None else [each for each in customers if each.id in ids]

    def _customer(self, request: web.Request) -> Customer:
        found = self._world.find(request.match_info["customer"], self._clock.now())
        if found is None:
            raise not_found("The customer does not exist.")
        return found

    def _profile(self, request: web.Request) -> Profile:
        for profile in self._world.profiles(self._customer(request)):
            if profile.id == request.match_info["profile"]:
                return profile
        raise not_found("The scan profile does not exist.")


class _Page:
    """The page that the query asks for, whatever the case of its parameters."""

    def __init__(self, request: web.Request) -> None:
        query = {name.lower(): value for name, value in request.query.items()}
        self._index = _positive(query.get("pageindex", "1"), "pageIndex")
        self._size = _positive(query.get("pagesize", str(DEFAULT_PAGE)), "pageSize")
        self._total = 0
        if self._size > MAX_PAGE:
            raise bad_request(f"pageSize is at most {MAX_PAGE}.")

    def cut(self, items: "list[Item] | tuple[Item, ...]") -> "list[Item] | tuple[Item, ...]":
        """Return the items of this page, none past the end, and remember how many there are."""
        self._total = len(items)
        return items[(self._index - 1) * self._size : self._index * self._size]

    def answer(self, rows: list[dict[str, Any]]) -> web.Response:
        """Return the envelope around the rows of this page."""
        metadata = {"pageIndex": self._index, "pageSize": self._size, "totalCount": self._total}
        return answer({"data": rows, "metadata": metadata})


async def _body(request: web.Request) -> dict[str, Any]:
    text = await request.read()
    try:
        body = orjson.loads(text) if text else {}
    except orjson.JSONDecodeError:
        raise bad_request("The body is not JSON.") from None
    if not isinstance(body, dict):
        raise bad_request("The body is not an object.")
    return body


def _ids(body: dict[str, Any], name: str) -> set[str] | None:
    value = body.get(name)
    if value is None:
        return None
    if isinstance(value, list) and all(isinstance(each, str) for each in value):
        return set(value)
    raise bad_request(f"{name} is not a list of strings.")


def _number(body: dict[str, Any], name: str) -> int | None:
    value = body.get(name)
    if value is None or isinstance(value, int):
        return value
    raise bad_request(f"{name} is not a number.")


def _positive(text: str, name: str) -> int:
    if text.isascii() and text.isdigit() and int(text) > 0:
        return int(text)
    raise bad_request(f"{name} is not a positive number.")
