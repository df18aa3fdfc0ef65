"""Ledgers from file to file: what is chosen, who wins, and what a fault leaves behind."""

import sqlite3
import stat
from contextlib import closing
from pathlib import Path

import pytest

from exporter.errors import SettingsError
from exporter.records import Tenant
from exporter.state import tables
from exporter.state.answers import packed
from exporter.state.batch import Batch
from exporter.state.database import Database
from exporter.state.schema import MIGRATIONS, prepare
from exporter.state.tables import Key, Row, Table
from exporter.state.transfer import export, import_
from tests.state.storage import Disk, held, made, names, put_aside, tenants

NOW = 1_772_400_000.0
COLLECTION = (1, 2.0, None, 3.0, None, 0, 1, 1.5, 0.5, 60.0)
Rows = list[tuple[Table, Key, Row]]


def written(path: Path, *rows: tuple[Table, Key, Row]) -> Path:
    """Make a state file of these rows; return its path."""
    database = Database(path)
    database.open()
    batch = Batch()
    for table, key, row in rows:
        batch.put(table, key, row)
    database.write(batch)
    database.close()
    return path


def tenant(name: str, *, left_at: float | None = None, runs: int = 0, source: str = "s") -> Rows:
    """Return the rows of a tenant with a counter, an answer and a collection."""
    counter = ("{}", NOW, runs, 0, 0, 0, 0, 0.0, 0, None, 0.0, None, 2 * runs, NOW)
    return [
        (tables.TENANTS, (source, name), (1, left_at)),
        (tables.COUNTERS, (source, name, "M365", "VM", "backup"), counter),
        (tables.ANSWERS, (source, name, "tenants"), (packed([Tenant(tenant=name, name=name.title())]),)),
        (tables.COLLECTIONS, (source, name, "tenants"), COLLECTION),
    ]


def whole(source: str = "s", due: float = 3.0) -> tuple[Table, Key, Row]:
    """Return the row of a collection that asks for all tenants at once."""
    return tables.COLLECTIONS, (source, "", "discovery"), (*COLLECTION[:3], due, *COLLECTION[4:])


def runs(path: Path) -> dict[str, int]:
    """Return the runs counted for each tenant."""
    at = tables.COUNTERS.columns.index("runs")
    return {row[1]: row[at] for row in held(path)[tables.COUNTERS]}


def everything(path: Path) -> set[tuple[str, Row]]:
    """Return all rows of a file."""
    return {(table.name, row) for table, rows in held(path).items() for row in rows}


def test_everything_is_exported(path: Path, tmp_path: Path) -> None:
    """Without a choice all goes to a file for its owner only, but for what only the daemon there has to do."""
    written(path, *tenant("contoso"), *tenant("fabrikam", source="t"), whole())
    before = everything(path)
    written(path, (tables.ACCEPTED, ("s", "contoso", "p", "2026-03-01"), ("{}",)))

    assert export(path, tmp_path / "new.db") == 2

    assert everything(tmp_path / "new.db") == before
    assert stat.S_IMODE((tmp_path / "new.db").stat().st_mode) == 0o600


@pytest.mark.parametrize(
    ("choice", "keys"),
    [
        ({"source": "s"}, {("s", ""), ("s", "contoso"), ("s", "fabrikam")}),
        ({"tenant": "contoso"}, {("s", "contoso"), ("t", "contoso")}),
        ({"tenant": "Contoso"}, {("s", "contoso"), ("t", "contoso")}),
        ({"source": "t", "tenant": "Contoso"}, {("t", "contoso")}),
    ],
)
def test_choosing(path: Path, tmp_path: Path, choice: dict[str, str], keys: set[tuple[str, str]]) -> None:
    """A source goes with what it asks for all at once, a tenant by id or name without that."""
    written(path, *tenant("contoso"), *tenant("fabrikam"), *tenant("contoso", source="t"), whole(), whole("t"))

    assert export(path, tmp_path / "new.db", **choice) == len([key for key in keys if key[1]])

    assert {row[:2] for rows in held(tmp_path / "new.db").values() for row in rows} == keys


