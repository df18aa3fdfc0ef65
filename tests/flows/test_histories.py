"""Thousands of random histories of runs, polls and crashes, over the real tables of the state file."""

import sqlite3
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass, field
from random import Random

import pytest

from exporter.plausible import DAY
from exporter.records import ENDED, FAILURES, UNDERWAY, Job, JobKey, JobTally, Record, Run
from exporter.state.batch import Batch
from exporter.state.database import read, write
from exporter.state.restoring import restored
from exporter.state.schema import prepare
from exporter.state.source import SourceState
from exporter.state.tables import Key, Row, Table

NOW = 1_772_400_000.0
HISTORIES = 400
STEPS = 40
WINDOW = DAY
"""How far back a history API is asked."""
KEYS = tuple(JobKey("Microsoft 365", workload, "backup") for workload in ("Exchange Online", "Teams"))
STATUSES = ("success", "success", "warning", "failed", "failed_to_start", "skipped", "canceled")


class Pending:
    """A writer whose rows reach the file only when the test commits them."""

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


@dataclass
class Exporter:
    """What lives of the exporter between two crashes, over a file that survives them."""

    file: sqlite3.Connection
    writer: Pending = field(init=False)
    state: SourceState = field(init=False)
    shown: dict[tuple[str, ...], float] = field(default_factory=dict)

    def __post_init__(self) -> None:
        prepare(self.file)
        self.crash()

    def crash(self) -> None:
        """Lose all that is not in the file, and start again."""
        self.writer = Pending()
        sources = restored(read(self.file), self.writer, float("inf"))
        self.state = sources.get("s") or SourceState("s", self.writer)

    def commit(self, now: float) -> None:
        """Write down what was entered, then let a scraper look: no counter may be lower than it ever was."""
        write(self.file, self.writer.batch)
        self.writer.batch = Batch()
        for tally in self.tallies(now):
            values = {"runs": tally.runs, "failures": tally.failures, "unobserved": tally.unobserved}
            values |= {"successes": tally.successes, "seconds": tally.duration_seconds_sum}
            for name, value in values.items():
                key = (tally.workload, name)
                assert value >= self.shown.get(key, 0), key
                self.shown[key] = value

    def tallies(self, now: float) -> list[JobTally]:
        """Return the counters as they would be shown."""
        facts, _ = self.state.books("t").jobs.facts("t", now, birth_delay=0.0)
        return [fact for fact in facts if isinstance(fact, JobTally)]


@dataclass
class Vendor:
    """Runs come and go; what is answered of them depends on the kind of API."""

    random: Random
    latest_only: bool
    now: float = NOW
    runs: list[Run] = field(default_factory=list)
    answers: list[tuple[float, tuple[Run, ...]]] = field(default_factory=list)

    def pass_time(self) -> None:
        """Let up to half a day pass, in which several runs begin and end."""
        for _ in range(self.random.randrange(4)):
            self.now += self.random.uniform(60, 10800)
            key = self.random.choice(KEYS)
            under_way = [run for run in self.runs if run.status in UNDERWAY and run.job == key]
            if under_way:
                index = self.runs.index(under_way[0])
                self.runs[index] = self._ended(under_way[0])
            else:
                started = Run(tenant="t", run_id=f"r{len(self.runs)}", job=key, status="running", started_at=self.now)
                self.runs.append(self._ended(started) if self.random.random() < 0.5 else started)

    def _ended(self, run: Run) -> Run:
        self.now += self.random.uniform(60, 3600)
        seconds = self.now - (run.started_at or self.now)
        status = self.random.choice(STATUSES)
        return Run(
            tenant="t",
            run_id=run.run_id,
            job=run.job,
            status=status,
            started_at=run.started_at,
            ended_at=self.now,
            duration_seconds=seconds,
        )

    def answer(self, taken_at: float) -> tuple[Run, ...]:
        """Return the runs that are shown: those of now, or those of up to some hours ago from a replica that lags."""
        if self.latest_only:
            shown = [max((run for run in self.runs if run.job == key), key=_start, default=None) for key in KEYS]
            runs = tuple(run for run in shown if run is not None)
        else:
            since = min(self.now, taken_at) - WINDOW  # a source asks back to its last good answer
            oldest = min((_start(run) for run in self.runs if run.status in UNDERWAY), default=since)
            runs = tuple(run for run in self.runs if (run.ended_at or self.now) >= min(since, oldest))
        self.answers.append((self.now, runs))
        late = [runs for at, runs in self.answers if self.now - at < WINDOW / 2]
        return self.random.choice(late) if self.random.random() < 0.2 else runs

    def records(self, runs: tuple[Run, ...]) -> list[Record]:
        """Return an answer as a source would: jobs and runs, in any order, some of them twice."""
        rows: list[Record] = [*runs, *self.random.choices(runs, k=self.random.randrange(3) if runs else 0)]
        rows += [Job(tenant="t", job=key, status=_status(runs, key)) for key in KEYS]
        self.random.shuffle(rows)
        return rows


