"""Commits in groups: few of them, nothing forgotten, and nobody let go before his rows are on the disk."""

import asyncio
from itertools import pairwise
from pathlib import Path
from random import Random

import pytest

from exporter.state import tables
from exporter.state.database import Database
from exporter.state.journal import COMMIT_EVERY, LATEST
from tests.state.storage import (
    LOOK_EVERY,
    CountingDatabase,
    Desk,
    HangingDatabase,
    at_work,
    held,
    looked_after,
    names,
    stopped,
    time_passes,
)
from tests.support.clock import FakeClock
from tests.support.warp import WarpClock, warped


def test_group_commit(path: Path) -> None:
    """A hundred answers at once are one commit, and each is on the disk when it is let go."""

    async def work() -> None:
        clock = WarpClock()
        database = CountingDatabase(path, clock)
        async with at_work(Desk(database, clock)) as desk:

            async def answer(name: str) -> None:
                await desk.committed(name)
                assert name in names(held(path))

            await asyncio.gather(*(answer(f"contoso {number}") for number in range(100)))

            assert len(database.times) == 1
            assert database.batches == [{f"contoso {number}" for number in range(100)}]

    warped(work)


def test_few_commits(path: Path) -> None:
    """However many answers come at whatever time, commits are never less than COMMIT_EVERY seconds apart."""

    async def work() -> None:
        clock, chance = WarpClock(), Random(7)  # noqa: S311 - chance, not secrecy
        database = CountingDatabase(path, clock)
        async with at_work(Desk(database, clock)) as desk:
            loop = asyncio.get_running_loop()
            waits: list[float] = []

            async def answer(number: int) -> None:
                await asyncio.sleep(chance.uniform(0, 60))
                began = loop.time()
                await desk.committed(f"contoso {number}")
                waits.append(loop.time() - began)

            await asyncio.gather(*(answer(number) for number in range(200)))

            assert min(later - earlier for earlier, later in pairwise(database.times)) >= COMMIT_EVERY - 1e-6
            assert 20 <= len(database.times) <= 60 / COMMIT_EVERY + 2
            assert max(waits) <= COMMIT_EVERY + 0.1
        assert len(names(held(path))) == 200

    warped(work)


def test_unawaited_rows(path: Path) -> None:
    """What nobody waits for is not written at once, but within LATEST seconds and one look."""

    async def work() -> None:
        clock = WarpClock()
        database = CountingDatabase(path, clock)
        async with at_work(Desk(database, clock)) as desk:
            looking = asyncio.create_task(looked_after(desk))
            desk.enter("contoso")

            await asyncio.sleep(LATEST - 1)
            assert names(held(path)) == set()
            await asyncio.sleep(LOOK_EVERY + 2)
            assert names(held(path)) == {"contoso"}

            await asyncio.sleep(10 * LATEST)
            assert len(database.times) == 1
            await stopped(looking)

    warped(work)


def test_nothing_to_wait_for(path: Path) -> None:
    """Whoever waits while nothing is unwritten is let go at once, without a commit."""

    async def work() -> None:
        clock = WarpClock()
        database = CountingDatabase(path, clock)
        async with at_work(Desk(database, clock)) as desk:
            await desk.journal.committed()
            await desk.committed("contoso")
            await desk.journal.committed()

            assert len(database.times) == 1

    warped(work)


def test_rows_put_during_a_commit(path: Path) -> None:
    """Rows put while a commit is under way are in the next, and who waits for them is let go after that only."""

    async def work() -> None:
        clock = WarpClock()
        database = HangingDatabase(path)
        async with at_work(Desk(database, clock)) as desk:
            database.hangs = True
            first = asyncio.create_task(desk.committed("contoso"))
            await asyncio.to_thread(database.reached.wait)
            second = asyncio.create_task(desk.committed("fabrikam"))
            third = asyncio.create_task(desk.journal.committed())
            database.hangs = False
            database.answer.set()

            await first
            assert names(held(path)) == {"contoso"}
            assert not second.done()
            assert not third.done()
            await asyncio.gather(second, third)
            assert names(held(path)) == {"contoso", "fabrikam"}

    warped(work)


