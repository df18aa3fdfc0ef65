"""Jobs, their settings and runs, as one poll tells them."""

from typing import Any

import pytest

from exporter.records import JobKey, JobSettings, Record
from exporter.state.source import KnownRuns
from tests.sources.veeam.stage import (
    BACKUP,
    CONTOSO,
    COPY,
    DAILY,
    DAY,
    FABRIKAM,
    HOUR,
    JOB,
    NOBODY,
    Polled,
    Stage,
    at,
    copy_job,
    job,
    session,
)
from tests.support.avepoint import MORNING

COPIED = JobKey("Microsoft 365", "all", "copy", "Contoso copy")
NIGHT = MORNING - 8 * HOUR
LATER = KnownRuns(answered_at=MORNING)


async def test_a_night(stage: Stage) -> None:
    """A session that ended is a run of its job with times, bytes and objects."""
    stage.jobs([job()], [session("s1", began=NIGHT)])

    polled = await stage.polled()

    run = polled.run
    assert (run.tenant, run.run_id, run.job, run.status) == (CONTOSO, "s1", BACKUP, "success")
    assert (run.started_at, run.ended_at, run.duration_seconds) == (NIGHT, NIGHT + HOUR, HOUR)
    assert (run.size_bytes, run.objects, run.retries) == (1000.0, {"successful": 10}, 0)
    assert polled.jobs[BACKUP].status == "success"
    assert not stage.notes.failed
    assert not stage.notes.unknown


async def test_settings(stage: Stage) -> None:
    """How a job is set up, when it runs next and what slowed it down are told beside its runs."""
    stage.jobs([job()], [session("s1", began=NIGHT)])

    settings = (await stage.polled()).settings[BACKUP]

    assert (settings.enabled, settings.next_run_at) == (True, MORNING + 16 * HOUR)
    assert (settings.schedule, settings.backup_type, settings.bottleneck) == (
        "daily 22:00",
        "entire_organization",
        "source",
    )


async def test_bottlenecks_are_remembered(stage: Stage) -> None:
    """What slowed a job down stays told after its session left the answers, also across a restart."""
    stage.jobs([job()], [session("s1", began=NIGHT)])
    source = stage.source()
    before = await source.collect("jobs", "", LATER)
    stage.vendor.clear()
    stage.jobs([job()])
    again = stage.source()
    again.recall("jobs", CONTOSO, before, applicable=True)

    for each in (source, again):
        stage.grant("v8")
        told = [getattr(record, "bottleneck", None) for record in await each.collect("jobs", "", LATER)]
        assert "source" in told


async def test_a_copy_job(stage: Stage) -> None:
    """A copy job is of the organization of the job that it copies, and runs as often as that."""
    stage.jobs([job()], [session("c1", began=NIGHT, jobId=COPY, jobType="Copy")], copies=[copy_job()])

    polled = await stage.polled()

    assert (polled.run.tenant, polled.run.job) == (CONTOSO, COPIED)
    assert polled.settings[COPIED].schedule == "after its backup"
    assert polled.schedules[COPIED].longest_gap_seconds == DAY


@pytest.mark.parametrize("source", [job(schedulePolicy={"type": "ManualOnly"}), job(isEnabled=False)])
async def test_a_copy_of_what_does_not_run(stage: Stage, source: dict[str, Any]) -> None:
    """A copy job has nothing to do, and is never overdue, while its backup job has no schedule or is switched off."""
    stage.jobs([source], copies=[copy_job()])

    polled = await stage.polled()

    assert polled.schedules[COPIED].longest_gap_seconds is None


async def test_a_copy_of_nothing(stage: Stage) -> None:
    """A copy job whose organization nobody can tell is left out, and costs no other job."""
    stage.jobs([job()], copies=[copy_job(source=None)])

    assert (await stage.polled()).jobs.keys() == {BACKUP}


async def test_equal_names_and_ids_that_begin_alike(stage: Stage) -> None:
    """Where a part of the id does not tell two jobs of one name apart, the whole id does."""
    other = f"{JOB[:8]}-5555-4444-8444-000000001009"
    stage.jobs([job(), job(other)])

    assert sorted(key.name for key in (await stage.polled()).jobs) == [f"Contoso all #{JOB}", f"Contoso all #{other}"]


async def test_equal_names(stage: Stage) -> None:
    """Equal names of one organization get a part of the id; of two organizations, or of a copy, they do not."""
    other = "1d900001-5555-4444-8444-000000001009"
    jobs = [job(), job(other), job("0d9", organization=FABRIKAM)]
    stage.jobs(jobs, copies=[copy_job() | {"name": "Contoso all"}])

    polled = await stage.polled()

    names = sorted((key.job_type, key.name) for key in polled.jobs)
    assert names == [
        ("backup", "Contoso all"),
        ("backup", f"Contoso all #{JOB[:8]}"),
        ("backup", f"Contoso all #{other[:8]}"),
        ("copy", "Contoso all"),
    ]


