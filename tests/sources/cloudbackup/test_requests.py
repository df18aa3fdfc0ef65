"""What goes out: paths, queries and pages; and which answers are refused."""

from typing import Any

import pytest

from exporter.errors import (
    AnswerUnreadable,
    CredentialsRefused,
    NotApplicable,
    NotFound,
    PermissionMissing,
    RequestRefused,
    ServerFailed,
    SourceError,
)
from exporter.records import Run, Tenant
from exporter.source import Source
from tests.sources.cloudbackup.stage import PATHS, Runs, Stage, enveloped, listed, ticks
from tests.support.avepoint import MORNING
from tests.support.sources import NOTHING

HOUR = 3600.0
DAY = 24 * HOUR
MIDNIGHT = MORNING - 6 * HOUR
LEGACY = "JobType=0&JobState=0&PageIndex=0&PageSize=50"
TEAMS = "TIB2026030305"


def rows(count: int, first: int = 0) -> list[Any]:
    """Return rows of Teams backups, which leave nothing to ask."""
    return [
        {"id": f"{TEAMS}{number:010}", "state": "Finished", "startTime": "2026-03-03T05:00:00Z"}
        for number in range(first, first + count)
    ]


async def run_ids(source: Source) -> list[str]:
    """Return the ids of the runs that a source finds."""
    records = await source.collect("jobs", "contoso", NOTHING)
    return [record.run_id for record in records if isinstance(record, Run)]


@pytest.mark.parametrize(
    ("api", "query"),
    [
        ("v2", "startTime=2026-03-02&finishTime=2026-03-05&jobType=0&objectType=0&pageIndex=0&pageSize=50"),
        ("v1", "startTime=2026-03-02&finishTime=2026-03-05&jobType=0&objectType=0&pageIndex=0&pageSize=50"),
        (
            "legacy",
            f"{LEGACY}&StartTime={ticks(MIDNIGHT - DAY)}&FinishTime={ticks(MORNING + DAY)}&ObjectType=0",
        ),
    ],
)
async def test_one_question_for_everything(stage: Stage, api: str, query: str) -> None:
    """An idle tenant costs one request: all types and workloads of the last day at once, in whole days or ticks."""
    stage.answer(api, "jobs", listed(api, []))

    assert await run_ids(stage.source(api)) == []
    (target,) = stage.asked()
    path, _, asked = target.partition("?")
    assert path == PATHS[api]["jobs"]
    assert sorted(asked.split("&")) == sorted(query.split("&"))


@pytest.mark.parametrize(
    ("since", "lookback", "expected"),
    [
        (None, "1d", MIDNIGHT - DAY),
        (MORNING - 600, "1d", MIDNIGHT - DAY),
        (MORNING - 600, "10s", MIDNIGHT),
        (MIDNIGHT + 600, "10s", MIDNIGHT - DAY),
        (MORNING - 3 * DAY, "1d", MIDNIGHT - 3 * DAY),
        (MIDNIGHT - 3 * DAY, "1d", MIDNIGHT - 4 * DAY),
        (MORNING - 90 * DAY, "1d", MIDNIGHT - 30 * DAY),
        (None, "30d", MIDNIGHT - 30 * DAY),
    ],
)
async def test_window(stage: Stage, since: float | None, lookback: str, expected: float) -> None:
    """The window goes back by lookback, to an hour before the last answer or the oldest run, 30 days at most.

    It begins with a whole day in all generations, so that they tell the same.
    """
    stage.answer("legacy", "jobs", listed("legacy", []))

    await stage.source("legacy", collectors={"jobs": {"lookback": lookback}}).collect("jobs", "contoso", Runs(since))

    assert stage.questions()[0]["starttime"] == str(ticks(expected))


async def test_location(stage: Stage, api: str) -> None:
    """A location narrows the jobs, if it is configured; seats and storage are told of all locations."""
    for endpoint in PATHS[api]:
        stage.answer(api, endpoint, listed(api, []) if endpoint == "jobs" else enveloped(api, {}))
    source = stage.source(api, collectors={"jobs": {"location": "NAM"}})

    for plan in source.plans[1:3]:
        await source.collect(plan.name, "contoso", NOTHING)

    assert stage.questions()[0]["location"] == "NAM"
    assert not any("location" in question for question in stage.questions()[1:])


