"""The composition root: builds everything in the order of its dependencies, releases in reverse."""

import asyncio
import random
import signal
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import aiohttp
import structlog
from aiohttp import web
from yarl import URL

from exporter import __version__
from exporter.clock import Clock
from exporter.errors import SettingsError
from exporter.intake import Intake
from exporter.metrics.exposition import Exposition
from exporter.metrics.internal import ProcessInstruments, SourceInstruments
from exporter.metrics.snapshot import CellKey, Snapshot
from exporter.roster import Roster
from exporter.schedule import Schedule
from exporter.scheduler import Runner
from exporter.settings import Settings
from exporter.shard import Shard
from exporter.source import Source, Surroundings
from exporter.sources import AnySource
from exporter.state import MemoryState, State
from exporter.web.app import web_app

LOG: Final = structlog.get_logger("exporter.app")
TIDY_EVERY: Final = 1.0
STUCK_AFTER: Final = 120.0
RESTART_AFTER: Final = 60.0
PREPARING_SHARE: Final = 49.0
"""Rest for each second spent on preparing scrapes: one part in fifty, whatever the fleet."""


@dataclass(slots=True, eq=False)
class Watched:
    """One configured source and all that works for it."""

    name: str
    source: Source
    instruments: SourceInstruments
    intake: Intake
    runner: Runner

    def state(self) -> str:
        """Return a few words for the landing page."""
        if not self.intake.attempted:
            return f"{self.source.kind} {self.source.api}: not asked yet"
        return f"{self.source.kind} {self.source.api}: {len(self.intake.watched())} tenants"


@dataclass(slots=True, eq=False)
class Daemon:
    """The running exporter, seen from outside."""

    clock: Clock
    exposition: Exposition
    watched: dict[str, Watched]
    addresses: list[URL] = field(default_factory=list)
    last_beat: float = 0.0

    def healthy(self) -> str | None:
        """Return why the event loop must be taken for stuck, if so."""
        late = self.clock.now() - self.last_beat
        return f"housekeeping is {late:.0f} s late" if late > STUCK_AFTER else None

    def ready(self) -> str | None:
        """Return which sources have not been asked for their tenants once, if any."""
        waiting = [name for name, watched in self.watched.items() if not watched.intake.attempted]
        return f"not asked for tenants yet: {', '.join(waiting)}" if waiting else None


@asynccontextmanager
async def running(settings: Settings, clock: Clock, *, tidy_every: float = TIDY_EVERY) -> AsyncIterator[Daemon]:
    """Run the exporter while the context lasts; `SettingsError` if it cannot start.

    *tidy_every* is how soon, in seconds, what time alone changes is seen.
    """
    async with AsyncExitStack() as stack:
        snapshot = Snapshot()
        exposition = Exposition(snapshot)
        state = MemoryState()
        own = ProcessInstruments(clock)
        own.set("exporter_config_last_reload_successful", 1)
        own.set("exporter_config_last_reload_success_timestamp_seconds", clock.now())
        session = await stack.enter_async_context(_session())
        shard = settings.shard.shard()
        watched = {
            name: _watch(name, source, settings, session, clock, shard, snapshot, state)
            for name, source in settings.sources.items()
        }
        daemon = Daemon(clock, exposition, watched, last_beat=clock.now())
        await _publish_instruments(daemon, snapshot, own)
        daemon.addresses = await _listen(stack, settings, daemon)
        for each in watched.values():
            _background(stack, _supervised(each.runner, clock), f"runner {each.name}")
        _background(stack, _housekeeping(daemon, snapshot, own, tidy_every), "housekeeping")
        LOG.info("started", version=__version__, sources=len(watched), listen=[str(url) for url in daemon.addresses])
        yield daemon
        LOG.info("stopping")


async def run(settings: Settings, clock: Clock, *, started: Callable[[Daemon], None] = lambda _: None) -> None:
    """Run the exporter until SIGTERM or SIGINT."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with running(settings, clock) as daemon:
        started(daemon)
        await stop.wait()


def _session() -> aiohttp.ClientSession:
    """Return the one session of all sources: its connections are limited by their limiters, not here."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300),
        headers={"User-Agent": f"m365-backup-exporter/{__version__}", "Accept": "application/json"},
        cookie_jar=aiohttp.DummyCookieJar(),
    )