def test_exporting_while_it_is_written(path: Path, tmp_path: Path) -> None:
    """What a running daemon has committed is exported, although it is only in its log yet."""
    database = Database(path)
    database.open()
    database.write(tenants("contoso"))

    export(path, tmp_path / "new.db")

    database.close()
    assert names(held(tmp_path / "new.db")) == {"contoso"}


def test_nothing_to_export(path: Path, tmp_path: Path) -> None:
    """From a file that holds nothing nothing is exported, and that is said."""
    made(path)

    with pytest.raises(SettingsError, match="nothing is remembered of anything"):
        export(path, tmp_path / "new.db")

    assert not (tmp_path / "new.db").exists()


def test_neither_source_nor_tenant(path: Path, tmp_path: Path) -> None:
    """What does not exist is named as it was asked for, source and tenant."""
    made(path, "contoso")

    with pytest.raises(SettingsError, match="nothing is remembered of source t, tenant contoso"):
        export(path, tmp_path / "new.db", source="t", tenant="contoso")


def test_export_to_a_full_disk(path: Path, disk: Disk) -> None:
    """An export for which there is no room leaves no half of a file behind."""
    made(path, "contoso")
    disk.fill()

    with pytest.raises(SettingsError, match=r"new\.db: cannot be written: .*(full|I/O)"):
        export(path, disk.place / "new.db")

    assert [file.name for file in disk.place.iterdir()] == ["ballast"]


@pytest.mark.parametrize(
    ("here", "there", "taken"),
    [
        (tenant("contoso", runs=1, left_at=NOW), tenant("contoso", runs=2), True),
        (tenant("contoso", runs=1), tenant("contoso", runs=2, left_at=NOW), False),
        (tenant("contoso", runs=1, left_at=NOW), tenant("contoso", runs=2, left_at=NOW + 1), False),
        (tenant("contoso", runs=1, left_at=NOW), tenant("contoso", runs=2)[1:], True),
    ],
)
def test_who_wins(path: Path, tmp_path: Path, here: Rows, there: Rows, taken: bool) -> None:  # noqa: FBT001 - a case
    """Who is watched wins over who left; if both left nothing is changed; without a word of leaving, it is watched."""
    written(path, *here)
    written(tmp_path / "there.db", *there)

    imported = import_(path, tmp_path / "there.db")

    key = {("s", "contoso")}
    assert (imported.taken, imported.kept) == ((key, set()) if taken else (set(), key))
    assert runs(path) == {"contoso": 2 if taken else 1}


def test_replacing(path: Path, tmp_path: Path) -> None:
    """A tenant that is replaced keeps no row of what was known here, and its neighbour keeps all."""
    written(path, *tenant("contoso", runs=1), *tenant("fabrikam", runs=1), whole())
    written(tmp_path / "there.db", *tenant("contoso", runs=2)[:2])

    imported = import_(path, tmp_path / "there.db", replace=True)

    assert imported.taken == {("s", "contoso")}
    assert runs(path) == {"contoso": 2, "fabrikam": 1}
    assert [row[1] for row in held(path)[tables.ANSWERS]] == ["fabrikam"]
    assert [row[1] for row in held(path)[tables.COLLECTIONS]] == ["", "fabrikam"]


def test_one_watched_in_both(path: Path, tmp_path: Path) -> None:
    """One tenant that is watched in both stops the import of all, which is named, and changes nothing."""
    written(path, *tenant("contoso", runs=1))
    written(tmp_path / "there.db", *tenant("contoso"), *tenant("fabrikam"))
    before = everything(path)

    with pytest.raises(SettingsError) as refused:
        import_(path, tmp_path / "there.db")

    assert str(refused.value).splitlines() == [
        "source s, tenant contoso: is watched here and there; --replace lets the file win",
        "nothing was imported",
    ]
    assert everything(path) == before


