"""What is written is what is restored, whatever happened to a source."""

import sqlite3
from collections.abc import Callable
from contextlib import closing
from dataclasses import replace
from typing import Any, TypeAlias

import pytest
from hypothesis import given
from hypothesis import strategies as st
from structlog.testing import capture_logs

from exporter.ledger import DAY
from exporter.progress import Progress, Timing
from exporter.records import Job, JobKey, MicrosoftLicenses, Protection, Record, Run, ScanProfile, Subscription, Tenant
from exporter.state import Memory, tables
from exporter.state.answers import packed
from exporter.state.batch import Batch
from exporter.state.database import Contents, read, write
from exporter.state.restoring import restored
from exporter.state.schema import prepare
from exporter.state.source import Collected, SourceState
from exporter.state.tables import Key, Row, Table
from tests.metrics.facts import about_the_tenant

NOW = 1_772_400_000.0
TENANTS = ("", "contoso", "fabrikam")
COLLECTORS = ("jobs", "protection", "ünïcode 会")
TIMING = Timing(NOW + 60.5, NOW, 2, applicable=True, requests=1.5, in_flight=0.25, interval_seconds=1800.0)
Kept: TypeAlias = dict[tuple[str, str], tuple[tuple[Record, ...] | None, Progress | None, Timing | None]]
Step: TypeAlias = Callable[[SourceState, float], object]


class Noting:
    """A writer that keeps all in one batch."""

    def __init__(self) -> None:
        self.batch = Batch()

    def put(self, table: Table, key: Key, row: Row | None) -> None:
        """Keep a row."""
        self.batch.put(table, key, row)

    def purge(self, source: str, tenant: str) -> None:
        """Keep a deletion."""
        self.batch.purge(source, tenant)

    async def committed(self) -> None:
        """Nobody waits here."""


def memory() -> SourceState:
    """Return a source's state that is only kept in memory."""
    return SourceState("s", Memory())


def kept(source: SourceState) -> Kept:
    """Return what is remembered of the collections, those without anything left out."""
    return {
        (tenant, collector): (
            None if collected.records is None else tuple(collected.records),
            collected.progress,
            collected.timing,
        )
        for tenant, by_collector in source.collected.items()
        for collector, collected in by_collector.items()
        if (collected.records, collected.progress, collected.timing) != (None, None, None)
    }


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
STATUSES = st.sampled_from(["success", "failed", "running", "queued", "disabled", "none", "unknown_ß"])
JOBS = st.builds(
    Job, tenant=st.just("t"), job=KEYS, status=STATUSES, counts_known=st.booleans(), size_known=st.booleans()
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
    Progress, success=st.booleans(), succeeded_at=TIMES, stale_at=st.just(float("-inf")) | TIMES
)
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

    for do, seconds, _ in after:
        now += seconds
        do(source, now)
        do(again, now)

    assert again.tenants == source.tenants
    assert kept(again) == kept(source)


def test_every_record_survives() -> None:
    """An answer with every value of every kind of record that is shown as it came is given back as it was."""
    records = [record for record in about_the_tenant("contoso") if type(record).__name__ in tables_of_records()]
    writer = Noting()
    source = SourceState("s", writer)

    source.answered("contoso", "everything", records)

    assert len(records) == 5
    again = restored({tables.ANSWERS: [(*key, *row) for _, key, row in source.answer_rows("contoso")]}, writer, NOW)[
        "s"
    ]
    assert again.of("contoso", "everything").records == tuple(records)


def tables_of_records() -> set[str]:
    """Return the kinds of records that are kept as answers."""
    return {kind.__name__ for kind in (Tenant, Subscription, MicrosoftLicenses, Protection, ScanProfile)}


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


PROFILE: Row = ("s", "contoso", "p", NOW, "{}", "{}", NOW, 0)


def test_births_ahead_of_the_clock() -> None:
    """A series that a wrong clock let be born in the future is taken to have been born long ago."""
    counter = ("s", "contoso", "Microsoft 365", "Teams", "backup", "{}", NOW + DAY, 1, 1, 0, 0, 0)
    contents: Contents = {
        tables.COUNTERS: [(*counter, 60.0, 1, NOW + DAY, 5.0, NOW - DAY)],
        tables.SCAN_PROFILES: [(*PROFILE[:3], NOW + DAY, *PROFILE[4:])],
    }

    books = restored(contents, Noting(), NOW)["s"].books("contoso")

    (tally,) = books.jobs.tallies.values()
    assert max(*tally.births(), books.scan_profiles.profiles["p"].born) <= NOW
    assert tally.size_born == NOW - DAY


def test_books_without_their_tenant() -> None:
    """Rows of the books whose tenant's own row is missing are read all the same."""
    source = restored({tables.SCAN_PROFILES: [PROFILE]}, Noting(), NOW)["s"]

    assert list(source.books("contoso").scan_profiles.profiles) == ["p"]
    assert not source.books("contoso").jobs.observed


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


@pytest.mark.xfail(strict=True, raises=AssertionError, reason="a row without success is read as if there were none")
def test_progress_that_was_withheld() -> None:
    """That a collection never succeeded and does not apply now is restored as it was."""
    source = memory()
    source.fares("contoso", "jobs", Progress(None, None, float("-inf")))

    again = restored(
        {tables.COLLECTIONS: [(*key, *row) for _, key, row in source.answer_rows("contoso")]}, Noting(), NOW
    )

    assert kept(again["s"]) == kept(source)


@pytest.mark.xfail(strict=True, raises=AssertionError, reason="only tenants with books are ever forgotten")
def test_collections_of_a_removed_source() -> None:
    """Of a source that was removed nothing is left in the end, not even when it was to be asked for all at once."""
    source = memory()
    source.is_due("", "tenants", TIMING)
    source.retire(NOW)

    source.forget(NOW + 31 * DAY)

    assert source.collected == {}
