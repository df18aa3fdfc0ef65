"""A file that is gone, taken or broken under the running daemon is written anew, with all that memory holds."""

import asyncio
import shutil
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from exporter.errors import SettingsError
from exporter.state.batch import Batch
from exporter.state.database import Database
from exporter.state.journal import AGAIN
from tests.state.storage import (
    LOOK_EVERY,
    Desk,
    Disk,
    at_work,
    events,
    held,
    looked_after,
    names,
    put_aside,
    remove,
    replace_by_garbage,
    stopped,
)
from tests.support.warp import WarpClock, warped

MANY = tuple(f"fabrikam {number:0500}" for number in range(200))
"""More than fits into what the log has of room already."""


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


def test_deleted_file(path: Path) -> None:
    """A file that is deleted under the running daemon is soon written anew, with all rows and the same care."""

    async def work() -> None:
        async with at_work(Desk(Database(path), WarpClock())) as desk:
            looking = asyncio.create_task(looked_after(desk))
            await desk.committed("contoso")
            remove(path)
            with capture_logs() as log:
                await asyncio.sleep(LOOK_EVERY + 1)
            assert events(log) == ["state_file_gone", "state_moved_aside"]
            assert names(held(path)) == {"contoso"}

            await desk.committed("fabrikam")
            assert names(held(path)) == {"contoso", "fabrikam"}
            await stopped(looking)

    warped(work)

    assert path.stat().st_mode & 0o777 == 0o600


def replace_by_folder(path: Path) -> None:
    """Put a folder that is not empty in the file's place."""
    path.unlink()
    path.mkdir()
    (path / "precious").touch()


def test_folder_in_the_place_of_the_file(path: Path) -> None:
    """A folder that takes our file's place is left alone; once it is gone the file is written anew without news."""

    async def work() -> None:
        async with at_work(Desk(Database(path), WarpClock())) as desk:
            looking = asyncio.create_task(looked_after(desk))
            await desk.committed("contoso")
            replace_by_folder(path)
            with capture_logs() as log:
                await asyncio.sleep(3 * AGAIN)
            assert events(log) == ["state_file_gone", "state_moved_aside", "state_not_writable"]
            assert (path / "precious").exists()

            shutil.rmtree(path)
            await asyncio.sleep(AGAIN + 2 * LOOK_EVERY)
            assert desk.journal.writable
            await stopped(looking)
        assert names(held(path)) == {"contoso"}

    warped(work)


def test_looking_only_notes(path: Path) -> None:
    """To look after a file that is gone writes nothing: whoever commits does, and asks for no baselines until then."""

    async def work() -> None:
        desk = Desk(Database(path), WarpClock())
        await desk.journal.open()
        desk.enter("contoso")
        await desk.journal.flush()
        remove(path)
        with capture_logs() as log:
            assert await desk.journal.look_after() is None
            assert await desk.journal.look_after() is None
        assert events(log) == ["state_file_gone"]
        assert not list(path.parent.glob("state.db"))

        await desk.journal.flush()
        assert names(held(path)) == {"contoso"}
        assert await desk.journal.look_after() == []
        await desk.journal.close()

    warped(work)


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
    """The whole folder may go, too: file and lock are made anew, and who has the old ones is not disturbed."""
    path = tmp_path / "folder" / "state.db"
    elsewhere, second = Database(tmp_path / "elsewhere" / "state.db"), Database(path)

    async def work() -> None:
        async with at_work(Desk(Database(path), WarpClock())) as desk:
            await desk.committed("contoso")
            path.parent.rename(elsewhere.path.parent)
            with capture_logs() as log:
                await desk.journal.look_after()
                await desk.journal.flush()

            assert events(log) == ["state_file_gone"]
            assert names(held(path)) == {"contoso"}
            with pytest.raises(SettingsError, match="in use by process"):
                await asyncio.to_thread(second.open)
            assert names(await asyncio.to_thread(elsewhere.open)) == {"contoso"}
            await asyncio.to_thread(elsewhere.close)

    warped(work)


def test_file_replaced_by_garbage(path: Path) -> None:
    """A file that is no state file and takes ours' place is moved aside, and ours is written anew."""

    async def work() -> None:
        async with at_work(Desk(Database(path), WarpClock())) as desk:
            await desk.committed("contoso")
            replace_by_garbage(path)
            with capture_logs() as log:
                await desk.journal.look_after()
                await desk.journal.flush()
            assert events(log) == ["state_file_gone", "state_moved_aside", "state_moved_aside"]
            assert [entry["why"] for entry in log[1:]] == ["moved", "superseded"]
            assert names(held(path)) == {"contoso"}

    warped(work)


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
            assert events(log) == ["state_file_gone", "state_moved_aside", "state_not_writable"]
            assert log[1]["why"] == "moved"
            assert not desk.journal.writable

    warped(work)

    assert foreign.with_name("state.db").read_bytes() == before


def overwrite(path: Path) -> None:
    """Write garbage over all of a file."""
    with path.open("r+b") as file:
        file.write(b"garbage " * (path.stat().st_size // 8))


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


def replace_by_file(folder: Path) -> None:
    """Move the folder away, and put a file in its place."""
    folder.rename(folder.with_name("elsewhere"))
    folder.touch()


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
