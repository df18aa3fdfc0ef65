"""The state file: opened, checked, read once, then written to, by one thread at a time."""

import os
import shutil
import sqlite3
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Final, TypeAlias

import structlog

from exporter.errors import SettingsError
from exporter.state.batch import Batch
from exporter.state.lock import InUse, Lock
from exporter.state.schema import MIGRATIONS, UnusableFile, prepare, refuse_foreign
from exporter.state.tables import ACCEPTED, ANSWERS, BOOKS, COLLECTIONS, TABLES, Row, Table

LOG: Final = structlog.get_logger("exporter.state")
BUSY: Final = 5.0
"""Seconds to wait for a command that reads or writes the same file."""
JOURNAL_LIMIT: Final = 16 << 20
"""Bytes that the write-ahead log keeps of what it once needed."""
COMPANIONS: Final = ("-wal", "-shm", "-journal")
REFUSED: Final = (UnicodeError, OverflowError, sqlite3.InterfaceError, sqlite3.ProgrammingError, sqlite3.IntegrityError)
"""What a value is answered with that no file can hold."""

Contents: TypeAlias = Mapping[Table, list[Row]]
"""All rows, keys included."""


class Database:
    """A SQLite file in write-ahead mode, each commit of which has reached the disk when it returns."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self._lock = Lock(path)
        self._connection: sqlite3.Connection | None = None
        self._log = path.with_name(path.name + "-wal")
        self._identity: tuple[int, int] | None = None
        self._log_identity: tuple[int, int] | None = None
        """Of the log, once it is there."""
        self._known = False
        """Whether what the file held when we started has been read."""

    def open(self) -> Contents:
        """Take the file, made if need be, and return what it holds.

        `SettingsError` if it is another's. OSError or sqlite3.Error if nothing can be written there; what can
        be read is had by `peek` then. A file that is corrupt or of a newer version is moved aside.
        """
        self._take()
        return self._connect()

    def peek(self) -> Contents | None:
        """Return what a file holds that cannot be written, read from a copy; ``None`` if it cannot even be read."""
        for folder in (None, "/dev/shm"):  # noqa: S108 - on a full disk, memory still has room
            with (
                suppress(OSError, sqlite3.Error, UnusableFile),
                tempfile.TemporaryDirectory(dir=folder) as copied,
            ):
                copy = Path(copied) / "state.db"
                try:
                    shutil.copyfile(self.path, copy)
                except (FileNotFoundError, NotADirectoryError):
                    return {}
                refuse_foreign(self.path)
                for companion in COMPANIONS:
                    with suppress(FileNotFoundError):
                        shutil.copyfile(f"{self.path}{companion}", f"{copy}{companion}")
                with closing(sqlite3.connect(copy, isolation_level=None)) as connection:
                    prepare(connection)
                    contents = read(connection)
                self._known = True
                return contents
        return None

    def renew(self, everything: Batch) -> None:
        """Begin a file with *everything* that memory holds; one that is there and was never read is moved aside."""
        self.disconnect()
        self._lock.release()  # its file may have gone with the other one
        self._take()
        if self.path.exists() and not (self._known and self._identity in (None, _identity(self.path))):
            refuse_foreign(self.path)
            self._set_aside("superseded")
        self._connect()
        connection = self._open_connection()
        try:
            with _transaction(connection):
                for table in (*BOOKS, ANSWERS, COLLECTIONS):
                    connection.execute(f"DELETE FROM {table.name}")  # noqa: S608 - names of ours
                _write(connection, everything)
        except BaseException:
            self.disconnect()  # else the next batch would be all there is
            raise

    def write(self, batch: Batch) -> None:
        """Write *batch* in one transaction; sqlite3.Error if that fails, and then nothing of it is written."""
        write(self._open_connection(), batch)
        if self._log_identity is None:
            with suppress(OSError):
                self._log_identity = _identity(self._log)

    def forget(self) -> None:
        """Take the file for one that was never read."""
        self._known = False

    def accepted(self) -> list[Row]:
        """Return source, tenant, profile and settings of the baselines that a command asks to take over."""
        return self._open_connection().execute(ACCEPTED.select).fetchall()

    def size(self) -> int:
        """Return the bytes of the file and its log."""
        size = 0
        for companion in ("", "-wal"):
            with suppress(OSError):
                size += Path(f"{self.path}{companion}").stat().st_size
        return size

    @property
    def connected(self) -> bool:
        """Whether the file is open."""
        return self._connection is not None

    def in_place(self) -> bool:
        """Tell whether the open file, its log and its lock are still those at its path: somebody may move them."""
        try:
            there = _identity(self.path), _identity(self._log) if self._log_identity else None
        except OSError:
            return False
        return there == (self._identity, self._log_identity) and self._lock.in_place()

    def disconnect(self) -> None:
        """Close the file, keeping the lock.

        If it was moved away, its log has stayed behind, and would be applied to whatever is at its place.
        """
        connection, self._connection = self._connection, None
        if connection is not None:
            moved = not self.in_place()
            with suppress(sqlite3.Error):  # what it could not finish was told when it was committed
                connection.close()
            if moved:
                with suppress(OSError):  # the folder is gone as well, or may not be written
                    self._set_aside("moved", ())

    def close(self) -> None:
        """Close the file and let others have it."""
        self.disconnect()
        self._lock.release()

    def _take(self) -> None:
        self.path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        if self.path.is_dir():
            raise SettingsError([f"state.path: {self.path} is a folder; name a file in it"])
        try:
            self._lock.acquire()
        except InUse as error:
            raise SettingsError(
                [f"state.path: {self.path} is in use by {error}; stop it, or give this one a file of its own"]
            ) from error

    def _connect(self) -> Contents:
        """Open the file, made if need be; one that is of no use is moved aside first."""
        descriptor = os.open(self.path, os.O_RDWR | os.O_CREAT, 0o600)
        os.fchmod(descriptor, os.fstat(descriptor).st_mode & 0o660)  # no others; SQLite gives its log the same mode
        os.close(descriptor)
        refuse_foreign(self.path)
        connection = sqlite3.connect(self.path, timeout=BUSY, isolation_level=None, check_same_thread=False)
        try:
            prepare(connection)
            connection.execute("PRAGMA journal_mode = WAL")
            connection.execute("PRAGMA synchronous = FULL")
            connection.execute(f"PRAGMA journal_size_limit = {JOURNAL_LIMIT}")
            contents = read(connection)
        except UnusableFile as error:
            self._set_aside(error.why)  # before it is closed, which would delete its log
            connection.close()
            return self._connect()
        except BaseException:
            connection.close()
            raise
        self._connection, self._identity, self._log_identity, self._known = connection, _identity(self.path), None, True
        return contents

    def _open_connection(self) -> sqlite3.Connection:
        if self._connection is None:
            raise sqlite3.OperationalError("the file is not open")
        return self._connection

    def _set_aside(self, why: str, files: Sequence[str] = ("",)) -> None:
        """Rename the file and what belongs to it: nothing is ever deleted."""
        name = f"{self.path.name}.{why}-{datetime.now(tz=UTC):%Y%m%dT%H%M%S%fZ}"
        moved = []
        for companion in (*files, *COMPANIONS):
            with suppress(FileNotFoundError):
                Path(f"{self.path}{companion}").rename(self.path.with_name(name + companion))
                moved.append(str(self.path.with_name(name + companion)))
        if moved:
            LOG.error("state_moved_aside", path=str(self.path), to=moved[0], why=why)


def _identity(path: Path) -> tuple[int, int]:
    status = path.stat()
    return status.st_dev, status.st_ino


@contextmanager
def _transaction(connection: sqlite3.Connection) -> Iterator[None]:
    """Commit what is done meanwhile, or take all of it back."""
    connection.execute("BEGIN IMMEDIATE")
    try:
        yield
        connection.execute("COMMIT")
    except BaseException:
        if connection.in_transaction:  # after some faults SQLite has taken it back by itself
            connection.execute("ROLLBACK")
        raise


def write(connection: sqlite3.Connection, batch: Batch) -> None:
    """Write *batch* in one transaction; sqlite3.Error if that fails, and then nothing of it is written."""
    with _transaction(connection):
        _write(connection, batch)
        if not batch:  # somebody wants to know whether it can be written at all
            connection.execute(f"PRAGMA user_version = {len(MIGRATIONS)}")


def read(connection: sqlite3.Connection) -> Contents:
    """Return all that a file holds."""
    return {table: connection.execute(table.select).fetchall() for table in TABLES}


def _write(connection: sqlite3.Connection, batch: Batch) -> None:
    for statement, parameters in batch.statements():
        try:
            connection.executemany(statement, parameters)
        except REFUSED:
            _write_singly(connection, statement, parameters)


def _write_singly(connection: sqlite3.Connection, statement: str, parameters: list[Any]) -> None:
    """Write all rows but those that no file can hold: one of them must not stop the others."""
    for each in parameters:
        try:
            connection.execute(statement, each)
        except REFUSED as error:
            name = type(error).__name__  # its message might quote the value
            LOG.error("state_row_refused", statement=statement.partition("(")[0], error=name)  # noqa: TRY400
