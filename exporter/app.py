"""The composition root: builds everything in the order of its dependencies, releases in reverse."""

import asyncio
import os
import socket
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from typing import Final

import aiohttp
import structlog
from yarl import URL

from exporter import __version__
from exporter.client.lookup import Lookup
from exporter.clock import Clock
from exporter.errors import NotRunning, SettingsError
from exporter.fleet import Fleet, Watched
from exporter.log import configure
from exporter.metrics.exposition import Exposition
from exporter.metrics.internal import ProcessInstruments
from exporter.metrics.snapshot import CellKey, Snapshot
from exporter.overview import Lookout
from exporter.service import Supervisor, heard, status_line
from exporter.settings import Settings
from exporter.settings.shown import Shown
from exporter.state import LOOK_EVERY, State
from exporter.threads import FILES
from exporter.web.app import web_app
from exporter.web.config.door import Door
from exporter.web.inbound import InboundRunner, room
from exporter.web.lifecycle import add_reload
from exporter.web.view import ExporterView

LOG: Final = structlog.get_logger("exporter.app")
TIDY_EVERY: Final = 1.0
STUCK_AFTER: Final = 120.0
PATIENCE: Final = 2.0
"""Seconds that a start may still take once it is to end."""
PREPARING_SHARE: Final = 49.0
"""Rest for each second spent on preparing scrapes: one part in fifty, whatever the fleet."""


@dataclass(slots=True, eq=False)
class Daemon:
    """The running exporter, seen from outside."""

    clock: Clock
    exposition: Exposition
    fleet: Fleet
    state: State
    instruments: ProcessInstruments
    door: Door | None = None
    """What the pages are behind, if they are protected."""
    addresses: list[URL] = field(default_factory=list)
    last_beat: float = 0.0
    started_at: float = field(init=False)
    _was_ready: bool = False
    _reloading: asyncio.Lock = field(default_factory=asyncio.Lock)

    def __post_init__(self) -> None:
        self.started_at = self.clock.now()

    @property
    def watched(self) -> dict[str, Watched]:
        """The sources by name."""
        return self.fleet.watched

    def healthy(self) -> str | None:
        """Return why the event loop must be taken for stuck, if so."""
        late = self.clock.now() - self.last_beat
        return f"housekeeping is {late:.0f} s late" if late > STUCK_AFTER else None

    def ready(self) -> str | None:
        """Return which sources have not been asked for their tenants once, if any; once ready, it stays so."""
        waiting = [name for name, watched in self.watched.items() if not watched.intake.attempted]
        self._was_ready = self._was_ready or not waiting
        return None if self._was_ready else f"not asked for tenants yet: {', '.join(waiting)}"

    def view(self) -> ExporterView:
        """Return how the process stands."""
        return ExporterView(
            version=__version__,
            started_at=self.started_at,
            state_file=self.state.path,
            state_writable=self.state.writable,
            state_bytes=self.state.size,
            series=self.fleet.snapshot.series,
            not_ready=self.ready(),
            not_healthy=self.healthy(),
        )

    async def reload(self, read: Callable[[], Settings]) -> list[str]:
        """Take over what *read* returns; if anything is at fault, change nothing, and return all faults.

        `NotRunning` before the sources are started, and once they are to stop.
        """
        async with self._reloading:
            return await self._reload(read)

    async def _reload(self, read: Callable[[], Settings]) -> list[str]:
        before = self.fleet.settings
        try:
            settings = await asyncio.get_running_loop().run_in_executor(FILES, read)
            protection = await self.door.reread() if self.door else None
            news = await self.fleet.change(settings)
        except SettingsError as error:
            LOG.error("reload_failed", faults=error.faults, consequence="everything goes on as it was")  # noqa: TRY400
            self.instruments.set("exporter_config_last_reload_successful", 0)
            return error.faults
        except NotRunning:
            raise
        except Exception:
            LOG.exception("reload_broken")
            self.instruments.set("exporter_config_last_reload_successful", 0)
            return ["a bug stopped it; the log says where"]
        if self.door and protection:
            self.door.take_over(protection)
        if before.log != settings.log:
            configure(level=settings.log.level, form=settings.log.format)
        for section in ("web", "state"):
            if getattr(before, section) != getattr(settings, section):
                LOG.warning("reload_needs_restart", section=section)
        self.instruments.set("exporter_config_last_reload_successful", 1)
        self.instruments.set("exporter_config_last_reload_success_timestamp_seconds", self.clock.now())
        LOG.info("reloaded", **news)
        return []


