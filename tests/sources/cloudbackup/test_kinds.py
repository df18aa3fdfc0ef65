"""What each job is about, and what it costs to find out."""

from collections.abc import Mapping

import pytest

from exporter.errors import ServerFailed
from exporter.records import JobKey, Run
from exporter.source import Known
from exporter.sources.cloudbackup.words import OBJECT_TYPE, PREFIX, kind_of
from exporter.state.restoring import restored
from exporter.state.source import KnownRuns
from exporter.state.tables import Row, Table
from tests.sources.cloudbackup.stage import Runs, Stage, listed, ticks
from tests.state.remembering import Noting, memory
from tests.support.avepoint import MORNING
from tests.support.sources import NOTHING

DAY = 86400.0
BACKUP, RESTORE, EXPORT, DELETE, RETENTION = 1, 2, 3, 4, 5
EXCHANGE, SHAREPOINT, ONEDRIVE, GROUPS, PROJECT, PUBLIC = 1, 2, 3, 4, 5, 6
NAMES = {number: name for name, number in OBJECT_TYPE.items()}
Kinds = Mapping[str, tuple[int, int]]


def job_id(prefix: str, number: int = 0) -> str:
    """Return the id of a job that started at five."""
    return f"{prefix}20260303050000{number:06}"


async def found(
    stage: Stage, kinds: Kinds, *more: str, api: str = "v2", known: Known = NOTHING, started: bool = True
) -> dict[str, tuple[str, str]]:
    """Return (job type, workload) of each job; *more* are those that no filter shows."""
    when = {"startTime": "2026-03-03T05:00:00Z"} if started else {}
    rows = [{"id": each, "state": "Finished", **when} for each in (*kinds, *more)]
    stage.history(api, listed(api, rows), kinds)
    records = await stage.source(api).collect("jobs", "contoso", known)
    return {each.run_id: (each.job.job_type, each.job.workload) for each in records if isinstance(each, Run)}


def breakdown(stage: Stage) -> list[tuple[int, int]]:
    """Return jobType and objectType of the questions after the one for everything."""
    first, *others = [(int(each["jobtype"]), int(each["objecttype"])) for each in stage.questions()]
    assert first == (0, 0)
    return others


@pytest.mark.parametrize(
    ("prefix", "workload"),
    [
        ("OIB", "Microsoft 365 Groups"),
        ("OFB", "Microsoft 365 Groups"),
        ("TIB", "Teams"),
        ("TFB", "Teams"),
        ("YIB", "Viva Engage"),
        ("YFB", "Viva Engage"),
        ("PAUIB", "Power Automate"),
        ("PAUFB", "Power Automate"),
        ("PAPIB", "Power Apps"),
        ("papfb", "Power Apps"),
    ],
)
async def test_letters_that_decide(stage: Stage, api: str, prefix: str, workload: str) -> None:
    """Where the letters of the id leave no choice nothing more is asked, however many jobs there are."""
    kinds = await found(stage, {}, *(job_id(prefix, number) for number in range(20)), api=api)

    assert set(kinds.values()) == {("backup", workload)}
    assert breakdown(stage) == []


@pytest.mark.parametrize(
    ("prefix", "number", "questions"),
    [
        ("EIB", EXCHANGE, [EXCHANGE]),
        ("EFB", PUBLIC, [EXCHANGE, PUBLIC]),
        ("IB", SHAREPOINT, [SHAREPOINT]),
        ("FB", ONEDRIVE, [SHAREPOINT, ONEDRIVE]),
        ("FB", PROJECT, [SHAREPOINT, ONEDRIVE, PROJECT]),
        ("IB", EXCHANGE, [SHAREPOINT, ONEDRIVE, PROJECT, EXCHANGE]),  # the letters were wrong
    ],
)
async def test_letters_that_leave_a_choice(
    stage: Stage, api: str, prefix: str, number: int, questions: list[int]
) -> None:
    """The workloads that the letters allow are asked for in order until the job is found, then all others."""
    run_id = job_id(prefix)

    assert await found(stage, {run_id: (BACKUP, number)}, api=api) == {run_id: ("backup", NAMES[number])}
    assert breakdown(stage) == [(BACKUP, each) for each in questions]


async def test_one_question_for_many(stage: Stage) -> None:
    """A question about a workload is asked once for all jobs that it may be about."""
    kinds = {job_id("IB", number): (BACKUP, SHAREPOINT) for number in range(30)}
    kinds |= {job_id("EIB", number): (BACKUP, EXCHANGE) for number in range(30)}
    kinds |= {job_id("FB", number): (BACKUP, ONEDRIVE) for number in range(5)}

    assert {each: NAMES[number] for each, (_, number) in kinds.items()} == {
        each: workload for each, (_, workload) in (await found(stage, kinds)).items()
    }
    others = [each for each in breakdown(stage) if each[1]]
    assert list(dict.fromkeys(others)) == [(BACKUP, EXCHANGE), (BACKUP, SHAREPOINT), (BACKUP, ONEDRIVE)]


@pytest.mark.parametrize("prefix", ["EX", "CFB", "", "5f0c0001-aaaa-"])
@pytest.mark.parametrize("job_type", [BACKUP, RESTORE, EXPORT, DELETE, RETENTION])
async def test_unknown_letters(stage: Stage, prefix: str, job_type: int) -> None:
    """Letters that nobody knows cost the types first, one after the other, then the workloads of that type."""
    run_id = job_id(prefix)
    word = ("backup", "restore", "export", "delete", "retention")[job_type - 1]

    assert await found(stage, {run_id: (job_type, ONEDRIVE)}) == {run_id: (word, "OneDrive")}
    types = [(each, 0) for each in range(1, job_type + 1)]
    assert breakdown(stage) == types + [(job_type, each) for each in (EXCHANGE, SHAREPOINT, ONEDRIVE)]


