"""What comes later than expected: after a failed poll, a restart, another name, an absence that was long doubted."""

from typing import Any

import aiohttp
import pytest

from exporter.errors import SourceError
from exporter.records import Subscription, Tenant
from exporter.state.source import KnownRuns
from tests.sources.veeam.stage import CONTOSO, FABRIKAM, HOUR, JOB, Stage, at, job, session
from tests.sources.veeam.test_edges import serve_organizations
from tests.sources.veeam.test_others import ORGANIZATIONS
from tests.sources.veeam.test_remembering import NAME, OTHER, bottlenecks, failed, retry
from tests.sources.veeam.watcher import Server, Watcher, watching
from tests.support.avepoint import MORNING


async def hidden_until_its_end(watcher: Watcher) -> dict[str, Any]:
    """Let a run of five hours work on a server that hides it until then; return the job's row after it."""
    stage = watcher.stage
    watcher.server = Server(by="creationTime", shows_running=False)
    await watcher.poll(job())
    began = stage.clock.now() + 60
    running = job(lastStatus="Running", lastRun=at(began))
    await watcher.poll(running, sessions=[session("long", began=began, took=5 * HOUR)])
    while stage.clock.now() < began + 5 * HOUR - 300:
        await watcher.poll(running)
    return job(lastRun=at(began))


async def test_a_poll_that_fails_when_a_hidden_run_ended(stage: Stage) -> None:
    """A run that was hidden until its end is counted although the first poll after that fails."""
    async with watching(stage) as watcher:
        over = await hidden_until_its_end(watcher)
        watcher.server.failing = 1
        with pytest.raises(SourceError):
            await watcher.poll(over, after=400)

        await watcher.poll()

        assert watcher.counted() == (1, 1, 0, 0)


async def test_a_restart_when_a_hidden_run_ended(stage: Stage) -> None:
    """A run that was hidden until its end is counted although the exporter starts anew right then."""
    async with watching(stage) as watcher:
        over = await hidden_until_its_end(watcher)

        await watcher.restart()
        await watcher.poll(over, after=400)

        assert watcher.counted() == (1, 1, 0, 0)


@pytest.mark.parametrize("trouble", [429, aiohttp.ServerDisconnectedError])
async def test_any_trouble_with_last_backups(stage: Stage, trouble: Any) -> None:
    """Whatever keeps the last backups from being told, organizations are found."""
    serve_organizations(stage, trouble)

    assert len(await stage.source().collect("organizations", "", KnownRuns())) == 2


async def test_the_sync_state_of_one_organization_fails(stage: Stage) -> None:
    """On v7 an organization whose sync state is a server error costs the others nothing."""
    stage.answer("v7/Organizations", ORGANIZATIONS)
    stage.answer(f"v7/Organizations/{CONTOSO}/SyncState", status=500)
    stage.answer(f"v7/Organizations/{FABRIKAM}/SyncState", {"status": "Success", "lastSyncTime": at(MORNING - 60)})
    source = stage.source("v7")
    await source.collect("organizations", "", KnownRuns())

    found = await source.collect("organizations", "", KnownRuns())

    assert [each.synchronized_at for each in found if isinstance(each, Tenant)] == [None, MORNING - 60]


@pytest.mark.parametrize("fail", [1, 3])
async def test_the_use_of_some_organizations_fails(stage: Stage, fail: int) -> None:
    """On v6 one organization's server error costs the others nothing; three in a row are the server's."""
    names = [f"org{number}" for number in range(4)]
    stage.answer("v6/Organizations", [{"id": name, "name": name} for name in names])
    stage.answer("v6/License", {"type": "Rental", "usedNumber": 5})
    for number, name in enumerate(names):
        path = f"v6/Organizations/{name}/LicensingInformation"
        stage.answer(path, {"licensedUsers": 7}, status=500 if number < fail else 200)
    source = stage.source("v6")
    await source.collect("organizations", "", KnownRuns())

    if fail < 3:
        found = await source.collect("license", "", KnownRuns())
        assert sum(isinstance(each, Subscription) for each in found) == 3
    else:
        with pytest.raises(SourceError):
            await source.collect("license", "", KnownRuns())


@pytest.mark.parametrize("swapped", [False, True])
async def test_bottlenecks_of_renamed_jobs(stage: Stage, *, swapped: bool) -> None:
    """What slowed a job down goes with it to its new name, also when two jobs swap theirs."""
    expected = {"Two": "source", "One": "target"} if swapped else {"New": "source", "Two": "target"}
    async with watching(stage) as watcher:
        await watcher.poll(job(JOB, "One"), job(OTHER, "Two"))
        began = stage.clock.now()
        one, two = ({"statistics": {"bottleneck": each}} for each in ("Source", "Target"))
        ended = [session("a", began=began, took=60, **one), session("b", began=began, took=60, jobId=OTHER, **two)]
        await watcher.poll(sessions=ended)
        await watcher.poll(after=3 * HOUR)
        await watcher.poll(after=3 * HOUR)

        await watcher.poll(job(JOB, "Two" if swapped else "New"), job(OTHER, "One" if swapped else "Two"))

        assert await bottlenecks(watcher) == expected


@pytest.mark.parametrize("shows", [True, False])
async def test_a_late_retry_whose_first_attempt_is_out_of_sight(stage: Stage, *, shows: bool) -> None:
    """A retry that succeeds after its run was given up moves the last success, though the first attempt is not told."""
    again = MORNING + 360 + 5000
    chain = failed("a", MORNING + 60, took=300)
    async with watching(stage) as watcher:
        await watcher.poll(job())
        await watcher.poll(job(lastStatus="Failed"), sessions=[chain])
        for _ in range(17):
            await watcher.poll()
        assert watcher.counted() == (1, 0, 1, 0)
        working = [retry("b", again, "a", took=None)] if shows else []
        running = job(lastStatus="Running", lastRun=at(again))
        await watcher.poll(running, sessions=working, after=again + 60 - stage.clock.now())

        watcher.server.sessions = [chain, retry("b", again, "a", took=120)]
        await watcher.poll(job(lastRun=at(again)))

        assert watcher.memory(NAME).succeeded_at == again + 120
        assert watcher.counted() == (1, 0, 1, 0)


async def test_an_absence_that_was_long_doubted(stage: Stage) -> None:
    """An organization may have left hours before that was believed: the question after its return goes back so far."""
    async with watching(stage) as watcher:
        await watcher.poll(job())
        run = session("x", began=stage.clock.now() + 600, took=600)
        for _ in range(3):  # the only organization is gone, as three discoveries say, an hour apart
            for _ in range(12):
                stage.clock.advance(300)
                watcher.server.jobs = []
                await watcher.enter(await watcher.ask())
            await watcher.discover(FABRIKAM)
        await watcher.poll(after=300)
        await watcher.discover(CONTOSO, FABRIKAM)

        await watcher.poll(job(), sessions=[run])

        assert watcher.counted() == (1, 1, 0, 0)
