"""Which jobs a customer has, and of which kind: healthy, failing, forgotten, never run."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import cycle, islice

from exporter.simulator.chance import Lot
from exporter.simulator.customers import Customer
from exporter.simulator.era import DAY, HOUR, Era
from exporter.simulator.jobs import SPELL, Job, Kind, Temper
from exporter.simulator.timetable import Timetable
from exporter.simulator.workloads import (
    CLOUD,
    DYNAMICS,
    EVERYDAY,
    GOOGLE,
    GOOGLE_SCAN,
    MICROSOFT_SCAN,
    OCCASIONAL,
    POWER_PLATFORM,
    SALESFORCE,
    Workload,
)

EVERYDAY_KINDS: tuple[Kind, ...] = ("running",) * 19 + ("abandoned",)
OCCASIONAL_KINDS: tuple[Kind, ...] = (
    *("running",) * 5, *("placeholder",) * 4, *("disabled",) * 5, "not_started", "not_started", "queued",
    "abandoned",
)  # fmt: skip
QUIET_KINDS: tuple[Kind, ...] = ("running", "disabled", "disabled")

HISTORY_DAYS = 30.0
"""Days of the world before its start for which running jobs already have runs."""

ABANDONED_DAYS = (640.0, 670.0)
"""How many real days before the start the last run of an abandoned job is: about 22 months."""

ABANDONED_RUNS = 5

PERIODS = (6, 8, 12, 24, 24)
CALM_PERIODS = (6, 8, 12)
"""Hours between two runs. With a day between them a late long run may end more than 26 hours after the one before."""


@dataclass(frozen=True, slots=True)
class Plan:
    """A job to be: what it backs up, under which name, of which kind."""

    workload: Workload
    name: str | None
    kind: Kind


def jobs_of(customer: Customer, era: Era, rows: int | None) -> tuple[Job, ...]:
    """Return the jobs of *customer*; exactly *rows* of them if asked, filled up with named ones."""
    plans = _plans(customer)
    chosen = plans if rows is None else islice(_endless(plans, customer), rows)
    return tuple(_job(plan, customer, era) for plan in chosen)


def _plans(customer: Customer) -> Iterator[Plan]:
    lot, brand = customer.lot, customer.organization
    if customer.has("Microsoft 365"):
        yield from (Plan(each, None, _kind(customer, each, EVERYDAY_KINDS)) for each in EVERYDAY)
        yield from (Plan(each, None, _kind(customer, each, OCCASIONAL_KINDS)) for each in OCCASIONAL)
        yield Plan(MICROSOFT_SCAN, None, "scan")
    if customer.has("Power Platform"):
        yield from (Plan(each, None, _kind(customer, each, OCCASIONAL_KINDS)) for each in POWER_PLATFORM)
    if customer.has("Google Workspace"):
        yield from (Plan(each, None, _kind(customer, each, EVERYDAY_KINDS)) for each in GOOGLE)
        yield Plan(GOOGLE_SCAN, None, "scan")
    if customer.has("Salesforce"):
        yield Plan(SALESFORCE, f"{brand} Sales Org", "running")
    if customer.has("IaaS units") or customer.has("IaaS seats"):
        yield from (Plan(each, f"{each.name} scope", "running") for each in CLOUD[1:])
        yield from (Plan(CLOUD[0], f"vm-{number:03d}", "running") for number in range(lot.whole(1, 6, "vms")))
    if customer.has("Dynamics 365"):
        yield from (Plan(each, f"{brand} CRM", _kind(customer, each, EVERYDAY_KINDS)) for each in DYNAMICS)


def _endless(plans: Iterator[Plan], customer: Customer) -> Iterator[Plan]:
    yield from plans
    fillers = enumerate(cycle((CLOUD[0], CLOUD[0], SALESFORCE)))
    brand = customer.organization
    yield from (Plan(workload, f"{brand} extra {number:04d}", "running") for number, workload in fillers)


def _kind(customer: Customer, workload: Workload, kinds: tuple[Kind, ...]) -> Kind:
    if not customer.quiet:
        return customer.lot.pick(kinds, "kind", workload.name)
    if kinds is EVERYDAY_KINDS:
        return "running"
    return customer.lot.pick(QUIET_KINDS, "kind", workload.name)


def _job(plan: Plan, customer: Customer, era: Era) -> Job:
    lot = customer.lot.child("job", plan.workload.product, plan.workload.name, plan.name)
    timetable = _timetable(lot, plan.kind, era, customer)
    return Job(
        lot=lot,
        customer_id=customer.id,
        workload=plan.workload,
        name=plan.name,
        kind=plan.kind,
        timetable=timetable,
        temper=_temper(lot, plan.workload, era, timetable, quiet=customer.quiet),
    )


def _timetable(lot: Lot, kind: Kind, era: Era, customer: Customer) -> Timetable:
    period = era.seconds(lot.pick(CALM_PERIODS if customer.calm else PERIODS, "period") * HOUR)
    phase = lot.fraction("phase") * period
    if kind == "abandoned":
        end = era.start - lot.between(*ABANDONED_DAYS, "abandoned") * DAY
        return Timetable(lot, end - ABANDONED_RUNS * period, period, ABANDONED_RUNS)
    if not customer.quiet and lot.chance(0.02, "beginner"):
        return Timetable(lot, era.after(lot.between(0.5, 3, "begins")) + phase, period)
    return Timetable(lot, era.after(-HISTORY_DAYS) + phase, period)


def _temper(lot: Lot, workload: Workload, era: Era, timetable: Timetable, *, quiet: bool) -> Temper:
    seconds = era.seconds(lot.pick((60, 150, 300, 900, 3600), "seconds"))
    objects = max(1, int(workload.objects * lot.between(0.3, 3, "objects")))
    idle = lot.pick((0.0, 0.05, 0.6), "idle")
    if quiet:
        return Temper(seconds=seconds, objects=objects, idle=idle)
    # At the start of the world a job in trouble is in the middle of a failing spell.
    first = int((era.start - timetable.anchor) / timetable.period)
    return Temper(
        seconds=seconds,
        objects=objects,
        idle=idle,
        failure=lot.pick((0.0, 0.01, 0.03, 0.1), "failure"),
        warning=lot.pick((0.0, 0.02, 0.1), "warning"),
        trouble=SPELL // 2 - first if lot.chance(0.05, "trouble") else None,
    )
