"""The sources that are watched: built together, replaced one by one when the configuration changes."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import aiohttp
import structlog
from structlog.contextvars import bound_contextvars

from exporter.clock import Clock
from exporter.display import Display
from exporter.errors import NotRunning, SettingsError, SourceError
from exporter.intake import Intake
from exporter.metrics.internal import SourceInstruments
from exporter.metrics.snapshot import CellKey, Snapshot
from exporter.roster import Roster
from exporter.schedule import Schedule
from exporter.scheduler import Runner
from exporter.settings import Settings
from exporter.source import Source, Surroundings
from exporter.sources import AnySource
from exporter.state import State
from exporter.state.source import SourceState

LOG: Final = structlog.get_logger("exporter.fleet")
ADVICE: Final = "anyone in between can read the secret; set tls.fingerprint_sha256 or tls.ca_file"
RESTART_AFTER: Final = 60.0
PATIENCE: Final = 1.5
"""Seconds that taking leave of a vendor may take: the exporter stops within five."""
STARTS_PER_SECOND: Final = 10.0


@dataclass(slots=True, eq=False)
class Watched:
    """One configured source and all that works for it."""

    name: str
    source: Source
    state: SourceState
    instruments: SourceInstruments
    intake: Intake
    runner: Runner
    _running: asyncio.Task[None] | None = None

    async def restore(self) -> None:
        """Show what is remembered of it."""
        await self.intake.restore(self.source.plans)
        for tenant, kept in self.state.collected.items():
            for collector, collected in kept.items():
                applicable = collected.timing is None or collected.timing.applicable
                self.source.recall(collector, tenant, collected.records or (), applicable=applicable)

    def start(self, clock: Clock, *, delay: float = 0.0) -> None:
        """Begin to poll in *delay* seconds."""
        self._running = asyncio.create_task(_supervised(self.runner, clock, delay), name=f"runner {self.name}")

    async def stop(self) -> None:
        """Stop to poll, also what is under way, and take leave of the vendor; what is shown stays."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
            self._running = None
        await take_leave(self.name, self.source)

    def baseline_accepted(self, tenant: str) -> None:
        """Show the drift of a tenant's scan profiles from their new baseline."""
        self.intake.baseline_accepted(self.source.plans, tenant)


