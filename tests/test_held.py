"""What is not durable yet is not shown, whatever else goes on meanwhile."""

import asyncio
from collections.abc import Sequence

import pytest

from exporter.errors import SourceError
from exporter.records import Record
from exporter.state.source import SourceState
from exporter.state.tables import Key, Row, Table
from tests.support.clock import FakeClock
from tests.support.sources import FakeSource, latest_job, plan, tenants
from tests.support.stage import Stage, stage

HOUR = 3600.0
DAY = 86400.0
START = 1_772_485_200.0
TENANTS, JOBS, PROTECTION = plan("tenants"), plan("jobs"), plan("protection")
COUNTED = 'tenant="contoso",product="Microsoft 365",workload="Exchange Online",job_type="backup"'


class Gate:
    """A writer that has written when the test lets it."""

    def __init__(self) -> None:
        self.open = asyncio.Event()
        self.open.set()

    def put(self, table: Table, key: Key, row: Row | None) -> None:
        """Take a row."""

    def purge(self, source: str, tenant: str) -> None:
        """Take a deletion."""

    async def committed(self) -> None:
        """Wait for the test."""
        await self.open.wait()


class GatedState:
    """A state behind a gate."""

    def __init__(self, gate: Gate) -> None:
        self._source = SourceState("fake", gate)

    def source(self, _: str) -> SourceState:
        """Return the one source's."""
        return self._source


async def nothing(collector: str, tenant: str) -> Sequence[Record]:
    """Answer nothing."""
    raise AssertionError(f"{collector} {tenant} was asked")


@pytest.fixture
def clock() -> FakeClock:
    """Return the time, which only the test moves."""
    return FakeClock(START)


@pytest.fixture
def gate() -> Gate:
    """Return the gate, open."""
    return Gate()


@pytest.fixture
async def play(clock: FakeClock, gate: Gate) -> Stage:
    """Return a stage on which Contoso has had a run for long."""
    state = GatedState(gate)
    ready = stage(FakeSource(nothing, [TENANTS, JOBS, PROTECTION]), clock, state=state)  # type: ignore[arg-type]
    await ready.intake.succeeded(TENANTS, "", tenants("Contoso", "Fabrikam"), 1.0)
    await ready.intake.succeeded(JOBS, "contoso", latest_job("contoso", "a", at=START - HOUR), 1.0)
    clock.advance(HOUR)
    await ready.intake.tick()
    return ready


async def fail_later(play: Stage) -> "asyncio.Task[None]":
    """Let an answer with a failed run arrive, whose commit has not come back yet."""
    answer = latest_job("contoso", "b", "failed", at=START + 600)
    task = asyncio.create_task(play.intake.succeeded(JOBS, "contoso", answer, 1.0))
    await asyncio.sleep(0)
    return task


async def test_counts_wait_for_their_commit(play: Stage, gate: Gate) -> None:
    """A failure is shown, with all that belongs to it, only when its commit has come back."""
    gate.open.clear()
    task = await fail_later(play)
    before = [await play.samples(name) for name in ("job_failures_total", "job_runs_total", "job_last_status")]

    gate.open.set()
    await task

    assert before[:2] == [{COUNTED: 0}, {COUNTED: 0}]
    assert 'status="success"' in "".join(before[2])
    assert await play.samples("job_failures_total") == {COUNTED: 1}
    assert 'status="failed"' in "".join(await play.samples("job_last_status"))


async def test_time_does_not_show_what_waits(play: Stage, gate: Gate, clock: FakeClock) -> None:
    """A cell that time alone would render again stays as it is while its commit is under way."""
    gate.open.clear()
    task = await fail_later(play)
    clock.advance(40 * DAY)  # births, abandonment
    await play.intake.tick()

    assert await play.samples("job_failures_total") == {COUNTED: 0}
    gate.open.set()
    await task
    assert await play.samples("job_failures_total") == {COUNTED: 1}


async def test_other_collectors_do_not_wait(play: Stage, gate: Gate) -> None:
    """While a commit is under way, other cells of the tenant show what happens to them."""
    gate.open.clear()
    task = await fail_later(play)

    error = SourceError("nobody answers")
    await play.intake.failed(PROTECTION, "contoso", error, stale_after=HOUR, seconds=1.0)

    assert (await play.samples("collector_success"))['tenant="contoso",collector="protection"'] == 0
    gate.open.set()
    await task


async def test_a_tenant_that_left_meanwhile(play: Stage, gate: Gate) -> None:
    """A tenant that leaves while its answer is being written down is not shown again, and keeps its books."""
    gate.open.clear()
    task = await fail_later(play)
    leaving = asyncio.create_task(play.intake.succeeded(TENANTS, "", tenants("Fabrikam"), 1.0))
    await asyncio.sleep(0)
    gate.open.set()
    await asyncio.gather(task, leaving)

    assert await play.samples("job_failures_total") == {}
    assert "contoso" not in "".join(await play.samples("collector_success"))
    await play.intake.succeeded(TENANTS, "", tenants("Contoso", "Fabrikam"), 1.0)
    await play.intake.succeeded(JOBS, "contoso", latest_job("contoso", "b", "failed", at=START + 600), 1.0)
    assert await play.samples("job_failures_total") == {COUNTED: 1}


async def test_a_cancelled_commit_lets_go(play: Stage, gate: Gate, clock: FakeClock) -> None:
    """A collection that is stopped while it waits leaves no cell held for ever."""
    gate.open.clear()
    task = await fail_later(play)
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    gate.open.set()

    clock.advance(60)
    await play.intake.succeeded(JOBS, "contoso", latest_job("contoso", "c", "failed", at=START + 1200), 1.0)

    assert await play.samples("job_failures_total") == {COUNTED: 2}


async def test_a_slow_disk_takes_nobodys_place(clock: FakeClock, gate: Gate) -> None:
    """While answers wait for their commit the connection is free: all tenants are asked although only one may be."""

    async def answer(collector: str, tenant: str) -> Sequence[Record]:
        return tenants("A", "B", "C", "D") if collector == "tenants" else latest_job(tenant, "a", at=START)

    source = FakeSource(answer, [TENANTS, JOBS])
    ready = stage(source, clock, concurrency=1, state=GatedState(gate))  # type: ignore[arg-type]
    runner = asyncio.create_task(ready.runner.run())
    try:
        for _ in range(20):
            await asyncio.sleep(0)
            if source.count("tenants"):
                gate.open.clear()
        for _ in range(60):
            await asyncio.sleep(0)
        assert source.count("jobs") <= 4
        assert await ready.samples("job_runs_total") == {}
        gate.open.set()
        for _ in range(60):
            await asyncio.sleep(0)
    finally:
        runner.cancel()
        await asyncio.gather(runner, return_exceptions=True)

    assert source.count("jobs") >= 4
    assert len(await ready.samples("job_runs_total")) == 4