def test_what_is_asked_for_all_at_once(path: Path, tmp_path: Path) -> None:
    """How a source's common collections fare is taken over where nothing is known of them, and only there."""
    written(path, whole("s", due=1.0))
    written(tmp_path / "there.db", whole("s", due=2.0), whole("t", due=2.0))

    import_(path, tmp_path / "there.db")

    at = tables.COLLECTIONS.columns.index("due")
    assert {row[0]: row[at] for row in held(path)[tables.COLLECTIONS]} == {"s": 1.0, "t": 2.0}


def test_renaming(path: Path, tmp_path: Path) -> None:
    """All rows of the one source come under its new name; the file they come from is not changed."""
    origin = written(tmp_path / "there.db", *tenant("contoso"), whole())
    before = origin.read_bytes()

    import_(path, origin, rename="new")

    assert everything(path) == {(table, ("new", *row[1:])) for table, row in everything(origin)}
    assert origin.read_bytes() == before


@pytest.mark.parametrize(("sources", "holds"), [((), "nothing"), (("s", "t"), "s, t")])
def test_renaming_another_number(path: Path, tmp_path: Path, sources: tuple[str, ...], holds: str) -> None:
    """A file of no source, or of several, cannot be renamed, and its sources are named."""
    written(tmp_path / "there.db", *(row for name in sources for row in tenant("contoso", source=name)))

    with pytest.raises(SettingsError, match=f"there.db: holds {holds}; only one source can be renamed"):
        import_(path, tmp_path / "there.db", rename="new")

    assert not path.exists()


def test_import_where_nothing_can_be_written(tmp_path: Path) -> None:
    """A place that cannot be written is told in one line, not by a traceback."""
    (tmp_path / "file").touch()
    made(tmp_path / "there.db", "contoso")

    with pytest.raises(SettingsError, match=r"state\.db: cannot be written: "):
        import_(tmp_path / "file" / "state.db", tmp_path / "there.db")


def test_import_on_a_full_disk(disk: Disk, tmp_path: Path) -> None:
    """An import for which there is no room changes nothing, and lets the daemon have its file again."""
    path = disk.place / "state.db"
    made(path, "contoso")
    made(tmp_path / "there.db", *(f"fabrikam {number:0500}" for number in range(200)))
    disk.fill()

    with pytest.raises(SettingsError, match=r"state\.db: cannot be written: "):
        import_(path, tmp_path / "there.db")
    disk.make_room()

    database = Database(path)
    assert names(database.open()) == {"contoso"}
    database.close()
    assert not put_aside(path, "corrupt")


@pytest.mark.parametrize("version", range(1, len(MIGRATIONS) + 1))
def test_import_of_what_an_older_version_wrote(path: Path, tmp_path: Path, version: int) -> None:
    """What an older version exported is taken over: the counters as they were, what it did not count as nothing."""
    there = tmp_path / "there.db"
    with closing(sqlite3.connect(there, isolation_level=None)) as connection:
        prepare(connection, MIGRATIONS[:version])
        connection.execute("INSERT INTO tenants VALUES ('s', 'contoso', 1, NULL)")
        connection.execute(
            "INSERT INTO counters (source, tenant, product, workload, job_type, objects, born, runs, successes,"
            " failures, warnings, unobserved, duration_sum, duration_count, size_bytes)"
            " VALUES ('s', 'contoso', 'M365', 'VM', 'backup', '{}', 1.0, 7, 7, 0, 0, 0, 60.0, 7, 0.0)"
        )

    imported = import_(path, there)

    assert imported.taken == {("s", "contoso")}
    assert runs(path) == {"contoso": 7}
    assert [row[-2:] for row in held(path)[tables.COUNTERS]] == [(0, None)]


def test_import_of_nothing(path: Path, tmp_path: Path) -> None:
    """A file that holds nothing is imported without doing anything."""
    made(path, "contoso")
    made(tmp_path / "there.db")

    imported = import_(path, tmp_path / "there.db")

    assert (imported.taken, imported.kept) == (set(), set())
    assert names(held(path)) == {"contoso"}