def test_waiting_for_a_commit_under_way(path: Path) -> None:
    """Whoever comes with nothing new while a commit is under way is not let go before it is on the disk."""

    async def work() -> None:
        clock = WarpClock()
        database = HangingDatabase(path)
        async with at_work(Desk(database, clock)) as desk:
            database.hangs = True
            first = asyncio.create_task(desk.committed("contoso"))
            await asyncio.to_thread(database.reached.wait)
            second = asyncio.create_task(desk.journal.committed())
            with time_passes():
                await asyncio.sleep(5)
            assert not first.done()
            assert not second.done()
            database.answer.set()

            await second
            assert names(held(path)) == {"contoso"}

    warped(work)


def test_cancelled_commit(path: Path) -> None:
    """A commit that is cancelled in the middle is made up for when the journal is closed, whatever became of it."""

    async def work() -> None:
        database = HangingDatabase(path)
        desk = Desk(database, WarpClock())
        await desk.journal.open()
        running = asyncio.create_task(desk.journal.run())
        database.hangs = True
        waiting = asyncio.create_task(desk.committed("contoso"))
        await asyncio.to_thread(database.reached.wait)
        desk.enter("fabrikam")
        await stopped(running, waiting)
        database.answer.set()
        await desk.journal.close()

    warped(work)

    assert names(held(path)) == {"contoso", "fabrikam"}


def test_cancelled_waiter(path: Path) -> None:
    """Whoever stops waiting does not take his rows back, nor does he hinder others."""

    async def work() -> None:
        clock = WarpClock()
        async with at_work(Desk(Database(path), clock)) as desk:
            await desk.committed("contoso")
            impatient = asyncio.create_task(desk.committed("fabrikam"))
            patient = asyncio.create_task(desk.committed("tailspin"))
            await asyncio.sleep(0.5)
            impatient.cancel()

            await patient

            assert names(held(path)) == {"contoso", "fabrikam", "tailspin"}

    warped(work)


def test_closing(path: Path) -> None:
    """Closing writes what is left, and lets another have the file."""

    async def work() -> None:
        desk = Desk(Database(path), WarpClock())
        await desk.journal.open()
        desk.enter("contoso")
        desk.journal.purge("s", "contoso")
        desk.enter("fabrikam")

        await desk.journal.close()

    warped(work)

    other = Database(path)
    assert names(other.open()) == {"fabrikam"}
    other.close()


def test_closing_with_nothing_left(path: Path) -> None:
    """Closing makes no commit when everything is written."""

    async def work() -> None:
        clock = WarpClock()
        database = CountingDatabase(path, clock)
        async with at_work(Desk(database, clock)) as desk:
            await desk.committed("contoso")
        assert len(database.times) == 1

    warped(work)


async def test_first_commit_is_not_delayed(path: Path) -> None:
    """The first commit after a quiet time does not wait; the one right after it does."""
    clock = FakeClock()
    async with at_work(Desk(Database(path), clock)) as desk:
        await desk.committed("contoso")
        assert max(clock.waits) <= 0
        await desk.committed("fabrikam")
        assert max(clock.waits) == pytest.approx(COMMIT_EVERY)


def test_accepted_baselines(path: Path) -> None:
    """Looking after the file tells which baselines another program wants to be accepted, and the file's size."""

    async def work() -> None:
        clock = WarpClock()
        async with at_work(Desk(Database(path), clock)) as desk:
            await desk.committed("contoso")
            assert await desk.journal.look_after() == []
            desk.journal.put(tables.ACCEPTED, ("s", "contoso", "p", "2026-03-01"), ("{}",))
            await desk.journal.committed()

            assert await desk.journal.look_after() == [("s", "contoso", "p", "2026-03-01", "{}")]
            assert desk.journal.size > 4096 * len(tables.TABLES)

    warped(work)
