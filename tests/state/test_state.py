"""All sources together: restored at the start, written as they change, forgotten in time."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from exporter.errors import SettingsError
from exporter.records import Tenant
from exporter.state import LOOK_EVERY, REMEMBER, State, tables
from exporter.state.journal import AGAIN, LATEST
from tests.state.remembering import TIMING, entries, jobs, living, profile
from tests.state.storage import Disk, crashed, events, held, made, names, put_aside, remove
from tests.support.clock import FakeClock
from tests.support.warp import START, WarpClock, warped


async def test_in_memory_only() -> None:
    """Without a file all is remembered for as long as the process lives, and nobody waits but the writer."""
    state = State(None, FakeClock())
    await state.open()
    running = asyncio.create_task(state.run())
    source = state.source("s")
    source.enter_jobs("contoso", jobs(1), 1.0)
    source.leave("contoso", 1.0)
    source.forget(2.0)
    await source.writer.committed()

    assert not running.done()
    running.cancel()
    assert (state.writable, state.size) == (True, 0)
    assert state.source("s") is source
    assert source.tenants == {}
    await state.close()


def test_looking_after_memory() -> None:
    """Without a file tenants that left long ago are forgotten, too."""

    async def work() -> None:
        async with living(None) as state:
            source = state.source("s")
            source.resume("contoso")
            source.leave("contoso", START - REMEMBER)
            await asyncio.sleep(LOOK_EVERY + 1)
            assert source.tenants == {}

    warped(work)


def test_restart(path: Path) -> None:
    """A second process finds what the first one wrote, and says of how many tenants of each source."""

    async def first() -> None:
        async with living(path) as state:
            state.source("s").enter_jobs("contoso", jobs(3), 1.0)
            state.source("t").answered("fabrikam", "tenants", [Tenant(tenant="fabrikam", name="Fabrikam")])
            await state.source("s").writer.committed()
            assert state.writable

    async def second() -> None:
        with capture_logs() as log:
            async with living(path) as state:
                assert len(state.source("s").books("contoso").jobs.jobs) == 3
                assert state.source("t").of("fabrikam", "tenants").records == (
                    Tenant(tenant="fabrikam", name="Fabrikam"),
                )
                assert state.size > 0
        assert entries(log, "state_restored") == [{"path": str(path), "tenants": {"s": 1, "t": 1}}]

    warped(first)
    warped(second)


def test_foreign_file(path: Path) -> None:
    """Another program's database ends the start with a sentence that names the file."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE notes (note TEXT)")

    async def work() -> None:
        state = State(path, WarpClock())
        try:
            with pytest.raises(SettingsError, match=rf"^{path}: is another program's database; choose another file$"):
                await state.open()
        finally:
            await state.close()

    warped(work)


def test_written_soon_though_nobody_waits(path: Path) -> None:
    """What changes without anybody waiting for it is in the file within LATEST seconds and two looks."""

    async def work() -> None:
        async with living(path) as state:
            state.source("s").is_due("", "tenants", TIMING)
            await asyncio.sleep(LATEST + 2 * LOOK_EVERY)
            assert [row[:3] for row in held(path)[tables.COLLECTIONS]] == [("s", "", "tenants")]

    warped(work)


def test_tenants_that_left_long_ago(path: Path) -> None:
    """A tenant that left is remembered for 30 days; after that nothing is left of it in memory nor in the file."""

    async def work() -> None:
        async with living(path) as state:
            source = state.source("s")
            for tenant in ("contoso", "fabrikam"):
                source.enter_jobs(tenant, jobs(2), 1.0)
            source.enter_scan_profiles("contoso", profile(mode="on"), 1.0)
            source.leave("contoso", START - REMEMBER + 60)
            await asyncio.sleep(60)
            assert set(source.tenants) == {"contoso", "fabrikam"} == names(held(path))

            await asyncio.sleep(LATEST + 4 * LOOK_EVERY)
            assert set(source.tenants) == {"fabrikam"}
            assert {row[1] for rows in held(path).values() for row in rows} == {"fabrikam"}

    warped(work)


def test_removed_source(path: Path) -> None:
    """A source that is configured no more is left as it is for a time, and others are not touched."""

    async def work() -> None:
        async with living(path) as state:
            for name in ("s", "t"):
                state.source(name).answered("contoso", "protection", [])
            state.retire_all_but(["t"])
            assert state.source("s").books("contoso").left_at is not None
            assert state.source("s").of("contoso", "protection").records == []
            assert state.source("t").books("contoso").left_at is None
            state.source("s").resume("contoso")
            assert state.source("s").books("contoso").left_at is None

    warped(work)


