"""The form of the file: made once, brought forward, never back, and never another's."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest

from exporter.errors import SettingsError
from exporter.state.schema import APPLICATION_ID, MIGRATIONS, UnusableFile, examine, prepare, refuse_foreign
from exporter.state.tables import COUNTERS, TABLES, TENANTS

COLOURS = "ALTER TABLE tenants ADD COLUMN colour TEXT NOT NULL DEFAULT 'blue';"
SHAPES = "CREATE TABLE shapes (shape TEXT); INSERT INTO shapes VALUES ('round');"


@pytest.fixture
def connection(path: Path) -> Iterator[sqlite3.Connection]:
    """Return an open file, closed in the end."""
    with closing(sqlite3.connect(path, isolation_level=None)) as connection:
        yield connection


def version_of(connection: sqlite3.Connection) -> int:
    """Return the version that the file says it has."""
    return int(connection.execute("PRAGMA user_version").fetchone()[0])


def schema_of(connection: sqlite3.Connection) -> list[str]:
    """Return the statements that the file's tables were made by."""
    return [row[0] for row in connection.execute("SELECT sql FROM sqlite_master ORDER BY name")]


def with_contoso(connection: sqlite3.Connection) -> None:
    """Make a file of version 1 that tells of a tenant."""
    prepare(connection)
    connection.execute(TENANTS.put, ("s", "contoso", 1, None))


def test_new_file(connection: sqlite3.Connection) -> None:
    """A new file gets our mark, the newest version, and exactly the columns that the tables name."""
    assert prepare(connection) == 0

    assert connection.execute("PRAGMA application_id").fetchone() == (APPLICATION_ID,)
    assert version_of(connection) == len(MIGRATIONS)
    for table in TABLES:
        columns = {row[1] for row in connection.execute(f"PRAGMA table_info({table.name})")}
        assert columns == set(table.columns)
    assert len(schema_of(connection)) == len(TABLES)


def test_second_time(connection: sqlite3.Connection) -> None:
    """A file of the newest version is left as it is."""
    with_contoso(connection)
    before = connection.total_changes

    assert prepare(connection) == len(MIGRATIONS)

    assert connection.total_changes == before


def test_forward(connection: sqlite3.Connection) -> None:
    """A file is brought forward by two versions in one go, keeping its rows."""
    with_contoso(connection)

    assert prepare(connection, [*MIGRATIONS, COLOURS, SHAPES]) == len(MIGRATIONS)

    assert version_of(connection) == len(MIGRATIONS) + 2
    assert connection.execute("SELECT tenant, colour FROM tenants").fetchall() == [("contoso", "blue")]
    assert connection.execute("SELECT shape FROM shapes").fetchall() == [("round",)]


def test_broken_migration(connection: sqlite3.Connection) -> None:
    """A migration that fails in the middle leaves the file as it was, to the last statement."""
    with_contoso(connection)
    before = schema_of(connection)

    with pytest.raises(sqlite3.OperationalError, match="nowhere"):
        prepare(connection, [*MIGRATIONS, f"{COLOURS} {SHAPES} INSERT INTO nowhere VALUES (1);"])  # noqa: S608 - ours

    assert not connection.in_transaction
    assert version_of(connection) == len(MIGRATIONS)
    assert schema_of(connection) == before
    assert connection.execute("SELECT tenant FROM tenants").fetchall() == [("contoso",)]


