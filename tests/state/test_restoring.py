"""Rows become what they were made of; one that makes no sense costs itself only."""

from collections.abc import Mapping, Sequence
from dataclasses import fields, replace
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from exporter import records
from exporter.plausible import DAY
from exporter.progress import Progress
from exporter.records import (
    JobKey,
    JobSchedule,
    JobSettings,
    MicrosoftLicenses,
    ProtectedEntities,
    Protection,
    Proxy,
    Record,
    Repository,
    RepositoryUsage,
    Run,
    ScanProfile,
    Server,
    ServerLicense,
    Subscription,
    Tenant,
    UnusualActivity,
)
from exporter.state import tables
from exporter.state.answers import KINDS, packed
from exporter.state.database import Contents
from exporter.state.restoring import restored
from exporter.state.source import SourceState
from exporter.state.tables import Row, Table
from tests.metrics.facts import MAIL, facts
from tests.state.remembering import NOW, TIMING, Noting, kept, memory

AS_THEY_CAME = (
    *(Tenant, Subscription, MicrosoftLicenses, Protection, ScanProfile, JobSchedule, UnusualActivity),
    *(JobSettings, ProtectedEntities, RepositoryUsage, Server, ServerLicense, Repository, Proxy),
)
"""Kinds of records that are shown as the vendor told them."""
UNREADABLE = [
    b"",
    b"\xff\xfe",
    b"{}x",
    b"[1]",
    b'[["Nothing", {}]]',
    b'[["Tenant", {}]]',
    b'[["Tenant"]]',
    b'[["Tenant", {"tenant": "t", "name": 5}]]',
    b'[[["Tenant"], {}]]',
    b"null",
]


@pytest.mark.parametrize("answer", UNREADABLE)
def test_unreadable_answer(answer: bytes) -> None:
    """An answer in a form that this version cannot read is dropped with a line in the log, and nothing else is."""
    good = (Tenant(tenant="contoso", name="Contoso"),)
    contents: Contents = {
        tables.TENANTS: [("s", "contoso", 1, None)],
        tables.ANSWERS: [("s", "contoso", "jobs", answer), ("s", "contoso", "tenants", packed(good))],
        tables.COLLECTIONS: [("s", "contoso", "jobs", 1, NOW, None, *TIMING)],
    }

    with capture_logs() as log:
        source = restored(contents, Noting(), NOW)["s"]

    assert [(entry["event"], entry["tenant"], entry["collector"]) for entry in log] == [
        ("answer_dropped", "contoso", "jobs")
    ]
    assert kept(source) == {
        ("contoso", "jobs"): (None, Progress(success=True, succeeded_at=NOW), TIMING),
        ("contoso", "tenants"): (good, None, None),
    }


def test_answer_kept_as_text() -> None:
    """An answer that somebody's editor of databases turned into text is read all the same."""
    answer = packed([Tenant(tenant="contoso", name="Contoso")]).decode()

    source = restored({tables.ANSWERS: [("s", "contoso", "tenants", answer)]}, Noting(), NOW)["s"]

    assert source.of("contoso", "tenants").records == (Tenant(tenant="contoso", name="Contoso"),)


JOB = ("Microsoft 365", "VM", "backup", "vm")
COUNTER: Row = ("s", "contoso", *JOB[:3], "{}", NOW, 1, 1, 0, 0, 0, 60.0, 1, NOW, 5.0, NOW, 2, NOW)
JOB_ROW: Row = ("s", "contoso", *JOB, None, None, NOW, NOW, "success", None, None, 0.0, *[None] * 5, 0.0, None)
RUN: Row = ("s", "contoso", "run 1", *JOB, "ended", 1.0, NOW)
PROFILE: Row = ("s", "contoso", "p", NOW, "{}", "{}", NOW, 0)


def replaced(row: Row, at: int, value: object) -> Row:
    """Return the row with another value at one place."""
    return (*row[:at], value, *row[at + 1 :])


