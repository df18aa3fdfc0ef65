"""One backup job or backup copy job of Veeam, and its runs: chains of sessions computed from job and time alone."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from math import inf
from typing import Final, Literal, NamedTuple

from exporter.simulator.era import DAY, Era
from exporter.simulator.incidents import Incident
from exporter.simulator.jobs import SPELL, Job, Outcome
from exporter.simulator.veeam.calendars import Calendar, real_seconds, world_seconds
from exporter.simulator.veeam.codes import Result

Kind = Literal["backup", "copy"]

RESULTS: Final[dict[Outcome, Result]] = {
    "success": "success",
    "warning": "warning",
    "failed": "failed",
    "skipped": "stopped",
}
"""Nothing is skipped here; a run that a script wants skipped is stopped by somebody."""

MOST_ATTEMPTS: Final = 16
RETRY_SHARE: Final = 0.3
"""How much of the usual time a retry takes: it has only what is left to do."""

LONGEST_GAP: Final = 23 * DAY
"""At most so many of the world's seconds lie between two runs: by hand that may be nearly two periods."""

SLOWEST: Final = 1.5
RETRY_SUCCESS: Final = 0.55
RETRY_WARNING: Final = 0.75
COPY_DELAY: Final = 20.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Policy:
    """What is set on the schedule page; None where it does not apply. *retries* of None is "switched off"."""

    type: Literal["Periodically", "Daily", "ManualOnly", "Immediate", "DailyAtTime"]
    every: str | None = None
    offset_minutes: int | None = None
    daily_type: str | None = None
    daily_time: str | None = None
    retries: int | None = None
    wait_minutes: int | None = None


class Session(NamedTuple):
    """One attempt of a run: times in Unix seconds; *retried* if another follows."""

    job: "VeeamJob"
    run: int
    attempt: int
    start: float
    end: float
    result: Result
    retried: bool


