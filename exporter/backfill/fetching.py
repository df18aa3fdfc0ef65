"""Asks the sources for their past, window by window, the oldest first."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from math import ceil
from typing import Final

import structlog
from aiohttp import ClientSession
from structlog.contextvars import bound_contextvars

from exporter.backfill.bar import Bar
from exporter.backfill.journal import Journal, Window
from exporter.backfill.order import Span
from exporter.client.observer import RetryReason
from exporter.clock import Clock
from exporter.errors import SettingsError, SourceError
from exporter.fleet import connect, take_leave
from exporter.records import Tenant
from exporter.roster import Roster
from exporter.settings import Settings
from exporter.source import WHOLE_SOURCE, History, Source, Surroundings
from exporter.sources import AnySource
from exporter.state.source import KnownRuns

LOG: Final = structlog.get_logger("exporter.backfill")
DAY: Final = 86400
WINDOW: Final = 7 * DAY
LEAD: Final = 7 * DAY
"""How much earlier than the past in question a run may have started: a first backup takes days."""
AT_ONCE: Final = 8
"""How many sources are asked at the same time."""


@dataclass(slots=True)
class Notes:
    """Listens to a source at work, for the sum at the end."""

    requests: int = 0
    unreadable: set[str] = field(default_factory=set)

    def requested(self, operation: str, code: str, seconds: float) -> None:  # noqa: ARG002 - see SourceObserver
        """Count an attempt."""
        self.requests += 1

    def value_failed(self, field: str) -> None:
        """Take note of a field with a value that is not of a documented form."""
        self.unreadable.add(field)

    def value_unknown(self, field: str) -> None:
        """Let it pass."""

    def throttled(self) -> None:
        """Let it pass: the limiter slows down."""

    def retried(self, reason: RetryReason) -> None:
        """Let it pass: it is counted as a request."""

    def allowed_rate(self, per_second: float) -> None:
        """Let it pass."""

    def token_expires(self, at: float) -> None:
        """Let it pass."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """What all sources of one backfill share."""

    settings: Settings
    journal: Journal
    bar: Bar
    clock: Clock
    notes: Notes = field(default_factory=Notes)
    failed: list[str] = field(default_factory=list)
    """The sources that were not answered for completely."""

    async def fetch(self, session: ClientSession, names: Sequence[str]) -> dict[str, list[str]]:
        """Complete the journal; return the tenants of each source that was answered for completely."""
        places = asyncio.Semaphore(AT_ONCE)
        histories = self._histories(session, names)
        self.bar.begin(0)
        done = await asyncio.gather(*(self._source(name, source, places) for name, source in histories.items()))
        return {name: tenants for name, tenants in zip(histories, done, strict=True) if tenants is not None}

    def _histories(self, session: ClientSession, names: Sequence[str]) -> dict[str, Source]:
        """Build the sources that have a history; say which have none, `SettingsError` if that is all of them."""
        built = {name: self._build(name, self.settings.sources[name], session) for name in names}
        reasons = {name: reason for name, source in built.items() if (reason := _without_history(source))}
        for name, reason in reasons.items():
            self.bar.say(f"{name}: skipped: {reason}")
        if len(reasons) == len(built):
            raise SettingsError(["no source has a history of jobs that could be asked for"])
        return {name: source for name, source in built.items() if name not in reasons}

    def _build(self, name: str, its: AnySource, session: ClientSession) -> Source:
        share = self.settings.shard.total
        surroundings = Surroundings(session=session, clock=self.clock, observer=self.notes, share=share)
        return connect(name, its, surroundings)

    async def _source(self, name: str, source: Source, places: asyncio.Semaphore) -> list[str] | None:
        """Fetch all that is missing of one source; ``None``, after a line that says why, if that failed."""
        async with places:
            try:
                with bound_contextvars(source=name):
                    return await self._complete(name, source)
            except SourceError as error:
                reason = f"{error.reason}: {error}"
            except OSError:  # the disk's: those of the network are SourceErrors
                raise
            except Exception as error:
                LOG.exception("backfill_broken", source=name)
                reason = f"bug: {type(error).__name__}"
            finally:
                await take_leave(name, source)
        self.failed.append(name)
        self.bar.say(f"{name}: failed: {reason}")
        return None

    async def _complete(self, name: str, source: Source) -> list[str]:
        """Fetch what is missing of a source; return its tenants."""
        tenants = await self._tenants(name, source)
        missing = [
            window
            for tenant in tenants
            for window in windows(name, tenant, self.journal.span)
            if window not in self.journal.windows
        ]
        self.bar.more(len(missing))
        for window in missing:
            await self._window(source, window)
        return tenants

    async def _tenants(self, name: str, source: Source) -> list[str]:
        """Return the tenants that are watched."""
        roster = Roster(name, self.settings.sources[name].tenants, self.settings.shard.shard())
        discovering = next(plan.name for plan in source.plans if plan.discovers)
        records = await source.collect(discovering, WHOLE_SOURCE, KnownRuns())
        return [each.tenant for each in records if isinstance(each, Tenant) and roster.described(each)]

    async def _window(self, source: Source, window: Window) -> None:
        assert isinstance(source, History)  # noqa: S101 - `_histories` has looked
        runs = await source.runs_between(window.tenant, window.since, window.until)
        await asyncio.to_thread(self.journal.append, window, runs)
        self.bar.step(f"{window.source} {_day(window.since)} - {_day(window.until)}: {len(runs)} runs")


def windows(source: str, tenant: str, span: Span) -> Iterator[Window]:
    """Yield the windows that a tenant must be asked for, the oldest first, without a gap and without overlap.

    They go by the start of runs, as the vendor's filter may: hence the first ones lie before the past in question.
    """
    end = ceil(span.until / 1000) + 1
    for begin in range(max(0, span.since // 1000 - LEAD), end, WINDOW):
        yield Window(source, tenant, begin, min(begin + WINDOW, end))


def _without_history(source: Source) -> str | None:
    if not isinstance(source, History):
        return f"the API of {source.kind} shows only the latest run of a job, no history"
    return None if any(plan.book == "jobs" for plan in source.plans) else "its collector of jobs is disabled"


def _day(at: float) -> str:
    return datetime.fromtimestamp(at, tz=UTC).date().isoformat()
