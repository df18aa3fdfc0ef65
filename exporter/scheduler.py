"""Who is asked when: one runner a source, polling on the exporter's own clock, never at scrape time."""

import asyncio
import traceback
from collections import defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Final, Protocol

import structlog
from structlog.contextvars import bound_contextvars

from exporter.breaker import Breaker
from exporter.breathing import breathing
from exporter.client.meter import Meter, metered
from exporter.clock import Clock
from exporter.errors import NotApplicable, SourceError
from exporter.progress import Timing
from exporter.records import Record
from exporter.schedule import NOT_APPLICABLE_EVERY, Schedule, Unit, stale_after
from exporter.source import CollectorPlan, Known, Source

LOG: Final = structlog.get_logger("exporter.scheduler")
A_BREATH: Final = 25
"""Units held back between two turns of the event loop."""
IDLE: Final = 3600.0
"""Longest sleep; anything that becomes due earlier wakes the runner."""
A_TENANTS_OWN: Final = frozenset({"not_found", "too_large"})
"""Reasons that say nothing about how the collector fares with other tenants."""


class Intake(Protocol):
    """Who takes the answers."""

    async def succeeded(
        self,
        plan: CollectorPlan,
        tenant: str,
        records: Sequence[Record],
        seconds: float,
        *,
        entered: Callable[[], None],
    ) -> None:
        """Publish a complete answer; call *entered* when only the disk is waited for."""
        ...

    async def failed(
        self, plan: CollectorPlan, tenant: str, error: Exception, *, stale_after: float, seconds: float
    ) -> None:
        """Take note of an attempt that failed."""
        ...

    async def withheld(self, plan: CollectorPlan, tenant: str, *, stale_after: float) -> None:
        """Take note that a due collection was not attempted because its source or collector is failing."""
        ...

    async def not_applicable(self, plan: CollectorPlan, tenant: str, absence: NotApplicable, *, seconds: float) -> None:
        """Take note that there is nothing to collect."""
        ...

    def watched(self) -> Sequence[str]:
        """Return the tenants to collect from, as the last discovery left them."""
        ...


class Memory(Protocol):
    """Who keeps what a restart goes on from."""

    def known(self, tenant: str, collector: str) -> Known:
        """Return what is remembered of the tenant's runs."""
        ...

    def is_due(self, tenant: str, collector: str, timing: Timing) -> None:
        """Keep when a collection is due again."""
        ...


