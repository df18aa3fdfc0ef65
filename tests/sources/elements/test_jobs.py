"""Job rows: what they say, and that those which say the same again cost nothing."""

from typing import Any

import pytest

from exporter.client.fields import objects
from exporter.records import Job, Record, Run
from exporter.source import Source
from exporter.sources.elements import wire
from tests.sources.elements.stage import CONTOSO, FABRIKAM, Stage
from tests.support.sources import NOTHING

START = 1_772_484_931.0
ROW: dict[str, Any] = {
    "jobType": 7,
    "jobModule": 302,
    "status": 2,
    "jobId": "IB20260302205531530417",
    "name": "N/A",
    "totalCount": "2318",
    "failedCount": "0",
    "successfulCount": "2299",
    "skippedCount": "19",
    "warningCount": "0",
    "backupSize": "0.42 GB",
    "startTime": "2026-03-02T20:55:31Z",
    "endTime": "2026-03-02T22:09:01Z",
    "jobDuration": "1h13m30s",
    "lastModifyTime": "2026-03-02T23:40:12Z",
}
PLACEHOLDER: dict[str, Any] = ROW | dict.fromkeys(("jobId", "startTime", "endTime", "jobDuration"), "N/A")
WORDS = {
    "JobType": "Microsoft 365",
    "JobModule": "SharePoint Online",
    "Status": "Successful",
    "JobId": "IB1",
    "LastModifyTime": "2026-03-02T23:40:12Z",
}


async def collect(stage: Stage, source: Source, *rows: Any) -> list[Record]:
    """Return the records of these rows."""
    stage.rows(source.api, "jobs", *rows)
    return list(await source.collect("jobs", CONTOSO, NOTHING))


async def read(stage: Stage, api: str = "v3", **properties: Any) -> tuple[Job, Run | None]:
    """Return what is read from one row that differs from the usual one in these properties."""
    job, *runs = await collect(stage, stage.source(api), ROW | properties)
    assert isinstance(job, Job)
    return job, next((run for run in runs if isinstance(run, Run)), None)


async def test_a_run(stage: Stage) -> None:
    """A row with id and times is a run; its duration is the end minus the start."""
    job, run = await read(stage, jobDuration="9s")

    assert run == Run(
        tenant=CONTOSO,
        run_id="IB20260302205531530417",
        job=job.job,
        status="success",
        started_at=START,
        ended_at=START + 4410,
        duration_seconds=4410,
        objects={"successful": 2299, "failed": 0, "skipped": 19, "warning": 0},
        size_bytes=0.42 * 2**30,
    )


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (2, "success"),
        (12, "disabled"),
        (6, "queued"),
        (13, "not_started"),
        (3, "failed"),
        ("Not Finished", "not_started"),
    ],
)
async def test_placeholders_are_no_runs(stage: Stage, status: Any, expected: str) -> None:
    """A row without job id and times has a status, but no run, whatever it says: Finished is no success."""
    job, run = await read(stage, **(PLACEHOLDER | {"status": status}))

    assert (job.status, run) == (expected, None)
    assert job.outcomes == ("successful", "failed", "skipped", "warning")
    assert job.size_known


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        ("Successful", "success"),
        ("Finished", "success"),
        ("finished with exception", "warning"),
        ("FinishedWithException", "warning"),
        ("Not Finished", "running"),
        ("NotFinished", "running"),
        ("Cancelled", "canceled"),
        ("Failed to start", "failed_to_start"),
        ("4", "warning"),
        (4.0, "warning"),
        ("Sideways", "unknown_Sideways"),
        (99, "unknown_99"),
        (-1, "unknown_-1"),
        (10**30, "unknown_1000000000000000000000000000000"[:64]),
        ("9" * 5000, "unknown_" + "9" * 64),
        ("N/A", "none"),
        (None, "none"),
        (0, "none"),
        (["Finished"], "none"),
        (True, "none"),
    ],
)
async def test_statuses(stage: Stage, status: Any, expected: str) -> None:
    """A status is known by its number or its word in any spelling, and otherwise keeps what it says."""
    job = wire.job(CONTOSO, objects([ROW | {"status": status}], stage.notes, "jobs")[0])

    assert job is not None
    assert job.job.status == expected
    assert bool(stage.notes.unknown["status"]) == expected.startswith("unknown_")
    assert bool(stage.notes.failed["status"]) == isinstance(status, list | bool)


