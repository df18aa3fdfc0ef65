"""What rows of jobs say, one oddity at a time."""

from typing import Any

import pytest

from exporter.records import Job, Record, Run
from exporter.sources.cloudbackup import wire
from tests.sources.cloudbackup.stage import Stage, listed, ticks
from tests.support.avepoint import MORNING, Notes
from tests.support.sources import NOTHING

STARTED = MORNING - 3600
ENDED = MORNING - 1800
MESSAGE = "The mailbox of Pat Example (pat.example@example.com) is locked (synthetic)."


def row(**options: Any) -> dict[str, Any]:
    """Return a row of v2 whose workload its letters tell."""
    return {
        "id": "TIB20260303050000000001",
        "state": "Finished",
        "startTime": "2026-03-03T05:00:00Z",
        "finishTime": "2026-03-03T05:30:00Z",
        "duration": "0.500",
        "backupDetails": {"totalCount": 3, "failedCount": 0, "successfulCount": 3, "skippedCount": 0},
        "jobErrors": [],
    } | options


async def collected(stage: Stage, *rows: Any, api: str = "v2") -> list[Record]:
    """Return the records of an answer with these rows."""
    stage.answer(api, "jobs", listed(api, list(rows)))
    return list(await stage.source(api).collect("jobs", "contoso", NOTHING))


async def run_of(stage: Stage, api: str = "v2", **options: Any) -> Run:
    """Return the run of one row."""
    (run,) = (record for record in await collected(stage, row(**options), api=api) if isinstance(record, Run))
    return run


@pytest.mark.parametrize(
    ("state", "status"),
    [
        ("Finished", "success"),
        ("Failed", "failed"),
        ("InProgress", "running"),
        ("In Progress", "running"),
        ("FinishedException", "warning"),
        ("Finished with Exception", "warning"),
        ("FinishedWithException", "warning"),
        ("finished_with_exception", "warning"),
        ("PartiallyFinished", "warning"),
        ("Partially Finished", "warning"),
    ],
)
async def test_states(stage: Stage, state: str, status: str) -> None:
    """Every spelling of a state is one status; the job has that of its run."""
    records = await collected(stage, row(state=state))

    assert [record.status for record in records if isinstance(record, Run | Job)] == [status, status]
    assert not stage.notes.unknown


@pytest.mark.parametrize("state", ["Paused", 7, True, "🙈", "", ["Finished"]])
async def test_unknown_states(stage: Stage, state: Any) -> None:
    """A state that nobody documented is told of; its run waits until it is known how it ended, the others do not."""
    records = await collected(stage, row(state=state), row(id="TIB20260303050000000002"))

    assert [record.run_id for record in records if isinstance(record, Run)] == ["TIB20260303050000000002"]
    assert stage.notes.unknown == {"state": 1}


@pytest.mark.parametrize(
    ("start", "finish"),
    [
        ("2026-03-03T05:00:00Z", "2026-03-03T05:30:00.0000000Z"),
        ("2026-03-03T05:00:00", "2026-03-03T06:30:00+01:00"),
        (ticks(STARTED), ticks(ENDED)),
        (str(ticks(STARTED)), str(ticks(ENDED))),
        (STARTED, ENDED),
        (int(STARTED * 1000), int(ENDED * 1000)),
    ],
)
async def test_times(stage: Stage, api: str, start: Any, finish: Any) -> None:
    """Times are the same in ISO, ticks and epoch, and how long it took comes from them, not from the hours."""
    run = await run_of(stage, api, startTime=start, finishTime=finish, duration="0.499")

    assert (run.started_at, run.ended_at, run.duration_seconds) == (STARTED, ENDED, 1800.0)


@pytest.mark.parametrize(
    ("duration", "seconds"),
    [("0.500", 1800.0), (0.5, 1800.0), (18_000_000_000, 1800.0), ("N/A", None), (None, None), (-1, None)],
)
@pytest.mark.parametrize("finish", [None, "", 0, "0001-01-01T00:00:00Z"])
async def test_no_finish(stage: Stage, finish: Any, duration: Any, seconds: float | None) -> None:
    """An ended run without a time of its end ended after its duration, in hours or ticks, if that is known."""
    run = await run_of(stage, finishTime=finish, duration=duration)

    assert (run.started_at, run.duration_seconds) == (STARTED, seconds)
    assert run.ended_at == (None if seconds is None else STARTED + seconds)
    assert not stage.notes.failed


@pytest.mark.parametrize("duration", ["soon", "1e9", "nan", "-1", True, [1], "9" * 5000])
async def test_unreadable_durations(stage: Stage, duration: Any) -> None:
    """A duration in no documented form is told of, and costs only itself."""
    run = await run_of(stage, finishTime=None, duration=duration)

    assert (run.status, run.duration_seconds, run.ended_at) == ("success", None, None)
    assert stage.notes.failed == {"duration": 1}


async def test_end_before_start(stage: Stage) -> None:
    """Where the end lies before the start the clocks are wrong: the duration is that of the hours."""
    run = await run_of(stage, finishTime="2026-03-03T04:00:00Z")

    assert (run.ended_at, run.duration_seconds) == (STARTED - 3600, 1800.0)


