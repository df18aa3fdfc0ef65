"""While nothing can be written the exporter serves on, says so once, and writes everything afterwards."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from exporter.errors import SettingsError
from exporter.state.batch import Batch
from exporter.state.database import Database
from exporter.state.journal import AGAIN, HANGING, STOPPING
from tests.state.storage import (
    LOOK_EVERY,
    Desk,
    Disk,
    HangingDatabase,
    at_work,
    events,
    held,
    looked_after,
    made,
    names,
    put_aside,
    remove,
    stopped,
    time_passes,
)
from tests.support.warp import WarpClock, warped

MANY = tuple(f"fabrikam {number:0500}" for number in range(200))
"""More than fits into what the log has of room already."""


def test_full_disk(disk: Disk) -> None:
    """On a full disk nobody waits, it is said once, and all is in the file once there is room again."""
    path = disk.place / "state.db"

    async def work() -> None:
        async with at_work(Desk(Database(path), WarpClock())) as desk:
            looking = asyncio.create_task(looked_after(desk))
            await desk.committed("contoso")
            disk.fill()
            with capture_logs() as log:
                await desk.committed(*MANY)
                await desk.committed("tailspin")
                assert not desk.journal.writable
                await asyncio.sleep(3 * AGAIN)
                desk.enter("adatum")
            assert events(log) == ["state_not_writable"]
            assert names(held(path)) == {"contoso"}

            disk.make_room()
            with capture_logs() as log:
                await asyncio.sleep(AGAIN + 2 * LOOK_EVERY)
            assert events(log) == ["state_writable_again"]
            assert desk.journal.writable
            assert names(held(path)) == {"contoso", *MANY, "tailspin", "adatum"}
            await desk.committed("northwind")
            assert "northwind" in names(held(path))
            await stopped(looking)

    warped(work)


def test_read_only_place(disk: Disk) -> None:
    """A file in a place that is read-only at the start is read and counted on; it is written once that is allowed."""
    path = disk.place / "state.db"
    made(path, "contoso")
    disk.read_only(on=True)

    async def work() -> None:
        desk = Desk(Database(path), WarpClock())
        with capture_logs() as log:
            contents = await desk.journal.open()
        assert events(log) == ["state_not_writable"]
        assert names(contents) == {"contoso"}
        desk.rows = {"contoso": (1, None)}

        async with at_work(desk):
            looking = asyncio.create_task(looked_after(desk))
            with capture_logs() as log:
                await desk.committed("fabrikam")
                await asyncio.sleep(3 * AGAIN)
            assert events(log) == []
            disk.read_only(on=False)
            with capture_logs() as log:
                await asyncio.sleep(AGAIN + 2 * LOOK_EVERY)
            await stopped(looking)
        assert events(log) == ["state_writable_again"]
        assert names(held(path)) == {"contoso", "fabrikam"}
        assert not put_aside(path, "superseded")

    warped(work)


def test_place_without_a_file(tmp_path: Path) -> None:
    """Where nothing can be written and there is no file to be read, only that is said, and serving goes on."""
    (tmp_path / "file").touch()

    async def work() -> None:
        desk = Desk(Database(tmp_path / "file" / "state.db"), WarpClock())
        with capture_logs() as log:
            async with at_work(desk):
                await desk.committed("contoso")
                assert await desk.journal.look_after() is None
        assert events(log) == ["state_not_writable"]

    warped(work)


def test_broken_file_that_cannot_be_moved(disk: Disk) -> None:
    """A broken file in a read-only place is said to be unreadable; it is moved aside once that is allowed."""
    path = disk.place / "state.db"
    path.write_bytes(b"garbage" * 1000)
    disk.read_only(on=True)

    async def work() -> None:
        with capture_logs() as log:
            async with at_work(Desk(Database(path), WarpClock())) as desk:
                await desk.committed("contoso")
                disk.read_only(on=False)
                await desk.journal.flush()
                assert names(held(path)) == {"contoso"}
        assert events(log) == [
            "state_not_writable",
            "state_not_readable",
            "state_moved_aside",
            "state_writable_again",
        ]
        (aside,) = put_aside(path, "superseded")
        assert aside.read_bytes() == b"garbage" * 1000

    warped(work)


def test_foreign_file(path: Path) -> None:
    """Another program's database ends the start."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE notes (note TEXT)")

    async def work() -> None:
        desk = Desk(Database(path), WarpClock())
        with pytest.raises(SettingsError):
            await desk.journal.open()
        await desk.journal.close()

    warped(work)


async def until_writable(desk: Desk) -> None:
    """Wait until a commit that hung has come to its end."""
    while not desk.journal.writable:  # noqa: ASYNC110 - it has no event that says so
        await asyncio.sleep(0.1)