@pytest.mark.parametrize(
    ("row", "status"),
    [
        (job(lastStatus="Failed"), "failed"),
        (job(lastStatus="Running"), "running"),
        (job(lastStatus="NotConfigured"), "not_configured"),
        (job(lastStatus="Disconnected"), "disconnected"),
        (job(isEnabled=False), "disabled"),
        (job(isEnabled=False, lastStatus="Running"), "running"),
        (job(lastStatus=None, lastRun=None, lastBackup=None), "not_started"),
        (job(lastStatus=None), "none"),
        (job(lastStatus="Updating"), "unknown_updating"),
    ],
)
async def test_status(stage: Stage, row: dict[str, Any], status: str) -> None:
    """A job's status is the server's, but one that is switched off is disabled, unless it works all the same."""
    stage.jobs([row])

    assert (await stage.polled()).jobs[BACKUP].status == status
    assert stage.notes.unknown == ({"lastStatus": 1} if status.startswith("unknown") else {})


async def test_while_a_retry_is_waited_for(stage: Stage) -> None:
    """Between two attempts the job is under way, and the run no failure yet."""
    failed = session("s1", began=MORNING - 900, took=300, status="Failed", jobWillBeRetried=True)
    stage.jobs([job(lastStatus="Failed")], [failed])

    polled = await stage.polled()

    assert (polled.run.status, polled.run.ended_at) == ("running", None)
    assert polled.jobs[BACKUP].status == "running"


async def test_a_later_run_ends_the_wait(stage: Stage) -> None:
    """An announced retry that never came is none, once a later run of the job is known."""
    failed = session("s1", began=MORNING - 1200, took=300, status="Failed", jobWillBeRetried=True)
    stage.jobs([job()], [session("s2", began=MORNING - 600, took=60), failed])

    assert [(run.run_id, run.status) for run in (await stage.polled()).runs] == [("s1", "failed"), ("s2", "success")]


async def test_what_the_job_says_of_its_last_run(stage: Stage) -> None:
    """A job whose last run is older than the question tells when that started and completed."""
    week_ago = MORNING - 7 * DAY
    stage.jobs([job(lastRun=at(week_ago), lastBackup=at(week_ago + HOUR))])

    told = (await stage.polled()).jobs[BACKUP]

    assert (told.started_at, told.completed_at) == (week_ago, week_ago + HOUR)


@pytest.mark.parametrize(("status", "completed"), [("Success", NIGHT), ("Warning", NIGHT), ("Failed", None)])
async def test_v6_does_not_tell_the_last_backup(stage: Stage, status: str, completed: float | None) -> None:
    """Where the last backup is not told, a job that did well was complete no earlier than its last start."""
    row = job(lastStatus=status)
    del row["lastBackup"]
    stage.jobs([row])

    assert (await stage.polled()).jobs[BACKUP].completed_at == completed


async def test_manual_jobs(stage: Stage) -> None:
    """A job that somebody starts is known to have no schedule."""
    stage.jobs([job(schedulePolicy={"type": "ManualOnly"})])

    polled = await stage.polled()

    schedule = polled.schedules[BACKUP]
    assert (schedule.interval_seconds, schedule.longest_gap_seconds) == (None, None)
    assert polled.settings[BACKUP].schedule == "manual"


async def test_workdays(stage: Stage) -> None:
    """A job of workdays rests over the weekend: its longest gap is three days."""
    stage.jobs([job(schedulePolicy={**DAILY, "dailyType": "Workdays"})])

    assert (await stage.polled()).schedules[BACKUP].longest_gap_seconds == 3 * DAY


async def test_a_job_that_is_switched_off_has_no_next_run(stage: Stage) -> None:
    """A stale time of the next run of a disabled job is not told."""
    stage.jobs([job(isEnabled=False)])

    settings = (await stage.polled()).settings[BACKUP]

    assert (settings.enabled, settings.next_run_at) == (False, None)


@pytest.mark.parametrize(
    "row",
    [
        session("x", began=NIGHT, jobId="0d9-gone"),
        session("x", began=NIGHT, jobId=None),
        session("x", began=NIGHT, status="Disconnected"),
        session("x", began=NIGHT, status=None),
        session("x", began=NIGHT) | {"id": None},
        None,
        "session",
    ],
)
async def test_sessions_of_no_use(stage: Stage, row: Any) -> None:
    """Sessions of jobs that are gone, without a job, an id or an end are no runs, and cost no other."""
    stage.answer("v8/Jobs", {"results": [job()]})
    stage.answer("v8/CopyJobs", {"results": []})
    stage.answer("v8/JobSessions", {"results": [row, session("s1", began=NIGHT)]})

    assert [run.run_id for run in (await stage.polled()).runs] == ["s1"]