@pytest.mark.parametrize("finish", [{}, {"finishTime": None}, {"finishTime": ""}, {"finishTime": 0}])
async def test_running(stage: Stage, api: str, finish: Any) -> None:
    """A job under way has a start and nothing else, however its end is left open."""
    given = {name: value for name, value in row(state="InProgress").items() if name != "finishTime"}
    records = await collected(stage, given | finish, api=api)

    (run,) = (record for record in records if isinstance(record, Run))
    assert (run.status, run.started_at) == ("running", STARTED)
    assert (run.ended_at, run.duration_seconds, run.objects, run.errors) == (None, None, None, None)


@pytest.mark.parametrize(
    "details",
    [
        {"totalCount": 9, "failedCount": 1, "successfulCount": 7, "skippedCount": 1},
        {"totalNumber": 9, "failedNumber": 1, "successfulNumber": 7, "skippedNumber": 1},
        {"TotalCount": "9", "FailedCount": "1", "SuccessfulCount": "7", "SkippedCount": "1"},
        {"failedNumber": 1, "successfulCount": 7, "skippedCount": None, "skippedNumber": 1},
    ],
)
async def test_counts(stage: Stage, api: str, details: Any) -> None:
    """Both spellings of the counts are read, in any case, as numbers or texts."""
    run = await run_of(stage, api, backupDetails=details)

    assert run.objects == {"failed": 1, "successful": 7, "skipped": 1}


@pytest.mark.parametrize("details", [None, 7, [], {}, "N/A", {"failedCount": -1, "successfulCount": "N/A"}])
async def test_no_counts(stage: Stage, details: Any) -> None:
    """Counts that are not given are not zero."""
    run = await run_of(stage, backupDetails=details)

    assert run.objects is None
    assert not stage.notes.failed


async def test_errors(stage: Stage) -> None:
    """Only what is called a code and looks like one becomes a label; all else is counted as other."""
    run = await run_of(
        stage,
        jobErrors=[
            {"isErrorCode": True, "value": "SPO:423", "number": 2},
            {"IsErrorCode": "true", "Value": "SPO:423", "Number": "3"},
            {"isErrorCode": True, "value": 1042, "number": None},
            {"isErrorCode": True, "value": MESSAGE, "number": 4},
            {"isErrorCode": True, "value": "x" * 65, "number": 1},
            {"isErrorCode": True, "value": None, "number": 1},
            {"isErrorCode": True, "value": "SPO:423\n", "number": 1},
            {"isErrorCode": False, "value": "ErrorItemNotFound", "number": 5},
            {"isErrorCode": "perhaps", "value": "ErrorItemNotFound", "number": 1},
            "not an error",
        ],
    )

    assert run.errors == {"SPO:423": 6, "1042": 1, "other": 12}
    assert stage.notes.failed == {"isErrorCode": 1, "jobErrors": 1}


@pytest.mark.parametrize("errors", [None, [], "none", {}])
async def test_no_errors(stage: Stage, errors: Any) -> None:
    """A run without errors has none."""
    assert (await run_of(stage, jobErrors=errors)).errors is None


async def test_first_name_of_the_id(stage: Stage) -> None:
    """A row whose id is missing or a placeholder is told of, and costs no other."""
    records = await collected(stage, row(id=None), row(id="N/A"), row(), None, 7, "row")

    assert sum(isinstance(record, Run) for record in records) == 1
    assert stage.notes.failed == {"id": 2, "jobs": 3}


async def test_doubled_rows(stage: Stage) -> None:
    """A run that comes twice is one run, as its later row says."""
    records = await collected(stage, row(state="InProgress"), row(), row(id="TIB20260303030000000000"), row())

    runs = [record for record in records if isinstance(record, Run)]
    assert [(run.run_id[-4:], run.status) for run in runs] == [("0001", "success"), ("0000", "success")]


async def test_the_job_has_the_status_of_its_newest_run(stage: Stage) -> None:
    """Of several runs the one that started last tells how the job stands, wherever it is in the list."""
    rows = [
        row(id="TIB1", startTime="2026-03-03T01:00:00Z"),
        row(id="TIB3", startTime="2026-03-03T03:00:00Z", state="Failed"),
        row(id="TIB2", startTime="2026-03-03T02:00:00Z"),
        row(id="TIB0", startTime=None),
    ]
    records = await collected(stage, *rows)

    (job,) = (record for record in records if isinstance(record, Job))
    assert (job.status, job.job.workload, job.job.name) == ("failed", "Teams", "")
    assert job.outcomes == ("successful", "failed", "skipped")


def test_ids_tell_no_faults() -> None:
    """Of an answer that only serves to tell workloads apart the ids are read, and its faults are not told again."""
    assert wire.ids([row(), {"Id": "a"}, {"jobId": 7}, {}, None, {"id": []}]) == [row()["id"], "a", "7"]
    assert wire.jobs([], Notes()) == []
