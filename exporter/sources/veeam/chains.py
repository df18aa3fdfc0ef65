"""Sessions → runs: a session that is tried again and what follows it are one run.

v7 and v8 name the first session of a chain in ``mainSessionId``; v6 has only the order number of the retry, so there a
retry belongs to the chain of its job that began last.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

from exporter.records import ENDED, UNDERWAY, JobKey, Run, Status
from exporter.sources.veeam.schedules import Schedule

LATE: Final = 3600.0
"""How much later than announced a retry may begin: it queues like any other session."""
LATE_UNANNOUNCED: Final = 300.0
"""The same for v6, which does not announce retries: too long would hide that a job has failed for good."""
DEFAULT_WAIT: Final = 600.0
"""How long the product waits before a retry unless told otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Session:
    """One attempt of a job, as the vendor tells it; times in Unix seconds."""

    session_id: str
    job_id: str
    main_id: str | None
    status: Status
    created_at: float | None
    ended_at: float | None
    retry: int
    """Which retry it is; 0 for the first attempt."""
    will_be_retried: bool | None
    """``None`` where the API does not tell."""
    transferred_bytes: float | None
    objects: int | None
    bottleneck: str | None


@dataclass(slots=True)
class Chain:
    """A first session and its retries, in the order of their beginning."""

    run_id: str
    sessions: list[Session] = field(default_factory=list)

    @property
    def last(self) -> Session:
        """The newest attempt."""
        return self.sessions[-1]

    @property
    def began(self) -> float:
        """When the first attempt that is known was created."""
        return _created(self.sessions[0])

    @property
    def whole(self) -> bool:
        """Whether the first attempt itself is known."""
        return self.sessions[0].retry == 0

    def status(self, schedule: Schedule | None, now: float, *, busy: bool) -> Status:
        """Return how the run stands if none follows it: under way also while its next attempt is waited for.

        *now* by the server's clock. *busy*: the job itself is under way; that may be the next attempt, as some servers
        hide sessions until they end.
        """
        last = self.last
        if last.status in ENDED - {"success", "stopped"} and self._waits(schedule, now, busy=busy):
            return "running"
        return last.status

    def _waits(self, schedule: Schedule | None, now: float, *, busy: bool) -> bool:
        last = self.last
        announced, late = last.will_be_retried, LATE
        if announced is None:
            announced, late = schedule is not None and last.retry < schedule.retries, LATE_UNANNOUNCED
        wait = (schedule.retry_wait_seconds if schedule else 0.0) or DEFAULT_WAIT
        over_at = last.created_at if last.ended_at is None else last.ended_at
        return announced and over_at is not None and (busy or now < over_at + wait + late)

    def run(self, tenant: str, job: JobKey, status: Status) -> Run:
        """Return the run; what it moved is the sum of all attempts."""
        last, over = self.last, status in ENDED
        started_at = self.sessions[0].created_at if self.whole else None
        ended_at = last.ended_at if over else None
        timed = started_at is not None and ended_at is not None and ended_at >= started_at
        objects = _sum(each.objects for each in self.sessions) if over else None
        return Run(
            tenant=tenant,
            run_id=self.run_id,
            job=job,
            status=status,
            started_at=started_at,
            ended_at=ended_at,
            duration_seconds=ended_at - started_at if timed and ended_at and started_at else None,
            objects=None if objects is None else {"successful": int(objects)},
            size_bytes=_sum(each.transferred_bytes for each in self.sessions) if over else None,
            retries=max(len(self.sessions) - 1, *(each.retry for each in self.sessions)) if over else None,
        )


def chains(sessions: Iterable[Session]) -> list[Chain]:
    """Return the chains of one job, the oldest first; of a retry whose first session is nowhere nothing is known.

    A session that comes twice counts as it came last.
    """
    known = {session.session_id: session for session in sessions}
    found: dict[str, Chain] = {}
    latest: Chain | None = None
    for session in sorted(known.values(), key=lambda each: (_created(each), each.retry)):
        root = _root(session, known)
        if root is not None:
            latest = found.setdefault(root, Chain(root))
        if latest is not None:
            latest.sessions.append(session)
    return sorted(found.values(), key=lambda chain: chain.began)


def _root(session: Session, known: Mapping[str, Session]) -> str | None:
    """Return the id of the first session of the chain; ``None`` if nobody tells."""
    if session.main_id is None:
        return session.session_id if session.retry == 0 else None
    root, passed = session.main_id, {session.session_id}
    while root in known and root not in passed and (further := known[root].main_id) is not None:
        passed.add(root)
        root = further
    return root


def _created(session: Session) -> float:
    times = (session.created_at, session.ended_at)
    return next((each for each in times if each is not None), float("-inf"))


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None


def newest_ended(of_job: Sequence[Chain]) -> Session | None:
    """Return the newest attempt that ended."""
    ended = [each for chain in of_job for each in chain.sessions if each.status in ENDED]
    return ended[-1] if ended else None


def is_run(status: Status) -> bool:
    """Tell whether a session with this status is one of a run at all."""
    return status in ENDED | UNDERWAY
