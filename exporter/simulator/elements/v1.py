"""Elements v1: eleven GET operations in OData envelopes (reference 6, seeds/elements-open-api.md)."""

from collections.abc import Callable
from typing import Any

from aiohttp import web

from exporter.clock import Clock
from exporter.simulator.customers import Customer
from exporter.simulator.elements.answers import answer, bad_request, not_found
from exporter.simulator.elements.codes import job_module, job_type
from exporter.simulator.elements.customer_rows import v1_customer, v1_protection
from exporter.simulator.elements.job_rows import pascal, v1_job
from exporter.simulator.elements.profile_rows import v1_details, v1_profile, v1_report_lists, v1_summary
from exporter.simulator.elements.service_rows import v1_service, v1_services
from exporter.simulator.elements.v1_paths import Call, read_path
from exporter.simulator.profiles import Profile
from exporter.simulator.world import World

Rows = list[dict[str, Any]]


class ElementsV1:
    """The operations over a world; *page_size* customers make a page of the lists of all customers."""

    def __init__(self, world: World, clock: Clock, page_size: int) -> None:
        self._world = world
        self._clock = clock
        self._page_size = page_size

    def routes(self) -> list[web.RouteDef]:
        """Return one route for every path: v1's are recognised by read_path."""
        return [web.get("/{path:.*}", self.handle, allow_head=False)]

    async def handle(self, request: web.Request) -> web.Response:
        """Answer one call."""
        call = read_path(request.path)
        if call is None:
            raise not_found("There is no such resource.", odata=True)
        match call.operation:
            case "v1_customers":
                return self._list_all(request, "Customers", lambda each: [v1_customer(each)])
            case "v1_services":
                days = self._world.era.days(self._clock.now())
                return self._list_all(request, "Services", lambda each: v1_services(each, days))
            case _:
                return self._of_customer(request, call)

    def _of_customer(self, request: web.Request, call: Call) -> web.Response:
        operation, keys = call
        customer, now = self._customer(keys["customer"]), self._clock.now()
        match operation:
            case "v1_customer":
                return _entity(request, "Customers/$entity", pascal(v1_customer(customer)))
            case "v1_service":
                days = self._world.era.days(now)
                return _entity(request, "Services/$entity", v1_service(customer, days))
            case "v1_jobs" | "v1_jobs_filtered":
                return _list(request, "BackUpJob", self._jobs(customer, keys, now))
            case "v1_protection":
                return self._protection(request, customer, now)
            case "v1_scan_profiles":
                rows = [v1_profile(each, now) for each in self._world.profiles(customer)]
                return _list(request, "ProfileInfo", rows)
            case _:
                profile = self._profile(customer, keys["profile"])
                return _profile(request, operation, profile, now)

    def _list_all(self, request: web.Request, name: str, rows_of: Callable[[Customer], Rows]) -> web.Response:
        skip, top = _whole(request, "$skip", 0), _whole(request, "$top", self._page_size)
        wanted = request.query.get("id")
        customers = [each for each in self._world.customers(self._clock.now()) if wanted in (None, each.id)]
        end = skip + min(top, self._page_size)
        rows = [row for each in customers[skip:end] for row in rows_of(each)]
        body: dict[str, Any] = {"@odata.context": _context(request, name), "value": rows}
        if end < len(customers) and "$top" not in request.query:
            body["@odata.nextLink"] = str(request.url.update_query({"$skip": str(end)}))
        return answer(body)

    def _jobs(self, customer: Customer, keys: dict[str, str], now: float) -> Rows:
        kind, module = keys.get("type"), keys.get("module")
        return [
            v1_job(job, now, self._world.era)
            for job in self._world.shown_jobs(customer, now)
            if _same(kind, job_type(job.workload).word) and _same(module, job_module(job.workload).word)
        ]

    def _protection(self, request: web.Request, customer: Customer, now: float) -> web.Response:
        rows = [v1_protection(customer, row) for row in self._world.protection(customer, now)]
        if rows:
            return _list(request, "CustomerOverallProtected", rows)
        if customer.lot.chance(0.3, "v1 refuses"):
            raise bad_request("The customer has no such subscription.", odata=True)
        raise not_found("The customer has no such subscription.", odata=True)

    def _customer(self, identifier: str) -> Customer:
        found = self._world.find(identifier, self._clock.now())
        if found is None:
            raise not_found("The customer does not exist.", odata=True)
        return found

    def _profile(self, customer: Customer, identifier: str) -> Profile:
        for profile in self._world.profiles(customer):
            if profile.id == identifier:
                return profile
        raise not_found("The scan profile does not exist.", odata=True)


def _profile(request: web.Request, operation: str, profile: Profile, now: float) -> web.Response:
    match operation:
        case "v1_scan_profile_summary":
            kind, row = "ProfileDailyNewDetailInfo", v1_summary(profile, now)
        case "v1_scan_profile_lists":
            kind, row = "ProfileDailyNewDetailInfo", v1_report_lists(profile, now)
        case _:
            kind, row = "ProfileDetailInfo", v1_details(profile, now)
    return _entity(request, f"Portal.Api.Model.{kind}", row)


def _context(request: web.Request, name: str) -> str:
    return f"{request.url.origin()}/partner/$metadata#{name}"


def _entity(request: web.Request, name: str, row: dict[str, Any]) -> web.Response:
    return answer({"@odata.context": _context(request, name), **row})


def _list(request: web.Request, model: str, rows: Rows) -> web.Response:
    context = _context(request, f"Collection(Portal.Api.Model.{model})")
    return answer({"@odata.context": context, "value": rows})


def _same(asked: str | None, word: str) -> bool:
    return asked is None or asked.casefold() == word.casefold()


def _whole(request: web.Request, name: str, default: int) -> int:
    text = request.query.get(name, str(default))
    if text.isascii() and text.isdigit():
        return int(text)
    raise bad_request(f"{name} is not a number.", odata=True)
