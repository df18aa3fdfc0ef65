"""Turns answers into what is served: into the books, onto the disk, into cells, each as a whole."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Final

import structlog

from exporter.breathing import breathing
from exporter.clock import Clock
from exporter.display import Display
from exporter.errors import NotApplicable, Reason, SourceError
from exporter.incidents import Failure, Incidents
from exporter.metrics.internal import SourceInstruments
from exporter.progress import Progress
from exporter.records import Job, Record, Run, ScanProfile, Tenant
from exporter.roster import Roster
from exporter.source import WHOLE_SOURCE, CollectorPlan
from exporter.standing import Standing
from exporter.state.source import SourceState

LOG: Final = structlog.get_logger("exporter.intake")


@dataclass(slots=True, eq=False, kw_only=True)
class Intake:
    """Takes the answers of one source. All methods run on the event loop."""

    source: str
    roster: Roster
    state: SourceState
    display: Display
    instruments: SourceInstruments
    clock: Clock
    attempted: bool = False
    """Whether discovery was tried once, with whatever result."""
    standing: Standing = field(default_factory=Standing)
    _incidents: Incidents = field(init=False)

    def __post_init__(self) -> None:
        self._incidents = Incidents(self.source)

    async def restore(self, plans: Sequence[CollectorPlan]) -> None:
        """Show what is remembered, as old as it is."""
        await self.state.writer.committed()
        self.state.keep_only([plan.name for plan in plans])
        now = self.clock.now()
        discovering = next(plan.name for plan in plans if plan.discovers)
        known = [tenant for tenant in self.state.collected if tenant and self.state.books(tenant).left_at is None]
        found = [self.state.of(tenant, discovering).records or self._unnamed(tenant) for tenant in known]
        self.roster.take((await self._described(record for records in found for record in records))[1])
        async for tenant in breathing(self.state.collected.keys() - self.roster.tenants.keys() - {WHOLE_SOURCE}):
            self.state.leave(tenant, now)
        async for tenant in breathing(list(self.roster.tenants)):
            self.state.resume(tenant)
        names = [name async for plan in breathing(plans) for name in self._restore_cells(plan)]
        await self.display.show_all(names, now)

    def _unnamed(self, tenant: str) -> tuple[Tenant]:
        """Return a tenant whose own record is not remembered: it has not left, only its name is missing."""
        return (Tenant(tenant=tenant, name=tenant),)

    def _restore_cells(self, plan: CollectorPlan) -> Iterable[tuple[str, str]]:
        whole = self.state.of(WHOLE_SOURCE, plan.name).progress
        for tenant in self.state.collected:
            collected = self.state.of(tenant, plan.name)
            progress = collected.progress if plan.per_tenant else whole
            described = self.roster.tenants.get(tenant) if plan.discovers else None
            records = (described,) if described is not None else collected.records
            if tenant == WHOLE_SOURCE and not self.roster.tells_of_itself():
                records = None
            if progress is None or (collected.progress is None and records is None):
                continue
            if collected.progress is not None:
                self.display.lead(plan, tenant, progress)
            self.display.fill(plan, tenant, progress, records or ())
            yield tenant, plan.name

    async def succeeded(
        self,
        plan: CollectorPlan,
        tenant: str,
        records: Sequence[Record],
        seconds: float,
        *,
        entered: Callable[[], None] = lambda: None,
    ) -> None:
        """Publish a complete answer in place of the last one, once it cannot be lost any more.

        *entered* is called when only the disk is waited for.
        """
        now = self.clock.now()
        if plan.asks:
            self._healed(plan, tenant)
        self._finished(plan, seconds, reason=None)
        if self._left(plan, tenant):
            return
        by_tenant = await self._by_tenant(plan, tenant, records, now)
        progress = self._progress_of(plan, tenant)
        before, progress.success, progress.succeeded_at, progress.stale_at = progress.succeeded_at, True, now, None
        if plan.discovers and self.roster.doubts:  # what is shown is as old as before
            progress.succeeded_at = before
        names = dict.fromkeys([*((each, plan.name) for each in by_tenant), (tenant, plan.name)])
        self.display.hold(names)
        try:
            shown = {
                each: self._enter(plan, each, theirs, now)
                async for each, theirs in breathing(by_tenant.items())
                if each == tenant or each in self.roster.tenants
            }
            self.state.fares(tenant, plan.name, progress)
            entered()
            await self.state.writer.committed()
        finally:
            self.display.release(names)
        if not self._left(plan, tenant):
            await self._replace(plan, tenant, progress, shown)

    async def failed(
        self, plan: CollectorPlan, tenant: str, error: Exception, *, stale_after: float, seconds: float
    ) -> None:
        """Keep the last good answer, and say that collecting fails."""
        if not self._left(plan, tenant):
            failure = Failure.of(plan.name, tenant, error)
            self._incidents.failed(failure)
            self.standing.failed(failure, self.clock.now())
        self._finished(plan, seconds, reason=error.reason if isinstance(error, SourceError) else "bug")
        await self.withheld(plan, tenant, stale_after=stale_after)

    async def withheld(self, plan: CollectorPlan, tenant: str, *, stale_after: float) -> None:
        """Say that a collection that was due did not succeed, without counting it as an attempt."""
        if self._left(plan, tenant):
            return
        progress = self._progress_of(plan, tenant)
        before = (progress.success, progress.stale_at)
        progress.success = False
        now = self.clock.now()
        if progress.succeeded_at is not None:
            progress.stale_at = progress.succeeded_at + stale_after
        if progress.stale(now):
            self._incidents.stale(plan.name, tenant)
        if before != (progress.success, progress.stale_at):
            self.state.fares(tenant, plan.name, progress)
            self.display.lead(plan, tenant, progress)
            stale = self.display.filled_by(tenant, plan.name) if progress.stale(now) else [(tenant, plan.name)]
            await self.display.show_all(stale, now)

    async def not_applicable(self, plan: CollectorPlan, tenant: str, absence: NotApplicable, *, seconds: float) -> None:
        """Show nothing of a collector that has nothing to ask about this tenant; that is no failure."""
        if absence.asked:
            self._healed(plan, tenant)
            self._finished(plan, seconds, reason=None)
        if self._left(plan, tenant):
            return
        if plan.book == "jobs" and (tenant, plan.name) in self.display:
            # One wrong list of subscriptions must not delete the evidence that alerts stand on.
            progress = self._progress_of(plan, tenant)
            progress.success, progress.stale_at = None, float("-inf")
            self.state.fares(tenant, plan.name, progress)
            self.display.show(tenant, plan.name, self.clock.now())
            return
        self.state.unanswered(tenant, plan.name)
        self.state.fares(tenant, plan.name, None)
        self.display.drop(tenant, plan.name)

    def watched(self) -> Sequence[str]:
        """Return the tenants of the last discovery that was believed."""
        return tuple(self.roster.tenants)

    async def tick(self) -> None:
        """Show what time alone changes."""
        await self.display.tick(self.clock.now())

    def baseline_accepted(self, plans: Iterable[CollectorPlan], tenant: str) -> None:
        """Show the drift of a tenant's scan profiles from their new baseline."""
        for plan in plans:
            if plan.book == "scan_profiles":
                self.display.show(tenant, plan.name, self.clock.now())

    def _left(self, plan: CollectorPlan, tenant: str) -> bool:
        """Tell whether the tenant left while it was being asked about."""
        return plan.per_tenant and tenant not in self.roster.tenants

    def _healed(self, plan: CollectorPlan, tenant: str) -> None:
        self._incidents.succeeded(plan.name, tenant)
        self.standing.succeeded(plan.name, tenant)

    def _finished(self, plan: CollectorPlan, seconds: float, *, reason: Reason | None) -> None:
        self.attempted = self.attempted or plan.discovers
        if not plan.asks:
            return
        self.instruments.observe("collector_duration_seconds", seconds, plan.name)
        up = self._incidents.whole is None
        self.instruments.set("source_up", float(up))
        self.standing.asked(self.clock.now(), up=up)
        if reason is not None:
            self.instruments.count("collector_failures_total", plan.name, reason)

    def _progress_of(self, plan: CollectorPlan, tenant: str) -> Progress:
        return self.state.of(tenant, plan.name).progress or Progress()

    async def _by_tenant(
        self, plan: CollectorPlan, tenant: str, records: Sequence[Record], now: float
    ) -> Mapping[str, Sequence[Record]]:
        """Return the records of an answer by tenant; strangers are left out."""
        if plan.per_tenant:
            return {tenant: tuple(records)}
        if plan.discovers:
            return await self._discover(records, now)
        # An answer that tells of no job of a tenant is an answer: its jobs are gone, its books are not.
        by_tenant: dict[str, list[Record]] = {}
        here = set(self.roster.tenants)
        if plan.book:
            here = {each for each in here if self.state.questions.were_about(each, plan.name)}
            by_tenant = {each: [] for each in here}
        wanted = here | ({WHOLE_SOURCE} if self.roster.tells_of_itself() else set())
        async for record in breathing(records):
            if record.tenant in wanted:
                by_tenant.setdefault(record.tenant, []).append(record)
        return {each: tuple(theirs) for each, theirs in by_tenant.items()}

    async def _discover(self, records: Iterable[Record], now: float) -> Mapping[str, Sequence[Record]]:
        """Take the roll; return each tenant's record as it came, or none at all if the answer is not believed yet."""
        found, described = await self._described(records)
        before = set(self.roster.tenants)
        if not self.roster.take(described):
            LOG.warning(
                "discovery_doubted", source=self.source, known=len(before), repeats=self.roster.doubts, needed=3
            )
            return {}
        left = sorted(before - self.roster.tenants.keys())
        self._incidents.moved(joined=sorted(self.roster.tenants.keys() - before), left=left)
        async for tenant in breathing(left):
            self.state.leave(tenant, now)
            self._incidents.gone(tenant)
            self.standing.gone(tenant)
            self.display.drop_tenant(tenant)
        return found

    async def _described(self, records: Iterable[Record]) -> tuple[dict[str, Sequence[Record]], dict[str, Tenant]]:
        """Return the tenants that are wanted, as they came and as they are shown."""
        found: dict[str, Sequence[Record]] = {}
        described: dict[str, Tenant] = {}
        async for record in breathing(records):
            tenant = self.roster.described(record) if isinstance(record, Tenant) else None
            if tenant is not None:
                found[record.tenant], described[record.tenant] = (record,), tenant
        return found, described

    def _enter(self, plan: CollectorPlan, tenant: str, records: Sequence[Record], now: float) -> Sequence[Record]:
        """Enter records into the tenant's books, or keep them; return those that are shown as they are."""
        if plan.book == "jobs" and tenant:
            entered = [record for record in records if isinstance(record, Job | Run)]
            self.state.enter_jobs(tenant, entered, now, history=plan.history)
            records = tuple(record for record in records if not isinstance(record, Job | Run))
            if not records and self.state.of(tenant, plan.name).records is None:
                return ()
        if plan.book == "scan_profiles":
            profiles = [record for record in records if isinstance(record, ScanProfile)]
            for change in self.state.enter_scan_profiles(tenant, profiles, now):
                LOG.warning(
                    "scan_profile_changed",
                    source=self.source,
                    tenant=tenant,
                    profile=change.profile,
                    setting=change.setting,
                    old=change.old,
                    new=change.new,
                )
        self.state.answered(tenant, plan.name, records)
        return (self.roster.tenants[tenant],) if plan.discovers else records

    async def _replace(
        self, plan: CollectorPlan, tenant: str, progress: Progress, shown: Mapping[str, Sequence[Record]]
    ) -> None:
        """Swap the records of all cells that the collection fills, each as a whole."""
        self.display.lead(plan, tenant, progress)
        here = [each for each in shown if each == tenant or each in self.roster.tenants]
        for each in here:
            self.display.fill(plan, each, progress, shown[each])
        names = dict.fromkeys((each, plan.name) for each in here)
        if not plan.per_tenant and not (plan.discovers and self.roster.doubts):
            for each, collector in self.display.filled_by(tenant, plan.name):
                if each in shown:
                    continue
                self.state.unanswered(each, collector)
                if each == WHOLE_SOURCE:  # it still tells how collecting fares
                    self.display.fill(plan, each, progress, ())
                else:
                    self.display.drop(each, collector)
        names[tenant, plan.name] = None
        await self.display.show_all(names, self.clock.now())