@pytest.mark.parametrize(
    ("job_type", "module", "expected"),
    [
        (7, 303, ("Microsoft 365", "Exchange Online", "backup")),
        ("7", "303", ("Microsoft 365", "Exchange Online", "backup")),
        ("Microsoft 365", "Microsoft 365 Group", ("Microsoft 365", "Microsoft 365 Groups", "backup")),
        ("Microsoft 365", "Yammer", ("Microsoft 365", "Viva Engage", "backup")),
        ("Microsoft 365", "OneDrive for Business", ("Microsoft 365", "OneDrive", "backup")),
        ("Microsoft 365", "Exchange Online Public Folders", ("Microsoft 365", "Public Folders", "backup")),
        ("Azure", "Active Directory", ("IaaS + PaaS", "Microsoft Entra ID", "backup")),
        ("Salesforce", "Salesforce", ("Salesforce", "Salesforce", "backup")),
        (15, 301, ("Salesforce", "unknown_301", "backup")),
        (7, 0, ("Microsoft 365", "all", "backup")),
        (7, 10, ("Microsoft 365", "Retention", "retention")),
        (99, 303, ("unknown_99", "Exchange Online", "backup")),
        (0, 0, ("Microsoft 365 scan", "all", "scan")),
        (10, "N/A", ("Google scan", "all", "scan")),
        ("DOR", "Microsoft 365 Discovery", ("Microsoft 365 scan", "all", "scan")),
        ("DOR", "Google Workspace Discovery", ("Google scan", "all", "scan")),
        ("DOR", "Box Discovery", ("unknown_Box Discovery", "all", "scan")),
    ],
)
async def test_products_and_workloads(stage: Stage, job_type: Any, module: Any, expected: tuple[str, ...]) -> None:
    """Numbers and words of both generations name the same products, workloads and kinds of job."""
    job, _ = await read(stage, jobType=job_type, jobModule=module)

    assert (job.job.product, job.job.workload, job.job.job_type) == expected


@pytest.mark.parametrize(("module", "news"), [(301, 0), ("301", 0), (302, 0), (3010, 1)])
async def test_what_was_never_documented_is_no_news(stage: Stage, module: Any, news: int) -> None:
    """A module that the vendor has always sent undocumented is not counted as unknown; a really new one is."""
    await read(stage, jobType=15, jobModule=module)

    assert stage.notes.unknown["jobModule"] == news


@pytest.mark.parametrize(
    ("properties", "field"),
    [
        ({"jobType": None}, "jobType"),
        ({"jobType": "N/A"}, "jobType"),
        ({"jobType": [7]}, "jobType"),
        ({"jobModule": None}, "jobModule"),
        ({"jobModule": "N/A"}, "jobModule"),
        ({"jobModule": {}}, "jobModule"),
        ({"jobType": "DOR", "jobModule": None}, "jobModule"),
    ],
)
async def test_rows_without_a_place(stage: Stage, properties: Any, field: str) -> None:
    """A row that does not name its job is dropped, counted by what is missing, and costs no other."""
    source = stage.source()

    records = await collect(stage, source, ROW | properties, ROW, 7, None, "row", [ROW])

    assert [type(record) for record in records] == [Job, Run]
    assert stage.notes.failed == {field: 1, "jobs": 4}


@pytest.mark.parametrize(
    ("properties", "end", "duration"),
    [
        ({"endTime": "N/A"}, START + 4410, 4410),
        ({"endTime": "N/A", "jobDuration": "N/A"}, None, None),
        ({"endTime": "2026-03-02T20:55:31Z", "jobDuration": "0 S"}, START, 0),
        ({"endTime": "2026-03-02T20:55:30Z"}, START - 1, 4410),
        ({"startTime": "N/A"}, START + 4410, 4410),
        ({"startTime": "whenever", "endTime": "N/A"}, None, 4410),
    ],
)
async def test_times_in_part(stage: Stage, properties: Any, end: float | None, duration: float | None) -> None:
    """Of start, end and duration any two give the third; what cannot be reckoned is absent."""
    _, run = await read(stage, **properties)

    assert run is not None
    assert (run.ended_at, run.duration_seconds) == (end, duration)


async def test_under_way(stage: Stage) -> None:
    """A run under way has a start, but neither end nor results yet."""
    _, run = await read(stage, status=1, endTime="N/A", jobDuration="N/A")

    assert run is not None
    assert run.started_at == START
    assert (run.ended_at, run.duration_seconds, run.objects, run.size_bytes) == (None, None, None, None)


async def test_runs_without_id(stage: Stage) -> None:
    """Runs without job id are told apart by job and start, so that two of the same second both count."""
    rows = [ROW | {"jobId": "N/A", "jobModule": module} for module in (302, 303)]

    records = await collect(stage, stage.source(), *rows)

    assert len({run.run_id for run in records if isinstance(run, Run)}) == 2