@dataclass(slots=True, eq=False, kw_only=True)
class Fleet:
    """All watched sources, as the settings of now want them."""

    settings: Settings
    session: aiohttp.ClientSession
    clock: Clock
    snapshot: Snapshot
    state: State
    watched: dict[str, Watched] = field(default_factory=dict)
    _polls: bool = False

    async def open(self) -> None:
        """Build all sources and show what is remembered of them; `SettingsError` if one cannot be built."""
        self.state.retire_all_but(self.settings.sources.keys())
        self.watched = {name: self._build(name, self.settings) for name in self.settings.sources}
        self.state.baseline_accepted = self._baseline_accepted
        for each in self.watched.values():
            await _restore(each)

    def start(self) -> None:
        """Begin to poll; many sources one after another, as they may share an identity service."""
        self._polls = True
        for number, each in enumerate(self.watched.values()):
            each.start(self.clock, delay=number / STARTS_PER_SECOND)

    async def stop(self) -> None:
        """Stop to poll; a change that is under way starts nothing any more."""
        self._polls = False
        await asyncio.gather(*(each.stop() for each in self.watched.values()))

    async def change(self, settings: Settings) -> Mapping[str, list[str]]:
        """Watch what *settings* say; return the names of sources that were added, removed and changed.

        A source whose settings are the same goes on undisturbed. One that changed goes on with what it remembers.
        `SettingsError`, and nothing is changed, if any cannot be built. `NotRunning` before the start, and after the
        end, also if that comes meanwhile.
        """
        if not self._polls:
            raise NotRunning
        before, after = self.settings.sources, settings.sources
        same = settings.limits == self.settings.limits and settings.shard == self.settings.shard
        kept = {name for name in before.keys() & after.keys() if same and before[name] == after[name]}
        built = {name: self._build(name, settings) for name in after if name not in kept}
        self.settings = settings
        await asyncio.gather(
            *(self._remove(name) for name in before if name not in after),
            *(self._put(each, delay=number / STARTS_PER_SECOND) for number, each in enumerate(built.values())),
        )
        self.state.retire_all_but(after.keys())
        if not self._polls:
            raise NotRunning
        return {
            "added": sorted(after.keys() - before.keys()),
            "removed": sorted(before.keys() - after.keys()),
            "changed": sorted(before.keys() & after.keys() - kept),
        }

    async def _remove(self, name: str) -> None:
        """Neither poll nor show a source any more."""
        await self.watched[name].stop()
        await self.watched.pop(name).intake.display.drop_all()
        self.snapshot.remove(CellKey(name, "", ""))

    async def _put(self, each: Watched, *, delay: float) -> None:
        """Watch a source that was built, in the place of its predecessor as soon as that has stopped."""
        shown = []
        if predecessor := self.watched.get(each.name):
            await predecessor.stop()
            shown = predecessor.intake.display.hand_over()
        self.watched[each.name] = each
        await _restore(each)
        for tenant, collector in shown:
            if (tenant, collector) not in each.intake.display:
                self.snapshot.remove(CellKey(each.name, tenant, collector))
        if self._polls:
            each.start(self.clock, delay=delay)

    def _baseline_accepted(self, source: str, tenant: str) -> None:
        if source in self.watched:
            self.watched[source].baseline_accepted(tenant)

    def _build(self, name: str, settings: Settings) -> Watched:
        """Connect everything that works for one source."""
        its, limits, shard = settings.sources[name], settings.limits, settings.shard.shard()
        birth_delay = limits.counter_birth_delay
        plans = its.plans()
        instruments = SourceInstruments(
            name, self.clock, birth_delay=birth_delay, collectors=[plan.name for plan in plans if plan.asks]
        )
        surroundings = Surroundings(session=self.session, clock=self.clock, observer=instruments, share=shard.total)
        source = connect(name, its, surroundings)
        instruments.allowed_rate(its.limits.requests_per_second / shard.total)
        instruments.set("source_info", 1, source.kind, source.api)
        state = self.state.source(name)
        roster = Roster(name, its.tenants, shard, personal_data=its.personal_data)
        display = Display(
            source=name,
            roster=roster,
            state=state,
            snapshot=self.snapshot,
            instruments=instruments,
            birth_delay=birth_delay,
            series_per_tenant=limits.series_per_tenant,
        )
        intake = Intake(
            source=name, roster=roster, state=state, display=display, instruments=instruments, clock=self.clock
        )
        schedule = Schedule(
            name, tuple(plans), its.limits.concurrency, lambda tenant, collector: state.of(tenant, collector).timing
        )
        runner = Runner(
            name=name,
            source=source,
            intake=intake,
            clock=self.clock,
            schedule=schedule,
            memory=state,
            allowed_per_second=lambda: instruments.allowed_per_second,
        )
        return Watched(name, source, state, instruments, intake, runner)


def connect(name: str, its: AnySource, surroundings: Surroundings) -> Source:
    """Return the source that the settings describe; `SettingsError` if it cannot be built."""
    if its.tls.insecure_skip_verify:
        LOG.warning("tls_not_verified", source=name, advice=ADVICE)
    try:
        return its.build(name, surroundings)
    except OSError as error:
        fault = f"sources.{name}.tls.ca_file: cannot be used: {error.strerror or 'not PEM'}"
        raise SettingsError([fault]) from error


async def take_leave(name: str, source: Source) -> None:
    """Let a source give back what its vendor lent, if that can be had within `PATIENCE`."""
    try:
        with bound_contextvars(source=name):
            async with asyncio.timeout(PATIENCE):
                await source.close()
    except (SourceError, TimeoutError) as error:
        LOG.info("not_closed", source=name, error=str(error) or "it took too long")
    except Exception:
        LOG.exception("close_broken", source=name)


async def _restore(watched: Watched) -> None:
    """Show what is remembered; a bug in that must not keep a source from being asked."""
    try:
        await watched.restore()
    except Exception:
        LOG.exception("restore_broken", source=watched.name)


async def _supervised(runner: Runner, clock: Clock, delay: float) -> None:
    """Start a runner again should a bug ever end it: one source must not silently stop."""
    await clock.sleep(delay)
    while True:
        try:
            await runner.run()
        except Exception:
            LOG.exception("runner_broken", source=runner.name)
        await clock.sleep(RESTART_AFTER)