async def test_restores(stage: Stage) -> None:
    """The letters of a restore tell its type, so only the workloads are asked for."""
    run_id = job_id("RS")

    assert await found(stage, {run_id: (RESTORE, EXCHANGE)}) == {run_id: ("restore", "Exchange Online")}
    assert breakdown(stage) == [(RESTORE, EXCHANGE)]


async def test_types_apart(stage: Stage) -> None:
    """Jobs of two types are looked for among those of their own type."""
    kinds = {job_id("RS"): (RESTORE, SHAREPOINT), job_id("IB"): (BACKUP, SHAREPOINT), job_id("XX"): (EXPORT, EXCHANGE)}

    assert await found(stage, kinds) == {
        job_id("RS"): ("restore", "SharePoint Online"),
        job_id("IB"): ("backup", "SharePoint Online"),
        job_id("XX"): ("export", "Exchange Online"),
    }
    assert len(breakdown(stage)) == 3 + 1 + 2 + 1


@pytest.mark.parametrize(
    ("prefix", "job_type", "requests"), [("IB", "backup", 12), ("RS", "restore", 12), ("XX", "backup", 5 + 12)]
)
async def test_nowhere_to_be_found(stage: Stage, prefix: str, job_type: str, requests: int) -> None:
    """A job that is shown among all, but among those of no workload, is counted as of an unknown one."""
    run_id = job_id(prefix)

    assert await found(stage, {}, run_id) == {run_id: (job_type, "unknown_0")}
    assert len(breakdown(stage)) == requests
    assert len(set(breakdown(stage))) == requests


async def test_known_runs_cost_nothing(stage: Stage, api: str) -> None:
    """Nothing is asked about a run that the ledger knows, not even if nobody could tell what it is about."""
    key = JobKey("Microsoft 365", "unknown_0", "export")
    ids = [job_id(prefix) for prefix in ("IB", "XX", "RS", "TIB")]

    kinds = await found(stage, {}, *ids, api=api, known=Runs(jobs=dict.fromkeys(ids, key)))

    assert set(kinds.values()) == {("export", "unknown_0")}
    assert breakdown(stage) == []


async def test_nothing_is_asked_twice(stage: Stage) -> None:
    """What was found out is not asked again, neither at the next poll nor after a restart."""
    kinds = {job_id("IB"): (BACKUP, ONEDRIVE), job_id("XX"): (EXPORT, EXCHANGE)}
    stage.history(
        "v2",
        listed("v2", [{"id": each, "state": "InProgress"} for each in kinds] + [{"id": "YY1", "state": "Failed"}]),
        kinds,
    )
    books, source = memory(), stage.source()

    books.enter_jobs("contoso", await source.collect("jobs", "contoso", NOTHING), MORNING, history=True)
    first = len(stage.asked())
    known = books.known("contoso", "jobs")
    await source.collect("jobs", "contoso", known)
    rows: dict[Table, list[Row]] = {}
    for table, key, row in books.book_rows("contoso"):
        rows.setdefault(table, []).append((*key, *row))
    again = restored(rows, Noting(), MORNING)["s"].known("contoso", "jobs")
    await source.collect("jobs", "contoso", again)

    assert len(stage.asked()) == first + 2
    assert all(again.job_of(each) == known.job_of(each) is not None for each in (*kinds, "YY1"))


async def test_only_the_news_are_asked_about(stage: Stage) -> None:
    """Next to a known run a new one costs only its own questions, in the window that it began in."""
    old, new = job_id("XX"), job_id("EIB")
    known = KnownRuns(MORNING - 9 * DAY, runs=memory().books("contoso").jobs.runs)
    assert known.job_of(old) is None

    kinds = await found(
        stage,
        {new: (BACKUP, EXCHANGE)},
        old,
        api="legacy",
        known=Runs(MORNING - 9 * DAY, {old: JobKey("Microsoft 365", "Teams", "export")}),
    )

    assert kinds == {old: ("export", "Teams"), new: ("backup", "Exchange Online")}
    whole, narrow = stage.questions()
    assert whole["starttime"] == str(ticks(MORNING - 9 * DAY - 6 * 3600))
    assert narrow["starttime"] == str(ticks(MORNING - 3600))


async def test_new_runs_without_a_start(stage: Stage) -> None:
    """If one of the new runs does not say when it began, all are looked for in the whole window."""
    await found(stage, {job_id("EIB"): (BACKUP, EXCHANGE)}, api="legacy", started=False, known=Runs(MORNING - 9 * DAY))

    whole, narrow = stage.questions()
    assert whole["starttime"] == narrow["starttime"]


async def test_a_question_that_fails(stage: Stage) -> None:
    """If what a job is about cannot be asked, nothing of the answer is taken: it comes again with the next poll."""
    stage.answer("v2", "jobs", listed("v2", [{"id": job_id("IB"), "state": "Finished"}]))
    stage.answer("v2", "jobs", {"statusCode": 500})

    with pytest.raises(ServerFailed):
        await stage.source().collect("jobs", "contoso", NOTHING)


def test_letters() -> None:
    """Letters are found before the digits at the end, in any case; what has none is of no known kind."""
    assert all(kind_of(f"{letters.lower()}20260303") == kind for letters, kind in PREFIX.items())
    assert kind_of("").job_type is kind_of("20260303").job_type is kind_of("FB2026-03").job_type is None
