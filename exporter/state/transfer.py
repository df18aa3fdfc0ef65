"""Ledgers from one state file to another: when tenants move between shards, sources are renamed, machines replaced."""

import os
import sqlite3
from contextlib import closing, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Final

from exporter.errors import SettingsError
from exporter.state import reading
from exporter.state.batch import Batch
from exporter.state.database import Contents, Database, write
from exporter.state.schema import prepare
from exporter.state.tables import ANSWERS, BOOKS, COLLECTIONS, TENANTS, Row

NAMED: Final = 5
"""Tenants that are named before the rest is only counted."""
EXPORTED: Final = (*BOOKS, ANSWERS, COLLECTIONS)


def export(state: Path, target: Path, *, source: str | None = None, tenant: str | None = None) -> int:
    """Write what is remembered of a source, a tenant, or everything, to a new file; return the number of tenants.

    *tenant* is an id or a name. The daemon may be running. `SettingsError` if there is nothing to write, or the
    file exists.
    """
    with reading.opened(state) as connection:
        connection.execute("BEGIN")  # all tables as of one moment
        chosen = _chosen(connection, source, tenant)
        batch = Batch()
        for table in EXPORTED:
            width = 2 + len(table.key)
            for row in reading.rows(connection, table, chosen):
                batch.put(table, row[:width], row[width:])
        connection.execute("COMMIT")
    if not batch:
        raise SettingsError([f"{state}: nothing is remembered of {_what(source, tenant)}"])
    try:
        os.close(os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600))
    except FileExistsError:
        raise SettingsError([f"{target}: exists; choose another name or remove it"]) from None
    except OSError as error:
        raise SettingsError([f"{target}: cannot be written: {error.strerror}"]) from error
    try:
        with closing(sqlite3.connect(target, isolation_level=None)) as connection:
            prepare(connection)
            write(connection, batch)
    except sqlite3.Error as error:
        with suppress(OSError):
            target.unlink()
        raise SettingsError([f"{target}: cannot be written: {error}"]) from error
    return len(batch.of(TENANTS))


def _chosen(connection: sqlite3.Connection, source: str | None, tenant: str | None) -> set[tuple[str, str]]:
    """Return the sources and tenants that are meant; what a source remembers as a whole only goes with all of it."""
    names = reading.names(connection) if tenant is not None else {}
    known = {row[:2] for table in EXPORTED for row in connection.execute(table.select)}
    return {
        key
        for key in known
        if (source is None or key[0] == source) and (tenant is None or tenant in (key[1], names.get(key)))
    }


def _what(source: str | None, tenant: str | None) -> str:
    left = "; one that left is known by its id only" if tenant else ""
    words = [f"source {source}" if source else "", f"tenant {tenant}{left}" if tenant else ""]
    return ", ".join(filter(None, words)) or "anything"


@dataclass(slots=True)
class Imported:
    """What became of the tenants in a file, by source and tenant."""

    taken: set[tuple[str, str]] = field(default_factory=set)
    kept: set[tuple[str, str]] = field(default_factory=set)
    """Those that the state here knows better."""


def import_(state: Path, origin: Path, *, rename: str | None = None, replace: bool = False) -> Imported:
    """Take over what another file remembers, all or nothing; *rename* gives the one source in it another name.

    A tenant that is watched here wins over one that had left there. One that is watched in both is a fault, unless
    *replace* lets the file win. `SettingsError` if the daemon runs, or the file cannot be used.
    """
    theirs = _read(origin, rename)
    database = Database(state)
    try:
        mine = database.open()
        imported = _decide(mine, theirs, replace=replace)
        batch = Batch()
        for source, tenant in imported.taken:
            batch.purge(source, tenant)
        here = {row[:2] for row in mine[TENANTS] if _watched(row)}
        whole = {row[:2] for table in EXPORTED for row in mine[table] if not row[1]}
        for table in EXPORTED:
            width = 2 + len(table.key)
            for row in theirs[table]:
                if row[:2] in imported.taken or (not row[1] and row[:2] not in whole):
                    watched = table is TENANTS and row[:2] in here
                    batch.put(table, row[:width], (*row[width:-1], None) if watched else row[width:])
        database.write(batch)
    except (OSError, sqlite3.Error) as error:
        raise SettingsError([f"{state}: cannot be written: {error}"]) from error
    finally:
        database.close()
    return imported


def _read(origin: Path, rename: str | None) -> Contents:
    if not origin.is_file():
        raise SettingsError([f"{origin}: there is no such file"])
    contents = Database(origin).peek()
    if contents is None:
        raise SettingsError([f"{origin}: is not a state file that this version can read"])
    sources = sorted({row[0] for table in EXPORTED for row in contents[table]})
    if rename is None:
        return contents
    if len(sources) != 1:
        raise SettingsError([f"{origin}: holds {', '.join(sources) or 'nothing'}; only one source can be renamed"])
    return {table: [(rename, *row[1:]) for row in rows] for table, rows in contents.items()}


def _decide(mine: Contents, theirs: Contents, *, replace: bool) -> Imported:
    """Tell which tenants are taken over."""
    here, there = ({row[:2]: row for row in contents[TENANTS]} for contents in (mine, theirs))
    imported = Imported()
    faults = []
    for key in sorted({row[:2] for table in BOOKS for row in theirs[table]}):
        if replace or key not in here or (_watched(there.get(key)) and not _watched(here[key])):
            imported.taken.add(key)
        elif not _watched(there.get(key)):
            imported.kept.add(key)
        else:
            faults.append(f"source {key[0]}, tenant {key[1]}: is watched here and there; --replace lets the file win")
    if faults:
        more = [f"and {len(faults) - NAMED} more"] if len(faults) > NAMED else []
        raise SettingsError([*faults[:NAMED], *more, "nothing was imported"])
    return imported


def _watched(tenant: Row | None) -> bool:
    return tenant is None or tenant[-1] is None
