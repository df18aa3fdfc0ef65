"""States of sources, and the daemon's life with them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, TypeAlias

from exporter.progress import Progress, Timing
from exporter.records import Job, JobKey, Record, ScanProfile
from exporter.state import Memory, State
from exporter.state.batch import Batch
from exporter.state.source import SourceState
from exporter.state.tables import Key, Row, Table
from tests.state.storage import stopped
from tests.support.warp import WarpClock

NOW = 1_772_400_000.0
TIMING = Timing(NOW + 60.5, NOW, 2, applicable=True, requests=1.5, in_flight=0.25, interval_seconds=1800.0)
Kept: TypeAlias = dict[tuple[str, str], tuple[tuple[Record, ...] | None, Progress | None, Timing | None]]


class Noting:
    """A writer that keeps all in one batch."""

    def __init__(self) -> None:
        self.batch = Batch()

    def put(self, table: Table, key: Key, row: Row | None) -> None:
        """Keep a row."""
        self.batch.put(table, key, row)

    def purge(self, source: str, tenant: str) -> None:
        """Keep a deletion."""
        self.batch.purge(source, tenant)

    async def committed(self) -> None:
        """Nobody waits here."""


def memory() -> SourceState:
    """Return a source's state that is only kept in memory."""
    return SourceState("s", Memory())


def kept(source: SourceState) -> Kept:
    """Return what is remembered of the collections, those without anything left out."""
    return {
        (tenant, collector): (
            None if collected.records is None else tuple(collected.records),
            collected.progress,
            collected.timing,
        )
        for tenant, by_collector in source.collected.items()
        for collector, collected in by_collector.items()
        if (collected.records, collected.progress, collected.timing) != (None, None, None)
    }


@asynccontextmanager
async def living(path: Path | None) -> AsyncIterator[State]:
    """Run a state on the warped loop, as the daemon does."""
    state = State(path, WarpClock())
    await state.open()
    tasks = [asyncio.create_task(state.run()), asyncio.create_task(state.look_after())]
    try:
        yield state
        assert not any(task.done() for task in tasks if path or task is tasks[1])
    finally:
        await stopped(*tasks)
        await state.close()


def profile(**settings: str) -> list[ScanProfile]:
    """Return a scan profile as a vendor would show it."""
    return [ScanProfile(tenant="contoso", profile="p", name="P", settings=settings)]


def jobs(number: int) -> list[Record]:
    """Return that many jobs."""
    return [
        Job(tenant="contoso", job=JobKey("Microsoft 365", "VM", "backup", f"vm {each}"), status="success")
        for each in range(number)
    ]


def entries(log: list[Any], event: str) -> list[Mapping[str, object]]:
    """Return the log's entries of one event, without what all have."""
    return [
        {key: value for key, value in entry.items() if key not in {"event", "log_level"}}
        for entry in log
        if entry["event"] == event
    ]
