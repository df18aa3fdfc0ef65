"""Which backup jobs and backup copy jobs a customer of Veeam has: healthy, failing, switched off, never run."""

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Final

from exporter.simulator.chance import Lot
from exporter.simulator.customers import Customer
from exporter.simulator.era import DAY, HOUR, Era
from exporter.simulator.jobs import Job, Temper
from exporter.simulator.timetable import Timetable
from exporter.simulator.veeam.calendars import Calendar
from exporter.simulator.veeam.codes import DAYS, PERIODS
from exporter.simulator.veeam.jobs import RETRY_SHARE, SLOWEST, Policy, VeeamJob
from exporter.simulator.veeam.repositories import COPIES, repository_ids
from exporter.simulator.workloads import Workload
from exporter.simulator.world import World

ALL: Final = Workload("Microsoft 365", "all", "", "", 0, 1200)
"""What a job of Veeam backs up: everything together."""

HISTORY_DAYS: Final = 420.0
"""Days of the world before its start when the oldest jobs began: more than the 53 weeks that are kept."""

FREQUENT: Final = {6: "Minutes5", 14: "Minutes10", 21: "Minutes15", 27: "Minutes30", 33: "Hours1"}
FREQUENT_EVERY: Final = 48
"""Of so many customers these have a job that runs often: such jobs are rare, but there are all kinds."""

PERIODICALLY: Final = ("Hours2", "Hours4", "Hours8", "Hours8", "Hours12")
DAILY: Final = (
    *("Everyday",) * 12, *("Workdays",) * 4, "Weekends", "Weekends",
    "Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday",
)  # fmt: skip
BY_HAND_DAYS: Final = 11.0

LENGTHS: Final = (0.003, 0.01, 0.04, 0.1, 0.16)
"""The usual length of a run as a part of the time between two of them."""

ROOM: Final = 0.6
"""The part of that time into which a run with all its retries fits."""

COPY_LENGTHS: Final = (0.01, 0.05, 0.2)
NEVER_BACKED_UP: Final = 0.05
"""The part of the organizations where no job has ever run."""


@dataclass(frozen=True, slots=True)
class _Plan:
    label: str
    entire: bool
    enabled: bool = True
    runs: bool = True
    by_hand: bool = False


def jobs_of(world: World, customer: Customer) -> tuple[VeeamJob, ...]:
    """Return the jobs of *customer* in a stable order, each copy job after its source; none without Microsoft 365."""
    if not customer.has("Microsoft 365"):
        return ()
    jobs: list[VeeamJob] = []
    for plan in _plans(customer):
        jobs.append(_backup(world, customer, plan, len(jobs)))
        if plan.runs and customer.lot.chance(0.45, "veeam copy", plan.label):
            jobs.append(_copy(world, customer, jobs[-1], len(jobs)))
    return tuple(jobs)


def ever_backed_up(customer: Customer) -> bool:
    """Tell whether any job of *customer* has ever run."""
    return customer.quiet or not customer.lot.chance(NEVER_BACKED_UP, "veeam never")


def _plans(customer: Customer) -> Iterator[_Plan]:
    lot = customer.lot.child("veeam plans")
    runs = ever_backed_up(customer)
    yield _Plan("all", entire=lot.chance(0.75, "entire"), runs=runs)
    for place in range(lot.pick((0, 0, 1, 2), "more")):
        label = ("mail", "archive")[place]
        kind = lot.pick(("running", "running", "running", "off", "by hand", "never"), "kind", place)
        if customer.calm and kind != "by hand":
            kind = "running"
        if kind == "running" and lot.chance(0.3, "twin"):
            label = "all"
        yield _Plan(
            label,
            entire=False,
            enabled=kind != "off",
            runs=runs and kind != "never",
            by_hand=kind == "by hand",
        )


def _backup(world: World, customer: Customer, plan: _Plan, place: int) -> VeeamJob:
    lot = customer.lot.child("veeam job", place)
    gap, policy, calendar = _schedule(lot, plan, _frequent(customer, place))
    temper = _temper(lot, gap, quiet=customer.quiet)
    policy = policy if plan.by_hand else _with_retries(policy, lot, gap, temper.seconds)
    return VeeamJob(
        nature=_nature(world, customer, lot, f"{customer.organization} - {plan.label}", temper),
        id=lot.guid("id"),
        customer_number=customer.number,
        place=place,
        kind="backup",
        entire=plan.entire,
        enabled=plan.enabled,
        policy=policy,
        calendar=calendar,
        source=None,
        repository_id=repository_ids(world.seed, customer, idle=not (plan.enabled and plan.runs))[place % 2],
        era=world.era,
        **_life(lot, world.era, plan, quiet=customer.quiet),
    )


