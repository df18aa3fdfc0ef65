"""Writes what happens on the event loop to the state file, many answers in one commit.

A commit waits for the disk, so there are few: one at most every `COMMIT_EVERY` seconds, with all that has
come together by then. Whoever must not show what a crash could take back waits for it. While nothing can be
written, nobody waits: the exporter goes on from memory, says so, and writes everything once it can.
"""

import asyncio
import sqlite3
from collections.abc import Awaitable, Callable, Sequence
from typing import Any, Final, TypeVar

import structlog

from exporter.clock import Clock
from exporter.state.batch import Batch
from exporter.state.database import Contents, Database
from exporter.state.tables import ACCEPTED, Key, Row, Table
from exporter.threads import DaemonThreads

LOG: Final = structlog.get_logger("exporter.state")
COMMIT_EVERY: Final = 1.5
"""Seconds from one commit to the next: 40 a minute, and some more waits for the disk to tidy the log."""
LATEST: Final = 10.0
"""Seconds that what nobody waits for may stay unwritten."""
AGAIN: Final = 30.0
"""Seconds after which a place that could not be written is tried again."""
HANGING: Final = 30.0
"""Seconds after which a commit is no longer waited for."""
STOPPING: Final = 4.0
"""Seconds that the last commit may take."""
A_BREATH: Final = 4
"""Answers to be shown, because they are durable, between two turns of the event loop."""

T = TypeVar("T")
FAULTS: Final = (sqlite3.Error, OSError)