def _watch(
    name: str,
    settings: AnySource,
    all_settings: Settings,
    session: aiohttp.ClientSession,
    clock: Clock,
    shard: Shard,
    snapshot: Snapshot,
    state: State,
) -> Watched:
    """Connect everything that works for one source."""
    birth_delay = all_settings.limits.counter_birth_delay
    plans = settings.plans()
    instruments = SourceInstruments(name, clock, birth_delay=birth_delay, collectors=[plan.name for plan in plans])
    surroundings = Surroundings(
        session=session,
        clock=clock,
        observer=instruments,
        share=shard.total,
        random=random.Random(),  # noqa: S311 - jitter, not a secret
    )
    if settings.tls.insecure_skip_verify:
        LOG.warning("tls_not_verified", source=name, advice="anyone in between can read the secret; set tls.ca_file")
    try:
        source = settings.build(name, surroundings)
    except OSError as error:
        raise SettingsError([f"sources.{name}.tls.ca_file: cannot be used: {error.strerror or 'not PEM'}"]) from error
    instruments.allowed_rate(settings.limits.requests_per_second / shard.total)
    instruments.set("source_info", 1, source.kind, source.api)
    intake = Intake(
        source=name,
        roster=Roster(name, settings.tenants, shard),
        state=state,
        snapshot=snapshot,
        instruments=instruments,
        clock=clock,
        birth_delay=birth_delay,
        series_per_tenant=all_settings.limits.series_per_tenant,
    )
    runner = Runner(
        name=name,
        source=source,
        intake=intake,
        clock=clock,
        schedule=Schedule(name, tuple(plans), settings.limits.concurrency),
        allowed_per_second=lambda: instruments.allowed_per_second,
    )
    return Watched(name, source, instruments, intake, runner)


def _background(stack: AsyncExitStack, work: Coroutine[None, None, None], name: str) -> None:
    """Run *work* until the stack is unwound."""
    task = asyncio.create_task(work, name=name)

    async def stop() -> None:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    stack.push_async_callback(stop)


async def _supervised(runner: Runner, clock: Clock) -> None:
    """Start a runner again should a bug ever end it: one source must not silently stop."""
    while True:
        try:
            await runner.run()
        except Exception:
            LOG.exception("runner_broken", source=runner.name)
        await clock.sleep(RESTART_AFTER)


async def _housekeeping(daemon: Daemon, snapshot: Snapshot, own: ProcessInstruments, every: float) -> None:
    """Show what time alone changes, and prepare the next scrape."""
    prepare_at = 0.0
    while True:
        await daemon.clock.sleep(every)
        daemon.last_beat = daemon.clock.now()
        try:
            for watched in daemon.watched.values():
                await watched.intake.tick()
                await asyncio.sleep(0)
            await _publish_instruments(daemon, snapshot, own)
            if daemon.last_beat >= prepare_at:
                await daemon.exposition.prepare()
                took = daemon.clock.now() - daemon.last_beat
                prepare_at = daemon.clock.now() + took * PREPARING_SHARE
        except Exception:
            LOG.exception("housekeeping_broken")


async def _publish_instruments(daemon: Daemon, snapshot: Snapshot, own: ProcessInstruments) -> None:
    """Render the metrics about sources and about ourselves, as far as they moved."""
    for name, watched in daemon.watched.items():
        _show_schedule(watched, daemon.clock.now())
        if watched.instruments.moved():
            chunks, series = watched.instruments.render()
            snapshot.publish(CellKey(name, "", ""), chunks, series=series)
            await asyncio.sleep(0)
    own.set("exporter_snapshot_series", snapshot.series)
    own.set("exporter_snapshot_bytes", snapshot.size)
    chunks, series = await asyncio.to_thread(own.render)  # it reads /proc
    snapshot.publish(CellKey("", "", ""), chunks, series=series)


def _show_schedule(watched: Watched, now: float) -> None:
    schedule = watched.runner.schedule
    watched.instruments.change("scheduler_lag_seconds", schedule.lag(now))
    ratio = schedule.demand_ratio(watched.instruments.allowed_per_second)
    watched.instruments.change("source_demand_ratio", ratio)


async def _listen(stack: AsyncExitStack, settings: Settings, daemon: Daemon) -> list[URL]:
    """Open the ports; `SettingsError` names the one that cannot be had."""
    app = web_app(
        daemon.exposition,
        healthy=daemon.healthy,
        ready=daemon.ready,
        sources=lambda: {name: watched.state() for name, watched in daemon.watched.items()},
    )
    runner = web.AppRunner(app, access_log=None, handle_signals=False, shutdown_timeout=3)
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    for host, port in settings.web.addresses():
        try:
            await web.TCPSite(runner, host, port, reuse_address=True).start()
        except (OSError, socket.gaierror) as error:
            raise SettingsError([f"web.listen: {host}:{port} cannot be opened: {error.strerror}"]) from error
    urls = []
    for address in runner.addresses:
        host, port = address[0], address[1]
        urls.append(URL.build(scheme="http", host="127.0.0.1" if host == "0.0.0.0" else host, port=port))  # noqa: S104
    return urls