@pytest.mark.parametrize("base", [0, 1])
@pytest.mark.parametrize("many", [1, 49, 50, 51, 100, 101, 120])
async def test_pages(stage: Stage, api: str, base: int, many: int) -> None:
    """All rows are found once, whether the API counts pages from 0 or from 1."""
    everything = rows(many)
    for index in range(5):
        start = 50 * max(0, index - base)
        stage.answer(api, "jobs", listed(api, everything[start : start + 50], many))

    assert await run_ids(stage.source(api)) == [row["id"] for row in everything]
    indexes = [question["pageindex"] for question in stage.questions()]
    pages = (many + 49) // 50
    assert indexes == [str(index) for index in range(pages + (base if pages > 1 else 0))]


async def test_a_row_that_changes_while_pages_are_read(stage: Stage, api: str) -> None:
    """Counted from 1, the first page comes twice, and what ended meanwhile makes up for no row of the last page."""
    everything = rows(120)
    changed = [everything[0] | {"state": "Failed"}, *everything[1:50]]
    for page in (everything[:50], changed, everything[50:100], everything[100:]):
        stage.answer(api, "jobs", listed(api, page, 120))

    assert len(set(await run_ids(stage.source(api)))) == 120


async def test_rows_that_move_while_pages_are_read(stage: Stage, api: str) -> None:
    """A run that begins while pages are read shifts the others; none is lost, none comes twice."""
    everything = rows(101)
    stage.answer(api, "jobs", listed(api, everything[1:51], 100))
    stage.answer(api, "jobs", listed(api, everything[50:100], 101))
    stage.answer(api, "jobs", listed(api, everything[100:], 101))

    found = await run_ids(stage.source(api))

    assert sorted(found) == [row["id"] for row in everything[1:]]  # the new one comes with the next poll


@pytest.mark.parametrize("name", ["totalCount", "totalNumber", "TotalCount", "totalnumber"])
async def test_spellings_of_the_total(stage: Stage, api: str, name: str) -> None:
    """The total is found however it is spelled, also as a text."""
    everything = rows(51)
    for page in (everything[:50], everything[50:]):
        body = {"data": page, "Metadata": {name: "51"}} if api == "v2" else {"jobs": page, name: "51"}
        stage.answer(api, "jobs", body)

    assert len(await run_ids(stage.source(api))) == 51


@pytest.mark.parametrize("total", [None, "many", -1])
async def test_no_total(stage: Stage, api: str, total: Any) -> None:
    """Without a usable total a short page is the last."""
    everything = rows(53)
    for page in (everything[:50], everything[50:]):
        body = {"data": page, "metadata": {"totalCount": total}} if api == "v2" else {"jobs": page, "totalCount": total}
        stage.answer(api, "jobs", body)

    assert len(await run_ids(stage.source(api))) == 53


@pytest.mark.parametrize(
    "link",
    [
        None,
        "",
        "https://evil.example/steal?pageIndex=1",
        "//evil.example/steal",
        "/backup/m365/cloudbackupjobs?pageIndex=7&pageSize=50",
        "/jobs?pageIndex=2&pageSize=5&type=1",
        "q9ZsYnRldGlj%2BdG9rZW4%2FMQ%3D%3D",
        7,
        {},
    ],
)
async def test_links_are_hints(stage: Stage, api: str, link: Any) -> None:
    """No next link is followed, to wherever it leads: pages are asked for by index until the total is there."""
    everything = rows(51)
    for page in (everything[:50], everything[50:]):
        stage.answer(api, "jobs", listed(api, page, 51, nextLink=link))

    assert len(await run_ids(stage.source(api))) == 51
    assert [target.split("?")[0] for target in stage.asked()] == [PATHS[api]["jobs"]] * 2


@pytest.mark.parametrize("pages", [[rows(50), []], [rows(50), rows(50, 50), rows(50, 50)]])
async def test_pages_that_cannot_be_all(stage: Stage, api: str, pages: list[list[Any]]) -> None:
    """A list that ends before its total, or stands still, is an error: part of the runs would look like all."""
    for page in pages:
        stage.answer(api, "jobs", listed(api, page, 200))

    with pytest.raises(AnswerUnreadable):
        await run_ids(stage.source(api))


