"""What outlives an answer, a restart and a crash: books, last good answers, and when to ask again.

Memory is the truth for everybody who reads. `SourceState` hands every change on as rows, the `Journal` commits
them to one SQLite file in groups, and whoever shows a count first waits until it is `committed`.
"""

import asyncio
from collections.abc import Callable, Collection, Sequence
from contextlib import suppress
from itertools import chain
from pathlib import Path
from typing import Final

import structlog

from exporter.breathing import breathing
from exporter.clock import Clock
from exporter.state import tables
from exporter.state.batch import Batch
from exporter.state.database import Database
from exporter.state.journal import Journal
from exporter.state.restoring import restored
from exporter.state.source import SourceState
from exporter.state.tables import Key, Row, Table, mapping

LOG: Final = structlog.get_logger("exporter.state")
REMEMBER: Final = 30 * 86400.0
"""How long a tenant that left, or a source that was removed, may return and find its counters as they were."""
LOOK_EVERY: Final = 5.0

BaselineAccepted = Callable[[str, str], None]
"""Told of source and tenant."""


class Memory:
    """A writer for a state that lives as long as the process."""

    writable = True
    size = 0

    def put(self, table: Table, key: Key, row: Row | None) -> None:
        """Do nothing: memory is as durable as it gets here."""

    def purge(self, source: str, tenant: str) -> None:
        """Do nothing."""

    async def committed(self) -> None:
        """Return at once."""


class State:
    """All sources' states, and the file behind them."""

    def __init__(self, path: Path | None, clock: Clock) -> None:
        """Keep everything at *path*, or in memory only."""
        self._clock = clock
        self.path = str(path) if path else None
        """The file; ``None`` if everything is kept in memory."""
        self._sources: dict[str, SourceState] = {}
        self._journal = Journal(Database(path), clock, self._everything) if path else None
        self._writer: Journal | Memory = self._journal or Memory()
        self._accepted: set[Row] = set()
        self.baseline_accepted: BaselineAccepted = lambda _source, _tenant: None
        """Called when a tenant's baseline was taken over; to be set by who shows it."""

    async def open(self) -> None:
        """Restore what the file holds; `SettingsError` if it is another's."""
        if self._journal:
            contents = await self._journal.open()
            self._sources = await asyncio.to_thread(restored, contents, self._writer, self._clock.now())
            if self._sources:
                tenants = {name: len(source.tenants) for name, source in self._sources.items()}
                LOG.info("state_restored", path=self.path, tenants=tenants)
            self._accept(contents.get(tables.ACCEPTED, ()))

    def source(self, name: str) -> SourceState:
        """Return what is remembered of a source; nothing if it is new."""
        return self._sources.setdefault(name, SourceState(name, self._writer))

    def retire_all_but(self, names: Collection[str]) -> None:
        """Note which sources are configured; what others remember is kept for `REMEMBER`."""
        for name, source in self._sources.items():
            source.retired = False
            if name not in names:
                source.retire(self._clock.now())

    @property
    def writable(self) -> bool:
        """Whether the last attempt to write succeeded."""
        return self._writer.writable

    @property
    def size(self) -> int:
        """Bytes on the disk."""
        return self._writer.size

    async def run(self) -> None:
        """Commit what is waited for, for ever."""
        if self._journal:
            await self._journal.run()
        await asyncio.Event().wait()  # in memory there is nothing to do

    async def look_after(self, every: float = LOOK_EVERY) -> None:
        """Do what time asks for, for ever: forget, tidy, and take over accepted baselines."""
        while True:
            await self._clock.sleep(every)
            try:
                await self._look()
            except Exception:
                LOG.exception("state_housekeeping_broken")

    async def _look(self) -> None:
        before = self._clock.now() - REMEMBER
        for source in self._sources.values():
            source.forget(before)
        rows = await self._journal.look_after() if self._journal else None
        if rows is not None:
            self._accept(rows)

    async def close(self) -> None:
        """Write what is left."""
        if self._journal:
            await self._journal.close()

    def _accept(self, rows: Sequence[Row]) -> None:
        """Take over what a command asked for, once each, although its row is there until the next commit."""
        for key, settings in ((row[:-1], row[-1]) for row in rows):
            if key not in self._accepted:
                source, tenant, profile, _ = key
                found = False
                with suppress(ValueError, TypeError):  # not written by our command: it goes with the others
                    found = self.source(source).accept_baseline(tenant, profile, mapping(settings))
                LOG.info("baseline_accepted", source=source, tenant=tenant, profile=profile, found=found)
                self.baseline_accepted(source, tenant)
                self._writer.put(tables.ACCEPTED, key, None)
        self._accepted = {row[:-1] for row in rows}

    async def _everything(self) -> Batch:
        """Return all rows; those of one tenant's books are of one moment."""
        batch = Batch()
        for source in list(self._sources.values()):
            tenants = [*source.tenants, *(source.collected.keys() - source.tenants.keys())]
            async for tenant in breathing(tenants):
                for table, key, row in chain(source.book_rows(tenant), source.answer_rows(tenant)):
                    batch.put(table, key, row)
        return batch
