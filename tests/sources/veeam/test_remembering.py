"""What lasts from one poll to the next: edges of questions, names, schedules, newcomers, restarts."""

from typing import Any

import pytest

from exporter.records import JobSettings
from exporter.shard import Shard
from exporter.source import CollectorPlan
from exporter.state.questions import BELIEVED_LATE
from tests.sources.veeam.stage import (
    BACKUP,
    CONTOSO,
    DAILY,
    DAY,
    FABRIKAM,
    HOUR,
    JOB,
    Stage,
    at,
    job,
    page,
    session,
)
from tests.sources.veeam.watcher import PLANS, Server, Watcher, watching
from tests.support.avepoint import MORNING

OTHER = "1d900001-5555-4444-8444-000000001009"
NAME = BACKUP.name
WEEKLY = {**DAILY, "dailyType": "Sunday"}
MANUAL = {"type": "ManualOnly"}
WEEK = 7 * DAY
PRESENT = (
    *("job_first_seen_timestamp_seconds", "job_last_success_timestamp_seconds", "job_last_start_timestamp_seconds"),
    *("job_last_status", "job_info", "job_enabled", "job_last_duration_seconds", "job_last_bytes"),
)
"""Families that tell of a job that has run."""


def failed(session_id: str, began: float, *, took: float = 600, **more: Any) -> dict[str, Any]:
    """Return an attempt that failed and is to be tried again."""
    return session(session_id, began=began, took=took, status="Failed", jobWillBeRetried=True) | more


def retry(session_id: str, began: float, of: str | None, *, took: float | None = 600, **more: Any) -> dict[str, Any]:
    """Return the first retry of an attempt, which succeeded."""
    return session(session_id, began=began, took=took, mainSessionId=of, retryCount=1) | more


async def test_the_rest_of_a_chain_is_no_run(stage: Stage) -> None:
    """Of a chain whose first attempt the first question does not reach nothing is told: no wrong last end."""
    rest = retry("b", MORNING - DAY + 600, "a")
    stage.jobs([job()], [rest, session("c", began=MORNING - 8 * HOUR)])

    assert [run.run_id for run in (await stage.polled()).runs] == ["c"]


@pytest.mark.parametrize("api", ["v8", "v6"])
async def test_a_chain_at_the_edge_of_a_wide_question(stage: Stage, api: str) -> None:
    """A chain that was counted is not counted again when a newcomer's question cuts it days later."""
    main = "a" if api == "v8" else None
    began = MORNING + DAY
    attempts = [failed("a", began), retry("b", began + 1200, main, status="Failed", jobWillBeRetried=False)]
    async with watching(stage, api=api, collectors={"jobs": {"lookback": "8d"}}) as watcher:
        await watcher.poll(job())
        await watcher.poll(after=2 * HOUR)
        await watcher.poll(sessions=attempts, after=began + 2000 - stage.clock.now())
        for number in range(90):  # so many that the first ones are forgotten
            run = session(f"s{number}", began=stage.clock.now() - HOUR, took=60)
            await watcher.poll(sessions=[run], after=2 * HOUR)
        before, known = watcher.counted(), watcher.memory(NAME).ended_at
        await watcher.discover(CONTOSO, FABRIKAM)

        await watcher.poll(after=began + 900 + 8 * DAY - stage.clock.now())

        assert watcher.server.since[-1] == at(began + 900)[:19] + "Z"
        assert before == (91, 90, 1, 0)
        assert watcher.counted() == before
        assert watcher.memory(NAME).ended_at == known


async def test_the_rest_of_a_chain_under_way(stage: Stage) -> None:
    """A chain that is known as under way ends although its first attempt is not told any more."""
    async with watching(stage) as watcher:
        await watcher.poll(job())
        await watcher.poll(job(lastStatus="Failed"), sessions=[failed("a", MORNING)], after=900)
        assert watcher.counted()[0] == 0
        watcher.server.sessions = [retry("b", stage.clock.now(), "a")]

        await watcher.poll(job(), after=700)

        assert watcher.counted() == (1, 1, 0, 0)
        assert watcher.memory(NAME).ended_at == watcher.memory(NAME).succeeded_at == MORNING + 1200 + 600


