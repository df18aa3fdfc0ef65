"""The state file as commands read it, beside a daemon that may be writing it."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Final

from exporter.errors import SettingsError
from exporter.records import ScanProfile, Tenant
from exporter.state.answers import unpacked
from exporter.state.schema import UnusableFile, examine, refuse_foreign
from exporter.state.tables import ANSWERS, Row, Table

BUSY: Final = 5.0
"""Seconds to wait while the daemon commits."""


@contextmanager
def opened(path: Path) -> Iterator[sqlite3.Connection]:
    """Yield a connection to a state file of this version; `SettingsError` tells what is wrong with it."""
    if not path.is_file():
        raise SettingsError([f"{path}: there is no state file; it is made when the exporter first runs"])
    try:
        refuse_foreign(path)
        with closing(sqlite3.connect(path, timeout=BUSY, isolation_level=None)) as connection:
            examine(connection)
            yield connection
    except UnusableFile as error:
        raise SettingsError([f"{path}: cannot be used by this version: it is {error.why}"]) from error
    except (OSError, sqlite3.Error) as error:
        raise SettingsError([f"{path}: {error}"]) from error


def names(connection: sqlite3.Connection) -> dict[tuple[str, str], str]:
    """Return the names of tenants by source and tenant, as far as they are remembered."""
    return {
        (source, record.tenant): record.name
        for source, records in _answers(connection)
        for record in records
        if isinstance(record, Tenant)
    }


def profile_names(connection: sqlite3.Connection) -> dict[tuple[str, str, str], str]:
    """Return the names of scan profiles by source, tenant and profile, as far as they are remembered."""
    return {
        (source, record.tenant, record.profile): record.name
        for source, records in _answers(connection)
        for record in records
        if isinstance(record, ScanProfile)
    }


def rows(connection: sqlite3.Connection, table: Table, keys: set[tuple[str, str]]) -> list[Row]:
    """Return the rows of a table that belong to these sources and tenants."""
    return [row for row in connection.execute(table.select) if row[:2] in keys]


def _answers(connection: sqlite3.Connection) -> Iterator[tuple[str, tuple[object, ...]]]:
    for source, _, _, packed in connection.execute(ANSWERS.select):
        try:
            yield source, unpacked(packed)
        except ValueError:  # of another version; only a name is missing
            continue
