"""The state file as commands read it: never changed, and every fault is a sentence that names the file."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from exporter.errors import SettingsError
from exporter.records import ScanProfile, Tenant
from exporter.state import tables
from exporter.state.answers import packed
from exporter.state.database import Database
from exporter.state.reading import names, opened, profile_names, rows
from tests.state.storage import made, tenants


def older(path: Path) -> None:
    """Make a file that the daemon would bring forward first."""
    made(path)
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("PRAGMA user_version = 0")


def unsupported(path: Path) -> None:
    """Make a file whose header asks for a format that this SQLite does not know."""
    made(path)
    with path.open("r+b") as file:
        file.seek(47)
        file.write(b"\xff")


def folder(path: Path) -> None:
    """Make no file at all."""
    path.mkdir()


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (older, "cannot be used by this version: it is older"),
        (unsupported, "unsupported file format"),
        (folder, "there is no state file; it is made when the exporter first runs"),
    ],
)
def test_files_that_are_of_no_use(path: Path, make: Callable[[Path], None], message: str) -> None:
    """A file that cannot be read as it is is told of by its path and what is wrong with it."""
    make(path)

    with pytest.raises(SettingsError, match=f"^{path}: {message}"), opened(path):
        pass


def test_fault_while_reading(path: Path) -> None:
    """A fault that shows only while rows are read is told of in the same way."""
    made(path)

    with pytest.raises(SettingsError, match=f"^{path}: no such table: nowhere"), opened(path) as connection:
        connection.execute("SELECT 1 FROM nowhere")


def test_beside_the_daemon(path: Path) -> None:
    """What a running daemon has committed is read, although it is only in its log yet, and it is not disturbed."""
    database = Database(path)
    database.open()
    database.write(tenants("contoso", "fabrikam"))

    with opened(path) as connection:
        found = rows(connection, tables.TENANTS, {("s", "contoso"), ("t", "fabrikam")})
        database.write(tenants("tailspin"))

    database.close()
    assert found == [("s", "contoso", 1, None)]


def test_names(path: Path) -> None:
    """Names are those of the answers that can be read; one of another version only lacks its own."""
    made(path)
    answer = packed([Tenant(tenant="contoso", name="Contoso"), ScanProfile(tenant="contoso", profile="p", name="P")])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(tables.ANSWERS.put, ("s", "contoso", "first", b"of another version"))
        connection.execute(tables.ANSWERS.put, ("s", "contoso", "second", answer))

    with opened(path) as connection:
        assert names(connection) == {("s", "contoso"): "Contoso"}
        assert profile_names(connection) == {("s", "contoso", "p"): "P"}
