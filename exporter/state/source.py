"""What is remembered of one source: kept in memory, and every change of it handed on to be written."""

from collections import ChainMap
from collections.abc import Awaitable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol

from exporter.drift import SettingChange
from exporter.job_memory import SeenRun
from exporter.ledger import TenantLedger
from exporter.progress import Progress, Timing
from exporter.records import JobKey, JobSchedule, Record, ScanProfile
from exporter.state import tables
from exporter.state.answers import packed
from exporter.state.books import Books
from exporter.state.questions import Questions
from exporter.state.tables import Key, Row, Table


class Writer(Protocol):
    """Who makes rows durable."""

    def put(self, table: Table, key: Key, row: Row | None) -> None:
        """Have a row written, or deleted; *key* begins with source and tenant."""
        ...

    def purge(self, source: str, tenant: str) -> None:
        """Have all rows of a tenant deleted."""
        ...

    def committed(self) -> Awaitable[None]:
        """Return once all that was put before is durable, or cannot be made so."""
        ...


@dataclass(frozen=True, slots=True)
class KnownRuns:
    """What the ledger remembers of a tenant's runs; see `exporter.source.Known`."""

    answered_at: float | None = None
    newcomers: bool = False
    under_way: Mapping[str, float] = field(default_factory=dict)
    runs: Mapping[str, SeenRun] = field(default_factory=dict)

    def job_of(self, run_id: str) -> JobKey | None:
        """Return the job that a run was found to be of."""
        run = self.runs.get(run_id)
        return run.job if run else None


@dataclass(slots=True, eq=False)
class Collected:
    """What is remembered of one (tenant, collector)."""

    records: Sequence[Record] | None = None
    """The last good answer, if it is shown as it came."""
    progress: Progress | None = None
    timing: Timing | None = None