@pytest.mark.parametrize(
    ("table", "row", "error"),
    [
        (tables.TENANTS, ("s", b"contoso", 1, None), "TypeError"),
        (tables.COUNTERS, replaced(COUNTER, 5, "{spoilt"), "ValueError"),
        (tables.COUNTERS, replaced(COUNTER, 5, "5"), "TypeError"),
        (tables.COUNTERS, replaced(COUNTER, 3, b"VM"), "TypeError"),
        (tables.JOBS, replaced(JOB_ROW, 7, "{spoilt"), "ValueError"),
        (tables.JOBS, replaced(JOB_ROW, 5, b"vm"), "TypeError"),
        (tables.RUNS, replaced(RUN, 8, "late"), "TypeError"),
        (tables.COUNTERS, replaced(COUNTER, 6, "never"), "TypeError"),
        (tables.SCAN_PROFILES, replaced(PROFILE, 5, "{spoilt"), "ValueError"),
        (tables.ANSWERS, ("s", "contoso", b"jobs", packed([])), "TypeError"),
        (tables.COLLECTIONS, ("s", "contoso", b"jobs", 1, NOW, None, *TIMING), "TypeError"),
    ],
)
def test_row_that_makes_no_sense(table: Table, row: Row, error: str) -> None:
    """A row that cannot be understood is dropped and told of; the good ones of its table and of others are not."""
    contents: dict[Table, list[Row]] = {
        tables.TENANTS: [("s", "contoso", 1, None)],
        tables.COUNTERS: [COUNTER],
        tables.JOBS: [JOB_ROW],
        tables.RUNS: [RUN],
        tables.SCAN_PROFILES: [PROFILE],
        tables.ANSWERS: [("s", "contoso", "tenants", packed([]))],
        tables.COLLECTIONS: [("s", "contoso", "tenants", 1, NOW, None, *TIMING)],
    }
    whole = restored(contents, Noting(), NOW)["s"]
    contents[table] = [row, *contents[table]]

    with capture_logs() as log:
        source = restored(contents, Noting(), NOW)["s"]

    assert [(entry["event"], entry["table"], entry["source"], entry["error"]) for entry in log] == [
        ("state_row_dropped", table.name, "s", error)
    ]
    assert source.tenants == whole.tenants
    assert kept(source) == kept(whole)
    books = source.books("contoso")
    assert all([books.jobs.tallies, books.jobs.jobs, books.jobs.runs, books.scan_profiles.profiles])


def test_births_ahead_of_the_clock() -> None:
    """A series that a wrong clock let be born in the future is taken to have been born long ago."""
    counter = ("s", "contoso", "Microsoft 365", "Teams", "backup", "{}", NOW + DAY, 1, 1, 0, 0, 0)
    contents: Contents = {
        tables.COUNTERS: [(*counter, 60.0, 1, NOW + DAY, 5.0, NOW - DAY, 2, NOW + DAY)],
        tables.SCAN_PROFILES: [(*PROFILE[:3], NOW + DAY, *PROFILE[4:])],
    }

    books = restored(contents, Noting(), NOW)["s"].books("contoso")

    (tally,) = books.jobs.tallies.values()
    assert max(*tally.births(), books.scan_profiles.profiles["p"].born) <= NOW
    assert (tally.size_born, tally.retries_born) == (NOW - DAY, 0.0)


def test_books_without_their_tenant() -> None:
    """Rows of the books whose tenant's own row is missing are read all the same."""
    source = restored({tables.SCAN_PROFILES: [PROFILE]}, Noting(), NOW)["s"]

    assert list(source.books("contoso").scan_profiles.profiles) == ["p"]
    assert not source.books("contoso").jobs.observed


def survived(answer: Sequence[Record]) -> SourceState:
    """Return what is remembered after a restart of an answer with these records."""
    writer = Noting()
    source = SourceState("s", writer)
    source.answered("contoso", "everything", answer)
    return restored({tables.ANSWERS: [(*key, *row) for _, key, row in source.answer_rows("contoso")]}, writer, NOW)["s"]


def test_every_record_survives() -> None:
    """An answer with every value of every kind of record that is shown as it came is given back as it was."""
    kept_ones = [record for record in facts("contoso") if type(record).__name__ in KINDS]

    again = survived(kept_ones)

    assert {type(record).__name__ for record in kept_ones} == KINDS.keys()
    assert again.of("contoso", "everything").records == tuple(kept_ones)
    assert again.gaps("contoso") == {MAIL: 28_800.0}


@given(st.data())
@pytest.mark.parametrize("kind", AS_THEY_CAME)
def test_any_value_survives(kind: type[Record], data: st.DataObject) -> None:
    """Whatever a record says, and whatever it leaves open, it is given back as it was."""
    drawn = data.draw(st.from_type(kind))
    values = {field.name: getattr(drawn, field.name) for field in fields(drawn)}
    mappings: dict[str, Any] = {name: dict(value) for name, value in values.items() if isinstance(value, Mapping)}
    record = replace(drawn, **mappings)

    assert repr(survived([record]).of("contoso", "everything").records) == repr((record,))  # nan equals nothing