async def test_nulls_everywhere(stage: Stage) -> None:
    """A job and a session of nothing but ids and nulls still are a job and a run."""
    nulls = dict.fromkeys(job(), None) | {"id": JOB, "organizationId": CONTOSO}
    blank = dict.fromkeys(session("", began=0), None) | {"id": "s1", "jobId": JOB, "status": "Success"}
    stage.answer("v8/Jobs", {"results": [nulls]})
    stage.answer("v8/CopyJobs", {"results": []})
    stage.answer("v8/JobSessions", {"results": [blank]})

    polled = await stage.polled()

    key = JobKey("Microsoft 365", "all", "backup", JOB[:8])
    assert polled.jobs.keys() == {key}
    assert (polled.run.status, polled.run.ended_at, polled.run.size_bytes) == ("success", None, None)
    assert not stage.notes.failed
    assert polled.schedules == {}


async def test_numbers_as_text(stage: Stage) -> None:
    """Numbers and flags that come as text are read; zero ids say nothing."""
    moved = {"transferredDataBytes": "1000", "processedObjects": "10", "bottleneck": "NA"}
    row = session("s1", began=NIGHT, statistics=moved, retryCount="0", jobWillBeRetried="false", mainSessionId=NOBODY)
    stage.jobs([job(isEnabled="true")], [row])

    run = (await stage.polled()).run

    assert (run.size_bytes, run.objects, run.retries) == (1000.0, {"successful": 10}, 0)


def serve_items(stage: Stage, *jobs: dict[str, Any]) -> None:
    """Answer a poll, and what it asks about the items of these jobs."""
    stage.jobs(jobs)
    for row in jobs:
        selected = [{"type": "User"}, {"type": "User"}, {"type": "Site"}]
        stage.answer(f"v8/Jobs/{row['id']}/SelectedItems", {"results": selected})
        stage.answer(f"v8/Jobs/{row['id']}/ExcludedItems", {"results": [{"type": "Group"}, {"type": "Planet"}]})


async def test_items(stage: Stage) -> None:
    """Items are counted by type if asked, again a day later, and are told meanwhile, also after a restart."""
    source, asked = stage.source(collectors={"jobs": {"job_items": True}}), []
    told: list[Record] = []
    serve_items(stage, job())
    for pause in (0, HOUR, DAY + 1):
        stage.clock.advance(pause)
        stage.grant("v8")
        before = len(stage.queries("Items"))
        told = list(await source.collect("jobs", "", LATER))
        asked.append(len(stage.queries("Items")) - before)
    again = stage.source(collectors={"jobs": {"job_items": True}})
    again.recall("jobs", CONTOSO, told, applicable=True)
    stage.vendor.clear()
    stage.grant("v8")
    stage.jobs([job()])
    stage.answer(f"v8/Jobs/{JOB}/SelectedItems", status=404)

    settings = Polled(told).settings[BACKUP]
    assert settings.selected == {"users": 2, "sites": 1}
    assert settings.excluded == {"groups": 1, "other": 1}
    assert asked == [2, 0, 2]
    assert stage.notes.unknown["items"] > 0
    untold = Polled(list(await again.collect("jobs", "", LATER))).settings[BACKUP]
    assert (untold.selected, untold.excluded) == (settings.selected, settings.excluded)


async def test_items_of_many_jobs(stage: Stage) -> None:
    """A poll counts the items of twenty jobs at most; the next one goes on with the others."""
    jobs = [job(f"{number:08}-4444", name=f"Job {number}") for number in range(50)]
    serve_items(stage, *jobs)
    source = stage.source(collectors={"jobs": {"job_items": True}})
    counted = []
    for _ in range(4):
        stage.clock.advance(300)
        polled = Polled(list(await source.collect("jobs", "", LATER)))
        counted.append(sum(bool(each.selected) for each in polled.settings.values()))

    assert counted == [20, 40, 50, 50]
    assert len(stage.queries("Items")) == 100


async def test_items_remembered(stage: Stage) -> None:
    """What was counted before a restart is told until it is counted again."""
    jobs = [job(f"{number:08}-4444", name=f"Job {number}") for number in range(30)]
    serve_items(stage, *jobs)
    old = [
        JobSettings(
            tenant=CONTOSO,
            job=JobKey("Microsoft 365", "all", "backup", f"Job {number}"),
            vendor_id=f"{number:08}-4444",
            selected={"users": 9},
        )
        for number in range(30)
    ]
    source = stage.source(collectors={"jobs": {"job_items": True}})
    source.recall("jobs", CONTOSO, old, applicable=True)

    polled = Polled(list(await source.collect("jobs", "", LATER)))

    told = [each.selected for each in polled.settings.values()]
    assert (told.count({"users": 2, "sites": 1}), told.count({"users": 9})) == (20, 10)
