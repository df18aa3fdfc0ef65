"""Rows of the state file → what is remembered."""

from collections.abc import Callable, Mapping
from sys import intern
from typing import Final

import structlog

from exporter.records import Record
from exporter.state import tables
from exporter.state.answers import unpacked
from exporter.state.books import Books
from exporter.state.database import Contents
from exporter.state.source import Collected, SourceState, Writer
from exporter.state.tables import Key, Row, Table
from exporter.tally import ErrorTally, Tally, believed

LOG: Final = structlog.get_logger("exporter.state")


def restored(contents: Contents, writer: Writer, now: float) -> dict[str, SourceState]:
    """Return the states of all sources that *contents* tells of."""
    sources: dict[str, SourceState] = {}
    for table, read in _READERS.items():
        for row in contents.get(table, ()):
            name, tenant, *_ = row
            if name not in sources:
                sources[name] = SourceState(name, writer)
            try:
                read(sources[name], intern(tenant), *_halves(table, row))
            except (TypeError, ValueError) as error:  # somebody else wrote it; the others are not to blame
                what = {"table": table.name, "source": name, "tenant": tenant}
                LOG.error("state_row_dropped", **what, error=type(error).__name__)  # noqa: TRY400
    for source in sources.values():
        for books in source.tenants.values():
            _believe(books, now)
    return sources


def _halves(table: Table, row: Row) -> tuple[Key, Row]:
    width = 2 + len(table.key)
    return row[2:width], row[width:]


def _believe(books: Books, now: float) -> None:
    """See to it that no birth lies ahead."""
    tallies: list[Tally | ErrorTally] = [*books.jobs.tallies.values(), *books.jobs.errors.values()]
    for tally in tallies:
        tally.believe(now)
    for profile in books.scan_profiles.profiles.values():
        profile.born = believed(profile.born, now)


def _book(read: Callable[[Books, Key, Row], None]) -> Callable[[SourceState, str, Key, Row], None]:
    def entered(source: SourceState, tenant: str, key: Key, row: Row) -> None:
        read(source.tenants.setdefault(tenant, Books()), key, row)

    return entered


def _answer(source: SourceState, tenant: str, key: Key, row: Row) -> None:
    """Restore an answer; one that cannot be read is only missed until it is asked for again."""
    (collector,), (packed,) = key, row
    try:
        records: tuple[Record, ...] = unpacked(packed)
    except ValueError as error:
        LOG.warning("answer_dropped", source=source.source, tenant=tenant, collector=collector, error=str(error))
    else:
        _collected(source, tenant, collector).records = records


def _collection(source: SourceState, tenant: str, key: Key, row: Row) -> None:
    collected = _collected(source, tenant, key[0])
    collected.progress, collected.timing = tables.read_collection(row)


def _collected(source: SourceState, tenant: str, collector: str) -> Collected:
    return source.collected.setdefault(tenant, {}).setdefault(intern(collector), Collected())


_READERS: Final[Mapping[Table, Callable[[SourceState, str, Key, Row], None]]] = {
    tables.TENANTS: _book(tables.read_tenant),
    tables.COUNTERS: _book(tables.read_tally),
    tables.ERRORS: _book(tables.read_error),
    tables.JOBS: _book(tables.read_job),
    tables.RUNS: _book(tables.read_run),
    tables.SCAN_PROFILES: _book(tables.read_profile),
    tables.ANSWERS: _answer,
    tables.COLLECTIONS: _collection,
}