@pytest.mark.parametrize("starts_again", [False, True])
async def test_schedules_outlive_jobs(stage: Stage, *, starts_again: bool) -> None:
    """A weekly job that is deleted keeps its two weeks, a manual one its absence of any: also after a restart."""
    last = at(MORNING - 5 * DAY)
    weekly = job(JOB, "Weekly", schedulePolicy=WEEKLY, lastRun=last, lastBackup=last)
    manual = job(OTHER, "Manual", schedulePolicy=MANUAL, lastRun=last, lastBackup=last)
    kept = job("2d9", "Kept")
    allowed = {"Weekly": 2 * WEEK, "Manual": None, "Kept": 2 * DAY}
    async with watching(stage) as watcher:
        await watcher.poll(weekly, manual, kept)
        assert watcher.allowed() == allowed
        await watcher.poll(kept)
        if starts_again:
            await watcher.restart()
            assert watcher.allowed() == allowed
            await watcher.poll(kept)

        assert watcher.allowed() == allowed
        assert await watcher.behind.samples("job_last_status") != {}
        assert await watcher.names("job_overdue_after_seconds") == {"Weekly", "Kept"}


async def test_deleted_while_nobody_looked(stage: Stage) -> None:
    """A job that is deleted while the exporter is stopped, after a single poll, keeps its schedule too."""
    weekly = job(schedulePolicy=WEEKLY)
    async with watching(stage) as watcher:
        await watcher.poll(weekly, job(OTHER, "Kept"))
        await watcher.restart()
        await watcher.poll(job(OTHER, "Kept"))

        assert watcher.allowed()[NAME] == 2 * WEEK


async def ran(watcher: Watcher, *jobs: dict[str, Any]) -> None:
    """Have each of these jobs run once, and be counted."""
    await watcher.poll(*jobs)
    began = watcher.stage.clock.now()
    runs = [session(f"run of {each['id']}", began=began, took=60, jobId=each["id"]) for each in jobs]
    await watcher.poll(sessions=runs)


@pytest.mark.parametrize("starts_again", [False, True])
async def test_renamed(stage: Stage, *, starts_again: bool) -> None:
    """A renamed job keeps its memory and its counts under the new name, and leaves nothing under the old one."""
    async with watching(stage) as watcher:
        await ran(watcher, job())
        before = watcher.memory(NAME)
        if starts_again:
            await watcher.restart()

        await watcher.poll(job(name="Contoso everything"))

        after = watcher.memory("Contoso everything")
        for family in PRESENT:
            assert await watcher.names(family) == {"Contoso everything"}, family
        assert (after.succeeded_at, after.ended_at, after.first_seen) == (
            before.succeeded_at,
            before.ended_at,
            before.first_seen,
        )
        assert watcher.counted() == (1, 1, 0, 0)
        await watcher.restart()
        assert watcher.ledger().jobs.keys() == {BACKUP._replace(name="Contoso everything")}
        assert {run.job.name for run in watcher.ledger().runs.values()} == {"Contoso everything"}


@pytest.mark.parametrize("starts_again", [False, True])
async def test_names_that_become_ambiguous(stage: Stage, *, starts_again: bool) -> None:
    """A job whose name gets a part of its id because another has it too, and loses it again, stays the same."""
    first, second = job(JOB, "Weekly"), job(OTHER, "Weekly", lastRun=None, lastBackup=None)
    told = []
    async with watching(stage) as watcher:
        await ran(watcher, first)
        succeeded_at = watcher.memory("Weekly").succeeded_at
        for jobs in ((first, second), (first,)):
            if starts_again:
                await watcher.restart()
            await watcher.poll(*jobs)
            told.append({key.name: memory.succeeded_at for key, memory in watcher.ledger().jobs.items()})

        ambiguous, unique = {f"Weekly #{JOB[:8]}": succeeded_at, f"Weekly #{OTHER[:8]}": None}, {"Weekly": succeeded_at}
        assert told == [ambiguous, unique | {f"Weekly #{OTHER[:8]}": None}]
        assert await watcher.names("job_last_success_timestamp_seconds") == {"Weekly"}
        assert await watcher.names("job_last_status") == {"Weekly"}
        assert watcher.counted() == (1, 1, 0, 0)


@pytest.mark.parametrize("starts_again", [False, True])
async def test_names_that_are_swapped(stage: Stage, *, starts_again: bool) -> None:
    """Two jobs that swap names between two polls swap what is remembered of them."""
    async with watching(stage) as watcher:
        await ran(watcher, job(JOB, "One"))
        await watcher.poll(job(JOB, "One"), job(OTHER, "Two"))
        run = session("late", began=stage.clock.now(), took=90, jobId=OTHER, status="Failed")
        await watcher.poll(sessions=[run])
        one, two = watcher.memory("One").ended_at, watcher.memory("Two").ended_at
        if starts_again:
            await watcher.restart()

        await watcher.poll(job(JOB, "Two"), job(OTHER, "One", lastStatus="Failed"))

        assert (watcher.memory("Two").ended_at, watcher.memory("One").ended_at) == (one, two)
        assert one != two
        assert (watcher.memory("Two").status, watcher.memory("One").status) == ("success", "failed")
        assert watcher.counted() == (2, 1, 1, 0)


