"""What is to be written in one transaction."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from exporter.state.tables import TABLES, Key, Row, Table


@dataclass(slots=True)
class Batch:
    """Tenants to delete first, then rows to put or, where ``None``, to delete; a key's newest row wins."""

    purged: set[tuple[str, str]] = field(default_factory=set)
    rows: dict[Table, dict[Key, Row | None]] = field(default_factory=dict)

    def put(self, table: Table, key: Key, row: Row | None) -> None:
        """Write a row, or delete it; *key* begins with source and tenant."""
        self.rows.setdefault(table, {})[key] = row

    def purge(self, source: str, tenant: str) -> None:
        """Delete all rows of a tenant, those of this batch included."""
        for rows in self.rows.values():
            for key in [key for key in rows if key[:2] == (source, tenant)]:
                del rows[key]
        self.purged.add((source, tenant))

    def follow(self, earlier: "Batch") -> None:
        """Become both: what *earlier* could not write, then what this one says."""
        rows = earlier.rows
        for source, tenant in self.purged:
            for theirs in rows.values():
                for key in [key for key in theirs if key[:2] == (source, tenant)]:
                    del theirs[key]
        for table, mine in self.rows.items():
            rows.setdefault(table, {}).update(mine)
        self.rows = rows
        self.purged |= earlier.purged

    def statements(self) -> Iterator[tuple[str, list[tuple[object, ...]]]]:
        """Yield statements with the parameters of each of their executions."""
        for table in TABLES if self.purged else ():
            where = "source = ? AND tenant = ?"
            yield f"DELETE FROM {table.name} WHERE {where}", list(self.purged)  # noqa: S608 - names of ours
        for table, rows in self.rows.items():
            puts: list[tuple[object, ...]] = [(*key, *row) for key, row in rows.items() if row is not None]
            drops: list[tuple[object, ...]] = [key for key, row in rows.items() if row is None]
            if puts:
                yield table.put, puts
            if drops:
                yield table.drop, drops

    def __bool__(self) -> bool:
        return bool(self.purged) or any(self.rows.values())