@dataclass(slots=True, eq=False)
class Runner:
    """Polls one source for as long as it runs; its failures are its own."""

    name: str
    source: Source
    intake: Intake
    clock: Clock
    schedule: Schedule
    memory: Memory
    allowed_per_second: Callable[[], float]
    _breaker: Breaker = field(default_factory=Breaker)
    _breakers: dict[str, Breaker] = field(default_factory=lambda: defaultdict(Breaker))
    _busy: set[asyncio.Task[None]] = field(default_factory=set)
    """Collections that are asking."""
    _entering: set[asyncio.Task[None]] = field(default_factory=set)
    """Collections whose answer is being written to the disk, and then shown; they take nobody's place."""
    _changed: asyncio.Event = field(default_factory=asyncio.Event)
    _bugs: set[tuple[str, str, str]] = field(default_factory=set)
    """Collector, kind and place of the bugs that were logged."""

    async def run(self) -> None:
        """Collect what is due, for ever; cancelling stops all collections under way."""
        with bound_contextvars(source=self.name):
            await self._run()

    async def _run(self) -> None:
        self.schedule.begin(self.clock.now())
        await self._follow()
        try:
            while True:
                self._changed.clear()
                await self._start_due()
                await self._rest()
        finally:
            tasks = self._busy | self._entering
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    def stretch(self) -> float:
        """Return the factor by which intervals are longer than configured."""
        return self.schedule.stretch(self.allowed_per_second())

    async def _start_due(self) -> None:
        held = 0
        while len(self._busy) < self.schedule.concurrency:
            unit = self.schedule.pop(self.clock.now())
            if unit is None:
                return
            if self._held(unit):
                self.schedule.push(unit)
                if unit.applicable:
                    await self.intake.withheld(unit.plan, unit.tenant, stale_after=self._stale_after(unit))
                held += 1
                if held % A_BREATH == 0:
                    await asyncio.sleep(0)
                continue
            task = asyncio.create_task(self._collect(unit), name=f"{self.name} {unit.plan.name} {unit.tenant}")
            self._busy.add(task)
            task.add_done_callback(partial(self._ended, unit))

    def _held(self, unit: Unit) -> bool:
        """Tell whether a breaker holds the unit back, and if so put off its due time."""
        if not unit.plan.asks:
            return False
        now = self.clock.now()
        breakers = (self._breaker, self._breakers[unit.plan.name])
        for breaker in breakers:
            if not breaker.admits(now):
                unit.due = breaker.next_probe
                return True
        for breaker in breakers:
            breaker.begin(now)
        return False

    def _ended(self, unit: Unit, task: asyncio.Task[None]) -> None:
        self._busy.discard(task)
        self._entering.discard(task)
        self._changed.set()
        if not task.cancelled() and task.exception() is not None:
            LOG.error("collection_broken", source=self.name, **_about(unit), exc_info=task.exception())

    async def _rest(self) -> None:
        """Wait until a collection ends or, if there is room for one more, until one is due."""
        due = self.schedule.next_due()
        if len(self._busy) >= self.schedule.concurrency or due is None:
            await self._changed.wait()
            return
        waits = {
            asyncio.ensure_future(self.clock.sleep(min(IDLE, due - self.clock.now()))),
            asyncio.ensure_future(self._changed.wait()),
        }
        try:
            await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for wait in waits:
                wait.cancel()

    async def _collect(self, unit: Unit) -> None:
        started = self.clock.now()
        try:
            await self._ask(unit, started)
        finally:
            if unit.due <= started:  # not even its failure could be entered
                unit.settle_failed(self.clock.now(), unit.plan.interval_seconds)
                self._remember(unit)
            if self.schedule.units.get((unit.tenant, unit.plan.name)) is unit:
                self.schedule.push(unit)

    async def _ask(self, unit: Unit, started: float) -> None:
        with metered(probe=self._breaker.open or self._breakers[unit.plan.name].open) as meter:
            try:
                known = self.memory.known(unit.tenant, unit.plan.name)
                with bound_contextvars(**_about(unit)):
                    records = await self.source.collect(unit.plan.name, unit.tenant, known)
                self._succeeded(unit, meter)
                seconds = self.clock.now() - started
                await self.intake.succeeded(unit.plan, unit.tenant, records, seconds, entered=self._make_room)
            except NotApplicable as absence:
                await self._not_applicable(unit, absence, started)
            except Exception as error:  # noqa: BLE001 - the task boundary: a bug hurts no other collection
                await self._failed(unit, error, started)
        if unit.plan.discovers:
            await self._follow()

    async def _follow(self) -> None:
        """Ask about the tenants of the last discovery, and about no others."""
        watched = self.intake.watched()
        before, now = self.schedule.tenants(), self.clock.now()
        for tenant in before - set(watched):
            self.schedule.leave(tenant)
        new = sorted(set(watched) - before)
        async for tenant in breathing(new):
            self.schedule.join(tenant, now)
        if new:
            self.schedule.ask_for_all(now)

    def _make_room(self) -> None:
        """Let another collection begin while this one's answer is written down: a disk may be slow."""
        task = asyncio.current_task()
        if task in self._busy:
            self._busy.discard(task)
            self._entering.add(task)
            self._changed.set()

    def _remember(self, unit: Unit) -> None:
        self.memory.is_due(unit.tenant, unit.plan.name, unit.timing())

    def _succeeded(self, unit: Unit, meter: Meter) -> None:
        self._heal(unit)
        unit.applicable = True
        self.schedule.charge(unit, meter.requests, meter.seconds)
        unit.settle(self.clock.now(), unit.plan.interval_seconds * self.stretch())
        self._remember(unit)

    async def _not_applicable(self, unit: Unit, absence: NotApplicable, started: float) -> None:
        now = self.clock.now()
        self.schedule.charge(unit, 0.0, 0.0)
        unit.settle(now, unit.plan.interval_seconds * self.stretch())
        unit.applicable = False
        if not absence.asked:
            self._breaker.give_back(now)
            self._breakers[unit.plan.name].give_back(now)
        else:
            self._heal(unit)
            unit.due = max(unit.due, now + NOT_APPLICABLE_EVERY * (0.5 + unit.offset))
        self._remember(unit)
        await self.intake.not_applicable(unit.plan, unit.tenant, absence, seconds=now - started)

    async def _failed(self, unit: Unit, error: Exception, started: float) -> None:
        now = self.clock.now()
        if not isinstance(error, SourceError):
            self._tell_bug(unit, error)
        elif error.source_wide:
            self._breaker.failed(now)
        elif error.reason not in A_TENANTS_OWN:
            self._breakers[unit.plan.name].failed(now)
        unit.settle_failed(now, unit.plan.interval_seconds * self.stretch())
        self._remember(unit)
        await self.intake.failed(
            unit.plan, unit.tenant, error, stale_after=self._stale_after(unit), seconds=now - started
        )

    def _tell_bug(self, unit: Unit, error: Exception) -> None:
        """Log where a bug is, once; not its message, which may quote an answer."""
        where = traceback.format_tb(error.__traceback__)
        bug = (unit.plan.name, type(error).__name__, where[-1])
        if bug not in self._bugs:
            self._bugs.add(bug)
            LOG.error(
                "collection_bug",
                source=self.name,
                **_about(unit),
                error=type(error).__name__,
                traceback="".join(where),
            )

    def _heal(self, unit: Unit) -> None:
        unit.failures = 0
        if not unit.plan.asks:
            return
        self._breaker.succeeded()
        self._breakers[unit.plan.name].succeeded()

    def _stale_after(self, unit: Unit) -> float:
        return stale_after(unit.plan, self.stretch())


def _about(unit: Unit) -> dict[str, str]:
    """Return what an event about a collection names beside the source."""
    about = {"collector": unit.plan.name, "tenant": unit.tenant}
    return about if unit.tenant else {"collector": unit.plan.name}
