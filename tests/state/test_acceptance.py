"""A baseline that a command asks for is taken over once by the daemon, now or at its next start."""

import asyncio
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from exporter.state import LOOK_EVERY, State, tables
from exporter.state.database import Database
from exporter.state.journal import LATEST
from tests.state.remembering import entries, living, profile
from tests.state.storage import held, tenants
from tests.support.clock import FakeClock
from tests.support.warp import warped


def accept(path: Path, profile_name: str, settings: str, *, source: str = "s", asked_at: str = "2026-03-01") -> None:
    """Ask for a baseline as the command does: by a row in the file."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute(tables.ACCEPTED.put, (source, "contoso", profile_name, asked_at, settings))
        connection.commit()


def test_accepted_baseline(path: Path) -> None:
    """A baseline that a command puts into the file is taken over by the running daemon, once, and its row deleted."""
    told: list[tuple[str, str]] = []

    async def work() -> None:
        async with living(path) as state:
            state.baseline_accepted = lambda source, tenant: told.append((source, tenant))
            source = state.source("s")
            source.enter_scan_profiles("contoso", profile(mode="on", daily="yes"), 1.0)
            source.enter_scan_profiles("contoso", profile(mode="off", daily="yes"), 2.0)
            await source.writer.committed()
            await asyncio.to_thread(accept, path, "p", '{"mode": "off"}')
            with capture_logs() as log:
                await asyncio.sleep(LATEST + 3 * LOOK_EVERY)

            assert source.books("contoso").scan_profiles.profiles["p"].agreed == {"mode": "off", "daily": "yes"}
            found = {"source": "s", "tenant": "contoso", "profile": "p", "found": True}
            assert entries(log, "baseline_accepted") == [found]
            assert told == [("s", "contoso")]
            contents = held(path)
            assert contents[tables.ACCEPTED] == []
            assert contents[tables.SCAN_PROFILES][0][4] == '{"mode":"off","daily":"yes"}'

    warped(work)


def test_accepted_baseline_is_told_once(path: Path) -> None:
    """A baseline that was taken over is logged once, however often its row is seen before it is deleted."""

    async def work() -> None:
        async with living(path) as state:
            state.source("s").enter_scan_profiles("contoso", profile(mode="on"), 1.0)
            await state.source("s").writer.committed()
            await asyncio.to_thread(accept, path, "p", "{}")
            with capture_logs() as log:
                await asyncio.sleep(2 * LOOK_EVERY + 1)
                assert len(held(path)[tables.ACCEPTED]) == 1
                await asyncio.sleep(LATEST + LOOK_EVERY)
            assert len(entries(log, "baseline_accepted")) == 1
            assert held(path)[tables.ACCEPTED] == []

    warped(work)


def test_accepting_the_same_again(path: Path) -> None:
    """A baseline that is asked for again later, even by a row with the same key, is taken over again."""

    async def work() -> None:
        async with living(path) as state:
            source = state.source("s")
            source.enter_scan_profiles("contoso", profile(mode="on"), 1.0)
            await source.writer.committed()
            for mode in ("off", "never"):
                await asyncio.to_thread(accept, path, "p", f'{{"mode": "{mode}"}}')
                await asyncio.sleep(LATEST + 4 * LOOK_EVERY)
                assert source.books("contoso").scan_profiles.profiles["p"].agreed == {"mode": mode}

    warped(work)


def test_acceptance_in_a_file_that_is_renewed(path: Path) -> None:
    """What a command asks for just when a file is written anew is not deleted unread."""
    database = Database(path)
    database.open()
    accept(path, "p", '{"mode": "off"}')

    database.renew(tenants("contoso"))

    assert database.accepted() == [("s", "contoso", "p", "2026-03-01", '{"mode": "off"}')]
    database.close()


def test_accepting_twice(path: Path) -> None:
    """A baseline that is accepted again just before the first is written down is taken over as well."""

    async def work() -> None:
        async with living(path) as state:
            source = state.source("s")
            source.enter_scan_profiles("contoso", profile(mode="on"), 1.0)
            await source.writer.committed()
            await asyncio.to_thread(accept, path, "p", '{"mode": "off"}')
            await asyncio.sleep(LOOK_EVERY + 1)
            await asyncio.to_thread(accept, path, "p", '{"mode": "never"}', asked_at="2026-03-02")
            await source.writer.committed()
            await asyncio.sleep(LATEST + 3 * LOOK_EVERY)
            assert source.books("contoso").scan_profiles.profiles["p"].agreed == {"mode": "never"}
            assert held(path)[tables.ACCEPTED] == []

    warped(work)


def test_accepted_while_nobody_ran(path: Path) -> None:
    """A baseline that was accepted while no daemon ran is taken over at the start; unknown ones are dropped."""

    async def before() -> None:
        async with living(path) as state:
            state.source("s").enter_scan_profiles("contoso", profile(mode="on"), 1.0)

    async def after() -> None:
        with capture_logs() as log:
            async with living(path) as state:
                assert state.source("s").books("contoso").scan_profiles.profiles["p"].agreed == {"mode": "off"}
                await asyncio.sleep(LATEST + 2 * LOOK_EVERY)
                assert held(path)[tables.ACCEPTED] == []
                assert set(state.source("s").tenants) == {"contoso"}
                assert state.source("unknown").tenants == {}
        found = {(entry["source"], entry["profile"]): entry["found"] for entry in entries(log, "baseline_accepted")}
        assert found == {("s", "p"): True, ("s", "q"): False, ("unknown", "p"): False}

    warped(before)
    accept(path, "p", '{"mode": "off"}')
    accept(path, "q", '{"mode": "off"}')
    accept(path, "p", '{"mode": "off"}', source="unknown")
    warped(after)


@pytest.mark.parametrize("settings", ["{spoilt", "[]"])
def test_spoilt_acceptance(path: Path, settings: str) -> None:
    """A wish for a baseline that cannot be read does not keep the daemon from starting, and changes nothing."""
    database = Database(path)
    database.open()
    batch = tenants("contoso")
    batch.put(tables.SCAN_PROFILES, ("s", "contoso", "p"), (1.0, '{"mode":"on"}', "{}", 1.0, 0))
    batch.put(tables.ACCEPTED, ("s", "contoso", "p", "2026-03-01"), (settings,))
    database.write(batch)
    database.close()

    async def work() -> None:
        state = State(path, FakeClock())
        try:
            with capture_logs() as log:
                await state.open()
            (told,) = entries(log, "baseline_accepted")
            assert not told["found"]
            assert state.source("s").books("contoso").scan_profiles.profiles["p"].agreed == {"mode": "on"}
        finally:
            await state.close()

    warped(work)

    assert held(path)[tables.ACCEPTED] == []


def test_spoilt_acceptance_while_running(path: Path) -> None:
    """A wish for a baseline that cannot be read does not end the housekeeping."""

    async def work() -> None:
        async with living(path) as state:
            state.source("s").enter_scan_profiles("contoso", profile(mode="on"), 1.0)
            await state.source("s").writer.committed()
            await asyncio.to_thread(accept, path, "p", "{spoilt")
            await asyncio.to_thread(accept, path, "p", '{"mode": "off"}', asked_at="2026-03-02")
            await asyncio.sleep(LATEST + 3 * LOOK_EVERY)

            assert state.source("s").books("contoso").scan_profiles.profiles["p"].agreed == {"mode": "off"}
            assert held(path)[tables.ACCEPTED] == []

    warped(work)
