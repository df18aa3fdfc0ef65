"""Writing to the file: all or nothing, one bad row left out, begun anew when it must be."""

import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from exporter.errors import SettingsError
from exporter.state import tables
from exporter.state.batch import Batch
from exporter.state.database import Database
from exporter.state.tables import Key, Row, Table
from tests.state.storage import Disk, held, made, names, put_aside, tenants

COLLECTION = (1, 2.0, None, 3.0, None, 0, 1, 1.5, 0.5, 60.0)
POISON: list[tuple[Table, Key, Row]] = [
    (tables.TENANTS, ("s", "\ud800"), (1, None)),
    (tables.TENANTS, ("s", "big"), (2**63, None)),
    (tables.TENANTS, ("s", "list"), ([], None)),
    (tables.TENANTS, ("s", "nothing"), (None, None)),
    (tables.ANSWERS, ("s", "contoso", "jobs"), ("\udfff",)),
    (tables.COLLECTIONS, ("s", "contoso", "jobs"), (*COLLECTION[:5], 2**70, *COLLECTION[6:])),
]


@pytest.fixture
def database(path: Path) -> Iterator[Database]:
    """Return an open database, closed in the end."""
    database = Database(path)
    database.open()
    yield database
    database.close()


@pytest.mark.parametrize(("table", "key", "row"), POISON)
def test_poisoned_row(database: Database, table: Table, key: Key, row: Row) -> None:
    """A row that no file can hold is left out and logged without its value; all others of its batch are written."""
    batch = tenants("before")
    batch.put(tables.COLLECTIONS, ("s", "before", "jobs"), COLLECTION)
    batch.put(table, key, row)
    batch.follow(tenants("earlier"))
    batch.put(tables.TENANTS, ("s", "after"), (1, None))

    with capture_logs() as log:
        database.write(batch)

    contents = held(database.path)
    assert names(contents) == {"before", "after", "earlier"}
    assert contents[tables.COLLECTIONS] == [("s", "before", "jobs", *COLLECTION)]
    assert [entry["event"] for entry in log] == ["state_row_refused"]
    assert str(row) not in str(log)


@pytest.mark.parametrize("dropped", ["\ud800", "contoso"])
def test_poisoned_deletion(database: Database, dropped: str) -> None:
    """A row with a key that no file can hold may be deleted among others."""
    database.write(tenants("contoso", "fabrikam"))
    batch = Batch()
    batch.put(tables.TENANTS, ("s", "\ud800"), None)
    batch.put(tables.TENANTS, ("s", dropped), None)
    batch.put(tables.TENANTS, ("s", "contoso"), None)

    database.write(batch)

    assert names(held(database.path)) == {"fabrikam"}


def test_poisoned_purge(database: Database) -> None:
    """A tenant whose name no file can hold may be forgotten without harm to the others of the batch."""
    batch = tenants("contoso")
    batch.purge("s", "\ud800")

    database.write(batch)

    assert names(held(database.path)) == {"contoso"}


def test_all_or_nothing(database: Database) -> None:
    """Of a batch that fails in the middle nothing is written, and the next one is."""
    database.write(tenants("contoso"))
    with closing(sqlite3.connect(database.path)) as connection:
        connection.execute("ALTER TABLE collections RENAME TO elsewhere")
    batch = tenants("fabrikam")
    batch.put(tables.COLLECTIONS, ("s", "fabrikam", "jobs"), COLLECTION)

    with pytest.raises(sqlite3.OperationalError, match="collections"):
        database.write(batch)

    with closing(sqlite3.connect(database.path)) as connection:
        assert connection.execute("SELECT tenant FROM tenants").fetchall() == [("contoso",)]
        connection.execute("ALTER TABLE elsewhere RENAME TO collections")
    database.write(batch)
    assert names(held(database.path)) == {"contoso", "fabrikam"}


def test_purging(database: Database) -> None:
    """A purge deletes all rows of a tenant from all tables, and what is put after it is written."""
    batch = tenants("contoso", "fabrikam")
    batch.put(tables.COLLECTIONS, ("s", "contoso", "jobs"), COLLECTION)
    batch.put(tables.ACCEPTED, ("s", "contoso", "p", "2026-03-01"), ("{}",))
    batch.put(tables.TENANTS, ("t", "contoso"), (1, None))
    database.write(batch)
    again = Batch()
    again.purge("s", "contoso")
    again.put(tables.COLLECTIONS, ("s", "contoso", "tenants"), COLLECTION)

    database.write(again)

    contents = held(database.path)
    assert contents[tables.TENANTS] == [("s", "fabrikam", 1, None), ("t", "contoso", 1, None)]
    assert contents[tables.COLLECTIONS] == [("s", "contoso", "tenants", *COLLECTION)]
    assert contents[tables.ACCEPTED] == []


def test_full_disk(disk: Disk) -> None:
    """On a full disk nothing of a batch is written, what was there stays, and with room again it is written."""
    database = Database(disk.place / "state.db")
    database.open()
    database.write(tenants("contoso"))
    many = [f"fabrikam {number:0500}" for number in range(200)]
    disk.fill()

    with pytest.raises(sqlite3.OperationalError, match=r"full|I/O"):
        database.write(tenants(*many))
    disk.make_room()
    assert names(held(database.path)) == {"contoso"}
    database.write(tenants(*many))

    assert names(held(database.path)) == {"contoso", *many}
    database.close()


