"""What is to be written in one transaction."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from exporter.state.tables import TABLES, Key, Row, Table

Member = tuple[str, str]
"""(source, tenant)."""


@dataclass(slots=True)
class Batch:
    """Tenants to delete first, then rows to put or, where ``None``, to delete; a key's newest row wins."""

    purged: set[Member] = field(default_factory=set)
    _rows: dict[Member, dict[Table, dict[Key, Row | None]]] = field(default_factory=dict)

    def put(self, table: Table, key: Key, row: Row | None) -> None:
        """Write a row, or delete it; *key* begins with source and tenant."""
        self._rows.setdefault((key[0], key[1]), {}).setdefault(table, {})[key] = row

    def purge(self, source: str, tenant: str) -> None:
        """Delete all rows of a tenant, those of this batch included."""
        self._rows.pop((source, tenant), None)
        self.purged.add((source, tenant))

    def follow(self, earlier: "Batch") -> None:
        """Become both: what *earlier* could not write, then what this one says."""
        mine, self._rows = self._rows, earlier._rows  # noqa: SLF001 - one of us
        for member in self.purged:
            self._rows.pop(member, None)
        for member, tables in mine.items():
            theirs = self._rows.setdefault(member, {})
            for table, rows in tables.items():
                theirs.setdefault(table, {}).update(rows)
        self.purged |= earlier.purged

    def of(self, table: Table) -> dict[Key, Row | None]:
        """Return the rows of a table by key."""
        return {key: row for tables in self._rows.values() for key, row in tables.get(table, {}).items()}

    def statements(self) -> Iterator[tuple[str, list[tuple[object, ...]]]]:
        """Yield statements with the parameters of each of their executions."""
        for table in TABLES if self.purged else ():
            where = "source = ? AND tenant = ?"
            yield f"DELETE FROM {table.name} WHERE {where}", list(self.purged)  # noqa: S608 - names of ours
        for table in TABLES:
            rows = self.of(table)
            puts: list[tuple[object, ...]] = [(*key, *row) for key, row in rows.items() if row is not None]
            drops: list[tuple[object, ...]] = [key for key, row in rows.items() if row is None]
            if puts:
                yield table.put, puts
            if drops:
                yield table.drop, drops

    def __bool__(self) -> bool:
        return bool(self.purged) or any(rows for tables in self._rows.values() for rows in tables.values())
