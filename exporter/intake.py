"""What becomes of an answer: books, durable state, then the snapshot; and what is shown while none comes."""

import asyncio
import heapq
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from exporter.cell import Cell, Progress
from exporter.clock import Clock
from exporter.errors import NotApplicable, Reason, SourceError
from exporter.incidents import Failure, Incidents
from exporter.metrics.internal import SourceInstruments
from exporter.metrics.rendering import Renderer, gather
from exporter.metrics.snapshot import CellKey, Snapshot
from exporter.records import Collection, Record, ScanProfile, Tenant
from exporter.roster import Roster
from exporter.source import WHOLE_SOURCE, CollectorPlan
from exporter.state import State

LOG: Final = structlog.get_logger("exporter.intake")
A_BREATH: Final = 25
"""Cells rendered between two turns of the event loop."""


@dataclass(slots=True, eq=False, kw_only=True)
class Intake:
    """Takes the answers of one source. All methods run on the event loop."""

    source: str
    roster: Roster
    state: State
    snapshot: Snapshot
    instruments: SourceInstruments
    clock: Clock
    birth_delay: float
    series_per_tenant: int
    attempted: bool = False
    """Whether discovery was tried once, with whatever result."""
    _cells: dict[tuple[str, str], Cell] = field(default_factory=dict)
    _progress: dict[tuple[str, str], Progress] = field(default_factory=dict)
    _wakes: list[tuple[float, tuple[str, str]]] = field(default_factory=list)
    _wake_at: dict[tuple[str, str], float] = field(default_factory=dict)
    _renderer: Renderer = field(init=False)
    _incidents: Incidents = field(init=False)

    def __post_init__(self) -> None:
        self._renderer = Renderer(self.source)
        self._incidents = Incidents(self.source)

    async def succeeded(self, plan: CollectorPlan, tenant: str, records: Sequence[Record], seconds: float) -> None:
        """Publish a complete answer in place of the last one."""
        now = self.clock.now()
        self._incidents.succeeded(plan.name, tenant)
        self._finished(plan, seconds, reason=None)
        if self._left(plan, tenant):
            return
        progress = self._progress_of(plan, tenant)
        before, progress.success, progress.succeeded_at, progress.stale_at = progress.succeeded_at, True, now, None
        if plan.discovers:
            records = await self._discover(records, now)
            if self.roster.doubts:  # what is shown is as old as before
                progress.succeeded_at = before
        await self._replace(plan, tenant, records, now)

    async def failed(
        self, plan: CollectorPlan, tenant: str, error: Exception, *, stale_after: float, seconds: float
    ) -> None:
        """Keep the last good answer, and say that collecting fails."""
        if not self._left(plan, tenant):
            self._incidents.failed(_failure(plan, tenant, error))
        self._finished(plan, seconds, reason=error.reason if isinstance(error, SourceError) else "bug")
        await self.withheld(plan, tenant, stale_after=stale_after)

    async def withheld(self, plan: CollectorPlan, tenant: str, *, stale_after: float) -> None:
        """Say that a collection that was due did not succeed, without counting it as an attempt."""
        if self._left(plan, tenant):
            return
        progress = self._progress_of(plan, tenant)
        before = (progress.success, progress.stale_at)
        progress.success = False
        if progress.succeeded_at is not None:
            progress.stale_at = progress.succeeded_at + stale_after
        if before != (progress.success, progress.stale_at):
            self._lead(plan, tenant)
            self._publish(tenant, plan.name)

    async def not_applicable(self, plan: CollectorPlan, tenant: str, absence: NotApplicable, *, seconds: float) -> None:
        """Show nothing of a collector that has nothing to ask about this tenant; that is no failure."""
        if absence.asked:
            self._incidents.succeeded(plan.name, tenant)
            self._finished(plan, seconds, reason=None)
        if plan.book == "jobs" and (tenant, plan.name) in self._cells:
            # One wrong list of subscriptions must not delete the evidence that alerts stand on.
            progress = self._progress_of(plan, tenant)
            progress.success, progress.stale_at = None, float("-inf")
            self._publish(tenant, plan.name)
            return
        self._progress.pop((tenant, plan.name), None)
        self._drop(tenant, plan.name)

    def watched(self) -> Sequence[str]:
        """Return the tenants of the last discovery that was believed."""
        return tuple(self.roster.tenants)

    def _left(self, plan: CollectorPlan, tenant: str) -> bool:
        """Tell whether the tenant left while it was being asked about."""
        return plan.per_tenant and tenant not in self.roster.tenants

    async def tick(self) -> None:
        """Render again what says something else merely because time passed."""
        now = self.clock.now()
        due: dict[tuple[str, str], None] = {}
        while self._wakes and self._wakes[0][0] <= now:
            at, (tenant, collector) = heapq.heappop(self._wakes)
            if self._wake_at.get((tenant, collector)) != at:
                continue
            del self._wake_at[tenant, collector]
            for key in self._filled_by(tenant, collector):
                due[key] = None
        await self._publish_all(due)

    def _wake(self, tenant: str, collector: str, at: float) -> None:
        """See to it that the cells of a collection are rendered again at *at* or before."""
        key = (tenant, collector)
        if at < self._wake_at.get(key, float("inf")):
            self._wake_at[key] = at
            heapq.heappush(self._wakes, (at, key))

    def _finished(self, plan: CollectorPlan, seconds: float, *, reason: Reason | None) -> None:
        self.attempted = self.attempted or plan.discovers
        self.instruments.observe("collector_duration_seconds", seconds, plan.name)
        self.instruments.set("source_up", float(self._incidents.whole is None))
        if reason is not None:
            self.instruments.count("collector_failures_total", plan.name, reason)

    async def _discover(self, records: Iterable[Record], now: float) -> Sequence[Record]:
        """Take the roll; return the tenants to show, the old ones if the answer is not believed yet."""
        before = set(self.roster.tenants)
        self.state.forget(now)
        if not self.roster.take(record for record in records if isinstance(record, Tenant)):
            LOG.warning(
                "discovery_doubted", source=self.source, known=len(before), repeats=self.roster.doubts, needed=3
            )
        for tenant in sorted(before - self.roster.tenants.keys()):
            self._forget(tenant, now)
        return tuple(self.roster.tenants.values())

    def _forget(self, tenant: str, now: float) -> None:
        LOG.info("tenant_left", source=self.source, tenant=tenant)
        self.state.leave(self.source, tenant, now)
        self._incidents.gone(tenant)
        for key in self.snapshot.cells(self.source, tenant):
            self._drop(tenant, key.collector)
            self._progress.pop((tenant, key.collector), None)

    async def _replace(self, plan: CollectorPlan, tenant: str, records: Sequence[Record], now: float) -> None:
        """Swap the records of all cells that the collection fills, each as a whole."""
        self._lead(plan, tenant)
        by_tenant = {tenant: records} if plan.per_tenant else self._by_tenant(records)
        for each, theirs in by_tenant.items():
            kept = self._enter(plan, each, theirs, now)
            await self.state.commit(self.source, each, plan.name, kept, now)
            cell = self._cell(plan, each, self._progress_of(plan, tenant))
            cell.records = kept
        keys = dict.fromkeys((each, plan.name) for each in by_tenant)
        if not plan.per_tenant:
            gone = [key for key in self._filled_by(tenant, plan.name) if key[0] not in by_tenant and key[0]]
            for key in gone:
                self._drop(*key)
            keys[tenant, plan.name] = None
        await self._publish_all(keys)

    def _by_tenant(self, records: Iterable[Record]) -> dict[str, Sequence[Record]]:
        """Sort the answer of a collection for all tenants; strangers are left out."""
        sorted_: dict[str, list[Record]] = {}
        for record in records:
            if record.tenant in self.roster.tenants:
                sorted_.setdefault(record.tenant, []).append(record)
        return dict[str, Sequence[Record]](sorted_)

    def _enter(self, plan: CollectorPlan, tenant: str, records: Sequence[Record], now: float) -> Sequence[Record]:
        """Enter records into the tenant's books; return those that are shown as they are."""
        if plan.book == "jobs":
            self.state.books(self.source, tenant).jobs.observe(records, now)
            return ()
        if plan.book == "scan_profiles":
            profiles = [record for record in records if isinstance(record, ScanProfile)]
            for change in self.state.books(self.source, tenant).scan_profiles.observe(profiles, now):
                LOG.warning(
                    "scan_profile_changed",
                    source=self.source,
                    tenant=tenant,
                    profile=change.profile,
                    setting=change.setting,
                    old=change.old,
                    new=change.new,
                )
        return tuple(records)

    def _lead(self, plan: CollectorPlan, tenant: str) -> None:
        self._cell(plan, tenant, self._progress_of(plan, tenant)).leads = True

    def _cell(self, plan: CollectorPlan, tenant: str, progress: Progress) -> Cell:
        return self._cells.setdefault((tenant, plan.name), Cell(plan, progress))

    def _progress_of(self, plan: CollectorPlan, tenant: str) -> Progress:
        return self._progress.setdefault((tenant, plan.name), Progress())

    def _filled_by(self, tenant: str, collector: str) -> list[tuple[str, str]]:
        """Return the cells that a collection fills: one, or one a tenant."""
        if tenant != WHOLE_SOURCE:
            return [(tenant, collector)]
        return [key for key in self._cells if key[1] == collector]

    def _drop(self, tenant: str, collector: str) -> None:
        self._cells.pop((tenant, collector), None)
        self.snapshot.remove(CellKey(self.source, tenant, collector))

    async def _publish_all(self, keys: Iterable[tuple[str, str]]) -> None:
        for count, (tenant, collector) in enumerate(keys):
            if count % A_BREATH == A_BREATH - 1:
                await asyncio.sleep(0)
            self._publish(tenant, collector)

    def _publish(self, tenant: str, collector: str) -> None:
        cell = self._cells.get((tenant, collector))
        if cell is None:
            return
        now = self.clock.now()
        stale = cell.progress.stale(now)
        facts, changes_at = self._facts(cell, tenant, now)
        if not stale and cell.progress.stale_at is not None:
            changes_at = min(changes_at or cell.progress.stale_at, cell.progress.stale_at)
        if changes_at is not None:
            self._wake(tenant, collector, changes_at)
        before = cell.shown if cell.shown_stale == stale else ()
        cell.shown, cell.shown_stale = self._renderer.show(facts, before, stale=stale), stale
        others = self.snapshot.series_of(self.source, tenant, without=collector)
        allowance = self.series_per_tenant - others if tenant != WHOLE_SOURCE else sys.maxsize
        rendered = gather(cell.shown, allowance=allowance)
        if rendered.dropped:
            self.instruments.dropped(tenant, collector, rendered.dropped)
        self.snapshot.publish(CellKey(self.source, tenant, collector), rendered.chunks, series=rendered.series)

    def _facts(self, cell: Cell, tenant: str, now: float) -> tuple[list[Record], float | None]:
        """Return all there is to show in a cell, and when that changes by itself.

        How the collection fares comes first: no limit on series may hide that.
        """
        changes_at = None
        facts: list[Record] = []
        if cell.leads:
            progress = cell.progress
            facts.append(
                Collection(
                    tenant=tenant,
                    collector=cell.plan.name,
                    success=progress.success,
                    succeeded_at=progress.succeeded_at,
                    stale=progress.stale(now),
                )
            )
        facts += cell.records
        if cell.plan.book == "jobs" and tenant in self.roster.tenants:
            allowed = self.roster.tenants[tenant].overdue_after_seconds
            books = self.state.books(self.source, tenant).jobs
            more, changes_at = books.facts(tenant, now, overdue_after=allowed, birth_delay=self.birth_delay)
            facts += more
        if cell.plan.book == "scan_profiles":
            profiles = [record for record in facts if isinstance(record, ScanProfile)]
            book = self.state.books(self.source, tenant).scan_profiles
            drifts, changes_at = book.facts(profiles, now, birth_delay=self.birth_delay)
            facts += drifts
        return facts, changes_at


def _failure(plan: CollectorPlan, tenant: str, error: Exception) -> Failure:
    if isinstance(error, SourceError):
        return Failure(
            collector=plan.name,
            tenant=tenant,
            reason=error.reason,
            error=str(error),
            request_id=error.request_id,
            source_wide=error.source_wide,
        )
    return Failure(collector=plan.name, tenant=tenant, reason="bug", error=type(error).__name__)
