"""What is counted for a group of jobs, and when each of its series came into being."""

from collections import Counter
from collections.abc import Iterable
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
    retries: int = 0
    retries_born: float | None = None
    _fact: JobTally | None = field(default=None, repr=False, compare=False)
    _fact_of: tuple[int, bool, bool, bool, bool] | None = field(default=None, repr=False, compare=False)

    def bear(self, now: float, *, objects: Iterable[Outcome], size: bool, retries: bool) -> bool:
        """Give birth to the series that are known to exist and do not yet; tell if any was born."""
        born = False
        for outcome in objects:
            if outcome not in self.objects:
                self.objects[outcome], born = 0, True
                self.objects_born = now if self.objects_born is None else self.objects_born
        if size and self.size_born is None:
            self.size_born, born = now, True
        if retries and self.retries_born is None:
            self.retries_born, born = now, True
        self._fact_of = None
        return born

    def believe(self, now: float) -> None:
        """Take what was remembered of births with a grain of salt; see `believed`."""
        self.born = believed(self.born, now)
        self.objects_born = self.objects_born and believed(self.objects_born, now)
        self.size_born = self.size_born and believed(self.size_born, now)
        self.retries_born = self.retries_born and believed(self.retries_born, now)

    def grow_up(self, before: float) -> bool:
        """Take births until *before* for long past, and tell if there was one.

        A count that has been shown must not be withheld again when the operator asks for a longer delay.
        """
        grown_up = any(born and born <= before for born in self.births())
        if grown_up:
            self.born = 0.0 if self.born <= before else self.born
            self.objects_born = 0.0 if self.objects_born and self.objects_born <= before else self.objects_born
            self.size_born = 0.0 if self.size_born and self.size_born <= before else self.size_born
            self.retries_born = 0.0 if self.retries_born and self.retries_born <= before else self.retries_born
        return grown_up

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
        self.retries += run.retries or 0

    def births(self) -> list[float]:
        """Return when the series of the group came into being."""
        births = (self.born, self.objects_born, self.size_born, self.retries_born)
        return [born for born in births if born is not None]

    def fact(self, tenant: str, group: Group, running: int, grown_up: float) -> JobTally:
        """Return the counts to show, the same object for as long as they are the same.

        A series whose birth is after *grown_up* is 0 whatever it counted.
        """
        of = (
            running,
            self.born <= grown_up,
            (self.objects_born or grown_up) <= grown_up,
            (self.size_born or grown_up) <= grown_up,
            (self.retries_born or grown_up) <= grown_up,
        )
        if self._fact is None or of != self._fact_of:
            self._fact, self._fact_of = _tally_fact(tenant, group, self, running, grown_up), of
        return self._fact


def _tally_fact(tenant: str, group: Group, tally: Tally, running: int, grown_up: float) -> JobTally:
    """Return the counts to show: 0 while a series is younger than the birth delay allows."""
    shown = tally.born <= grown_up
    objects, size, retries = tally.objects_born, tally.size_born, tally.retries_born
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
        objects=None if objects is None else {key: n * (objects <= grown_up) for key, n in tally.objects.items()},
        size_bytes=None if size is None else tally.size_bytes * (size <= grown_up),
        retries=None if retries is None else tally.retries * (retries <= grown_up),
        in_progress=running,
    )
