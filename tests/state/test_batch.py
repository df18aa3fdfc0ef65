"""What is written in one transaction says what its puts and purges said one after the other."""

import sqlite3
from contextlib import closing

from hypothesis import given
from hypothesis import strategies as st

from exporter.state import tables
from exporter.state.batch import Batch
from exporter.state.database import read, write
from exporter.state.schema import prepare
from tests.state.storage import tenants

STEPS = st.lists(
    st.tuples(st.sampled_from(["put", "drop", "purge"]), st.sampled_from(["a", "b"]), st.sampled_from(["x", "y"])),
    max_size=8,
)


def entered(steps: list[tuple[str, str, str]], number: int = 0) -> Batch:
    """Return a batch of steps; each put writes another value."""
    batch = Batch()
    for at, (step, tenant, collector) in enumerate(steps, start=number):
        match step:
            case "put":
                batch.put(tables.ANSWERS, ("s", tenant, collector), (b"%d" % at,))
            case "drop":
                batch.put(tables.ANSWERS, ("s", tenant, collector), None)
            case _:
                batch.purge("s", tenant)
    return batch


def expected(steps: list[tuple[str, str, str]]) -> set[tuple[str, str, str, bytes]]:
    """Return what is left after the steps, one after the other."""
    rows: dict[tuple[str, str], bytes] = {}
    for at, (step, tenant, collector) in enumerate(steps):
        if step == "put":
            rows[tenant, collector] = b"%d" % at
        else:
            rows = {
                key: value
                for key, value in rows.items()
                if key[0] != tenant or (step == "drop" and key[1] != collector)
            }
    return {("s", *key, value) for key, value in rows.items()}


def written(*batches: Batch) -> set[tuple[str, str, str, bytes]]:
    """Return what a new file's answers are after the batches."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        prepare(connection)
        for batch in batches:
            write(connection, batch)
        return set(read(connection)[tables.ANSWERS])


@given(STEPS)
def test_one_batch(steps: list[tuple[str, str, str]]) -> None:
    """One batch leaves what its steps would have left, each written by itself."""
    assert written(entered(steps)) == expected(steps)


@given(STEPS, STEPS, STEPS)
def test_following(
    first: list[tuple[str, str, str]], second: list[tuple[str, str, str]], third: list[tuple[str, str, str]]
) -> None:
    """A batch that follows one that could not be written leaves what both would have left in turn."""
    before, failed = entered(first), entered(second, len(first))
    newest = entered(third, len(first) + len(second))

    newest.follow(failed)

    assert written(before, newest) == expected([*first, *second, *third])


def test_purging_is_of_one_tenant_of_one_source() -> None:
    """A tenant of the same name of another source keeps its rows."""
    ours, theirs = tenants("contoso"), tenants("contoso", source="t")
    ours.follow(theirs)

    ours.purge("s", "contoso")

    assert list(ours.of(tables.TENANTS)) == [("t", "contoso")]


def test_emptiness() -> None:
    """Only a batch with nothing to write and nothing to delete is empty."""
    purged, dropped = Batch(), Batch()
    purged.purge("s", "contoso")
    dropped.put(tables.TENANTS, ("s", "contoso"), None)

    assert not Batch()
    assert all([tenants("contoso"), purged, dropped])


def test_purged_rows_are_not_written() -> None:
    """A row that is purged before it was written is never written."""
    batch = tenants("contoso", "fabrikam")

    batch.purge("s", "contoso")

    puts = [parameters for statement, parameters in batch.statements() if not statement.startswith("DELETE")]
    assert puts == [[("s", "fabrikam", 1, None)]]


def test_purges_come_first() -> None:
    """All purged tenants are deleted by one statement for each table, before anything is put."""
    batch = tenants("contoso", "fabrikam")
    batch.purge("s", "adatum")
    batch.purge("s", "contoso")

    statements = list(batch.statements())

    purges = [(statement, sorted(parameters)) for statement, parameters in statements[:-1]]
    assert purges == [
        (f"DELETE FROM {table.name} WHERE source = ? AND tenant = ?", [("s", "adatum"), ("s", "contoso")])  # noqa: S608
        for table in tables.TABLES
    ]
    assert statements[-1] == (tables.TENANTS.put, [("s", "fabrikam", 1, None)])


def test_nothing_is_purged() -> None:
    """A batch that purges nobody deletes by key only."""
    batch = tenants("contoso")
    batch.put(tables.TENANTS, ("s", "fabrikam"), None)

    assert list(batch.statements()) == [
        (tables.TENANTS.put, [("s", "contoso", 1, None)]),
        (tables.TENANTS.drop, [("s", "fabrikam")]),
    ]
