"""A file that is of no use: what is broken or newer is moved aside, what is another's is left alone."""

import shutil
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from exporter.errors import SettingsError
from exporter.state.database import Database
from tests.state.storage import crashed, held, made, names, put_aside, tenants


def garbage(path: Path) -> None:
    """Make the file no database at all."""
    path.write_bytes(b"garbage " * 2000)


def truncated(path: Path) -> None:
    """Cut the file in half."""
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2 + 100)


def flipped_page(path: Path) -> None:
    """Spoil one page in the middle of the file."""
    page = path.stat().st_size // 4096 // 2
    with path.open("r+b") as file:
        file.seek(4096 * page)
        file.write(b"\xff" * 4096)


def foreign(path: Path) -> None:
    """Make another program's database."""
    with closing(sqlite3.connect(path)) as connection:
        connection.execute("CREATE TABLE notes (note TEXT)")
        connection.execute("INSERT INTO notes VALUES ('precious')")
        connection.commit()


def pragma(path: Path, name: str) -> object:
    """Return a setting that is kept in the file."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]


@pytest.mark.parametrize("breaks", [garbage, truncated, flipped_page])
def test_corrupt_file(path: Path, breaks: Callable[[Path], None]) -> None:
    """A file that is broken is kept under another name, which is logged, and a new one is begun."""
    made(path, *(f"contoso {number}" for number in range(1000)))
    breaks(path)
    broken = path.read_bytes()
    database = Database(path)

    with capture_logs() as log:
        contents = database.open()
    database.write(tenants("fabrikam"))
    database.close()

    (aside,) = put_aside(path, "corrupt")
    assert log == [
        {
            "event": "state_moved_aside",
            "log_level": "error",
            "path": str(path),
            "to": str(aside),
            "why": "corrupt",
        }
    ]
    assert aside.read_bytes() == broken
    assert not any(contents.values())
    assert names(held(path)) == {"fabrikam"}


def test_log_of_a_corrupt_file(path: Path) -> None:
    """The log of a broken file is not applied to the new one."""
    crashed(path, "contoso")
    garbage(path)
    database = Database(path)

    contents = database.open()
    database.close()

    assert len(put_aside(path, "corrupt")) == 1
    assert not any(contents.values())
    assert not any(held(path).values())


def test_corrupt_file_keeps_its_log(path: Path) -> None:
    """The log of a broken file is moved aside with it as it was: it may hold the only good copy of a page."""
    crashed(path, "contoso")
    garbage(path)
    log = Path(f"{path}-wal").read_bytes()
    database = Database(path)

    database.open()
    database.close()

    (aside,) = put_aside(path, "corrupt")
    assert Path(f"{aside}-wal").read_bytes() == log


def test_newer_version(path: Path) -> None:
    """A file of a newer version is kept with all that it holds, the rows in its log included."""
    crashed(path, "contoso", version=9)
    database = Database(path)

    contents = database.open()
    database.close()

    assert not any(contents.values())
    (aside,) = put_aside(path, "version-9")
    assert names(held(aside)) == {"contoso"}
    assert pragma(aside, "user_version") == 9


def test_two_broken_files(path: Path) -> None:
    """A file that breaks again does not replace the one that was moved aside before."""
    for number in range(2):
        path.write_bytes(b"garbage %d" % number * 1000)
        database = Database(path)
        database.open()
        database.close()

    assert len(put_aside(path, "corrupt")) == 2


def test_foreign_file(path: Path) -> None:
    """Another program's database is refused, and stays as it is byte for byte."""
    foreign(path)
    before = path.read_bytes()
    database = Database(path)

    with pytest.raises(SettingsError, match="another program's database; choose another file"):
        database.open()
    database.close()

    assert path.read_bytes() == before
    assert not database.connected


def test_foreign_file_with_its_log(path: Path) -> None:
    """Another program's database that crashed keeps its log, which only that program may apply."""
    other = path.with_name("other.db")
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("CREATE TABLE notes (note TEXT)")
        connection.commit()
        for companion in ("", "-wal"):
            shutil.copyfile(f"{other}{companion}", f"{path}{companion}")
    before = path.read_bytes()
    database = Database(path)

    with pytest.raises(SettingsError):
        database.open()
    database.close()

    assert path.read_bytes() == before
    assert Path(f"{path}-wal").exists()


def test_unsupported_format(path: Path) -> None:
    """A file whose header asks for a format that this SQLite does not know is kept aside when a new one is begun."""
    made(path, "contoso")
    with path.open("r+b") as file:
        file.seek(47)
        file.write(b"\xff")
    database = Database(path)
    with pytest.raises(sqlite3.OperationalError, match="format"):
        database.open()
    assert database.peek() is None

    database.renew(tenants("fabrikam"))
    database.close()

    assert len(put_aside(path, "superseded")) == 1
    assert names(held(path)) == {"fabrikam"}


def test_peeking_at_a_foreign_file(path: Path) -> None:
    """Another program's database is refused in a place that cannot be written, too."""
    foreign(path)
    database = Database(path)

    with pytest.raises(SettingsError, match="another program's"):
        database.peek()


def test_peeking_at_a_broken_file(path: Path) -> None:
    """Of a broken file in a place that cannot be written nothing is known."""
    garbage(path)

    assert Database(path).peek() is None