async def test_renamed_while_it_runs(stage: Stage) -> None:
    """A run that began under the old name ends under the new one, once."""
    async with watching(stage) as watcher:
        await watcher.poll(job())
        began = stage.clock.now()
        await watcher.poll(job(lastStatus="Running"), sessions=[session("s", began=began, took=None)])
        await watcher.poll(job(name="New", lastStatus="Running"))
        watcher.server.sessions = [session("s", began=began, took=700)]
        await watcher.poll(job(name="New"))

        assert watcher.counted() == (1, 1, 0, 0)
        assert watcher.memory("New").ended_at == began + 700
        assert watcher.ledger().jobs.keys() == {BACKUP._replace(name="New")}


async def test_the_schedule_of_a_renamed_job(stage: Stage) -> None:
    """A weekly job that is renamed and then deleted keeps its two weeks."""
    async with watching(stage) as watcher:
        await watcher.poll(job(schedulePolicy=WEEKLY))
        await watcher.poll(job(name="New", schedulePolicy=WEEKLY))
        await watcher.poll(job(OTHER, "Kept"))

        assert watcher.allowed() == {"New": 2 * WEEK, "Kept": 2 * DAY}


async def bottlenecks(watcher: Watcher) -> dict[str, str | None]:
    """Return what slowed down each job, by name."""
    records = watcher.state.of(CONTOSO, "jobs").records or ()
    return {each.job.name: each.bottleneck for each in records if isinstance(each, JobSettings)}


@pytest.mark.parametrize(("retried_after", "api"), [(5000, "v8"), (1800, "v6")])
async def test_a_chain_that_was_given_up_too_early(stage: Stage, retried_after: float, api: str) -> None:
    """A chain that was counted as failed, and whose late retry succeeds, counts no more; but its end is that one's."""
    announced = True if api == "v8" else None
    chain = failed("a", MORNING + 60, took=300, jobWillBeRetried=announced)
    late = retry("b", MORNING + 360 + retried_after, "a" if api == "v8" else None, took=120)
    async with watching(stage, api=api) as watcher:
        await watcher.poll(job())
        await watcher.poll(job(lastStatus="Failed"), sessions=[chain])
        for _ in range(int(retried_after / 300)):
            await watcher.poll()
        assert watcher.counted() == (1, 0, 1, 0)

        # What is between the first attempt and the retry is longer than an hour, so the job must tell of the chain.
        running = job(lastStatus="Running", lastRun=at(MORNING + 60))
        await watcher.poll(running, sessions=[], after=MORNING + 360 + retried_after + 60 - stage.clock.now())
        await watcher.poll(job(lastRun=at(MORNING + 60)), sessions=[late])

        memory = watcher.memory(NAME)
        ended_at = MORNING + 360 + retried_after + 120
        assert watcher.counted() == (1, 0, 1, 0)
        assert memory.ended_at == memory.succeeded_at == memory.completed_at == ended_at
        assert (memory.duration_seconds, memory.size_bytes) == (ended_at - MORNING - 60, 2000)
        assert memory.status == "success"


async def test_a_long_job_that_is_hidden_until_its_end(stage: Stage) -> None:
    """Where sessions are selected by their beginning and hidden until their end, a run of hours is counted."""
    async with watching(stage) as watcher:
        watcher.server = Server(by="creationTime", shows_running=False)
        await watcher.poll(job())
        began = stage.clock.now() + 60
        run = session("long", began=began, took=5 * HOUR)
        running = job(lastStatus="Running", lastRun=at(began))
        await watcher.poll(running, sessions=[run])
        while stage.clock.now() < began + 5 * HOUR - 300:
            await watcher.poll(running)
            assert watcher.counted()[0] == 0

        await watcher.poll(job(lastRun=at(began)), after=400)

        assert watcher.counted() == (1, 1, 0, 0)


async def test_newcomers_while_an_answer_is_under_way(stage: Stage) -> None:
    """An answer of the last hour says nothing of an organization that came meanwhile: the next goes back a day."""
    its = job("f1", "Fabrikam all", FABRIKAM)
    run = session("f", began=MORNING - 6 * HOUR, jobId="f1")
    async with watching(stage) as watcher:
        await watcher.poll(job(), its, sessions=[run])
        stage.clock.advance(300)
        answer = await watcher.ask()
        await watcher.discover(CONTOSO, FABRIKAM)
        await watcher.enter(answer)
        assert not watcher.ledger(FABRIKAM).observed
        assert watcher.ledger(CONTOSO).observed

        await watcher.poll()

        assert watcher.ledger(FABRIKAM).observed
        assert watcher.server.since[-1] == at(stage.clock.now() - DAY)[:19] + "Z"
        assert watcher.memory("Fabrikam all", FABRIKAM).succeeded_at == MORNING - 5 * HOUR
        assert watcher.tally(FABRIKAM).runs == 0


