"""The tables of the state file, and what their rows are in memory."""

from collections import Counter
from dataclasses import dataclass
from operator import attrgetter
from sys import intern
from typing import Any, Final, TypeAlias

from pydantic_core import from_json, to_json

from exporter.drift import ProfileMemory
from exporter.job_memory import JobMemory, SeenRun
from exporter.progress import Progress, Timing
from exporter.records import JobKey
from exporter.state.books import Books
from exporter.tally import ErrorTally, Group, Tally

Key: TypeAlias = tuple[str, ...]
Row: TypeAlias = tuple[Any, ...]
"""The values of a row after its key."""


@dataclass(frozen=True, slots=True, eq=False)
class Table:
    """A table whose keys all begin with source and tenant."""

    name: str
    key: tuple[str, ...]
    values: tuple[str, ...]

    @property
    def columns(self) -> tuple[str, ...]:
        """All columns, those of the key first."""
        return ("source", "tenant", *self.key, *self.values)

    @property
    def select(self) -> str:
        """The statement that reads all rows."""
        return f"SELECT {', '.join(self.columns)} FROM {self.name}"  # noqa: S608 - names of ours

    @property
    def put(self) -> str:
        """The statement that writes one row, in place of the one with its key."""
        marks = ", ".join("?" * len(self.columns))
        return f"INSERT OR REPLACE INTO {self.name} ({', '.join(self.columns)}) VALUES ({marks})"  # noqa: S608

    @property
    def drop(self) -> str:
        """The statement that deletes the row of a key."""
        where = " AND ".join(f"{column} = ?" for column in ("source", "tenant", *self.key))
        return f"DELETE FROM {self.name} WHERE {where}"  # noqa: S608 - names of ours


# Where a column bears the name of an attribute, that is what it holds.
_JOB: Final = ("product", "workload", "job_type", "job_name")

TENANTS: Final = Table("tenants", (), ("observed", "left_at"))
COUNTERS: Final = Table(
    "counters",
    ("product", "workload", "job_type"),
    (
        *("objects", "born", "runs", "successes", "failures", "warnings", "unobserved"),
        *("duration_sum", "duration_count", "objects_born", "size_bytes", "size_born", "retries", "retries_born"),
    ),
)
JOBS: Final = Table(
    "jobs",
    _JOB,
    (
        *("present", "objects", "first_seen", "seen_at", "status", "ended_status", "started_at", "ended_order"),
        *("ended_at", "succeeded_at", "completed_at", "duration_seconds", "size_bytes", "forgotten_before"),
        "gap",
    ),
)
ERRORS: Final = Table("errors", ("code",), ("born", "errors"))
RUNS: Final = Table("runs", ("run_id",), (*_JOB, "state", "run_order", "seen_at"))
SCAN_PROFILES: Final = Table("scan_profiles", ("profile",), ("born", "agreed", "settings", "seen_at", "changes"))
ANSWERS: Final = Table("answers", ("collector",), ("records",))
COLLECTIONS: Final = Table(
    "collections",
    ("collector",),
    (
        *("success", "succeeded_at", "stale_at"),
        *("due", "regular", "failures", "applicable", "requests", "in_flight", "interval_seconds"),
    ),
)
ACCEPTED: Final = Table("accepted_baselines", ("profile", "asked_at"), ("settings",))
"""What `baseline accept` asks the daemon to take over; the daemon deletes it when that is done."""

BOOKS: Final = (TENANTS, COUNTERS, ERRORS, JOBS, RUNS, SCAN_PROFILES)
"""What must not be lost."""
TABLES: Final = (*BOOKS, ANSWERS, COLLECTIONS, ACCEPTED)


def _json(values: Any) -> str | None:
    return None if values is None else to_json(values).decode()


def tally_row(tally: Tally) -> Row:
    """Return a row of `COUNTERS`."""
    objects, *rest = attrgetter(*COUNTERS.values)(tally)
    return (_json(objects), *rest)


def job_row(memory: JobMemory, present: str | None) -> Row:
    """Return a row of `JOBS`; *present* is the status that the vendor shows now, if it shows the job."""
    objects, *rest = attrgetter(*JOBS.values[1:])(memory)
    return (present, _json(objects), *rest)


