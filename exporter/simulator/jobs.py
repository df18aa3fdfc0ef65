"""Backup jobs and their runs: what happened when is computed from the job and the time alone."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from typing import Literal

from exporter.simulator.chance import Lot
from exporter.simulator.incidents import Incident
from exporter.simulator.strikes import UNSTRUCK, Strikes
from exporter.simulator.timetable import Timetable
from exporter.simulator.workloads import Workload

Outcome = Literal["success", "warning", "failed", "skipped"]
Status = Literal["success", "warning", "failed", "skipped", "running", "queued", "disabled", "not_started"]
Kind = Literal["running", "abandoned", "placeholder", "disabled", "not_started", "queued", "scan"]
Purpose = Literal["backup", "restore", "export", "delete", "retention"]

SPELL = 20
"""Runs in a row that fail, and then succeed, of a job in trouble."""

FULL_EVERY = 8
"""Each so many runs one is a full backup."""

BYTES_STEP = 10_000_000
"""Sizes are multiples of this, so that two decimals of a GB tell them exactly."""


@dataclass(frozen=True, slots=True)
class Objects:
    """What became of the objects of a run."""

    success: int = 0
    failed: int = 0
    skipped: int = 0
    warning: int = 0

    @property
    def total(self) -> int:
        """All of them: each has exactly one fate."""
        return self.success + self.failed + self.skipped + self.warning


@dataclass(frozen=True, slots=True)
class Run:
    """One execution of a job; times in Unix seconds, *bytes* as transferred.

    The id is a prefix, the UTC start and digits (reference 3.6), unique within the customer.
    """

    number: int
    id: str
    start: float
    end: float
    outcome: Outcome
    objects: Objects
    bytes: int


@dataclass(frozen=True, slots=True)
class Script:
    """Forces the outcome of the runs that start from *since* to before *until*, of the jobs chosen."""

    selects: "Callable[[Job], bool]"
    outcome: Outcome
    since: float
    until: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Temper:
    """How a job usually behaves: seconds and objects of a run, probabilities of its outcomes.

    *trouble* shifts the spells of a job that fails for days; None for one that does not.
    """

    seconds: float
    objects: int
    failure: float = 0.0
    warning: float = 0.0
    idle: float = 0.0
    trouble: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """One job of a customer; (purpose, product, workload, name) is unique there. *name* is None where it has none."""

    lot: Lot
    customer_id: str
    workload: Workload
    name: str | None
    kind: Kind
    timetable: Timetable
    temper: Temper
    purpose: Purpose = "backup"
    scripts: tuple[Script, ...] = ()
    strikes: Strikes = UNSTRUCK

    @property
    def runs_at_all(self) -> bool:
        """Whether this job ever has a run; the others are only a status."""
        return self.kind in ("running", "abandoned")

    def run(self, number: int) -> Run:
        """Return the run *number*, whether it is past or yet to come, even if it is kept from taking place."""
        run = self._undisturbed(number)
        hangs = [each for each in self.strikes.hangs if run.start < each.until and self._hanging(each) == number]
        return replace(run, end=max(run.end, hangs[0].until)) if hangs else run

    def _undisturbed(self, number: int) -> Run:
        draws = self.lot.six(number)
        start = self.timetable.start(number)
        outcome = self._outcome(number, start, draws)
        idle = draws[2] < self.temper.idle
        seconds = 0.0 if idle else self.temper.seconds * (0.5 + draws[3])
        objects = Objects() if idle or outcome == "skipped" else _objects(outcome, self.temper.objects, draws)
        return Run(
            number=number,
            id=_run_id(self.workload, number, start, draws[5]),
            start=start,
            end=round(start + seconds, 3),
            outcome=outcome,
            objects=objects,
            bytes=_bytes(outcome, objects, draws[4]),
        )

    def latest_run(self, now: float) -> Run | None:
        """Return the newest run that has started by *now*; None before the first."""
        newest = self.timetable.newest(now) if self.runs_at_all else None
        if newest is None:
            return None
        number = next((each for each in range(newest, -1, -1) if self._takes_place(each)), None)
        return None if number is None else self.run(number)

    def runs(self, after: float, until: float) -> Iterator[Run]:
        """Yield the runs that started later than *after* and not later than *until*."""
        return (run for run in self._near(after, until) if after < run.start <= until)

    def runs_ended(self, after: float, until: float) -> Iterator[Run]:
        """Yield the runs that ended later than *after* and not later than *until*."""
        return (run for run in self._near(after, until) if after < run.end <= until)

    def concerned_by(self, incident: Incident) -> bool:
        """Tell whether an incident of its customer's backups is about this job."""
        return (
            self.purpose == "backup"
            and self.kind != "scan"
            and self.customer_id == incident.customer_id
            and incident.workload in ("", self.workload.name)
        )

    def vanished(self, now: float) -> bool:
        """Tell whether the vendor does not show the job at *now*."""
        return self.strikes.going_on("backup_vanishes", now)

    def switched_off(self, now: float) -> bool:
        """Tell whether somebody has switched the job off at *now*."""
        return self.strikes.going_on("backup_disabled", now)

    def status(self, now: float) -> Status:
        """Return what a console would show for the job at *now*."""
        return self.status_with(self.latest_run(now), now)

    def status_with(self, run: Run | None, now: float) -> Status:
        """Return the same for a caller that has the latest run at hand."""
        if self.switched_off(now):
            return "disabled"
        match self.kind:
            case "disabled" | "queued" | "not_started":
                return self.kind
            case "placeholder":
                return "success"
            case "scan":
                return "warning" if self.lot.chance(2 * self.temper.warning, "scan") else "success"
            case _:
                if run is None:
                    return "not_started"
                return "running" if now < run.end else run.outcome

    def _near(self, after: float, until: float) -> Iterator[Run]:
        # A run that hung at that time began before its usual place.
        after = min((after, *(each.since for each in self.strikes.hangs if each.strikes(after))))
        numbers = self.timetable.numbers(after, until) if self.runs_at_all else ()
        return (self.run(number) for number in numbers if self._takes_place(number))

    def _takes_place(self, number: int) -> bool:
        if not self.strikes:
            return True
        start = self.timetable.start(number)
        after_another = any(each.strikes(start) and number > self._hanging(each) for each in self.strikes.hangs)
        return not after_another and not self.strikes.idle(start)

    def _hanging(self, hang: Incident) -> int:
        """Return the number of the run that is under way when *hang* begins, else of the next one."""
        newest = self.timetable.newest(hang.since)
        if newest is None:
            return 0
        return newest if self._undisturbed(newest).end > hang.since else newest + 1

    def _outcome(self, number: int, start: float, draws: tuple[float, ...]) -> Outcome:
        for script in self.scripts:
            if script.since <= start < script.until:
                return script.outcome
        temper = self.temper
        if temper.trouble is not None and (number + temper.trouble) // SPELL % 2 == 0:
            return "failed"
        if draws[0] < temper.failure:
            return "failed"
        if draws[0] < temper.failure + temper.warning:
            return "warning"
        return "skipped" if draws[0] > 1 - temper.failure / 10 else "success"


