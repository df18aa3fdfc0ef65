"""What is written is what is restored, whatever happened to a source."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any, TypeAlias

from hypothesis import given
from hypothesis import strategies as st

from exporter.plausible import DAY
from exporter.progress import Progress, Timing
from exporter.records import Job, JobKey, MicrosoftLicenses, Protection, Run, ScanProfile, Subscription, Tenant
from exporter.state import tables
from exporter.state.batch import Batch
from exporter.state.database import Contents, read, write
from exporter.state.restoring import restored
from exporter.state.schema import prepare
from exporter.state.source import Collected, SourceState
from exporter.state.tables import Row, Table
from tests.state.remembering import NOW, TIMING, Noting, kept, memory

TENANTS = ("", "contoso", "fabrikam")
COLLECTORS = ("jobs", "protection", "ünïcode 会")
Step: TypeAlias = Callable[[SourceState, float], object]


def rows_of(source: SourceState) -> dict[Table, set[Row]]:
    """Return all rows that memory would be written as."""
    rows: dict[Table, set[Row]] = {table: set() for table in tables.TABLES}
    for tenant in source.tenants.keys() | source.collected.keys():
        for table, key, row in (*source.book_rows(tenant), *source.answer_rows(tenant)):
            rows[table].add((*key, *row))
    return rows


def assert_same(source: SourceState, contents: Contents, now: float) -> None:
    """Compare memory with what a file holds, and with what comes out of it."""
    assert {table: set(rows) for table, rows in contents.items()} == rows_of(source)
    again = restored(contents, Noting(), now).get("s", memory())
    assert again.tenants == source.tenants
    assert kept(again) == kept(source)


NUMBERS = st.integers(0, 2**53)
TIMES = st.one_of(st.none(), st.floats(NOW - 40 * DAY, NOW + DAY))
PLACES = st.sampled_from(TENANTS)
KEYS = st.builds(
    JobKey,
    product=st.just("Microsoft 365"),
    workload=st.sampled_from(["Exchange Online", "Teams"]),
    job_type=st.sampled_from(["backup", "retention"]),
    name=st.sampled_from(["", "名前 'quoted'"]),
)
COUNTS = st.none() | st.dictionaries(st.sampled_from(["successful", "failed", "skipped", "warning"]), NUMBERS)
OUTCOMES = st.sampled_from([(), ("successful",), ("successful", "failed")])
STATUSES = st.sampled_from(["success", "failed", "running", "queued", "disabled", "none", "unknown_ß"])
JOBS = st.builds(
    Job,
    tenant=st.just("t"),
    job=KEYS,
    status=STATUSES,
    outcomes=OUTCOMES,
    size_known=st.booleans(),
    retries_known=st.booleans(),
    started_at=TIMES,
    completed_at=TIMES,
)
RUNS = st.builds(
    Run,
    tenant=st.just("t"),
    run_id=st.sampled_from([f"run {number}" for number in range(12)]),
    job=KEYS,
    status=STATUSES,
    started_at=TIMES,
    ended_at=TIMES,
    duration_seconds=st.none() | st.floats(0, 1e6),
    objects=COUNTS,
    size_bytes=st.none() | st.floats(0, 1e15),
    retries=st.none() | NUMBERS,
    errors=st.none() | st.dictionaries(st.sampled_from(["CB-1", "0x80070005", "other"]), st.integers(0, 2**40)),
)
SETTINGS = st.dictionaries(st.sampled_from(["daily_scan", "mode"]), st.sampled_from(["on", "off", "ÄÖ\"'\n"]))
PROFILES = st.builds(
    ScanProfile, tenant=st.just("t"), profile=st.sampled_from(["p", "q"]), name=st.text(max_size=3), settings=SETTINGS
)
ANSWERS = st.lists(
    st.one_of(
        st.builds(
            Tenant,
            tenant=PLACES,
            name=st.text(max_size=5),
            country=st.none() | st.text(max_size=2),
            labels=st.dictionaries(st.text(max_size=3), st.text(max_size=3), max_size=2),
            muted=st.booleans(),
        ),
        st.builds(
            Subscription,
            tenant=PLACES,
            subscription=st.text(max_size=3),
            seats_used=st.none() | st.floats(allow_nan=False),
            expires_at=TIMES,
        ),
        st.builds(MicrosoftLicenses, tenant=PLACES, assigned=st.none() | st.floats(0), available=st.just(1.0)),
        st.builds(
            Protection,
            tenant=PLACES,
            product=st.text(max_size=3),
            workload=st.text(max_size=3),
            scanned=st.none() | NUMBERS,
            protected=st.none() | NUMBERS,
            stored_bytes=st.dictionaries(st.sampled_from(["avepoint", "byos"]), st.floats(0, 1e18)),
        ),
        PROFILES,
    ),
    max_size=4,
)
PROGRESS = st.none() | st.builds(
    Progress, success=st.none() | st.booleans(), succeeded_at=TIMES, stale_at=st.just(float("-inf")) | TIMES
).filter(lambda progress: progress != Progress())
TIMINGS = st.builds(
    Timing,
    due=st.floats(0, 2e9),
    regular=st.none() | st.floats(0, 2e9),
    failures=st.integers(0, 1000),
    applicable=st.booleans(),
    requests=st.floats(0, 1e6),
    in_flight=st.floats(0, 1e6),
    interval_seconds=st.floats(1, 1e6),
)
WHAT = st.sampled_from(COLLECTORS)


def unique(records: list[Any]) -> list[Any]:
    """Return the jobs before their runs, each job and run once, as an answer tells of them."""
    jobs = {record.job: record for record in records if isinstance(record, Job)}
    runs = {record.run_id: record for record in records if isinstance(record, Run)}
    return [*jobs.values(), *runs.values()]


def step(name: str, *arguments: Any) -> Step:
    """Return a call of the source's method *name*."""
    return lambda source, _: getattr(source, name)(*arguments)


