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
    replace_by_garbage,
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


@pytest.mark.xfail(
    strict=True, raises=AssertionError, reason="after a renewal that failed, only the next batch is written"
)
def test_file_gone_on_a_full_disk(disk: Disk) -> None:
    """A file that is deleted, and for whose successor there is no room, is written whole once there is."""
    path = disk.place / "state.db"

    async def work() -> None:
        async with at_work(Desk(Database(path), WarpClock())) as desk:
            looking = asyncio.create_task(looked_after(desk))
            await desk.committed("contoso", *MANY)
            remove(path)
            disk.fill()
            await asyncio.sleep(LOOK_EVERY + 1)
            assert not desk.journal.writable
            disk.make_room()
            desk.enter("tailspin")
            await asyncio.sleep(2 * AGAIN)

            assert names(held(path)) == {"contoso", *MANY, "tailspin"}
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


def test_unreadable_place(tmp_path: Path) -> None:
    """Where nothing can be written nor read, that is said, counting begins at 0, and serving goes on."""
    (tmp_path / "file").touch()

    async def work() -> None:
        desk = Desk(Database(tmp_path / "file" / "state.db"), WarpClock())
        with capture_logs() as log:
            async with at_work(desk):
                await desk.committed("contoso")
                assert await desk.journal.look_after() == ()
        assert events(log) == ["state_not_writable", "state_not_readable"]

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


@pytest.mark.xfail(
    strict=True, raises=AssertionError, reason="who came while the commit hung is only let go when the disk answers"
)
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

    async def work() -> None:
        database = HangingDatabase(path)
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
        database.close()

    warped(work)


def test_deleted_file(path: Path) -> None:
    """A file that is deleted under the running daemon is soon written anew, with all rows and the same care."""

    async def work() -> None:
        async with at_work(Desk(Database(path), WarpClock())) as desk:
            looking = asyncio.create_task(looked_after(desk))
            await desk.committed("contoso")
            remove(path)
            with capture_logs() as log:
                await asyncio.sleep(LOOK_EVERY + 1)
            assert events(log) == ["state_file_gone"]
            assert names(held(path)) == {"contoso"}

            await desk.committed("fabrikam")
            assert names(held(path)) == {"contoso", "fabrikam"}
            await stopped(looking)

    warped(work)

    assert path.stat().st_mode & 0o777 == 0o600


class Unhurried(Desk):
    """A memory so large that to gather all of it takes many turns of the loop."""

    def __init__(self, database: Database) -> None:
        super().__init__(database, WarpClock())
        self.gathering, self.go_on = asyncio.Event(), asyncio.Event()

    async def _everything(self) -> Batch:
        batch = await super()._everything()
        self.gathering.set()
        await self.go_on.wait()
        return batch


@pytest.mark.xfail(strict=True, raises=AssertionError, reason="the commit goes to the old file, and is not repeated")
def test_commit_while_all_rows_are_gathered(path: Path) -> None:
    """A row that is committed just while all are gathered for a new file is in the new file too."""

    async def work() -> None:
        async with at_work(Unhurried(Database(path))) as desk:
            await desk.committed("contoso")
            remove(path)
            looking = asyncio.create_task(desk.journal.look_after())
            await desk.gathering.wait()
            committing = asyncio.create_task(desk.committed("fabrikam"))
            await asyncio.sleep(5)
            desk.go_on.set()
            await asyncio.gather(looking, committing)

            assert names(held(path)) == {"contoso", "fabrikam"}

    warped(work)


def test_deleted_folder(tmp_path: Path) -> None:
    """The whole folder may be deleted, too."""
    path = tmp_path / "folder" / "state.db"

    async def work() -> None:
        async with at_work(Desk(Database(path), WarpClock())) as desk:
            await desk.committed("contoso")
            path.parent.rename(tmp_path / "elsewhere")
            await desk.journal.look_after()

            assert names(held(path)) == {"contoso"}

    warped(work)