def test_empty_batch(disk: Disk) -> None:
    """To write nothing changes nothing, but tells whether something could be written."""
    database = Database(disk.place / "state.db")
    database.open()
    database.write(tenants("contoso"))
    disk.fill()

    with pytest.raises(sqlite3.OperationalError, match=r"full|I/O"):
        database.write(Batch())
    disk.make_room()
    database.write(Batch())

    assert names(held(database.path)) == {"contoso"}
    database.close()


def test_size(database: Database) -> None:
    """The size is that of the file and of its log."""
    before = database.size()

    database.write(tenants(*(f"contoso {number}" for number in range(500))))

    log = Path(f"{database.path}-wal").stat().st_size
    assert database.size() == database.path.stat().st_size + log > before


@pytest.mark.parametrize("moved", [False, True])
def test_in_place(database: Database, moved: bool) -> None:  # noqa: FBT001 - a case
    """A file that is deleted or moved away is missed, and one that was put in its place is not taken for it."""
    assert database.in_place()

    if moved:
        database.path.rename(database.path.with_name("elsewhere"))
    else:
        database.path.unlink()
    assert not database.in_place()
    shutil.copyfile(__file__, database.path)
    assert not database.in_place()


def test_renewing(database: Database) -> None:
    """A file that is begun anew holds all that memory does, and nothing of what it held before."""
    database.write(tenants("contoso"))
    database.path.unlink()
    database.renew(tenants("fabrikam"))
    assert names(held(database.path)) == {"fabrikam"}

    database.renew(tenants("tailspin"))

    assert names(held(database.path)) == {"tailspin"}
    assert database.in_place()


def test_log_of_a_deleted_file(database: Database) -> None:
    """What a deleted file leaves beside its place is moved aside, too, and its first part is named in the log."""
    database.write(tenants("contoso"))
    database.path.unlink()

    with capture_logs() as log:
        database.renew(tenants("fabrikam"))

    moved = sorted(database.path.parent.glob("state.db.moved-*"))
    assert [file.name.rpartition("-")[2] for file in moved] == ["shm", "wal"]
    assert log == [
        {
            "event": "state_moved_aside",
            "log_level": "error",
            "path": str(database.path),
            "to": str(moved[1]),
            "why": "moved",
        }
    ]
    assert names(held(database.path)) == {"fabrikam"}


def test_renewing_on_a_full_disk(disk: Disk) -> None:
    """A renewal for which there is no room leaves the file as it was, closed, so that no batch is taken for all."""
    database = Database(disk.place / "state.db")
    database.open()
    database.write(tenants("contoso"))
    many = [f"fabrikam {number:0500}" for number in range(200)]
    disk.fill()

    with pytest.raises((sqlite3.OperationalError, OSError), match=r"full|I/O|space"):
        database.renew(tenants(*many))
    assert not database.connected
    disk.make_room()
    assert names(held(database.path)) == {"contoso"}
    database.renew(tenants(*many))

    assert names(held(database.path)) == set(many)
    database.close()


def test_renewing_a_broken_file(database: Database) -> None:
    """A file that broke is moved aside when it is begun anew."""
    database.disconnect()
    database.path.write_bytes(b"garbage" * 1000)

    database.renew(tenants("fabrikam"))

    assert len(put_aside(database.path, "corrupt")) == 1
    assert names(held(database.path)) == {"fabrikam"}


def test_renewing_over_a_file_that_was_never_read(path: Path) -> None:
    """A file that could not be read at the start is not written over: it is moved aside with all that it holds."""
    made(path, "contoso")
    database = Database(path)

    database.renew(tenants("fabrikam"))
    database.close()

    (aside,) = put_aside(path, "superseded")
    assert names(held(aside)) == {"contoso"}
    assert names(held(path)) == {"fabrikam"}


def test_file_that_appears_late(path: Path) -> None:
    """A file that was not there at the start, as its volume came late, is moved aside and not emptied."""
    database = Database(path)
    assert database.peek() == {}
    made(path, "contoso")

    database.renew(tenants("fabrikam"))
    database.close()

    (aside,) = put_aside(path, "superseded")
    assert names(held(aside)) == {"contoso"}


def test_renewing_over_a_foreign_file(database: Database) -> None:
    """Another program's database that takes our file's place while we run is left alone."""
    database.path.unlink()
    with closing(sqlite3.connect(database.path)) as connection:
        connection.execute("CREATE TABLE notes (note TEXT)")
    before = database.path.read_bytes()

    with pytest.raises(SettingsError, match="another program's"):
        database.renew(tenants("fabrikam"))

    assert database.path.read_bytes() == before


def test_backup_put_in_place(database: Database, tmp_path: Path) -> None:
    """A backup that is moved into the file's place just before we end is what the next start finds."""
    backup = tmp_path / "backup.db"
    made(backup, *(f"tailspin {number}" for number in range(100)))
    database.write(tenants("contoso"))
    backup.rename(database.path)

    database.close()

    again = Database(database.path)
    contents = again.open()
    again.close()
    assert names(contents) == {f"tailspin {number}" for number in range(100)}


def test_beginning_where_nothing_is(path: Path) -> None:
    """Where the file could not be made at the start it is made later, with all that memory holds."""
    database = Database(path)

    with capture_logs() as log:
        database.renew(tenants("contoso"))
    database.close()

    assert log == []
    assert names(held(path)) == {"contoso"}
