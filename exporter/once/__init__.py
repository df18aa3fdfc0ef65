"""The command that asks everything once and prints what the daemon would then show; it keeps nothing."""

import argparse
import asyncio
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any, Final

import structlog
from aiohttp import ClientSession
from rich.console import Console

from exporter.clock import Clock
from exporter.fleet import STARTS_PER_SECOND, Fleet
from exporter.log import configure
from exporter.log.printable import printable
from exporter.metrics.exposition import Exposition
from exporter.metrics.snapshot import CellKey, Snapshot
from exporter.once.cycle import LOOK_EVERY, Cycle
from exporter.once.lines import json_lines
from exporter.settings import Settings, load
from exporter.state import State
from exporter.steps import Steps

FAILED: Final = 1
TOLD_AT_THE_END: Final = frozenset({"source_failed", "collector_failed", "collector_failed_for_more_tenants"})
"""Events of the log that the lines about failures repeat."""


def add_options(command: argparse.ArgumentParser) -> None:
    """Add the options of `once` but ``--config`` to its parser."""
    command.add_argument("--json", action="store_true", help="print the records as JSON lines instead of metrics")


def once(options: argparse.Namespace, clock: Clock, session: Callable[[], ClientSession]) -> int:
    """Ask, print, and tell failures on standard error; 0 if there are none."""
    configure(level="error", form="auto")
    structlog.configure(processors=[_told_at_the_end, *structlog.get_config()["processors"]])
    pieces, failures = asyncio.run(ask_once(load(options.config), clock, session, as_json=options.json))
    sys.stderr.writelines(f"{printable(failure)}\n" for failure in failures)
    sys.stdout.buffer.writelines(pieces)
    return FAILED if failures else 0


def _told_at_the_end(_: Any, __: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    if event["event"] in TOLD_AT_THE_END:
        raise structlog.DropEvent
    return event


async def ask_once(
    settings: Settings, clock: Clock, session: Callable[[], ClientSession], *, as_json: bool
) -> tuple[Iterable[bytes], Sequence[str]]:
    """Return what there is to print, and a line for each failure; every source is taken leave of."""
    snapshot = Snapshot()
    async with session() as opened:
        state = State(None, clock)
        fleet = Fleet(settings=settings, session=opened, clock=clock, snapshot=snapshot, state=state)
        await fleet.open()
        cycles = [Cycle(each, keeps=as_json) for each in fleet.watched.values()]
        with Steps(Console(stderr=True), clock, "collections") as steps:
            await _all(cycles, clock, steps)
    failures = [failure for cycle in cycles for failure in _failures(cycle)]
    if as_json:
        return json_lines(cycles), failures
    for cycle in cycles:
        _show_instruments(cycle, snapshot)
    return [await Exposition(snapshot).body("text", gzip=False)], failures


async def _all(cycles: Sequence[Cycle], clock: Clock, steps: Steps) -> None:
    """Run all cycles side by side, begun one after another, as they may share an identity service."""
    async with asyncio.TaskGroup() as group:
        tasks = [
            group.create_task(cycle.run(clock, delay=number / STARTS_PER_SECOND)) for number, cycle in enumerate(cycles)
        ]
        while not all(task.done() for task in tasks):
            steps.show(sum(cycle.done for cycle in cycles), sum(cycle.total for cycle in cycles))
            await clock.sleep(LOOK_EVERY)


def _show_instruments(cycle: Cycle, snapshot: Snapshot) -> None:
    """Publish what the source tells of how it was asked; of this process, which ends, there is nothing to tell."""
    instruments, schedule = cycle.watched.instruments, cycle.watched.runner.schedule
    instruments.change("source_demand_ratio", schedule.demand_ratio(instruments.allowed_per_second))
    chunks, series = instruments.render()
    snapshot.publish(CellKey(cycle.watched.name, "", ""), chunks, series=series)


def _failures(cycle: Cycle) -> Iterator[str]:
    """Yield a line for each collection that failed, and one a collector for those that were not tried any more."""
    withheld: Counter[str] = Counter()
    for (tenant, collector), outcome in cycle.outcomes():
        if outcome.verdict == "failed":
            yield f"{cycle.watched.name}: {collector}{tenant and ' of '}{tenant}: {outcome.why}"
        withheld[collector] += outcome.verdict == "withheld"
    for collector, number in withheld.items():
        if number:
            yield f"{cycle.watched.name}: {collector}: {number} more not asked, as the same kept failing"
