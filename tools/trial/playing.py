"""The daemon watches the fleet in time that jumps, and Prometheus' part is played: a scrape every few minutes."""

from collections.abc import Collection
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from exporter.app import running
from exporter.clock import Clock
from exporter.settings import Settings
from exporter.simulator.server import build_app, serve
from tests.support.warp import WarpClock, warped
from tools.trial.fleet import Fleet
from tools.trial.recording import Recording

STEP: Final = 300.0
LEAD: Final = 10.0
"""Seconds from the exporter's start to the first scrape, and from its housekeeping to each."""
TOKENS_LAST: Final = 7200


@dataclass(frozen=True, slots=True)
class Course:
    """How many scrapes there are, before which the exporter is down, and which nobody makes."""

    scrapes: int
    down: Collection[int] = ()
    skipped: Collection[int] = ()


def played(fleet: Fleet, course: Course, names: Collection[str], folder: Path) -> Recording:
    """Return what is scraped of an exporter that watches *fleet*; *folder* takes its state."""
    return warped(lambda: _play(fleet, course, Recording(fleet.start, STEP, names), folder / "state.db"))


async def _play(fleet: Fleet, course: Course, recording: Recording, state: Path) -> Recording:
    clock = WarpClock(fleet.start - LEAD)
    async with AsyncExitStack() as stack:
        urls = {}
        for name, site in fleet.sites.items():
            server = await serve(build_app(site.world, clock=clock, token_lifetime=TOKENS_LAST), "127.0.0.1", 0)
            stack.push_async_callback(server.close)
            urls[name] = server.base_url
        settings = fleet.settings(urls, state)
        while recording.scrapes < course.scrapes:
            await _watch(settings, clock, course, recording)
            while recording.scrapes in course.down:
                await _wait(clock, recording)
                recording.failed()
    return recording


async def _watch(settings: Settings, clock: Clock, course: Course, recording: Recording) -> None:
    """Scrape an exporter until it is to be down."""
    async with running(settings, clock, tidy_every=STEP) as daemon:
        while recording.scrapes < course.scrapes and recording.scrapes not in course.down:
            await _wait(clock, recording)
            if recording.scrapes in course.skipped:
                recording.skipped()
            else:
                body = await daemon.exposition.body("text", gzip=False, names=recording.names)
                recording.scraped(body.decode())


async def _wait(clock: Clock, recording: Recording) -> None:
    """Let it become time for the next scrape."""
    await clock.sleep(recording.at(recording.scrapes) - clock.now())