def _start(run: Run) -> float:
    return run.started_at or 0.0


def _status(runs: tuple[Run, ...], key: JobKey) -> str:
    return (
        max((run for run in runs if run.job == key), key=_start).status if any(r.job == key for r in runs) else "none"
    )


def histories(block: int) -> Iterator[tuple[str, Random]]:
    """Yield seeds, to be named when one of them fails."""
    for number in range(HISTORIES):
        seed = f"{block}/{number}"
        yield seed, Random(seed)  # noqa: S311 - histories, not secrets


@pytest.mark.parametrize("block", [0, 1, 2, *(pytest.param(block, marks=pytest.mark.full) for block in (3, 4))])
def test_counters_equal_the_runs_that_were_shown(block: int) -> None:
    """Whatever is polled, repeated, reordered and crashed in between: each run shown ended counts once, none falls."""
    crashes = counted = 0
    for seed, random in histories(block):
        vendor = Vendor(random, latest_only=random.random() < 0.5)
        with closing(sqlite3.connect(":memory:", isolation_level=None)) as file:
            exporter = Exporter(file)
            taken: list[tuple[Run, ...]] = []
            taken_at = NOW
            for _ in range(STEPS):
                vendor.pass_time()
                runs = vendor.answer(taken_at)
                exporter.state.enter_jobs("t", vendor.records(runs), vendor.now)
                if random.random() < 0.2:  # before the commit: as if the answer had never come
                    exporter.crash()
                    crashes += 1
                    continue
                exporter.commit(vendor.now)
                taken.append(runs)
                taken_at = vendor.now
                if random.random() < 0.2:
                    exporter.crash()
                    crashes += 1
            _compare(seed, vendor, taken, exporter)
            counted += sum(int(tally.runs) for tally in exporter.tallies(vendor.now))
    assert crashes > HISTORIES
    assert counted > 10 * HISTORIES


def _compare(seed: str, vendor: Vendor, taken: list[tuple[Run, ...]], exporter: Exporter) -> None:
    """Compare what is counted with what was shown, and for a history API with what there was."""
    before = {run.run_id for run in taken[0] if run.status in ENDED}
    ended = {run.run_id: run for runs in taken for run in runs if run.status in ENDED and run.run_id not in before}
    tallies = exporter.tallies(vendor.now)
    assert sum(tally.runs for tally in tallies) == len(ended), seed
    assert sum(tally.failures for tally in tallies) == sum(run.status in FAILURES for run in ended.values()), seed
    assert sum(tally.successes for tally in tallies) == sum(run.status == "success" for run in ended.values()), seed
    if not vendor.latest_only:
        _, last = vendor.answers[-1]
        if taken[-1] == last:
            truth = {run.run_id for run in vendor.runs if run.status in ENDED} - before
            assert truth - ended.keys() == set(), seed