@pytest.mark.parametrize("payload", [[], "text", {}, {"jobs": None}, {"data": None}, {"data": {}, "jobs": {}}])
async def test_wrong_generation(stage: Stage, api: str, payload: Any) -> None:
    """An answer without the generation's list is unreadable, not empty, and nothing is taken from it."""
    stage.answer(api, "jobs", payload)

    with pytest.raises(AnswerUnreadable, match=r"generation|envelope"):
        await run_ids(stage.source(api))


async def test_the_answer_of_another_generation(stage: Stage) -> None:
    """Rows in the body of another generation are not read."""
    stage.answer("v2", "jobs", listed("v1", rows(1)))
    stage.answer("v1", "jobs", listed("v2", rows(1)))

    for api in ("v2", "v1"):
        with pytest.raises(AnswerUnreadable):
            await run_ids(stage.source(api))


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (500, ServerFailed),
        ("503", ServerFailed),
        (403, PermissionMissing),
        (404, NotFound),
        (400, RequestRefused),
        (401, PermissionMissing),
    ],
)
@pytest.mark.parametrize("collector", ["jobs", "license", "unusual_activity"])
async def test_status_in_the_envelope(stage: Stage, collector: str, status: Any, error: type[SourceError]) -> None:
    """A status of v2's body counts although HTTP says 200; its rows are not believed."""
    stage.answer("v2", collector, {**listed("v2", rows(1)), "StatusCode": status})

    with pytest.raises(error, match=str(status)):
        await stage.source().collect(collector, "contoso", NOTHING)


@pytest.mark.parametrize("status", [None, 0, 200, "200", "OK", []])
async def test_status_that_says_nothing(stage: Stage, status: Any) -> None:
    """An envelope without a usable status is as good as HTTP says."""
    stage.answer("v2", "jobs", {**listed("v2", rows(1)), "statusCode": status})

    assert len(await run_ids(stage.source())) == 1


@pytest.mark.parametrize(("status", "error"), [(403, PermissionMissing), (404, NotFound), (400, RequestRefused)])
async def test_http_errors(stage: Stage, api: str, status: int, error: type[SourceError]) -> None:
    """What HTTP refuses is refused for its reason."""
    stage.answer(api, "jobs", {"message": "refused"}, status=status)

    with pytest.raises(error):
        await run_ids(stage.source(api))


async def test_unauthorized(stage: Stage) -> None:
    """A token that is refused is fetched anew once; then it is the credentials."""
    for _ in range(2):
        stage.answer("v2", "jobs", status=401)
    source = stage.source()
    stage.source()  # a second token

    with pytest.raises(CredentialsRefused):
        await run_ids(source)


@pytest.mark.parametrize(
    ("api", "names"),
    [
        ("v2", ["tenants", "jobs", "license", "unusual_activity", "schedule"]),
        ("v1", ["tenants", "jobs", "license"]),
        ("legacy", ["tenants", "jobs", "license"]),
    ],
)
async def test_plans(stage: Stage, api: str, names: list[str]) -> None:
    """Each generation is asked for what it has; the tenant itself stands in the settings and costs nothing."""
    source = stage.source(api)

    assert [plan.name for plan in source.plans] == names
    assert [plan.name for plan in source.plans if not plan.asks] == ["tenants"]
    assert list(await source.collect("tenants", "", NOTHING)) == [Tenant(tenant="contoso", name="Contoso Ltd")]
    assert stage.asked() == []


@pytest.mark.parametrize("api", ["v1", "legacy"])
@pytest.mark.parametrize("collector", ["unusual_activity", "schedule"])
async def test_not_in_older_generations(stage: Stage, api: str, collector: str) -> None:
    """What an older generation cannot tell is not asked for."""
    with pytest.raises(NotApplicable) as absence:
        await stage.source(api).collect(collector, "contoso", NOTHING)

    assert not absence.value.asked
    assert stage.asked() == []


async def test_null_for_nothing(stage: Stage, api: str) -> None:
    """An empty history that comes as null is empty if the answer counts no row, and else no list at all."""
    nothing = listed(api, [], 0)
    more = listed(api, [], 3)
    for answer in (nothing, more):
        key = next(name for name, value in answer.items() if value == [] and name.lower() in {"data", "jobs"})
        answer[key] = None
        stage.answer(api, "jobs", answer)
    source = stage.source(api)

    assert await run_ids(source) == []
    with pytest.raises(AnswerUnreadable):
        await run_ids(source)