class Journal:
    """The writing side of the state. All methods run on the event loop, the file is touched in one thread."""

    def __init__(self, database: Database, clock: Clock, everything: Callable[[], Awaitable[Batch]]) -> None:
        self._database = database
        self._clock = clock
        self._everything = everything
        """Returns all that memory holds; the rows of one tenant are of one moment."""
        self._thread = DaemonThreads("state", 1)
        self._batch = Batch()
        self._since: float | None = None
        """When the oldest unwritten row came."""
        self._waiting: list[asyncio.Future[None]] = []
        self._urgent = asyncio.Event()
        self._writing = False
        self._renewing = False
        """Whether all rows must be written, as the file does not hold what was written before."""
        self._next = 0.0
        self._again_at = 0.0
        self.writable = True
        self.size = 0
        """Bytes on the disk."""

    async def open(self) -> Contents:
        """Open the file and return what it holds; if nothing can be written there, what can be read of it."""
        opening = asyncio.ensure_future(self._run(self._database.open))
        done, _ = await asyncio.wait({opening}, timeout=HANGING)
        if not done:
            opening.add_done_callback(_take_note)
            self._give_up_opening()
            return {}
        try:
            contents: Contents | None = await opening
        except FAULTS as error:
            self._cannot(error)
        else:
            self.size = await self._run(self._database.size)
            return contents or {}
        contents = await self._run(self._database.peek)
        if contents is None:
            LOG.error("state_not_readable", path=str(self._database.path), consequence="all counters begin at 0")
        return contents or {}

    def _give_up_opening(self) -> None:
        """Go on without what the file holds; should it be opened after all, it is moved aside."""
        self._cannot(TimeoutError(f"the disk has not answered for {HANGING:.0f} s"))
        LOG.error("state_not_readable", path=str(self._database.path), consequence="all counters begin at 0")
        self._renewing = True
        self._thread.submit(self._database.forget)

    def put(self, table: Table, key: Key, row: Row | None) -> None:
        """Have a row written, or deleted."""
        self._batch.put(table, key, row)
        self._note()

    def purge(self, source: str, tenant: str) -> None:
        """Have all rows of a tenant deleted."""
        self._batch.purge(source, tenant)
        self._note()

    def _note(self) -> None:
        if self._since is None:
            self._since = self._clock.now()

    async def committed(self) -> None:
        """Return once all that was put before is on the disk, or cannot be written there."""
        if not self.writable or not (self._batch or self._writing):
            return
        waiter = asyncio.get_running_loop().create_future()
        self._waiting.append(waiter)
        self._urgent.set()
        await waiter

    async def run(self) -> None:
        """Commit what is waited for, for ever."""
        while True:
            await self._urgent.wait()
            await self._clock.sleep(self._next - self._clock.now())
            await self.flush()

    async def look_after(self) -> Sequence[Row] | None:
        """Do what time asks for: call it every few seconds.

        Return the baselines that a command wants accepted, ``None`` if that cannot be known just now.
        """
        now = self._clock.now()
        waited = self._since is not None and now - self._since > LATEST
        if waited if self.writable else now >= self._again_at:
            self._again_at = now + AGAIN
            self._urgent.set()
        self.size = await self._run(self._database.size)
        if not self.writable or self._renewing:
            return None
        try:
            if await self._run(self._database.in_place):
                return await self._run(self._database.accepted)
        except FAULTS as error:
            self._cannot(error)
            return None
        LOG.warning("state_file_gone", path=str(self._database.path), consequence="it is written anew from memory")
        self._renewing = True
        self._urgent.set()
        return None

    async def flush(self) -> None:
        """Write what there is, and let go who waits for it."""
        self._urgent.clear()
        self._next = self._clock.now() + COMMIT_EVERY
        batch, self._batch, self._since = self._batch, Batch(), None
        waiting, self._waiting = self._waiting, []
        self._writing = True
        try:
            await self._in_time(asyncio.ensure_future(self._write(batch)), waiting)
        except asyncio.CancelledError:
            self._keep(batch)
            raise
        except Exception as error:  # noqa: BLE001 - whatever it is, nobody may wait for ever
            self._keep(batch)
            self._cannot(error)
        else:
            self._can()
        finally:
            self._writing = False
        await self._release(waiting)

    async def _in_time(self, writing: "asyncio.Future[None]", waiting: list[asyncio.Future[None]]) -> None:
        """Wait for a commit, but let nobody else wait for a disk that hangs."""
        done, _ = await asyncio.wait({writing}, timeout=HANGING)
        if not done:
            self._cannot(TimeoutError(f"the disk has not answered for {HANGING:.0f} s"))
            await self._release(waiting)
        await writing

    async def _release(self, waiting: list[asyncio.Future[None]]) -> None:
        """Let go of all who wait, a few at a time: each has something to show. If nothing can be written, all do."""
        while waiting:
            for number, waiter in enumerate(waiting):
                if not waiter.done():
                    waiter.set_result(None)
                if number % A_BREATH == A_BREATH - 1:
                    await asyncio.sleep(0)
            waiting = []
            if not self.writable:
                waiting, self._waiting = self._waiting, []

    def _keep(self, batch: Batch) -> None:
        """Write it another time."""
        self._batch.follow(batch)
        self._note()

    async def _write(self, batch: Batch) -> None:
        """Write the batch; a file that turns out broken, or could not be opened, is begun anew from memory."""
        if self._database.connected and not self._renewing:
            try:
                await self._run(self._database.write, batch)
            except sqlite3.OperationalError:  # no room, no right, no disk: the file itself is as it was
                raise
            except sqlite3.DatabaseError as error:
                LOG.error("state_file_broken", path=str(self._database.path), error=str(error))  # noqa: TRY400
            else:
                return
        self._renewing = True
        everything = await self._everything()
        for key, row in batch.of(ACCEPTED).items():
            everything.put(ACCEPTED, key, row)
        await self._run(self._database.renew, everything)
        self._renewing = False

    async def close(self) -> None:
        """Write what is left, and let others have the file; give up on a disk that does not answer."""
        closing = asyncio.ensure_future(self._finish())
        done, _ = await asyncio.wait({closing}, timeout=STOPPING)
        if not done:
            LOG.error("state_not_flushed", path=str(self._database.path))
            closing.add_done_callback(_take_note)
        self._thread.shutdown()

    async def _finish(self) -> None:
        if self._batch or self._renewing:
            await self.flush()
        await self._run(self._database.close)

    async def _run(self, work: Callable[..., T], *arguments: object) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._thread, work, *arguments)

    def _cannot(self, error: Exception) -> None:
        """Say once that nothing can be written."""
        if self.writable:
            LOG.error(
                "state_not_writable",
                path=str(self._database.path),
                error=str(error),
                consequence="serving goes on from memory; what is counted now is lost if the process ends",
            )
            self._again_at = self._clock.now() + AGAIN
        self.writable = False

    def _can(self) -> None:
        if not self.writable:
            LOG.info("state_writable_again", path=str(self._database.path))
        self.writable = True


def _take_note(late: "asyncio.Future[Any]") -> None:
    """Look at a result that nobody waits for any more, lest asyncio calls it forgotten."""
    if not late.cancelled():
        late.exception()