@asynccontextmanager
async def running(
    settings: Settings, clock: Clock, read: Callable[[], Settings] | None = None, *, tidy_every: float = TIDY_EVERY
) -> AsyncIterator[Daemon]:
    """Run the exporter while the context lasts; `SettingsError` if it cannot start.

    *read* returns the settings anew when that is asked for over HTTP; without it they are the same.
    *tidy_every* is how soon, in seconds, what time alone changes is seen.
    """
    async with AsyncExitStack() as stack:
        snapshot = Snapshot()
        exposition = Exposition(snapshot)
        state = State(settings.state.file(), clock)
        stack.push_async_callback(state.close)
        await state.open()
        _background(stack, state.run(), "state")
        session = await stack.enter_async_context(outgoing_session())
        fleet = Fleet(settings=settings, session=session, clock=clock, snapshot=snapshot, state=state)
        await fleet.open()
        own = ProcessInstruments(clock)
        own.set("exporter_config_last_reload_successful", 1)
        own.set("exporter_config_last_reload_success_timestamp_seconds", clock.now())
        daemon = Daemon(clock, exposition, fleet, state, own, await Door.open(settings.web.config_file))
        daemon.last_beat = clock.now()
        await _publish_instruments(daemon, snapshot)
        daemon.addresses = await _listen(stack, settings, daemon, read or (lambda: settings))
        stack.push_async_callback(fleet.stop)
        fleet.start()
        _background(stack, state.look_after(max(LOOK_EVERY, tidy_every)), "state's housekeeping")
        _background(stack, _housekeeping(daemon, snapshot, tidy_every), "housekeeping")
        LOG.info("started", version=__version__, sources=len(fleet.watched), listen=list(map(str, daemon.addresses)))
        yield daemon
        LOG.info("stopping")


async def run(
    settings: Settings,
    clock: Clock,
    read: Callable[[], Settings],
    *,
    started: Callable[[Daemon], None] = lambda _: None,
) -> None:
    """Run the exporter until SIGTERM or SIGINT; at SIGHUP take over the settings that *read* returns."""
    stop, hang_up = heard()
    supervisor = Supervisor.of(os.environ, os.getpid())
    async with AsyncExitStack() as stack:
        starting = asyncio.ensure_future(stack.enter_async_context(running(settings, clock, read)))
        stopping = asyncio.ensure_future(stop.wait())
        await asyncio.wait({starting, stopping}, return_when=asyncio.FIRST_COMPLETED)
        stopping.cancel()
        await asyncio.wait({starting}, timeout=PATIENCE)
        if not starting.done():  # it hangs on a disk
            LOG.info("stopping")
            starting.cancel()
            await asyncio.gather(starting, return_exceptions=True)
            return
        daemon = await starting
        _background(stack, supervisor.reload_at(hang_up, lambda: daemon.reload(read)), "reload")
        told = supervisor.attended(clock, healthy=daemon.healthy, status=lambda: status_line(daemon.watched.values()))
        await stack.enter_async_context(told)
        started(daemon)
        await stop.wait()


def outgoing_session() -> aiohttp.ClientSession:
    """Return the one session of all sources: its connections are limited by their limiters, not here."""
    return aiohttp.ClientSession(
        connector=aiohttp.TCPConnector(limit=0, ttl_dns_cache=300, resolver=Lookup()),
        headers={"User-Agent": f"m365-backup-exporter/{__version__}", "Accept": "application/json"},
        cookie_jar=aiohttp.DummyCookieJar(),
    )