def test_locked_by_another(connection: sqlite3.Connection, path: Path) -> None:
    """A migration that cannot even begin is a fault of the place, and changes nothing."""
    with_contoso(connection)
    connection.execute("PRAGMA busy_timeout = 0")
    with closing(sqlite3.connect(path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")

        with pytest.raises(sqlite3.OperationalError, match="locked"):
            prepare(connection, [*MIGRATIONS, COLOURS])

    assert version_of(connection) == len(MIGRATIONS)


def test_half_a_way(connection: sqlite3.Connection) -> None:
    """Of two migrations, the first stays in force when the second fails, and the next start goes on from it."""
    with_contoso(connection)
    with pytest.raises(sqlite3.OperationalError):
        prepare(connection, [*MIGRATIONS, COLOURS, "nonsense"])

    assert prepare(connection, [*MIGRATIONS, COLOURS, SHAPES]) == len(MIGRATIONS) + 1


def test_newer(connection: sqlite3.Connection) -> None:
    """A file of a version that is not known yet is not used, and its new name says which it was."""
    with_contoso(connection)
    connection.execute("PRAGMA user_version = 9")

    with pytest.raises(UnusableFile) as refused:
        prepare(connection)

    assert refused.value.why == "version-9"


def test_negative_version(connection: sqlite3.Connection) -> None:
    """A version below 0, which a flipped bit makes, is no reason to end with a traceback."""
    with_contoso(connection)
    connection.execute("PRAGMA user_version = -5")

    with pytest.raises(UnusableFile):
        prepare(connection)


@pytest.mark.parametrize("mark", [0, 0x0F055112, -1])
@pytest.mark.parametrize("content", ["CREATE TABLE notes (note TEXT)", "PRAGMA user_version = 1"])
def test_foreign(connection: sqlite3.Connection, path: Path, mark: int, content: str) -> None:
    """A SQLite file without our mark is another program's, whether it has tables or not."""
    connection.execute(f"PRAGMA application_id = {mark}")
    connection.execute(content)

    with pytest.raises(SettingsError, match=f"^{path}: is another program's database; choose another file$"):
        refuse_foreign(path)


def test_ours(connection: sqlite3.Connection, path: Path) -> None:
    """A file with our mark is not refused, whatever its version, and not touched."""
    with_contoso(connection)
    connection.execute("PRAGMA user_version = 9")
    before = path.read_bytes()

    refuse_foreign(path)

    assert path.read_bytes() == before
    assert version_of(connection) == 9


@pytest.mark.parametrize("content", [b"", b"garbage" * 100, b"SQLite format 2\0" + bytes(84)])
def test_no_database(path: Path, content: bytes) -> None:
    """A file that is no SQLite database is nobody's: it is left as it is, for `prepare` to judge."""
    path.write_bytes(content)

    refuse_foreign(path)

    assert path.read_bytes() == content


def test_examining(connection: sqlite3.Connection) -> None:
    """A file that is only read must be of exactly this version, and is not changed."""
    with pytest.raises(UnusableFile, match="older"):
        examine(connection)
    assert schema_of(connection) == []

    prepare(connection)
    examine(connection)


def test_from_the_first_version(path: Path) -> None:
    """A file of the first version keeps all it holds, and gets the table of errors."""
    with closing(sqlite3.connect(path, isolation_level=None)) as first:
        prepare(first, MIGRATIONS[:1])
        first.execute(TENANTS.put, ("s", "contoso", 1, None))

        assert prepare(first) == 1

        assert first.execute("SELECT tenant FROM tenants").fetchall() == [("contoso",)]
        assert first.execute("SELECT count(*) FROM errors").fetchone() == (0,)


def test_from_the_second_version(path: Path) -> None:
    """A file of the second version keeps its counters; retries, which nobody counted, are none that is known of."""
    objects, born = '{"successful": 5}', 1_772_400_000.0
    counts = (
        "s",
        "contoso",
        "Microsoft 365",
        "Teams",
        "backup",
        born,
        3,
        2,
        1,
        0,
        0,
        60.5,
        3,
        objects,
        None,
        7.5,
        born,
    )
    with closing(sqlite3.connect(path, isolation_level=None)) as second:
        prepare(second, MIGRATIONS[:2])
        second.execute("INSERT INTO counters VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)", counts)
        second.execute("INSERT INTO errors VALUES ('s', 'contoso', 'SP-1042', 0.0, 4)")

        assert prepare(second) == 2

        assert version_of(second) == len(MIGRATIONS) == 3
        (row,) = second.execute(COUNTERS.select).fetchall()
        assert dict(zip(COUNTERS.columns, row, strict=True)) == {
            **dict(zip(("source", "tenant", "product", "workload", "job_type"), counts, strict=False)),
            "born": born,
            "runs": 3,
            "successes": 2,
            "failures": 1,
            "warnings": 0,
            "unobserved": 0,
            "duration_sum": 60.5,
            "duration_count": 3,
            "objects": objects,
            "objects_born": None,
            "size_bytes": 7.5,
            "size_born": born,
            "retries": 0,
            "retries_born": None,
        }
        assert second.execute("SELECT code, errors FROM errors").fetchall() == [("SP-1042", 4)]