def _copy(world: World, customer: Customer, source: VeeamJob, place: int) -> VeeamJob:
    lot = customer.lot.child("veeam job", place)
    at = lot.whole(0, 47, "time") * HOUR / 2
    match lot.pick(("Immediate", "Immediate", "Immediate", "Periodically", "DailyAtTime"), "type"):
        case "Immediate":
            policy, calendar = Policy(type="Immediate"), None
            gap = min(DAY, source.calendar.period) if source.calendar else DAY
        case "Periodically":
            every = lot.pick(("Hours4", "Hours8"), "every")
            policy, gap = Policy(type="Periodically", every=every), PERIODS[every]
            calendar = Calendar(gap)
        case _:
            policy, gap = Policy(type="DailyAtTime", daily_type="Everyday", daily_time=_clock(at)), DAY
            calendar = Calendar(DAY, at)
    temper = replace(_temper(lot, gap, quiet=customer.quiet), seconds=gap * lot.pick(COPY_LENGTHS, "length"))
    return VeeamJob(
        nature=_nature(world, customer, lot, f"{source.name} - copy", temper),
        id=lot.guid("id"),
        customer_number=customer.number,
        place=place,
        kind="copy",
        entire=source.entire,
        enabled=source.enabled,
        policy=policy,
        calendar=calendar,
        source=source,
        begins=source.begins,
        ends=source.ends,
        repository_id=lot.pick(COPIES, "repository").id_in(world.seed),
        era=world.era,
    )


def _nature(world: World, customer: Customer, lot: Lot, name: str, temper: Temper) -> Job:
    """Return the job as the world's scripts and incidents see it."""
    timetable = Timetable(lot, world.era.after(-HISTORY_DAYS), world.era.seconds(DAY))
    job = Job(
        lot=lot,
        customer_id=customer.id,
        workload=ALL,
        name=name,
        kind="running",
        timetable=timetable,
        temper=temper,
    )
    return world.staged(job)


def _frequent(customer: Customer, place: int) -> str | None:
    return None if place else FREQUENT.get(customer.number % FREQUENT_EVERY)


def _schedule(lot: Lot, plan: _Plan, frequent: str | None) -> tuple[float, Policy, Calendar]:
    """Return the seconds between two runs at least, what is set, and when they are."""
    if plan.by_hand:
        period = BY_HAND_DAYS * DAY
        return DAY, Policy(type="ManualOnly"), Calendar(period, lot=lot.child("by hand"))
    if frequent or lot.chance(0.25, "periodically"):
        every = frequent or lot.pick(PERIODICALLY, "every")
        minutes = 5 * lot.whole(0, 11, "offset") if PERIODS[every] > HOUR else 0
        policy = Policy(type="Periodically", every=every, offset_minutes=minutes)
        return PERIODS[every], policy, Calendar(PERIODS[every], minutes * 60.0)
    day, at = lot.pick(DAILY, "day"), lot.whole(0, 95, "time") * HOUR / 4
    policy = Policy(type="Daily", daily_type=day, daily_time=_clock(at))
    return DAY, policy, Calendar(DAY, at, DAYS[day])


def _clock(seconds: float) -> str:
    return f"{int(seconds // HOUR):02d}:{int(seconds % HOUR // 60):02d}:00"


def _with_retries(policy: Policy, lot: Lot, gap: float, usual: float) -> Policy:
    """Return the policy with retries that leave room before the next run; switched off on some jobs."""
    if lot.chance(0.15, "no retries"):
        return policy
    wait = lot.pick((30, 10, 10, 5), "wait")
    retries = lot.pick((3, 3, 2, 1), "retries")
    room = ROOM * gap - SLOWEST * usual
    while wait > 1 and retries * (SLOWEST * RETRY_SHARE * usual + 60 * wait) > room:
        wait //= 2
    while retries > 1 and retries * (SLOWEST * RETRY_SHARE * usual + 60 * wait) > room:
        retries -= 1
    return replace(policy, retries=retries, wait_minutes=wait)


def _temper(lot: Lot, gap: float, *, quiet: bool) -> Temper:
    seconds = gap * lot.pick(LENGTHS, "length")
    objects = max(3, int(ALL.objects * lot.between(0.1, 3, "objects")))
    if quiet:
        return Temper(seconds=seconds, objects=objects)
    return Temper(
        seconds=seconds,
        objects=objects,
        failure=lot.pick((0.0, 0.02, 0.05, 0.15), "failure"),
        warning=lot.pick((0.0, 0.05, 0.2), "warning"),
        trouble=lot.whole(0, 39, "trouble") if lot.chance(0.06, "troubled") else None,
    )


def _life(lot: Lot, era: Era, plan: _Plan, *, quiet: bool) -> dict[str, float]:
    """Return between which of the world's seconds the job runs."""
    begins = era.start - HISTORY_DAYS * DAY
    if not plan.runs:
        return {"begins": begins, "ends": begins}
    if not plan.enabled:
        return {"begins": begins, "ends": era.start - lot.between(1, 60, "switched off") * DAY}
    if not quiet and lot.chance(0.03, "beginner"):
        begins = era.start + lot.between(-20, 2, "begins") * DAY
    return {"begins": begins, "ends": float("inf")}