async def test_counts_unknown(stage: Stage) -> None:
    """Where the vendor counts nothing, nothing is known, which is not zero."""
    counts = dict.fromkeys(("failedCount", "successfulCount", "skippedCount", "warningCount", "backupSize"), "N/A")

    job, run = await read(stage, **counts)

    assert (job.outcomes, job.size_known) == ((), False)
    assert run is not None
    assert (run.objects, run.size_bytes) == (None, None)


async def test_two_rows_of_one_job(stage: Stage) -> None:
    """Of two rows for the same job the later run tells its state, in whatever order they come; both runs are there."""
    older = ROW | {"jobId": "IB1", "status": 3, "startTime": "2026-03-01T20:55:31Z"}
    for rows in ((older, ROW, PLACEHOLDER), (PLACEHOLDER, ROW, older)):
        job, *runs = await collect(stage, stage.source(), *rows)

        assert isinstance(job, Job)
        assert job.status == "success"
        assert {run.run_id for run in runs if isinstance(run, Run)} == {"IB1", ROW["jobId"]}


@pytest.mark.parametrize(("api", "row"), [("v3", ROW), ("v3", PLACEHOLDER), ("v1", WORDS)])
async def test_unchanged_rows(stage: Stage, api: str, row: dict[str, Any]) -> None:
    """A row that comes again gives the very same records, whenever Elements synchronised it last."""
    source = stage.source(api)
    sync = "lastModifyTime" if api == "v3" else "LastModifyTime"

    first = await collect(stage, source, dict(row))
    second = await collect(stage, source, row | {sync: "2026-03-03T00:00:00Z"})
    third = await collect(stage, source, {name: value for name, value in row.items() if name != sync})

    assert first
    assert [id(record) for record in first] == [id(record) for record in second] == [id(record) for record in third]


@pytest.mark.parametrize("name", [name for name in ROW if name not in ("lastModifyTime", "totalCount", "jobDuration")])
async def test_changed_rows(stage: Stage, name: str) -> None:
    """A row with one other value is read anew, its neighbours are not."""
    source = stage.source()
    neighbour = ROW | {"jobModule": 303, "jobId": "EIB1"}
    other = {"jobType": 11, "jobModule": 501, "status": 3, "name": "other", "backupSize": "1 GB"}
    changed = ROW | {name: other.get(name, "7" if name.endswith("Count") else "2026-03-02T23:00:00Z")}

    before = await collect(stage, source, dict(ROW), dict(neighbour))
    after = await collect(stage, source, changed, dict(neighbour))

    assert [id(each) for each in before if each.job.workload == "Exchange Online"] == [  # type: ignore[attr-defined]
        id(each)
        for each in after
        if each.job.workload == "Exchange Online"  # type: ignore[attr-defined]
    ]
    assert after != before


async def test_rows_of_other_customers(stage: Stage) -> None:
    """The same row of another customer is another job."""
    source = stage.source()
    await collect(stage, source, dict(ROW))
    stage.rows("v3", f"POST /customers/{FABRIKAM}/avpt-products/jobs/batch?pageIndex=1&pageSize=100", dict(ROW))

    records = await source.collect("jobs", FABRIKAM, NOTHING)

    assert {record.tenant for record in records} == {FABRIKAM}


async def test_rows_with_lists_inside(stage: Stage) -> None:
    """A row that holds a list or an object is read each time, and counted each time."""
    source = stage.source()
    row = ROW | {"failedCount": ["1"], "extra": {"a": 1}}

    first = await collect(stage, source, dict(row))
    second = await collect(stage, source, dict(row))

    assert first == second
    assert stage.notes.failed == {"failedCount": 2}


async def test_bad_rows_are_counted_when_they_change(stage: Stage) -> None:
    """A bad row that comes again unchanged is not read, and not counted, again."""
    source = stage.source()
    for _ in range(3):
        await collect(stage, source, ROW | {"jobModule": None})

    assert stage.notes.failed == {"jobModule": 1}


async def test_customers_that_left(stage: Stage) -> None:
    """The rows of a customer that left are forgotten: should it return, they are read anew."""
    source = stage.source()
    first = await collect(stage, source, dict(ROW))
    stage.rows("v3", "customers", {"id": FABRIKAM})
    await source.collect("tenants", "", NOTHING)

    second = await collect(stage, source, dict(ROW))

    assert second == first
    assert not {id(record) for record in first} & {id(record) for record in second}