def _objects(outcome: Outcome, usual: int, draws: tuple[float, ...]) -> Objects:
    total = max(1, int(usual * (0.9 + 0.2 * draws[1])))
    some = 1 + int(draws[4] * total * 0.08)
    match outcome:
        case "failed" if draws[4] < 0.4:  # noqa: PLR2004 the share of failures before the first object
            return Objects()
        case "failed":
            return Objects(failed=total)
        case "warning" if draws[5] < 0.5:  # noqa: PLR2004 half of the warnings are failed objects
            return Objects(success=total - min(some, total), failed=min(some, total))
        case "warning":
            return Objects(success=total - min(some, total), warning=min(some, total))
        case _:
            skipped = int(draws[5] * total * 0.02)
            return Objects(success=total - skipped, skipped=skipped)


def _bytes(outcome: Outcome, objects: Objects, draw: float) -> int:
    if outcome not in ("success", "warning") or not objects.total:
        return 0
    # Most increments are too small to show; a few are large.
    return int(max(0.0, draw - 0.5) ** 3 * 8 * objects.total) * BYTES_STEP


def _run_id(workload: Workload, number: int, start: float, draw: float) -> str:
    prefix = workload.incremental if number % FULL_EVERY else workload.full
    moment = datetime.fromtimestamp(start, UTC)
    digits = f"{moment:%Y%m%d%H%M%S}{moment.microsecond // 1000:03d}{int(draw * 100_000):05d}"
    return prefix + digits[: workload.digits]