def test_hanging_disk(path: Path) -> None:
    """A disk that does not answer is waited for HANGING seconds, once; what was put meanwhile is written in the end."""

    async def work() -> None:
        database = HangingDatabase(path)
        async with at_work(Desk(database, WarpClock())) as desk:
            loop = asyncio.get_running_loop()
            database.hangs = True
            with capture_logs() as log, time_passes():
                await desk.committed("contoso")
                assert loop.time() == pytest.approx(HANGING, abs=1)
                await desk.committed("fabrikam")
                await desk.committed("tailspin")
                assert loop.time() == pytest.approx(HANGING, abs=1)
            assert events(log) == ["state_not_writable"]
            assert not desk.journal.writable
            database.hangs = False
            with capture_logs() as log:
                database.answer.set()
                await until_writable(desk)
                await desk.journal.committed()
            assert events(log) == ["state_writable_again"]
            assert names(held(path)) == {"contoso", "fabrikam", "tailspin"}

    warped(work)


def test_coming_while_the_disk_hangs(path: Path) -> None:
    """Whoever came after the commit that hangs, but before it was given up, is let go with the others."""

    async def work() -> None:
        database = HangingDatabase(path)
        async with at_work(Desk(database, WarpClock())) as desk:
            database.hangs = True
            first = asyncio.create_task(desk.committed("contoso"))
            await asyncio.to_thread(database.reached.wait)
            second = asyncio.create_task(desk.committed("fabrikam"))
            with time_passes():
                await asyncio.sleep(HANGING + 1)
            done = first.done(), second.done()
            database.answer.set()
            await asyncio.gather(first, second)
        assert done == (True, True)

    warped(work)


def test_closing_while_the_disk_hangs(path: Path) -> None:
    """Closing does not wait longer than STOPPING seconds for a disk that does not answer, and says what is lost."""
    database = HangingDatabase(path)

    async def work() -> None:
        desk = Desk(database, WarpClock())
        await desk.journal.open()
        database.hangs = True
        desk.enter("contoso")
        loop = asyncio.get_running_loop()
        closing_it = asyncio.create_task(desk.journal.close())
        with capture_logs() as log:
            await asyncio.to_thread(database.reached.wait)
            with time_passes():
                await closing_it
        assert events(log) == ["state_not_flushed"]
        assert loop.time() == pytest.approx(STOPPING, abs=0.5)
        database.answer.set()
        await asyncio.to_thread(database.written.wait)

    warped(work)

    database.close()


def test_locked_by_another_program(path: Path) -> None:
    """A file that another program keeps locked for too long counts as one that cannot be written, until it is not."""

    async def work() -> None:
        database = Database(path)
        async with at_work(Desk(database, WarpClock())) as desk:
            await desk.committed("contoso")
            assert database._connection is not None  # noqa: SLF001 - five real seconds are too long for a test
            database._connection.execute("PRAGMA busy_timeout = 0")  # noqa: SLF001
            with closing(sqlite3.connect(path, isolation_level=None)) as other:
                other.execute("BEGIN IMMEDIATE")
                await desk.committed("fabrikam")
                assert not desk.journal.writable
            await desk.journal.flush()

            assert desk.journal.writable
            assert names(held(path)) == {"contoso", "fabrikam"}

    warped(work)


class Forgetful(Desk):
    """A memory with a bug: at first, nobody can gather all that it holds."""

    gathered = 0

    async def _everything(self) -> Batch:
        self.gathered += 1
        if self.gathered == 1:
            raise KeyError("a bug")
        return await super()._everything()


def test_bug_while_writing(path: Path) -> None:
    """A bug on the way to the disk counts as a place that cannot be written: nobody waits, and no row is lost."""

    async def work() -> None:
        async with at_work(Forgetful(Database(path), WarpClock())) as desk:
            looking = asyncio.create_task(looked_after(desk))
            await desk.committed("contoso")
            remove(path)
            with capture_logs() as log:
                await desk.journal.look_after()
                await desk.committed("fabrikam")
                assert not desk.journal.writable
                await asyncio.sleep(AGAIN + 2 * LOOK_EVERY)
            await stopped(looking)
        assert [event for event in events(log) if event != "state_moved_aside"] == [
            "state_file_gone",
            "state_not_writable",
            "state_writable_again",
        ]
        assert names(held(path)) == {"contoso", "fabrikam"}

    warped(work)


def rename_table(path: Path, old: str, new: str) -> None:
    """Give a table another name."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(f"ALTER TABLE {old} RENAME TO {new}")


def test_file_that_cannot_be_looked_into(path: Path) -> None:
    """A file that cannot be read while it is looked after counts as one that cannot be written, until it is tried."""

    async def work() -> None:
        async with at_work(Desk(Database(path), WarpClock())) as desk:
            rename_table(path, "accepted_baselines", "elsewhere")
            with capture_logs() as log:
                assert await desk.journal.look_after() is None
                assert not desk.journal.writable
                rename_table(path, "elsewhere", "accepted_baselines")
                await asyncio.sleep(AGAIN + 1)
                assert await desk.journal.look_after() is None
                await asyncio.sleep(1)
            assert events(log) == ["state_not_writable", "state_writable_again"]
            assert await desk.journal.look_after() == []

    warped(work)
