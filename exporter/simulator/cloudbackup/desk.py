"""What the three generations share: whose data a token opens, and which runs make a page."""

from dataclasses import dataclass
from math import inf
from typing import Any, Final

from aiohttp import web

from exporter.clock import Clock
from exporter.simulator.chance import Lot
from exporter.simulator.cloudbackup.codes import PRIMARY, STATES
from exporter.simulator.cloudbackup.history import Shown, find, jobs_of, newest_first, show, state_of
from exporter.simulator.cloudbackup.links import link_field
from exporter.simulator.cloudbackup.manners import Manners
from exporter.simulator.cloudbackup.questions import Query, Question, Range, ReadTime, Refused
from exporter.simulator.customers import Customer, customer_number
from exporter.simulator.era import DAY
from exporter.simulator.identity import CLIENT
from exporter.simulator.jobs import Job, Run
from exporter.simulator.strikes import hung
from exporter.simulator.world import World

MILLISECOND: Final = 0.001
"""The step of the starts of runs."""


@dataclass(frozen=True, slots=True)
class Page:
    """The runs on a page, how many there are on all, how its count is spelled, the link to the next."""

    runs: list[Shown]
    total: int
    total_name: str
    link: dict[str, Any]


class Desk:
    """Answers in nobody's spelling."""

    def __init__(self, world: World, clock: Clock, manners: Manners) -> None:
        self.world = world
        self.manners = manners
        self._clock = clock

    def now(self) -> float:
        """Return the present time."""
        return self._clock.now()

    def customer(self, request: web.Request) -> Customer:
        """Return whose data the token opens: a customer by id, else one that the client id picks."""
        client = request[CLIENT]
        picked = None if customer_number(self.world.seed, client) is not None else self.world.subscriber(client)
        customer = self.world.find(picked.id if picked else client, self.now())
        if customer is None or not customer.has("Microsoft 365"):
            raise Refused(404, "The resource was not found, or its product is not licensed (synthetic wording).")
        return customer

    def nowhere(self, query: Query) -> bool:
        """Tell whether *query* names a location where there is nothing: any, on a normal tenant."""
        location = query.location()
        return location is not None and not (self.manners.multi_geo and location == PRIMARY)

    def page(self, request: web.Request, read: ReadTime, link_name: str) -> Page:
        """Return the page of runs that *request* asks for."""
        customer, query, now = self.customer(request), Query(request), self.now()
        question = query.question(read)
        found = [] if self.nowhere(query) else self._found(customer, question, now)
        index = max(0, question.index - 1) if self.manners.base_one else question.index
        end = (index + 1) * question.size
        lot = Lot.of(self.world.seed, "cloudbackup page", customer.id, request.path.lower(), query.canonical())
        following = index + 2 if self.manners.base_one else index + 1
        return Page(
            runs=[show(job, run, now) for job, run in found[end - question.size : end]],
            total=len(found),
            total_name=lot.pick(("totalCount", "totalNumber"), "total"),
            link=link_field(request, link_name, lot, following, more=end < len(found)),
        )

    def run(self, request: web.Request, run_id: str) -> Shown:
        """Return the run with this id."""
        customer = self.customer(request)
        found = None if self.nowhere(Query(request)) else find(self.world, customer, run_id, self.now())
        if found is None:
            raise Refused(404, "The job was not found (synthetic wording).", "jobId")
        return found

    def _found(self, customer: Customer, question: Question, now: float) -> list[tuple[Job, Run]]:
        jobs = jobs_of(self.world, customer, question.job_type, question.object_type)
        jobs = [job for job in jobs if not job.vanished(now)]
        runs = self._in_range(jobs, self._bounds(question.range), now)
        if not question.state:
            return runs
        return [(job, run) for job, run in runs if STATES[state_of(job, run, now)] == question.state]

    def _in_range(self, jobs: list[Job], bounds: tuple[float, float], now: float) -> list[tuple[Job, Run]]:
        start, finish = bounds
        if self.manners.window == "started":
            return list(newest_first(jobs, start - MILLISECOND / 2, min(finish, now)))
        # No run is longer than the time between two of its job, unless it hangs.
        longest = max((job.timetable.period + hung(job.strikes.hangs, now) for job in jobs), default=0.0)
        runs = newest_first(jobs, start - longest, min(finish, now))
        return [(job, run) for job, run in runs if run.end >= start]

    def _bounds(self, asked: Range) -> tuple[float, float]:
        """Return the first and the last instant of a range."""
        start = 0.0 if asked.start is None else asked.start
        finish = inf if asked.finish is None else asked.finish
        if self.manners.instants == "exact":
            return start, finish
        last = DAY - MILLISECOND if self.manners.instants == "whole days" else -MILLISECOND
        return start // DAY * DAY, finish if finish == inf else finish // DAY * DAY + last