def _background(stack: AsyncExitStack, work: Coroutine[None, None, None], name: str) -> None:
    """Run *work* until the stack is unwound."""
    task = asyncio.create_task(work, name=name)
    task.add_done_callback(_tell_end)

    async def stop() -> None:
        task.remove_done_callback(_tell_end)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    stack.push_async_callback(stop)


def _tell_end(task: asyncio.Task[None]) -> None:
    """Log that something ended that should never."""
    if not task.cancelled():
        LOG.error("background_ended", task=task.get_name(), exc_info=task.exception())


async def _housekeeping(daemon: Daemon, snapshot: Snapshot, every: float) -> None:
    """Show what time alone changes, and prepare the next scrape."""
    prepare_at = 0.0
    while True:
        await daemon.clock.sleep(every)
        daemon.last_beat = daemon.clock.now()
        try:
            for watched in list(daemon.watched.values()):
                await watched.intake.tick()
                await asyncio.sleep(0)
            await _publish_instruments(daemon, snapshot)
            if daemon.last_beat >= prepare_at:
                await daemon.exposition.prepare()
                took = daemon.clock.now() - daemon.last_beat
                prepare_at = daemon.clock.now() + took * PREPARING_SHARE
        except Exception:
            LOG.exception("housekeeping_broken")


async def _publish_instruments(daemon: Daemon, snapshot: Snapshot) -> None:
    """Render the metrics about sources and about ourselves, as far as they moved."""
    for name, watched in list(daemon.watched.items()):
        _show_schedule(watched, daemon.clock.now())
        if watched.instruments.moved() and daemon.watched.get(name) is watched:
            chunks, series = watched.instruments.render()
            snapshot.publish(CellKey(name, "", ""), chunks, series=series)
            await asyncio.sleep(0)
    own = daemon.instruments
    own.set("exporter_state_writable", float(daemon.state.writable))
    own.set("exporter_state_bytes", daemon.state.size)
    own.set("exporter_snapshot_series", snapshot.series)
    own.set("exporter_snapshot_bytes", snapshot.size)
    chunks, series = await asyncio.to_thread(own.render)  # it reads /proc
    snapshot.publish(CellKey("", "", ""), chunks, series=series)


def _show_schedule(watched: Watched, now: float) -> None:
    schedule = watched.runner.schedule
    watched.instruments.change("scheduler_lag_seconds", schedule.lag(now))
    ratio = schedule.demand_ratio(watched.instruments.allowed_per_second)
    watched.instruments.change("source_demand_ratio", ratio)


async def _listen(stack: AsyncExitStack, settings: Settings, daemon: Daemon, read: Callable[[], Settings]) -> list[URL]:
    """Open the ports; `SettingsError` names the one that cannot be had."""
    app = web_app(
        daemon.exposition,
        healthy=daemon.healthy,
        ready=daemon.ready,
        look=Lookout(daemon.clock, lambda: list(daemon.watched.values()), daemon.view).overview,
        is_source=lambda name: name in daemon.watched,
        configuration=Shown(lambda: daemon.fleet.settings).text,
    )
    add_reload(app, lambda: daemon.reload(read), enabled=settings.web.enable_lifecycle)
    if daemon.door:
        daemon.door.guard(app)
        _background(stack, daemon.door.look_after(daemon.clock), "web configuration")
    tls = daemon.door.tls if daemon.door else None
    runner = InboundRunner(app, most=room())
    await runner.setup()
    stack.push_async_callback(runner.cleanup)
    for host, port in settings.web.addresses():
        try:
            await runner.listen(host, port, tls)
        except (OSError, socket.gaierror) as error:
            raise SettingsError([f"web.listen: {host}:{port} cannot be opened: {error.strerror}"]) from error
    urls = []
    for address in runner.addresses:
        host, port = address[0], address[1]
        scheme = "https" if tls else "http"
        urls.append(URL.build(scheme=scheme, host="127.0.0.1" if host == "0.0.0.0" else host, port=port))  # noqa: S104
    return urls
