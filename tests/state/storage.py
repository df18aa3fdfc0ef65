"""State files to look into, disks that fail, and a memory with a journal before it."""

import asyncio
import shutil
import sqlite3
import subprocess
import threading
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from contextlib import asynccontextmanager, closing, contextmanager
from pathlib import Path
from typing import Any, TypeVar

import pytest

from exporter.clock import Clock
from exporter.state import tables
from exporter.state.batch import Batch
from exporter.state.database import Contents, Database
from exporter.state.journal import Journal
from exporter.state.tables import Row
from tests.support.warp import WarpSelector

LOOK_EVERY = 5.0
AnyDesk = TypeVar("AnyDesk", bound="Desk")


def tenants(*names: str, source: str = "s") -> Batch:
    """Return a batch that writes tenants."""
    batch = Batch()
    for name in names:
        batch.put(tables.TENANTS, (source, name), (1, None))
    return batch


def names(contents: Contents) -> set[str]:
    """Return the tenants among *contents*."""
    return {row[1] for row in contents[tables.TENANTS]}


def held(path: Path) -> Contents:
    """Return what the file holds, as another program sees it."""
    with closing(sqlite3.connect(path)) as connection:
        return {table: connection.execute(table.select).fetchall() for table in tables.TABLES}


def made(path: Path, *tenant_names: str) -> None:
    """Make a state file that tells of these tenants."""
    database = Database(path)
    database.open()
    database.write(tenants(*tenant_names))
    database.close()


def crashed(path: Path, *tenant_names: str, version: int | None = None) -> None:
    """Make a state file as a crash leaves it: with all that was written still in its log."""
    place = path.with_name("before the crash")
    database = Database(place / "state.db")
    database.open()
    database.write(tenants(*tenant_names))
    if version is not None:
        with closing(sqlite3.connect(database.path)) as connection:
            connection.execute(f"PRAGMA user_version = {version}")
    for companion in ("", "-wal"):
        shutil.copyfile(f"{database.path}{companion}", f"{path}{companion}")
    database.close()
    shutil.rmtree(place)


def remove(path: Path) -> None:
    """Delete the file."""
    path.unlink()


def replace_by_garbage(path: Path) -> None:
    """Put something that is no database in the file's place."""
    path.unlink()
    path.write_bytes(b"garbage" * 1000)


def events(log: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return what was logged, without the facts."""
    return [entry["event"] for entry in log]


def put_aside(path: Path, why: str) -> list[Path]:
    """Return the files that were moved aside, without their companions."""
    return [found for found in path.parent.glob(f"{path.name}.{why}-*") if found.name.endswith("Z")]


class HangingDatabase(Database):
    """A database whose disk does not answer until it is told to."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.hangs = False
        self.reached = threading.Event()
        """Set once a write hangs."""
        self.answer = threading.Event()
        self.written = threading.Event()

    def write(self, batch: Batch) -> None:
        """Write, after a while."""
        if self.hangs:
            self.reached.set()
            self.answer.wait(30)
        super().write(batch)
        self.written.set()


class CountingDatabase(Database):
    """A database that notes when it is written to."""

    def __init__(self, path: Path, clock: Clock) -> None:
        super().__init__(path)
        self.clock = clock
        self.loop = asyncio.get_running_loop()
        self.times: list[float] = []
        self.batches: list[set[str]] = []

    def write(self, batch: Batch) -> None:
        """Note it, and write."""
        self.times.append(self.loop.time())
        self.batches.append({tenant for _, tenant in batch.of(tables.TENANTS)})
        super().write(batch)


class Desk:
    """A memory of tenants, whose every change is handed to a journal."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self.rows: dict[str, Row] = {}
        self.journal = Journal(database, clock, self._everything)

    def enter(self, *tenant_names: str) -> None:
        """Remember tenants."""
        for name in tenant_names:
            self.rows[name] = (1, None)
            self.journal.put(tables.TENANTS, ("s", name), self.rows[name])

    async def committed(self, *tenant_names: str) -> None:
        """Remember tenants, and wait until that is durable."""
        self.enter(*tenant_names)
        await self.journal.committed()

    async def _everything(self) -> Batch:
        return tenants(*self.rows)


@asynccontextmanager
async def at_work(desk: AnyDesk) -> AsyncIterator[AnyDesk]:
    """Open the file, and commit what is waited for while the context lasts."""
    await desk.journal.open()
    running = asyncio.create_task(desk.journal.run())
    try:
        yield desk
    finally:
        await stopped(running)
        await desk.journal.close()


async def stopped(*tasks: asyncio.Task[None]) -> None:
    """Cancel tasks, and wait until they are."""
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def looked_after(desk: Desk) -> None:
    """Do what time asks for, every few seconds."""
    while True:
        await asyncio.sleep(LOOK_EVERY)
        await desk.journal.look_after()


@contextmanager
def time_passes() -> Iterator[None]:
    """Let the warped loop's time go on although a thread is at work."""
    selector = asyncio.get_running_loop().warp  # type: ignore[attr-defined]
    assert isinstance(selector, WarpSelector)
    selector.working -= 1
    try:
        yield
    finally:
        selector.working += 1


def mount(*arguments: str) -> bool:
    """Mount something; tell whether that was allowed."""
    program = shutil.which("mount")
    if program is None:
        return False
    return subprocess.run([program, *arguments], check=False, capture_output=True).returncode == 0  # noqa: S603


class Disk:
    """A small file system of its own."""

    def __init__(self, place: Path) -> None:
        self.place = place
        self._ballast = place / "ballast"

    def fill(self) -> None:
        """Leave no room at all."""
        with self._ballast.open("wb", buffering=0) as ballast:
            try:
                while True:
                    ballast.write(b"x" * 4096)
            except OSError:
                return

    def make_room(self) -> None:
        """Take the ballast away."""
        self._ballast.unlink()

    def read_only(self, on: bool) -> None:  # noqa: FBT001 - a switch
        """Let nobody write, or let them again."""
        assert mount("-o", "remount,ro" if on else "remount,rw", str(self.place))


@contextmanager
def small_disk(place: Path) -> Iterator[Disk]:
    """Provide a file system of 1 MiB; skip the test where that is not allowed."""
    place.mkdir()
    if not mount("-t", "tmpfs", "-o", "size=1m", "none", str(place)):
        pytest.skip("mounting a file system is not allowed here")
    try:
        yield Disk(place)
    finally:
        subprocess.run(["umount", "--lazy", str(place)], check=True)  # noqa: S603, S607
