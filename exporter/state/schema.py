"""The form of the state file, version by version."""

import sqlite3
from collections.abc import Sequence
from pathlib import Path
from typing import Final

from exporter.errors import SettingsError

APPLICATION_ID: Final = 0x4D33_3635
"""``M365`` in the header of a file that is ours."""

HEADER: Final = 100
"""Bytes at the beginning of a SQLite file that tell what it is."""

MIGRATIONS: Final[Sequence[str]] = (
    """
    CREATE TABLE tenants (
        source TEXT NOT NULL, tenant TEXT NOT NULL,
        observed INTEGER NOT NULL,  -- whether its jobs have been answered for at least once
        left_at REAL,               -- Unix seconds; NULL while it is watched
        PRIMARY KEY (source, tenant)
    ) WITHOUT ROWID;

    CREATE TABLE counters (
        source TEXT NOT NULL, tenant TEXT NOT NULL,
        product TEXT NOT NULL, workload TEXT NOT NULL, job_type TEXT NOT NULL,
        born REAL NOT NULL,
        runs INTEGER NOT NULL, successes INTEGER NOT NULL, failures INTEGER NOT NULL, warnings INTEGER NOT NULL,
        unobserved INTEGER NOT NULL,
        duration_sum REAL NOT NULL, duration_count INTEGER NOT NULL,
        objects TEXT NOT NULL,      -- JSON: outcome to number
        objects_born REAL,
        size_bytes REAL NOT NULL, size_born REAL,
        PRIMARY KEY (source, tenant, product, workload, job_type)
    ) WITHOUT ROWID;

    CREATE TABLE jobs (
        source TEXT NOT NULL, tenant TEXT NOT NULL,
        product TEXT NOT NULL, workload TEXT NOT NULL, job_type TEXT NOT NULL, job_name TEXT NOT NULL,
        present TEXT,               -- status shown now; NULL if the job is not shown
        first_seen REAL NOT NULL, seen_at REAL NOT NULL,
        status TEXT NOT NULL, ended_status TEXT,
        started_at REAL, ended_order REAL NOT NULL, ended_at REAL, succeeded_at REAL, completed_at REAL,
        duration_seconds REAL, size_bytes REAL,
        objects TEXT,               -- JSON: outcome to number, of the last run that ended
        forgotten_before REAL NOT NULL,
        PRIMARY KEY (source, tenant, product, workload, job_type, job_name)
    ) WITHOUT ROWID;

    CREATE TABLE runs (
        source TEXT NOT NULL, tenant TEXT NOT NULL, run_id TEXT NOT NULL,
        product TEXT NOT NULL, workload TEXT NOT NULL, job_type TEXT NOT NULL, job_name TEXT NOT NULL,
        state TEXT NOT NULL,        -- open, ended (counted, or known not to count) or lost
        run_order REAL NOT NULL, seen_at REAL NOT NULL,
        PRIMARY KEY (source, tenant, run_id)
    ) WITHOUT ROWID;

    CREATE TABLE scan_profiles (
        source TEXT NOT NULL, tenant TEXT NOT NULL, profile TEXT NOT NULL,
        born REAL NOT NULL,
        agreed TEXT NOT NULL,       -- JSON: setting to value, the baseline
        settings TEXT NOT NULL,     -- JSON: setting to value, as last seen
        seen_at REAL NOT NULL, changes INTEGER NOT NULL,
        PRIMARY KEY (source, tenant, profile)
    ) WITHOUT ROWID;

    CREATE TABLE answers (
        source TEXT NOT NULL, tenant TEXT NOT NULL, collector TEXT NOT NULL,
        records BLOB NOT NULL,      -- JSON: the records of the last good answer
        PRIMARY KEY (source, tenant, collector)
    ) WITHOUT ROWID;

    CREATE TABLE collections (
        source TEXT NOT NULL, tenant TEXT NOT NULL, collector TEXT NOT NULL,  -- tenant '': asks for all at once
        success INTEGER, succeeded_at REAL, stale_at REAL,
        due REAL, regular REAL, failures INTEGER, applicable INTEGER, requests REAL, in_flight REAL,
        interval_seconds REAL,
        PRIMARY KEY (source, tenant, collector)
    ) WITHOUT ROWID;

    CREATE TABLE accepted_baselines (
        source TEXT NOT NULL, tenant TEXT NOT NULL, profile TEXT NOT NULL,
        asked_at TEXT NOT NULL,     -- ISO 8601, UTC
        settings TEXT NOT NULL,     -- JSON: setting to value, as the operator saw them
        PRIMARY KEY (source, tenant, profile, asked_at)
    ) WITHOUT ROWID;
    """,
    """
    CREATE TABLE errors (
        source TEXT NOT NULL, tenant TEXT NOT NULL, code TEXT NOT NULL,
        born REAL NOT NULL, errors INTEGER NOT NULL,
        PRIMARY KEY (source, tenant, code)
    ) WITHOUT ROWID;
    """,
    """
    ALTER TABLE counters ADD COLUMN retries INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE counters ADD COLUMN retries_born REAL;
    ALTER TABLE jobs ADD COLUMN gap REAL;  -- seconds; 0: somebody starts it; NULL: its schedule is not known
    """,
)
"""What makes each version of the file out of the one before; only ever added to."""


class UnusableFile(Exception):
    """A file that cannot be read by this version: *why* is a word for its new name."""

    def __init__(self, why: str) -> None:
        super().__init__(why)
        self.why = why


def refuse_foreign(path: Path) -> None:
    """Raise `SettingsError` if another program's database is at *path*, before SQLite touches it or its log."""
    with path.open("rb") as file:
        header = file.read(HEADER)
    if header.startswith(b"SQLite format 3\0") and int.from_bytes(header[68:72], "big") != APPLICATION_ID:
        raise SettingsError([f"{path}: is another program's database; choose another file"])


def prepare(connection: sqlite3.Connection, migrations: Sequence[str] = MIGRATIONS) -> int:
    """Check the file, and bring it to the newest version; return the version it had.

    Raises `UnusableFile`, or sqlite3.Error if it cannot be read or written.
    """
    version = _examined(connection, len(migrations))
    for number in range(version, len(migrations)):
        steps = f"PRAGMA application_id = {APPLICATION_ID}; PRAGMA user_version = {number + 1};"
        try:
            connection.executescript(f"BEGIN IMMEDIATE; {migrations[number]}; {steps} COMMIT;")
        except sqlite3.Error:
            if connection.in_transaction:
                connection.rollback()
            raise
    return version


def examine(connection: sqlite3.Connection) -> None:
    """Check a file that is only read: `UnusableFile` unless it is a whole one of exactly this version."""
    if _examined(connection, len(MIGRATIONS)) != len(MIGRATIONS):
        raise UnusableFile("older")


def _examined(connection: sqlite3.Connection, newest: int) -> int:
    try:
        version = connection.execute("PRAGMA user_version").fetchone()[0]
        if not 0 <= version <= newest:
            raise UnusableFile(f"version-{version}")
        if connection.execute("PRAGMA integrity_check(1)").fetchone()[0] != "ok":
            raise UnusableFile("corrupt")
    except sqlite3.OperationalError:  # locked, unreadable, full: that is about the place, not about the content
        raise
    except sqlite3.DatabaseError as error:
        raise UnusableFile("corrupt") from error
    return int(version)