def error_row(tally: ErrorTally) -> Row:
    """Return a row of `ERRORS`."""
    return (tally.born, tally.errors)


def run_row(run: SeenRun) -> Row:
    """Return a row of `RUNS`."""
    return (*run.job, run.state, run.order, run.seen_at)


def profile_row(memory: ProfileMemory) -> Row:
    """Return a row of `SCAN_PROFILES`."""
    return (memory.born, _json(memory.agreed), _json(memory.settings), memory.seen_at, memory.changes)


def collection_row(progress: Progress | None, timing: Timing | None) -> Row:
    """Return a row of `COLLECTIONS`."""
    fares = (progress.success, progress.succeeded_at, progress.stale_at) if progress else (None, None, None)
    return (*fares, *(timing or (None,) * len(Timing._fields)))


def mapping(text: Any) -> dict[str, Any]:
    """Return what a text of JSON maps to what; ValueError or TypeError if it does not."""
    values = from_json(text)
    if not isinstance(values, dict):
        raise TypeError("not a mapping")
    return values


def _facts(table: Table, row: Row, *texts: str) -> dict[str, Any]:
    """Return a row by column; TypeError if another program put a text where a number belongs, or the reverse.

    SQLite keeps whatever it is given, and a value of the wrong type would stop its tenant's polls for ever.
    """
    facts = dict(zip(table.values, row, strict=True))
    for column, value in facts.items():
        if value is not None and not isinstance(value, str if column in texts else (int, float)):
            raise TypeError(f"{table.name}.{column}")
    return facts


def read_tenant(books: Books, _: Key, row: Row) -> None:
    """Enter a row of `TENANTS`."""
    facts = _facts(TENANTS, row)
    books.jobs.observed, books.left_at = bool(facts["observed"]), facts["left_at"]


def read_tally(books: Books, key: Key, row: Row) -> None:
    """Enter a row of `COUNTERS`."""
    facts = _facts(COUNTERS, row, "objects")
    facts["objects"] = Counter(mapping(facts["objects"]))
    books.jobs.tallies[Group(*map(intern, key))] = Tally(**facts)  # type: ignore[arg-type]


def read_error(books: Books, key: Key, row: Row) -> None:
    """Enter a row of `ERRORS`."""
    books.jobs.errors[intern(key[0])] = ErrorTally(**_facts(ERRORS, row))


def read_job(books: Books, key: Key, row: Row) -> None:
    """Enter a row of `JOBS`."""
    facts = _facts(JOBS, row, "present", "objects", "status", "ended_status")
    job, present = _job_key(key), facts.pop("present")
    if facts["objects"] is not None:
        facts["objects"] = mapping(facts["objects"])
    books.jobs.jobs[job] = JobMemory(**facts)
    if present is not None:
        books.jobs.present[job] = intern(present)


def read_run(books: Books, key: Key, row: Row) -> None:
    """Enter a row of `RUNS`."""
    facts = _facts(RUNS, row, *_JOB, "state")
    run = SeenRun(_job_key([facts[column] for column in _JOB]), facts["state"], facts["run_order"], facts["seen_at"])
    books.jobs.runs[key[0]] = run
    if run.state == "open":
        books.jobs.open_runs.add(key[0])


def read_profile(books: Books, key: Key, row: Row) -> None:
    """Enter a row of `SCAN_PROFILES`."""
    facts = _facts(SCAN_PROFILES, row, "agreed", "settings")
    facts |= {column: mapping(facts[column]) for column in ("agreed", "settings")}
    books.scan_profiles.profiles[key[0]] = ProfileMemory(**facts)


def read_collection(row: Row) -> tuple[Progress | None, Timing | None]:
    """Return what a row of `COLLECTIONS` says."""
    facts = _facts(COLLECTIONS, row)
    success, succeeded_at, stale_at = (facts.pop(name) for name in COLLECTIONS.values[:3])
    known = any(fact is not None for fact in (success, succeeded_at, stale_at))
    progress = Progress(None if success is None else bool(success), succeeded_at, stale_at) if known else None
    facts["applicable"] = bool(facts["applicable"])
    return progress, Timing(**facts) if facts["due"] is not None else None


def _job_key(words: Key | list[str]) -> JobKey:
    return JobKey(*map(intern, words))  # type: ignore[arg-type]
