"""What is shown of one source: cells, rendered again when they change and when time alone changes them."""

import heapq
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from exporter.breathing import breathing
from exporter.cell import Cell
from exporter.metrics.internal import SourceInstruments
from exporter.metrics.rendering import Renderer, gather
from exporter.metrics.snapshot import CellKey, Snapshot
from exporter.progress import Progress
from exporter.records import Collection, Record, ScanProfile
from exporter.roster import Roster
from exporter.source import WHOLE_SOURCE, CollectorPlan
from exporter.state.source import SourceState

CellName = tuple[str, str]
"""(tenant, collector)."""


@dataclass(slots=True, eq=False, kw_only=True)
class Display:
    """The cells of one source. All methods run on the event loop."""

    source: str
    roster: Roster
    state: SourceState
    snapshot: Snapshot
    instruments: SourceInstruments
    birth_delay: float
    series_per_tenant: int
    _cells: dict[CellName, Cell] = field(default_factory=dict)
    _collectors: set[str] = field(default_factory=set)
    _held: dict[CellName, int] = field(default_factory=dict)
    """Cells whose books say what is not durable yet, and must not be shown before it is."""
    _wakes: list[tuple[float, CellName]] = field(default_factory=list)
    _wake_at: dict[CellName, float] = field(default_factory=dict)
    _renderer: Renderer = field(init=False)

    def __post_init__(self) -> None:
        self._renderer = Renderer(self.source)

    def __contains__(self, name: CellName) -> bool:
        return name in self._cells

    def lead(self, plan: CollectorPlan, tenant: str, progress: Progress) -> None:
        """Show in this cell how the collection itself fares, if anybody is asked."""
        self._cell(plan, tenant, progress).leads = plan.asks

    def fill(self, plan: CollectorPlan, tenant: str, progress: Progress, records: Sequence[Record]) -> None:
        """Replace the records of a cell; `show` renders them."""
        self._cell(plan, tenant, progress).records = records

    def filled_by(self, tenant: str, collector: str) -> list[CellName]:
        """Return the cells that a collection fills: one, or one a tenant."""
        if tenant != WHOLE_SOURCE:
            return [(tenant, collector)]
        return [name for name in self._cells if name[1] == collector]

    def drop(self, tenant: str, collector: str) -> None:
        """Show nothing of a cell any more."""
        self._cells.pop((tenant, collector), None)
        self.snapshot.remove(CellKey(self.source, tenant, collector))

    def drop_tenant(self, tenant: str) -> None:
        """Show nothing of a tenant any more."""
        for collector in self._collectors:
            self.drop(tenant, collector)

    async def drop_all(self) -> None:
        """Show nothing of the source any more."""
        async for name in breathing(list(self._cells)):
            self.drop(*name)

    def hand_over(self) -> list[CellName]:
        """Stop to show anything, leaving what is shown to a successor; return which cells that are."""
        names = list(self._cells)
        self._cells.clear()
        return names

    def hold(self, names: Iterable[CellName]) -> None:
        """Leave cells as they are shown, until `release`."""
        for name in names:
            self._held[name] = self._held.get(name, 0) + 1

    def release(self, names: Iterable[CellName]) -> None:
        """Let cells be shown again, as they are now."""
        for name in names:
            self._held[name] -= 1
            if not self._held[name]:
                del self._held[name]

    async def tick(self, now: float) -> None:
        """Render again what says something else merely because time passed."""
        due: dict[CellName, None] = {}
        while self._wakes and self._wakes[0][0] <= now:
            at, (tenant, collector) = heapq.heappop(self._wakes)
            if self._wake_at.get((tenant, collector)) != at:
                continue
            del self._wake_at[tenant, collector]
            for name in self.filled_by(tenant, collector):
                due[name] = None
        await self.show_all(due, now)

    async def show_all(self, names: Iterable[CellName], now: float) -> None:
        """Render cells, however many, without holding up the event loop."""
        async for name in breathing(names):
            self.show(*name, now)

    def show(self, tenant: str, collector: str, now: float) -> None:
        """Render a cell, unless it is held."""
        cell = self._cells.get((tenant, collector))
        if cell is None or (tenant, collector) in self._held:
            return
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

    def _cell(self, plan: CollectorPlan, tenant: str, progress: Progress) -> Cell:
        cell = self._cells.setdefault((tenant, plan.name), Cell(plan, progress))
        cell.progress = progress
        self._collectors.add(plan.name)
        return cell

    def _wake(self, tenant: str, collector: str, at: float) -> None:
        """See to it that the cells of a collection are rendered again at *at* or before."""
        name = (tenant, collector)
        if at < self._wake_at.get(name, float("inf")):
            self._wake_at[name] = at
            heapq.heappush(self._wakes, (at, name))

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
        if cell.plan.book is not None:
            self.state.grow_up(tenant, now - self.birth_delay)
        if cell.plan.book == "jobs" and tenant in self.roster.tenants:
            allowed = self.roster.tenants[tenant].overdue_after_seconds
            books = self.state.books(tenant).jobs
            more, changes_at = books.facts(
                tenant, now, birth_delay=self.birth_delay, overdue_after=allowed, gaps=self.state.gaps(tenant)
            )
            facts += more
        if cell.plan.book == "scan_profiles":
            profiles = [record for record in facts if isinstance(record, ScanProfile)]
            book = self.state.books(tenant).scan_profiles
            drifts, changes_at = book.facts(profiles, now, birth_delay=self.birth_delay, baseline=cell.plan.baseline)
            facts += drifts
        return facts, changes_at