@dataclass(slots=True, eq=False)
class SourceState:
    """Books, last good answers, and how each collection fares. All methods run on the event loop."""

    source: str
    writer: Writer
    tenants: dict[str, Books] = field(default_factory=dict)
    collected: dict[str, dict[str, Collected]] = field(default_factory=dict)
    """By tenant, ``""`` for what is asked about all at once, and collector."""
    retired: bool = False
    """Whether the source is not configured any more."""
    questions: Questions = field(default_factory=Questions)

    def books(self, tenant: str) -> Books:
        """Return the tenant's books to read; empty ones if it was never seen or has been forgotten."""
        return self.tenants.get(tenant) or Books()

    def of(self, tenant: str, collector: str) -> Collected:
        """Return what is remembered of a collection; nothing if there was none."""
        return self.collected.get(tenant, {}).get(collector) or Collected()

    def known(self, tenant: str, collector: str) -> KnownRuns:
        """Return what is remembered of the tenant's runs, for whoever asks about them again.

        Of the source as a whole, these are the runs that are under way at any tenant.
        """
        progress = self.of(tenant, collector).progress
        books = [self.books(each) for each in ([tenant] if tenant else self._here())]
        under_way = {run_id: at for each in books for run_id, at in each.jobs.under_way().items()}
        answered_at = progress.succeeded_at if progress else None
        newcomers = not all(each.jobs.observed for each in books)
        if not tenant:
            answered_at = self.questions.asked(collector, self._here(), answered_at, newcomers=newcomers)
        return KnownRuns(answered_at, newcomers, under_way, ChainMap(*(each.jobs.runs for each in books)))

    def _here(self) -> list[str]:
        return [tenant for tenant, books in self.tenants.items() if tenant and books.left_at is None]

    def gaps(self, tenant: str) -> dict[JobKey, float]:
        """Return the longest pause in the schedule of each job whose schedule is known, 0 if it has none."""
        records = (record for each in self.collected.get(tenant, {}).values() for record in each.records or ())
        return {record.job: record.longest_gap_seconds or 0.0 for record in records if isinstance(record, JobSchedule)}

    def _remember_gaps(self, tenant: str, ledger: TenantLedger) -> None:
        """Remember the schedules of before with the jobs: one that is gone must not be measured by another."""
        for job, gap in self.gaps(tenant).items():
            memory = ledger.jobs.get(job)
            if memory is not None and memory.gap != gap:
                memory.gap = gap
                self._put(tables.JOBS, tenant, job, tables.job_row(memory, ledger.present.get(job)))

    def enter_jobs(self, tenant: str, records: Sequence[Record], now: float, *, history: bool = False) -> None:
        """Enter an answer about the tenant's jobs into its ledger; see `TenantLedger.observe`."""
        ledger = self._watched(tenant).jobs
        self.questions.told_of(tenant)
        self._remember_gaps(tenant, ledger)
        news = not ledger.observed
        changes = ledger.observe(records, now, history=history)
        if news:
            self._put_tenant(tenant)
        for group in changes.groups:
            self._put(tables.COUNTERS, tenant, group, tables.tally_row(ledger.tallies[group]))
        for code in changes.errors:
            self._put(tables.ERRORS, tenant, (code,), tables.error_row(ledger.errors[code]))
        for job in changes.jobs:
            memory = ledger.jobs.get(job)
            self._put(tables.JOBS, tenant, job, tables.job_row(memory, ledger.present.get(job)) if memory else None)
        for run_id in changes.runs:
            run = ledger.runs.get(run_id)
            self._put(tables.RUNS, tenant, (run_id,), tables.run_row(run) if run else None)

    def enter_scan_profiles(self, tenant: str, profiles: Sequence[ScanProfile], now: float) -> list[SettingChange]:
        """Enter an answer about the tenant's scan profiles; return what changed."""
        book = self._watched(tenant).scan_profiles
        before = set(book.profiles)
        changes = book.observe(profiles, now)
        for profile in before | book.profiles.keys():
            self._put_profile(tenant, profile)
        return changes

    def grow_up(self, tenant: str, before: float) -> None:
        """Remember that what was born until *before* has been shown as it is."""
        books = self.books(tenant)
        for group, tally in books.jobs.tallies.items():
            if tally.grow_up(before):
                self._put(tables.COUNTERS, tenant, group, tables.tally_row(tally))
        for code, errors in books.jobs.errors.items():
            if errors.grow_up(before):
                self._put(tables.ERRORS, tenant, (code,), tables.error_row(errors))
        for profile, memory in books.scan_profiles.profiles.items():
            if 0 < memory.born <= before:
                memory.born = 0.0
                self._put_profile(tenant, profile)

    def accept_baseline(self, tenant: str, profile: str, settings: Mapping[str, str]) -> bool:
        """Take *settings* for a scan profile's baseline; False if the profile is not known."""
        accepted = tenant in self.tenants and self.tenants[tenant].scan_profiles.accept(profile, settings)
        if accepted:
            self._put_profile(tenant, profile)
        return accepted

    def answered(self, tenant: str, collector: str, records: Sequence[Record]) -> None:
        """Keep the records of a good answer about one tenant, or about the source as a whole."""
        if tenant:
            self._watched(tenant)
        collected = self._kept(tenant, collector)
        if collected.records != records:
            collected.records = records
            self._put(tables.ANSWERS, tenant, (collector,), (packed(records),))

    def unanswered(self, tenant: str, collector: str) -> None:
        """Keep no answer about the tenant any more, as a newer one does not speak of it."""
        if self.of(tenant, collector).records is not None:
            self._kept(tenant, collector).records = None
            self._put(tables.ANSWERS, tenant, (collector,), None)

    def fares(self, tenant: str, collector: str, progress: Progress | None) -> None:
        """Keep how a collection fares; ``None``: it does not apply to the tenant."""
        self._kept(tenant, collector).progress = progress
        self._put_collection(tenant, collector)

    def is_due(self, tenant: str, collector: str, timing: Timing) -> None:
        """Keep when a collection is due again, but not of a tenant that left while it was asked about."""
        if self.books(tenant).left_at is not None:
            return
        self._kept(tenant, collector).timing = timing
        self._put_collection(tenant, collector)

    def keep_only(self, collectors: Collection[str]) -> None:
        """Forget what was remembered for collectors that are no longer asked."""
        for tenant, kept in self.collected.items():
            for collector in kept.keys() - set(collectors):
                self._forget(tenant, collector)

    def leave(self, tenant: str, now: float) -> None:
        """Note that a tenant left: of its answers nothing is kept, its books are for a time."""
        self._unwatch(tenant, now)
        for collector in list(self.collected.get(tenant, ())):
            self._forget(tenant, collector)
        self.collected.pop(tenant, None)

    def retire(self, now: float) -> None:
        """Note that the source is not configured any more: all of it is kept for a time."""
        self.retired = True
        for tenant in self.tenants:
            self._unwatch(tenant, now)

    def resume(self, tenant: str) -> None:
        """Note that a tenant is watched."""
        self._watched(tenant)

    def forget(self, before: float) -> None:
        """Drop what is left of tenants that left before that time."""
        gone = [name for name, books in self.tenants.items() if books.left_at is not None and books.left_at < before]
        for tenant in gone:
            del self.tenants[tenant]
            self.collected.pop(tenant, None)
            self.writer.purge(self.source, tenant)
        if self.retired and not self.tenants:
            self.leave("", before)

    def book_rows(self, tenant: str) -> Iterator[tuple[Table, Key, Row]]:
        """Yield all rows of a tenant's books."""
        if tenant in self.tenants:
            for table, key, row in _book_rows(self.tenants[tenant]):
                yield table, (self.source, tenant, *key), row

    def answer_rows(self, tenant: str) -> Iterator[tuple[Table, Key, Row]]:
        """Yield all rows of the tenant's answers and of how its collections fare."""
        for collector, collected in self.collected.get(tenant, {}).items():
            key = (self.source, tenant, collector)
            if collected.records is not None:
                yield tables.ANSWERS, key, (packed(collected.records),)
            if collected.progress or collected.timing:
                yield tables.COLLECTIONS, key, tables.collection_row(collected.progress, collected.timing)

    def _watched(self, tenant: str) -> Books:
        books = self.tenants.get(tenant)
        if books is None or books.left_at is not None:
            books = self.tenants.setdefault(tenant, Books())
            if books.left_at is not None and books.jobs.observed:
                self.questions.came_back(tenant, books.left_at)
            books.left_at = None
            self._put_tenant(tenant)
        return books

    def _kept(self, tenant: str, collector: str) -> Collected:
        return self.collected.setdefault(tenant, {}).setdefault(collector, Collected())

    def _unwatch(self, tenant: str, now: float) -> None:
        books = self.tenants.get(tenant)
        if books is not None and books.left_at is None:
            books.left_at = now
            self._put_tenant(tenant)

    def _forget(self, tenant: str, collector: str) -> None:
        self.unanswered(tenant, collector)
        del self.collected[tenant][collector]
        self._put_collection(tenant, collector)

    def _put_tenant(self, tenant: str) -> None:
        books = self.tenants[tenant]
        self._put(tables.TENANTS, tenant, (), (books.jobs.observed, books.left_at))

    def _put_profile(self, tenant: str, profile: str) -> None:
        memory = self.tenants[tenant].scan_profiles.profiles.get(profile)
        self._put(tables.SCAN_PROFILES, tenant, (profile,), tables.profile_row(memory) if memory else None)

    def _put_collection(self, tenant: str, collector: str) -> None:
        collected = self.of(tenant, collector)
        known = collected.progress or collected.timing
        row = tables.collection_row(collected.progress, collected.timing) if known else None
        self._put(tables.COLLECTIONS, tenant, (collector,), row)

    def _put(self, table: Table, tenant: str, key: Key, row: Row | None) -> None:
        self.writer.put(table, (self.source, tenant, *key), row)


def _book_rows(books: Books) -> Iterator[tuple[Table, Key, Row]]:
    ledger = books.jobs
    yield tables.TENANTS, (), (ledger.observed, books.left_at)
    for group, tally in ledger.tallies.items():
        yield tables.COUNTERS, group, tables.tally_row(tally)
    for code, errors in ledger.errors.items():
        yield tables.ERRORS, (code,), tables.error_row(errors)
    for job, memory in ledger.jobs.items():
        yield tables.JOBS, job, tables.job_row(memory, ledger.present.get(job))
    for run_id, run in ledger.runs.items():
        yield tables.RUNS, (run_id,), tables.run_row(run)
    for profile, profile_memory in books.scan_profiles.profiles.items():
        yield tables.SCAN_PROFILES, (profile,), tables.profile_row(profile_memory)
