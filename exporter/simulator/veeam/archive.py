"""The list of all job sessions: found by time and page without computing more of it than is asked for."""

from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from math import floor, inf
from typing import Final

from exporter.simulator.era import DAY, HOUR
from exporter.simulator.strikes import hung
from exporter.simulator.veeam.installation import Installation
from exporter.simulator.veeam.jobs import Session, VeeamJob
from exporter.simulator.veeam.manners import VeeamManners

KEPT: Final = 53 * 7 * DAY
"""For how many of the world's seconds sessions are kept."""

WINDOW: Final = 6 * HOUR
REMEMBERED: Final = 12
"""So many windows of sessions stay computed: pages of the last day or two are asked for again and again.

Of so many searches it stays known how much they find in which window, so that deep pages are found fast.
"""

PRIME: Final = 2_654_435_761


@dataclass(frozen=True, slots=True, kw_only=True)
class Search:
    """Which sessions are asked for; *after* and *until* are about ends or starts, as the server's manner is."""

    after: float = -inf
    until: float = inf
    kind: str | None = None
    status: str | None = None
    job_id: str | None = None


class Archive:
    """The sessions of an installation, in an order that means nothing unless its manner is to sort them."""

    def __init__(self, installation: Installation, manners: VeeamManners) -> None:
        self._installation = installation
        self._manners = manners
        self._era = installation.world.era
        self._size = self._era.seconds(WINDOW)
        self._windows: OrderedDict[int, tuple[Session, ...]] = OrderedDict()
        self._counts: OrderedDict[Search, dict[int, int]] = OrderedDict()
        self._hangs = installation.world.incidents.of_kind("backup_hangs")
        self._shown: tuple[tuple[int, bool], ...] = ()

    def page(self, search: Search, now: float, offset: int, limit: int) -> list[Session]:
        """Return the sessions from *offset*, one more than *limit* if there are more."""
        self._forget_others(now)
        matches = self._filter(search, now)
        jobs = None if search.job_id is None else self._jobs(search.job_id, now)
        counts = self._counts_of(search)
        found: list[Session] = []
        for window in self._order(search, now):
            settled = self._settled(window, now)
            if settled and counts.get(window, offset + 1) <= offset:
                offset -= counts[window]
                continue
            sessions = [session for session in self._sessions(window, jobs, now) if matches(session)]
            if settled:
                counts[window] = len(sessions)
            found += islice(sessions, offset, offset + limit + 1 - len(found))
            offset = max(0, offset - len(sessions))
            if len(found) > limit:
                break
        return found

    def _order(self, search: Search, now: float) -> Iterator[int]:
        after, until = self._starts(search, now)
        windows = range(floor(after / self._size), floor(until / self._size) + 1)
        if self._manners.order == "newest first":
            return reversed(windows)
        return iter(sorted(windows, key=lambda window: window * PRIME & 0xFFFF_FFFF))

    def _starts(self, search: Search, now: float) -> tuple[float, float]:
        """Return between which times a session must have begun to be found."""
        after = now - self._era.seconds(KEPT)
        longest = self._longest(now)
        if self._manners.lower_bound == "created":
            after = max(after, search.after)
        elif search.after > -inf:
            after = max(after, search.after - longest)
        if search.status == "Running":
            after = max(after, now - longest)
        return after, max(after, min(now, search.until))

    def _filter(self, search: Search, now: float) -> Callable[[Session], bool]:
        oldest = now - self._era.seconds(KEPT)
        bounded = search.after > -inf or search.until < inf
        manner = self._manners.lower_bound

        def matches(session: Session) -> bool:
            if not oldest <= session.start <= now or search.kind not in (None, session.job.kind):
                return False
            if search.status is not None and status_of(session, now) != search.status:
                return False
            if not bounded:
                return True
            if manner == "created":
                return search.after <= session.start <= search.until
            if now < session.end:
                return manner == "ended or running" and now <= search.until
            return search.after <= session.end <= search.until

        return matches

    def _jobs(self, job_id: str, now: float) -> list[VeeamJob]:
        job = self._installation.job(job_id, now)
        return [job] if job else []

    def _sessions(self, window: int, jobs: list[VeeamJob] | None, now: float) -> tuple[Session, ...]:
        """Return the sessions of a window; all of them without *jobs*."""
        if jobs is not None:
            return self._sorted(_within(jobs, window * self._size, self._size))
        if window not in self._windows:
            everything = self._installation.jobs(now)
            self._windows[window] = self._sorted(_within(everything, window * self._size, self._size))
            if len(self._windows) > REMEMBERED:
                self._windows.popitem(last=False)
        self._windows.move_to_end(window)
        return self._windows[window]

    def _sorted(self, sessions: Iterator[Session]) -> tuple[Session, ...]:
        if self._manners.order == "newest first":
            return tuple(sorted(sessions, key=lambda session: session.start, reverse=True))
        return tuple(sorted(sessions, key=_anyhow))

    def _counts_of(self, search: Search) -> dict[int, int]:
        """Return how many sessions of each settled window a search finds, as far as that is known."""
        counts = self._counts.setdefault(search, {})
        self._counts.move_to_end(search)
        if len(self._counts) > REMEMBERED:
            self._counts.popitem(last=False)
        return counts

    def _settled(self, window: int, now: float) -> bool:
        """Tell whether all that began in the window is over and none of it is too old."""
        oldest = now - self._era.seconds(KEPT)
        return oldest <= window * self._size and (window + 1) * self._size + self._longest(now) <= now

    def _longest(self, now: float) -> float:
        """Return the real seconds that a session that is over by *now* has taken at most."""
        return self._era.seconds(DAY) + hung(self._hangs, now)

    def _forget_others(self, now: float) -> None:
        shown = tuple(
            (each.number, each.struck("backup_vanishes", now) is None) for each in self._installation.organizations(now)
        )
        if shown != self._shown:
            self._shown = shown
            self._windows.clear()
            self._counts.clear()


def status_of(session: Session, now: float) -> str:
    """Return what a row calls the state of a session that has begun."""
    if now < session.end:
        return "Queued" if now < queued_until(session) else "Running"
    return session.result.capitalize()


def queued_until(session: Session) -> float:
    """Return when a session really starts; every fifth has to wait a little."""
    seconds = min(session.end - session.start, session.job.era.seconds(DAY))
    return session.start + (0.04 * seconds if session.run % 5 == 0 else 0.0)


def _within(jobs: list[VeeamJob], start: float, seconds: float) -> Iterator[Session]:
    """Yield the sessions that begin from *start* on within so many *seconds*, of runs that may have begun before."""
    for job in jobs:
        for chain in job.chains(start - job.reach - 1, start + seconds):
            for session in chain:
                if start <= session.start < start + seconds:
                    yield session


def _anyhow(session: Session) -> int:
    place = session.job.customer_number * 16 + session.job.place
    return (session.run * PRIME + place * 40_503 * 97_711 + session.attempt * 7919) & 0xFFFF_FFFF