Chain = tuple[Session, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class VeeamJob:
    """A job at *place* among those of its customer; *nature* is what scripts choose by and chance draws from.

    It runs from *begins* to before *ends*, in the world's seconds. Without *calendar* it runs after each run of
    its *source*; a copy that has both follows the calendar. *hung* remembers which run each incident keeps from ending.
    """

    nature: Job
    id: str
    customer_number: int
    place: int
    kind: Kind
    entire: bool
    enabled: bool
    policy: Policy
    calendar: Calendar | None
    source: "VeeamJob | None"
    begins: float
    ends: float
    repository_id: str
    era: Era
    hung: dict[Incident, int | None] = field(default_factory=dict, init=False, compare=False, repr=False)

    @property
    def name(self) -> str:
        """The name, which need not be unique."""
        return self.nature.name or ""

    @property
    def attempts(self) -> int:
        """How many sessions a run has at most."""
        return 1 + (self.policy.retries or 0)

    @property
    def reach(self) -> float:
        """The real seconds within which a run ends after its time on the calendar."""
        longest = SLOWEST * self.nature.temper.seconds
        retries = (self.attempts - 1) * (RETRY_SHARE * longest + 60.0 * (self.policy.wait_minutes or 0))
        hangs = (each.until - each.since for each in self.nature.strikes.hangs if each.until < inf)
        own = self.era.seconds(longest + retries + COPY_DELAY) + sum(hangs)
        return own if self.calendar or self.source is None else own + self.source.reach

    def chain(self, run: int) -> Chain:
        """Return the sessions of a run, past or yet to come; none if there is no such run."""
        chain = self._undisturbed(run)
        if not chain or not self.nature.strikes:
            return chain
        for hang in self.nature.strikes.hangs:
            hanging = self._hanging(hang)
            if run == hanging:
                return (*chain[:-1], chain[-1]._replace(end=max(chain[-1].end, hang.until)))
            if hanging is not None and run > hanging and hang.strikes(chain[0].start):
                return ()
        return () if self.nature.strikes.idle(chain[0].start) else chain

    def enabled_at(self, now: float) -> bool:
        """Tell whether the job is switched on at *now*."""
        return self.enabled and not self.nature.switched_off(now)

    def _hanging(self, hang: Incident) -> int | None:
        """Return which run is under way when *hang* begins, else the next one, if one begins before it is over."""
        if hang not in self.hung:
            self.hung[hang] = self._searched(hang)
        return self.hung[hang]

    def _searched(self, hang: Incident) -> int | None:
        since, gap = hang.since, self.era.seconds(LONGEST_GAP)
        earlier = (self._undisturbed(run) for run in reversed(self._numbers(since - gap, since)))
        newest = next((chain for chain in earlier if chain and chain[0].start <= since), None)
        if newest and newest[-1].end > since:
            return newest[0].run
        later = (self._undisturbed(run) for run in self._numbers(since, since + gap))
        return next((chain[0].run for chain in later if chain and since < chain[0].start < hang.until), None)

    def _undisturbed(self, run: int) -> Chain:
        start = self._start(run)
        if start is None or not self.begins <= world_seconds(self.era, start) < self.ends:
            return ()
        sessions: list[Session] = []
        again = True
        while again:
            session = self._session(run, len(sessions), start, sessions[0].start if sessions else start)
            sessions.append(session)
            again = session.retried
            start = round(session.end + self.era.seconds(60.0 * (self.policy.wait_minutes or 0)), 3)
        return tuple(sessions)

    def chains(self, after: float, until: float) -> Iterator[Chain]:
        """Yield in order the runs whose first session starts later than *after* and not later than *until*."""
        chains = (self.chain(run) for run in self._numbers(after, until))
        return (chain for chain in chains if chain and after < chain[0].start <= until)

    def newest_first(self, now: float) -> Iterator[Chain]:
        """Yield the runs that have begun by *now*, backwards to the first."""
        chains = (self.chain(run) for run in reversed(self._numbers(real_seconds(self.era, self.begins), now)))
        return (chain for chain in chains if chain and chain[0].start <= now)

    def next_run(self, now: float) -> float | None:
        """Return the Unix time for which the next run is planned; None if none is."""
        if not self.enabled_at(now) or self.calendar is None or self.calendar.lot is not None:
            return None
        return real_seconds(self.era, self.calendar.following(max(self.begins, world_seconds(self.era, now))))

    def _numbers(self, after: float, until: float) -> range:
        """Return candidates for the runs between two Unix times, a few too many."""
        if self.calendar is None:
            return self.source._numbers(after - self.reach, until) if self.source else range(0)  # noqa: SLF001 a job too
        first = max(self.begins, world_seconds(self.era, after))
        last = min(self.ends, world_seconds(self.era, until))
        return self.calendar.numbers(first, last) if first <= last else range(0)

    def _start(self, run: int) -> float | None:
        if self.calendar is not None:
            start = self.calendar.start(run)
            return None if start is None else real_seconds(self.era, start)
        chain = self.source.chain(run) if self.source else ()
        if not chain or chain[-1].result not in ("success", "warning"):
            return None
        return round(chain[-1].end + self.era.seconds(COPY_DELAY * self.nature.lot.one(run)), 3)

    def _session(self, run: int, attempt: int, start: float, begun: float) -> Session:
        draws = self.nature.lot.six(run * MOST_ATTEMPTS + attempt)
        result = self._result(run, attempt, begun, draws[0])
        seconds = self.nature.temper.seconds * (0.5 + draws[3]) * (RETRY_SHARE if attempt else 1.0)
        if result == "failed" and draws[4] < 0.4:  # noqa: PLR2004 the share of failures before the first object
            seconds *= 0.1
        end = round(start + self.era.seconds(seconds), 3)
        retried = result in ("warning", "failed") and attempt + 1 < self.attempts
        return Session(self, run, attempt, start, end, result, retried)

    def _result(self, run: int, attempt: int, begun: float, draw: float) -> Result:
        for script in self.nature.scripts:
            if script.since <= begun < script.until:
                return RESULTS[script.outcome]
        temper = self.nature.temper
        if temper.trouble is not None and (run + temper.trouble) // SPELL % 2 == 0:
            return "failed"
        if attempt:
            return "success" if draw < RETRY_SUCCESS else "warning" if draw < RETRY_WARNING else "failed"
        if draw < temper.failure + temper.warning:
            return "failed" if draw < temper.failure else "warning"
        return "stopped" if draw > 1 - temper.failure / 10 else "success"