def test_removed_source_that_returns(path: Path) -> None:
    """What a source asks for all at once goes with its last tenant, but not if it is configured again meanwhile."""

    async def work() -> None:
        async with living(path) as state:
            for name in ("s", "t"):
                state.source(name).is_due("", "tenants", TIMING)
            await asyncio.sleep(LATEST + 2 * LOOK_EVERY)
            state.retire_all_but([])
            state.retire_all_but(["t"])
            await asyncio.sleep(LATEST + 3 * LOOK_EVERY)

            assert state.source("s").collected == {}
            assert state.source("t").of("", "tenants").timing == TIMING
            assert [row[0] for row in held(path)[tables.COLLECTIONS]] == ["t"]

    warped(work)


def test_read_only_place(disk: Disk) -> None:
    """A state in a place that is read-only is restored, counted on, and written once that is allowed."""
    path = disk.place / "state.db"
    crashed(path, "contoso")
    disk.read_only(on=True)

    async def work() -> None:
        async with living(path) as state:
            source = state.source("s")
            assert set(source.tenants) == {"contoso"}
            assert not state.writable
            source.enter_jobs("contoso", jobs(2), 1.0)
            await source.writer.committed()
            disk.read_only(on=False)
            await asyncio.sleep(AGAIN + 3 * LOOK_EVERY)

            assert state.writable
            assert len(held(path)[tables.JOBS]) == 2

    warped(work)


def test_deleted_file(path: Path) -> None:
    """A file that is deleted is written anew with all rows of all sources, books and collections and answers."""

    async def work() -> None:
        async with living(path) as state:
            for name in ("s", "t"):
                source = state.source(name)
                source.enter_jobs("contoso", jobs(1200), 1.0)
                source.enter_scan_profiles("contoso", profile(mode="on"), 1.0)
                source.answered("fabrikam", "protection", [])
                source.is_due("", "tenants", TIMING)
                await source.writer.committed()
            before = await asyncio.to_thread(held, path)
            remove(path)
            await asyncio.sleep(LOOK_EVERY + 1)

            assert held(path) == before
            assert [len(before[table]) for table in (tables.JOBS, tables.ANSWERS, tables.COLLECTIONS)] == [2400, 2, 2]

    warped(work)


SPOILT = ("s", "contoso", "p", 1.0, "{spoilt", "{}", 1.0, 0)


def spoil(path: Path) -> None:
    """Make a state file of which one row makes no sense, which no integrity check finds."""
    made(path, "contoso")
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(tables.SCAN_PROFILES.put, SPOILT)
        connection.commit()


def test_row_that_makes_no_sense(path: Path) -> None:
    """A row that cannot be understood is left where it is and told of, without its values; all others are restored."""
    spoil(path)

    async def work() -> None:
        with capture_logs() as log:
            async with living(path) as state:
                assert state.writable
                assert set(state.source("s").tenants) == {"contoso"}
                assert state.source("s").books("contoso").scan_profiles.profiles == {}
                state.source("s").resume("fabrikam")
                await state.source("s").writer.committed()
        assert events(log) == ["state_row_dropped", "state_restored"]
        dropped = {"table": "scan_profiles", "source": "s", "tenant": "contoso", "error": "ValueError"}
        assert entries(log, "state_row_dropped") == [dropped]

    warped(work)

    assert held(path)[tables.SCAN_PROFILES] == [SPOILT]
    assert names(held(path)) == {"contoso", "fabrikam"}


def test_row_that_makes_no_sense_in_a_read_only_place(disk: Disk) -> None:
    """Where nothing can be written, too, all rows but the one that makes no sense are counted on and kept."""
    path = disk.place / "state.db"
    spoil(path)
    disk.read_only(on=True)

    async def work() -> None:
        async with living(path) as state:
            assert not state.writable
            assert set(state.source("s").tenants) == {"contoso"}
            state.source("s").resume("fabrikam")
            disk.read_only(on=False)
            await asyncio.sleep(AGAIN + 3 * LOOK_EVERY)
            assert state.writable

    warped(work)

    assert not [*put_aside(path, "superseded"), *put_aside(path, "corrupt")]
    assert names(held(path)) == {"contoso", "fabrikam"}
    assert held(path)[tables.SCAN_PROFILES] == []