def test_file_replaced_by_garbage(path: Path) -> None:
    """A file that is no state file and takes ours' place is moved aside, and ours is written anew."""

    async def work() -> None:
        async with at_work(Desk(Database(path), WarpClock())) as desk:
            await desk.committed("contoso")
            replace_by_garbage(path)
            with capture_logs() as log:
                await desk.journal.look_after()
            assert events(log) == ["state_file_gone", "state_moved_aside"]
            assert names(held(path)) == {"contoso"}

    warped(work)


@pytest.mark.xfail(
    strict=True, raises=AssertionError, reason="SQLite leaves our log behind, and applies it to the foreign file"
)
def test_file_replaced_by_a_foreign_one(path: Path) -> None:
    """Another program's database that takes our file's place is left alone, and serving goes on without a file."""
    foreign = path.with_name("foreign.db")
    with closing(sqlite3.connect(foreign)) as connection:
        connection.execute("CREATE TABLE notes (note TEXT)")
    before = foreign.read_bytes()

    async def work() -> None:
        async with at_work(Desk(Database(path), WarpClock())) as desk:
            await desk.committed("contoso")
            foreign.rename(path)
            with capture_logs() as log:
                await desk.journal.look_after()
                await desk.committed("fabrikam")
                await desk.journal.flush()
            assert events(log) == ["state_file_gone", "state_not_writable"]
            assert not desk.journal.writable

    warped(work)

    assert foreign.with_name("state.db").read_bytes() == before


@pytest.mark.parametrize("rows", [1, 60_000])
def test_file_that_breaks(path: Path, rows: int) -> None:
    """A file that is overwritten while it is used is moved aside and written anew from memory, with all rows."""
    many = [f"contoso {number:050}" for number in range(rows)]

    async def work() -> None:
        async with at_work(Desk(Database(path), WarpClock())) as desk:
            await desk.committed(*many)
            with closing(sqlite3.connect(path)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
            overwrite(path)
            with capture_logs() as log:
                await desk.committed("fabrikam", *many[::7])
                await desk.journal.look_after()
            assert events(log) == ["state_file_broken", "state_moved_aside"]
            assert desk.journal.writable
            assert len(put_aside(path, "corrupt")) == 1
        assert names(held(path)) == {"fabrikam", *many}

    warped(work)


@pytest.mark.xfail(strict=True, raises=AssertionError, reason="not read again while all of it is cached or in the log")
def test_small_file_that_breaks(path: Path) -> None:
    """A file that is overwritten while all of it is in SQLite's cache is written anew no later than it is closed."""

    async def work() -> None:
        async with at_work(Desk(Database(path), WarpClock())) as desk:
            await desk.committed("contoso")
            overwrite(path)
            await desk.journal.look_after()
            await desk.committed("fabrikam")
            await desk.journal.look_after()

    warped(work)

    database = Database(path)
    contents = database.open()
    database.close()
    assert names(contents) == {"contoso", "fabrikam"}


def replace_by_file(folder: Path) -> None:
    """Move the folder away, and put a file in its place."""
    folder.rename(folder.with_name("elsewhere"))
    folder.touch()


def overwrite(path: Path) -> None:
    """Write garbage over all of a file."""
    with path.open("r+b") as file:
        file.write(b"garbage " * (path.stat().st_size // 8))


@pytest.mark.xfail(strict=True, raises=AssertionError, reason="only rows that wait to be written cause another attempt")
def test_recovery_without_news(tmp_path: Path) -> None:
    """A file that could not be written anew is tried again, even when nothing has been put meanwhile."""
    path = tmp_path / "folder" / "state.db"

    async def work() -> None:
        async with at_work(Desk(Database(path), WarpClock())) as desk:
            looking = asyncio.create_task(looked_after(desk))
            await desk.committed("contoso")
            replace_by_file(path.parent)
            await asyncio.sleep(LOOK_EVERY + 1)
            assert not desk.journal.writable
            remove(path.parent)
            await asyncio.sleep(3 * AGAIN)
            writable = desk.journal.writable
            await stopped(looking)
        assert writable

    warped(work)


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
