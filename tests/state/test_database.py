"""Opening the file: made for its owner only, taken by one, read from a copy where it cannot be written."""

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from exporter.errors import SettingsError
from exporter.state import tables
from exporter.state.database import Database
from tests.state.storage import Disk, crashed, held, made, names, tenants


def pragma(path: Path, name: str) -> object:
    """Return a setting that is kept in the file."""
    with closing(sqlite3.connect(path)) as connection:
        return connection.execute(f"PRAGMA {name}").fetchone()[0]


def test_new_file(tmp_path: Path) -> None:
    """A new file and the folder made for it are for their owner only, the log included."""
    path = tmp_path / "new" / "state.db"
    database = Database(path)

    contents = database.open()

    assert not any(contents.values())
    assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
    assert {stat.S_IMODE(file.stat().st_mode) for file in path.parent.iterdir()} == {0o600}
    assert Path(f"{path}-wal") in list(path.parent.iterdir())
    database.close()


def test_durability(path: Path) -> None:
    """Commits go to a write-ahead log, and each has reached the disk when it returns."""
    database = Database(path)
    database.open()

    assert pragma(path, "journal_mode") == "wal"
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA synchronous").fetchone() == (2,)
    assert database._connection is not None  # noqa: SLF001 - the setting is the connection's own
    assert database._connection.execute("PRAGMA synchronous").fetchone() == (2,)  # noqa: SLF001
    database.close()


def test_read_again(path: Path) -> None:
    """What was written by one process is there for the next, in whatever way the first one ended."""
    made(path, "contoso")
    database = Database(path)
    assert names(database.open()) == {"contoso"}
    database.close()

    path.unlink()
    crashed(path, "fabrikam")
    database = Database(path)
    assert names(database.open()) == {"fabrikam"}
    database.close()


def test_empty_file(path: Path) -> None:
    """An empty file, as `touch` or a volume makes it, is taken; its group may read it, all others may not any more."""
    path.touch()
    path.chmod(0o644)
    database = Database(path)

    database.open()
    database.write(tenants("contoso"))
    database.close()

    assert names(held(path)) == {"contoso"}
    assert stat.S_IMODE(path.stat().st_mode) == 0o640


def test_folder(path: Path) -> None:
    """A path that is a folder is a mistake in the settings, whose message says what is wanted; it is left as it is."""
    path.mkdir()
    (path / "precious").touch()
    database = Database(path)

    with pytest.raises(SettingsError, match=r"state\.db is a folder; name a file in it"):
        database.open()
    assert database.peek() is None
    database.close()

    assert [file.name for file in path.parent.iterdir()] == ["state.db"]
    assert [file.name for file in path.iterdir()] == ["precious"]


def test_folder_stays(path: Path) -> None:
    """A folder that takes the file's place is not renamed by the attempts to write there."""
    path.mkdir()
    (path / "precious").touch()
    database = Database(path)
    try:
        with pytest.raises(SettingsError, match="is a folder"):
            database.renew(tenants("contoso"))
    finally:
        database.close()

    assert (path / "precious").exists()


def test_below_a_file(tmp_path: Path) -> None:
    """A path below a file is a place that cannot be written, too."""
    (tmp_path / "file").touch()
    database = Database(tmp_path / "file" / "state.db")

    with pytest.raises(OSError, match=r"exists|Not a directory"):
        database.open()
    assert not database.in_place()
    assert database.size() == 0
    database.close()


def test_peeking(disk: Disk) -> None:
    """What a read-only place holds is read, what is still in the log included."""
    path = disk.place / "state.db"
    crashed(path, "contoso")
    disk.read_only(on=True)
    database = Database(path)

    with pytest.raises(OSError, match="Read-only"):
        database.open()
    contents = database.peek()

    assert contents is not None
    assert names(contents) == {"contoso"}
    database.close()
    disk.read_only(on=False)


def test_unopened(path: Path) -> None:
    """A database that is not open refuses to write, and may be closed."""
    database = Database(path)

    with pytest.raises(sqlite3.OperationalError, match="not open"):
        database.write(tenants("contoso"))
    with pytest.raises(sqlite3.OperationalError, match="not open"):
        database.accepted()
    database.close()
    database.close()


def test_tables_are_all_read(path: Path) -> None:
    """Opening reads every table."""
    database = Database(path)

    assert set(database.open()) == set(tables.TABLES)
    database.close()