async def test_newcomers_while_a_wide_answer_is_under_way(stage: Stage) -> None:
    """The first answer goes back a day, so that it is good for whoever comes meanwhile."""
    async with watching(stage) as watcher:
        watcher.server.jobs = [job(), job("f1", "Fabrikam all", FABRIKAM)]
        answer = await watcher.ask()
        await watcher.discover(CONTOSO, FABRIKAM)
        await watcher.enter(answer)

        assert watcher.ledger(FABRIKAM).observed


@pytest.mark.parametrize("starts_again", [False, True])
async def test_an_organization_that_returns(stage: Stage, *, starts_again: bool) -> None:
    """What ran while an organization was not watched is counted when it is again, also after a restart meanwhile."""
    its = job("f1", "Fabrikam all", FABRIKAM)
    async with watching(stage, CONTOSO, FABRIKAM) as watcher:
        await watcher.poll(job(), its)
        await watcher.discover(CONTOSO)
        left_at = stage.clock.now()
        for day in range(3):
            run = session(f"f{day}", began=stage.clock.now() + HOUR, jobId="f1")
            await watcher.poll(sessions=[run], after=DAY)
        if starts_again:
            await watcher.restart()
        await watcher.discover(CONTOSO, FABRIKAM)
        await watcher.poll()
        await watcher.poll()

        assert watcher.server.since[-2] == at(left_at - BELIEVED_LATE - HOUR)[:19] + "Z"
        assert watcher.server.since[-1] > at(left_at + 2 * DAY)
        assert watcher.counted(FABRIKAM) == (3, 3, 0, 0)


async def test_returned_while_an_answer_is_under_way(stage: Stage) -> None:
    """An answer that was asked for before an organization returned is not entered for it."""
    its = job("f1", "Fabrikam all", FABRIKAM)
    async with watching(stage, CONTOSO, FABRIKAM) as watcher:
        await watcher.poll(job(), its)
        await watcher.discover(CONTOSO)
        await watcher.poll(sessions=[session("f", began=stage.clock.now() + HOUR, jobId="f1")], after=DAY)
        answer = await watcher.ask()
        await watcher.discover(CONTOSO, FABRIKAM)
        await watcher.enter(answer)
        assert watcher.tally(FABRIKAM).runs == 0
        await watcher.poll()

        assert watcher.counted(FABRIKAM) == (1, 1, 0, 0)


async def test_the_bottleneck_of_the_newest_attempt(stage: Stage) -> None:
    """What slowed a job down is of its newest attempt that ended; one that nothing slowed down clears it."""
    told: list[str | None] = []
    async with watching(stage) as watcher:
        for word in ("Source", "Target", "NA", "Source"):
            began = stage.clock.now()
            run = session(f"s{began}", began=began, took=60, statistics={"bottleneck": word})
            await watcher.poll(job(), sessions=[run])
            told += (await bottlenecks(watcher)).values()
        await watcher.poll(after=2 * HOUR)
        told += (await bottlenecks(watcher)).values()

    assert told == ["source", "target", None, "source", "source"]


INFRASTRUCTURE: CollectorPlan = next(plan for plan in PLANS if plan.name == "infrastructure")


@pytest.mark.parametrize(("index", "shown"), [(0, True), (1, False)])
async def test_what_another_shard_tells(stage: Stage, index: int, *, shown: bool) -> None:
    """What is remembered of the server itself is shown after a restart by the process that tells of it only."""
    owner = next(each for each in range(2) if Shard(each, 2).owns("fake", ""))
    stage.answer("v8/ServiceInstance", {"version": "8.4"})
    stage.answer("v8/Health", {"status": "Healthy"})
    stage.answer("v8/BackupRepositories", page([{"id": "r", "name": "Disk", "isOutOfSync": False}]))
    stage.answer("v8/Proxies", page([]))
    async with watching(stage) as watcher:
        records = await watcher.source.collect("infrastructure", "", watcher.state.known("", "infrastructure"))
        await watcher.behind.intake.succeeded(INFRASTRUCTURE, "", records, 1.0)
        assert await watcher.behind.samples("server_info")
        watcher.shard = Shard(abs(owner - index), 2)

        await watcher.restart()

        for family in ("server_info", "server_healthy", "repository_info"):
            assert bool(await watcher.behind.samples(family)) == shown, family
        assert await watcher.behind.samples("collector_success")
