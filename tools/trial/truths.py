"""When an incident shows at the vendor, and until when: read from the world, never from what the exporter shows."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from math import inf
from typing import Final, TypeAlias

from exporter.simulator.customers import Customer
from exporter.simulator.era import DAY, HOUR
from exporter.simulator.incidents import Incident, Vendor
from exporter.simulator.profiles import Profile
from exporter.simulator.veeam.history import ended
from exporter.simulator.veeam.roster import jobs_of
from exporter.simulator.world import World

LEAST_ALLOWED: Final = 26 * HOUR
"""The allowed age of the last completed run where no schedule is known, and the least where one is."""
PAST: Final = 30 * DAY
FUTURE: Final = 30 * DAY


@dataclass(frozen=True, slots=True)
class Span:
    """The Unix seconds from which something shows and from which it no longer does."""

    shows: float
    ends: float = inf


@dataclass(frozen=True, slots=True)
class Done:
    """One run of one job that ended, in no vendor's words."""

    job: str
    start: float
    end: float
    completed: bool


Truth: TypeAlias = Callable[[World, Vendor, Incident], Span]
"""What holds of an incident in a world, as one vendor shows it."""


def lasting(world: World, vendor: Vendor, incident: Incident) -> Span:  # noqa: ARG001 one form for all
    """Return the incident's own time."""
    return Span(incident.since, incident.until)


def later(seconds: float, *, longer: float = 0.0) -> Truth:
    """Return the truth of what shows so many *seconds* after the beginning, and *longer* than the incident."""
    return lambda _world, _vendor, incident: Span(incident.since + seconds, incident.until + longer)


def at_first(seconds: float) -> Truth:
    """Return the truth of what shows only in the first so many *seconds* of the incident."""
    return lambda _world, _vendor, incident: Span(incident.since, min(incident.until, incident.since + seconds))


def before_end(seconds: float, until: float = 0.0) -> Truth:
    """Return the truth of a date that is *seconds* off or less, but more than *until*."""
    return lambda _world, _vendor, incident: Span(incident.until - seconds, incident.until - until)


def at_end(world: World, vendor: Vendor, incident: Incident) -> Span:  # noqa: ARG001 one form for all
    """Return the time from the date on, which nobody puts off."""
    return Span(incident.until)


def failing(nth: int) -> Truth:
    """Return the truth of a run that failed, the *nth* in the incident, until one completes again."""

    def truth(world: World, vendor: Vendor, incident: Incident) -> Span:
        spans = []
        for runs in _by_job(world, vendor, incident):
            failed = [run for run in runs if run.start >= incident.since and not run.completed]
            healed = [run.end for run in runs if run.start >= incident.until and run.completed]
            if len(failed) >= nth:
                spans.append(Span(failed[nth - 1].end, healed[0] if healed else inf))
        return Span(min(each.shows for each in spans), max(each.ends for each in spans))

    return truth


def overdue(world: World, vendor: Vendor, incident: Incident) -> Span:
    """Return from when the last completed run is older than allowed, until the next one completes."""
    spans = []
    for runs in _by_job(world, vendor, incident):
        done = [run for run in runs if run.completed]
        before, after = next(
            pair for pair in pairwise(done) if pair[1].end > incident.until or pair[1].start >= incident.until
        )
        spans.append(Span(before.end + _allowed(vendor, runs, incident), after.end))
    return Span(min(each.shows for each in spans), max(each.ends for each in spans))


def hanging(world: World, vendor: Vendor, incident: Incident) -> Span:
    """Return from when a run has been under way for a day, until it ends."""
    runs = [run for each in _by_job(world, vendor, incident) for run in each]
    hung = max(runs, key=lambda run: run.end - run.start)
    return Span(hung.start + DAY, hung.end)


def reported(world: World, vendor: Vendor, incident: Incident) -> Span:  # noqa: ARG001 one form for all
    """Return from the first daily report in the incident to the first one after it."""
    reports = [_next_report(each, incident.since) for each in _profiles(world, incident)]
    healed = [_next_report(each, incident.until) for each in _profiles(world, incident)]
    return Span(min(reports), max(healed))


def unreported(days: float) -> Truth:
    """Return the truth of a newest daily report that is so many *days* old."""

    def truth(world: World, _: Vendor, incident: Incident) -> Span:
        last = [_next_report(each, incident.since) - each.day for each in _profiles(world, incident)]
        healed = [_next_report(each, incident.until) for each in _profiles(world, incident)]
        return Span(min(last) + days * DAY, max(healed))

    return truth


def _profiles(world: World, incident: Incident) -> tuple[Profile, ...]:
    return world.profiles(_customer(world, incident))


def _next_report(profile: Profile, after: float) -> float:
    """Return when the next report is due, whether it comes or not."""
    days = (after - profile.created) // profile.day + 1
    return profile.created + days * profile.day


def _customer(world: World, incident: Incident) -> Customer:
    return next(each for each in world.customers(world.era.start) if each.id == incident.customer_id)


def _by_job(world: World, vendor: Vendor, incident: Incident) -> Iterator[list[Done]]:
    """Yield the runs around *incident* of each job that it is about, in the order of their ends."""
    runs = _veeam_runs(world, incident) if vendor == "veeam" else _avepoint_runs(world, incident)
    by_job: dict[str, list[Done]] = {}
    for run in sorted(runs, key=lambda run: run.end):
        by_job.setdefault(run.job, []).append(run)
    yield from by_job.values()


def _avepoint_runs(world: World, incident: Incident) -> Iterator[Done]:
    customer = _customer(world, incident)
    for job, run in world.runs_ended_between(customer, incident.since - PAST, incident.until + FUTURE):
        if job.concerned_by(incident):
            yield Done(job.workload.name, run.start, run.end, run.outcome in ("success", "warning"))


def _veeam_runs(world: World, incident: Incident) -> Iterator[Done]:
    for job in jobs_of(world, _customer(world, incident)):
        chains = job.chains(incident.since - PAST, incident.until + FUTURE)
        for run in (ended(chain) for chain in chains if job.nature.concerned_by(incident)):
            yield Done(job.id, run.started, run.ended, run.status in ("success", "warning"))


def _allowed(vendor: Vendor, runs: list[Done], incident: Incident) -> float:
    """Return how old a completed run may be: twice the longest gap between two where the vendor tells the schedule."""
    if vendor == "elements":
        return LEAST_ALLOWED
    usual = [run.start for run in runs if run.start < incident.since]
    return max(LEAST_ALLOWED, 2 * max(round((b - a) / HOUR) * HOUR for a, b in pairwise(usual)))
