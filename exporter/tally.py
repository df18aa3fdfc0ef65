"""What is counted for a group of jobs, and when each of its series came into being."""

from collections import Counter
from dataclasses import dataclass, field
from typing import NamedTuple

from exporter.records import FAILURES, TIMED, JobErrors, JobTally, JobType, Outcome, Run


class Group(NamedTuple):
    """What counters are kept for."""

    product: str
    workload: str
    job_type: JobType


def believed(born: float, now: float) -> float:
    """Return a birth that was remembered; one that lies ahead is taken for long past.

    Some clock was wrong, then or now, and what has been shown must not fall to 0.
    """
    return born if born <= now else 0.0


@dataclass(slots=True)
class ErrorTally:
    """How often an error code was met."""

    born: float
    errors: int = 0

    def believe(self, now: float) -> None:
        """Take what was remembered of the birth with a grain of salt; see `believed`."""
        self.born = believed(self.born, now)

    def grow_up(self, before: float) -> bool:
        """Take a birth until *before* for long past, and tell if it was; see `Tally.grow_up`."""
        grown_up = 0 < self.born <= before
        if grown_up:
            self.born = 0.0
        return grown_up

    def fact(self, tenant: str, code: str, grown_up: float) -> JobErrors:
        """Return the count to show."""
        return JobErrors(tenant=tenant, code=code, errors=self.errors * (self.born <= grown_up))


@dataclass(slots=True)
class Tally:
    """The true counts of a group, with the birth of each of its series."""

    born: float
    runs: int = 0
    successes: int = 0
    failures: int = 0
    warnings: int = 0
    unobserved: int = 0
    duration_sum: float = 0.0
    duration_count: int = 0
    objects: Counter[Outcome] = field(default_factory=Counter)
    objects_born: float | None = None
    size_bytes: float = 0.0
    size_born: float | None = None
    _fact: JobTally | None = field(default=None, repr=False, compare=False)
    _fact_of: tuple[int, bool, bool, bool] | None = field(default=None, repr=False, compare=False)

    def bear(self, now: float, *, objects: bool, size: bool) -> bool:
        """Give birth to the series of objects and bytes, if they are known to exist and do not yet; tell if any was."""
        born = False
        if objects and self.objects_born is None:
            self.objects_born, born = now, True
        if size and self.size_born is None:
            self.size_born, born = now, True
        self._fact_of = None
        return born

    def believe(self, now: float) -> None:
        """Take what was remembered of births with a grain of salt; see `believed`."""
        self.born = believed(self.born, now)
        self.objects_born = self.objects_born and believed(self.objects_born, now)
        self.size_born = self.size_born and believed(self.size_born, now)

    def grow_up(self, before: float) -> bool:
        """Take births until *before* for long past, and tell if there was one.

        A count that has been shown must not be withheld again when the operator asks for a longer delay.
        """
        ages = [born for born in (self.born, self.objects_born, self.size_born) if born and born <= before]
        if ages:
            self.born = 0.0 if self.born <= before else self.born
            self.objects_born = 0.0 if self.objects_born and self.objects_born <= before else self.objects_born
            self.size_born = 0.0 if self.size_born and self.size_born <= before else self.size_born
        return bool(ages)

    def count(self, run: Run) -> None:
        """Enter a run that ended."""
        self.runs += 1
        self.successes += run.status == "success"
        self.failures += run.status in FAILURES
        self.warnings += run.status == "warning"
        if run.status in TIMED and run.duration_seconds is not None:
            self.duration_sum += run.duration_seconds
            self.duration_count += 1
        self.objects.update(run.objects or {})
        self.size_bytes += run.size_bytes or 0.0

    def births(self) -> list[float]:
        """Return when the series of the group came into being."""
        return [born for born in (self.born, self.objects_born, self.size_born) if born is not None]

    def fact(self, tenant: str, group: Group, running: int, grown_up: float) -> JobTally:
        """Return the counts to show, the same object for as long as they are the same.

        A series whose birth is after *grown_up* is 0 whatever it counted.
        """
        of = (
            running,
            self.born <= grown_up,
            (self.objects_born or grown_up) <= grown_up,
            (self.size_born or grown_up) <= grown_up,
        )
        if self._fact is None or of != self._fact_of:
            self._fact, self._fact_of = _tally_fact(tenant, group, self, running, grown_up), of
        return self._fact


def _tally_fact(tenant: str, group: Group, tally: Tally, running: int, grown_up: float) -> JobTally:
    """Return the counts to show: 0 while a series is younger than the birth delay allows."""
    shown = tally.born <= grown_up
    objects, size = tally.objects_born, tally.size_born
    outcomes: tuple[Outcome, ...] = ("successful", "failed", "skipped", "warning")
    return JobTally(
        tenant=tenant,
        product=group.product,
        workload=group.workload,
        job_type=group.job_type,
        runs=tally.runs * shown,
        successes=tally.successes * shown,
        failures=tally.failures * shown,
        warnings=tally.warnings * shown,
        unobserved=tally.unobserved * shown,
        duration_seconds_sum=tally.duration_sum * shown,
        duration_count=tally.duration_count * shown,
        objects=None if objects is None else {key: tally.objects[key] * (objects <= grown_up) for key in outcomes},
        size_bytes=None if size is None else tally.size_bytes * (size <= grown_up),
        in_progress=running,
    )