def test_kinds_that_are_kept() -> None:
    """Every kind of record that a vendor's answer can hold is kept, but those of jobs, which are in the books."""
    kinds = {kind.__name__ for kind in vars(records).values() if isinstance(kind, type) and issubclass(kind, Record)}

    assert kinds - KINDS.keys() - {"Record"} == {
        *("Job", "Run"),
        *("JobTally", "JobErrors", "JobHistory", "AbandonedJobs", "ScanProfileDrift", "Collection"),
    }
    assert sorted(kind.__name__ for kind in AS_THEY_CAME) == sorted(KINDS)


def test_progress_that_was_withheld() -> None:
    """That a collection never succeeded and does not apply now is restored as it was."""
    source = memory()
    source.fares("contoso", "jobs", Progress(None, None, float("-inf")))

    again = restored(
        {tables.COLLECTIONS: [(*key, *row) for _, key, row in source.answer_rows("contoso")]}, Noting(), NOW
    )

    assert kept(again["s"]) == kept(source)


def test_errors_survive() -> None:
    """Errors by code are restored as they were written; a broken row costs itself, a birth ahead is long past."""
    written = memory()
    key = JobKey("Microsoft 365", "Teams", "backup")
    written.enter_jobs("contoso", [], NOW - DAY, history=True)
    run = Run(tenant="contoso", run_id="a", job=key, status="failed", errors={"CB-1": 3, "other": 1})
    written.enter_jobs("contoso", [run], NOW, history=True)
    rows: dict[Table, list[Row]] = {}
    for table, place, row in written.book_rows("contoso"):
        rows.setdefault(table, []).append((*place, *row))
    rows[tables.ERRORS] += [("s", "contoso", "CB-2", NOW + DAY, 5), ("s", "contoso", "CB-3", "never", 1)]

    with capture_logs() as log:
        errors = restored(rows, Noting(), NOW)["s"].books("contoso").jobs.errors

    assert [(entry["event"], entry["table"]) for entry in log] == [("state_row_dropped", "errors")]
    assert {code: tally.errors for code, tally in errors.items()} == {"CB-1": 3, "other": 1, "CB-2": 5}
    assert {code: tally.born for code, tally in errors.items()} == {"CB-1": NOW, "other": NOW, "CB-2": 0.0}


def test_a_history_survives() -> None:
    """What is known of runs and when the last good answer came is known after a restart."""
    written = memory()
    key = JobKey("Microsoft 365", "Teams", "backup")
    runs = [
        Run(tenant="contoso", run_id=run_id, job=key, status=status, started_at=NOW - age)
        for run_id, status, age in (("a", "success", 900.0), ("b", "running", 500.0))
    ]
    written.enter_jobs("contoso", runs, NOW - 60, history=True)
    written.fares("contoso", "jobs", Progress(success=True, succeeded_at=NOW - 60))
    rows: dict[Table, list[Row]] = {}
    for table, place, row in (*written.book_rows("contoso"), *written.answer_rows("contoso")):
        rows.setdefault(table, []).append((*place, *row))

    known = restored(rows, Noting(), NOW)["s"].known("contoso", "jobs")

    assert (known.answered_at, known.under_way) == (NOW - 60, {"b": NOW - 500})
    assert (known.job_of("a"), known.job_of("b"), known.job_of("c")) == (key, key, None)


def test_what_is_known_of_a_whole_source() -> None:
    """Asked about all at once, what is under way at any watched tenant is known, and whether any tenant is new."""
    state, key = memory(), JobKey("Microsoft 365", "all", "backup")
    for tenant, run_id in (("contoso", "a"), ("fabrikam", "b"), ("gone", "c")):
        run = Run(tenant=tenant, run_id=run_id, job=key, status="running", started_at=NOW - 500)
        state.enter_jobs(tenant, [run], NOW - 60)
    state.leave("gone", NOW)
    state.fares("", "jobs", Progress(success=True, succeeded_at=NOW - 60))

    known = state.known("", "jobs")
    state.resume("northwind")

    assert (known.answered_at, known.newcomers) == (NOW - 60, False)
    assert known.under_way == {"a": NOW - 500, "b": NOW - 500}
    assert state.known("", "jobs").newcomers