def dated(name: str, *arguments: Any) -> Step:
    """Return a call whose last argument is the time."""
    return lambda source, now: getattr(source, name)(*arguments, now)


STEPS = st.one_of(
    st.builds(dated, st.just("enter_jobs"), PLACES, st.lists(JOBS | RUNS, max_size=8).map(unique)),
    st.builds(dated, st.just("enter_jobs"), PLACES, st.lists(RUNS, min_size=8, max_size=30).map(unique)),
    st.builds(dated, st.just("enter_scan_profiles"), PLACES, st.lists(PROFILES, max_size=3)),
    st.builds(step, st.just("accept_baseline"), PLACES, st.sampled_from(["p", "q"]), SETTINGS),
    st.builds(step, st.just("answered"), PLACES, WHAT, ANSWERS),
    st.builds(step, st.just("unanswered"), PLACES, WHAT),
    st.builds(step, st.just("fares"), PLACES, WHAT, PROGRESS),
    st.builds(step, st.just("is_due"), PLACES, WHAT, TIMINGS),
    st.builds(step, st.just("keep_only"), st.just(COLLECTORS[:2])),
    st.builds(dated, st.just("leave"), PLACES),
    st.builds(dated, st.just("retire")),
    st.builds(step, st.just("resume"), PLACES),
    st.builds(lambda: lambda source, now: source.forget(now - 3 * DAY)),
)
HISTORIES = st.lists(st.tuples(STEPS, st.sampled_from([0.0, 60.0, DAY, 20 * DAY]), st.booleans()), max_size=25)


@given(HISTORIES)
def test_restored_is_what_was_written(history: list[tuple[Step, float, bool]]) -> None:
    """After any history, however it was divided into commits, the file says what memory does, and gives it back."""
    writer = Noting()
    source = SourceState("s", writer)
    now = NOW
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as file:
        prepare(file)
        for do, seconds, commit in history:
            now += seconds
            do(source, now)
            if commit:
                write(file, writer.batch)
                writer.batch = Batch()
        write(file, writer.batch)

        assert_same(source, read(file), now)


@given(HISTORIES, HISTORIES)
def test_going_on_after_a_restart(
    before: list[tuple[Step, float, bool]], after: list[tuple[Step, float, bool]]
) -> None:
    """A source that was restored goes on exactly as it would have without a restart."""
    writer = Noting()
    source = SourceState("s", writer)
    now = NOW
    for do, seconds, _ in before:
        now += seconds
        do(source, now)
    contents = {table: list(rows) for table, rows in rows_of(source).items()}
    again = restored(contents, Noting(), now).get("s", memory())
    again.retired = source.retired  # the daemon says so at each start

    for do, seconds, _ in after:
        now += seconds
        do(source, now)
        do(again, now)

    assert again.tenants == source.tenants
    assert kept(again) == kept(source)


def test_same_answer_again() -> None:
    """An answer that says the same as the last one is not written again."""
    writer = Noting()
    source = SourceState("s", writer)
    records = [Tenant(tenant="contoso", name="Contoso")]
    source.answered("contoso", "tenants", records)
    writer.batch = Batch()

    source.answered("contoso", "tenants", [replace(record) for record in records])

    assert not writer.batch


def test_tenant_that_left() -> None:
    """Of a tenant that left the books are kept, its answers are not, and a late collection does not plan another."""
    source = memory()
    source.enter_jobs("contoso", [Job(tenant="contoso", job=JobKey("a", "b", "backup"), status="success")], NOW)
    source.answered("contoso", "protection", [])
    source.leave("contoso", NOW)
    source.leave("contoso", NOW + 5)
    source.leave("stranger", NOW)

    source.is_due("contoso", "jobs", TIMING)

    assert source.books("contoso").left_at == NOW
    assert source.books("contoso").jobs.jobs
    assert source.collected == {}
    assert "stranger" not in source.tenants


def test_unknown_tenant_reads_as_nothing() -> None:
    """To read about a tenant that was never seen makes nothing."""
    source = memory()

    assert source.books("contoso").jobs.jobs == {}
    assert (source.of("contoso", "jobs").records, source.of("contoso", "jobs").timing) == (None, None)
    assert list(source.book_rows("contoso")) == list(source.answer_rows("contoso")) == []
    assert (source.tenants, source.collected) == ({}, {})
    assert isinstance(source.of("contoso", "jobs"), Collected)


def test_collections_of_a_removed_source() -> None:
    """Of a source that was removed nothing is left in the end, not even when it was to be asked for all at once."""
    source = memory()
    source.is_due("", "tenants", TIMING)
    source.retire(NOW)

    source.forget(NOW + 31 * DAY)

    assert source.collected == {}
