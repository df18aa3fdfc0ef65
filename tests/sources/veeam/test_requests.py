"""What goes out: generations, pages, windows of sessions, tokens; and how many requests that is."""

from typing import Any

import pytest
from yarl import URL

from exporter.errors import AnswerUnreadable, CredentialsRefused, NotFound, PermissionMissing, SourceError
from exporter.records import Server
from exporter.source import Source
from exporter.state.source import KnownRuns
from tests.sources.veeam.stage import CONTOSO, DAY, HOUR, JOB, ORIGIN, Stage, at, job, page, session
from tests.support.avepoint import MORNING


def time(seconds: float) -> str:
    """Return Unix seconds as a question puts them."""
    return at(seconds)[:19] + "Z"


async def test_an_idle_poll_costs_four_requests(stage: Stage) -> None:
    """Without news a poll asks for jobs, copy jobs, sessions under way and those that ended: one page each."""
    stage.jobs([job()])

    await stage.polled(KnownRuns(answered_at=MORNING - 300))

    assert stage.asked() == [
        "/v8/Jobs?limit=500&offset=0",
        "/v8/CopyJobs?limit=500&offset=0",
        "/v8/JobSessions?limit=500&offset=0&status=Running",
        f"/v8/JobSessions?endTimeLowerBound={time(MORNING - 300 - HOUR)}&limit=500&offset=0",
    ]


@pytest.mark.parametrize(
    ("known", "row", "since"),
    [
        (KnownRuns(), job(), MORNING - DAY),
        (KnownRuns(answered_at=MORNING - 300), job(), MORNING - 300 - HOUR),
        (KnownRuns(answered_at=MORNING - 300, newcomers=True), job(), MORNING - DAY),
        (KnownRuns(answered_at=MORNING - 3 * DAY, newcomers=True), job(), MORNING - 3 * DAY - HOUR),
        (KnownRuns(answered_at=MORNING - 3 * DAY), job(), MORNING - 3 * DAY - HOUR),
        (KnownRuns(answered_at=MORNING - 90 * DAY), job(), MORNING - 30 * DAY),
        (KnownRuns(answered_at=MORNING - 300, under_way={"s": MORNING - 5 * HOUR}), job(), MORNING - 5 * HOUR - 1),
        (KnownRuns(answered_at=MORNING - 300, under_way={"s": MORNING - 9 * DAY}), job(), MORNING - DAY),
        (
            KnownRuns(answered_at=MORNING - 300),
            job(lastStatus="Running", lastRun=at(MORNING - 7 * HOUR)),
            MORNING - 7 * HOUR - 1,
        ),
        (
            KnownRuns(answered_at=MORNING - 300),
            job(lastStatus="Running", lastRun=at(MORNING - 9 * DAY)),
            MORNING - DAY,
        ),
    ],
)
async def test_window(stage: Stage, known: KnownRuns, row: dict[str, Any], since: float) -> None:
    """Ended sessions are asked for since an hour before the last answer, or what is under way began, a day at most.

    Where an organization is new, the lookback counts again.
    """
    stage.jobs([row])
    stage.answer("v8/JobSessions/s", session("s", began=MORNING - HOUR, took=None))

    await stage.polled(known)

    (question,) = [each for each in stage.queries("JobSessions?") if "endTimeLowerBound" in each]
    assert question["endTimeLowerBound"] == time(since)


async def test_what_is_in_neither_list_is_asked_for(stage: Stage) -> None:
    """A run that was under way and is in neither answer is asked for by itself; one whose history is gone is none."""
    stage.jobs([job()])
    stage.answer("v8/JobSessions/s1", session("s1", began=MORNING - 9 * DAY, took=9 * DAY - 60))
    stage.answer("v8/JobSessions/s2", status=404)

    polled = await stage.polled(KnownRuns(MORNING - 300, under_way={"s1": MORNING - 9 * DAY, "s2": MORNING - 9 * DAY}))

    assert (polled.run.run_id, polled.run.status) == ("s1", "success")


async def test_rereading_is_bounded(stage: Stage) -> None:
    """However many runs are under way, no more than fifty are asked for one by one."""
    stage.jobs([job()])
    stage.vendor.get(URL(f"{ORIGIN}/v8/JobSessions/x"), status=404)
    lost = {f"s{number:03}": MORNING - 9 * DAY for number in range(80)}
    for run_id in lost:
        stage.answer(f"v8/JobSessions/{run_id}", status=404)

    await stage.polled(KnownRuns(MORNING - 300, under_way=lost))

    assert len(stage.asked()) == 4 + 50


@pytest.mark.parametrize("api", ["v7", "v6"])
async def test_older_generations_have_bare_lists(stage: Stage, api: str) -> None:
    """v7 and v6 are asked for jobs without pages, and name organization and job of a row by links only."""
    links = {
        "organization": {"href": f"/{api}/Organizations/{CONTOSO.upper()}"},
        "job": {"href": f"/{api}/Jobs/{JOB}/?x=1"},
    }
    row = job(_links=links)
    ended = session("s1", began=MORNING - 2 * HOUR, _links=links)
    del row["organizationId"], ended["jobId"]
    stage.answer(f"{api}/Jobs", [row])
    stage.answer(f"{api}/CopyJobs", [])
    stage.answer(f"{api}/JobSessions", page([ended]))

    polled = await stage.polled(api=api)

    assert (polled.run.tenant, polled.run.run_id) == (CONTOSO, "s1")
    assert [each.partition("?")[0] for each in stage.asked()] == [
        f"/{api}/Jobs",
        f"/{api}/CopyJobs",
        f"/{api}/JobSessions",
    ]
    assert "limit" not in "".join(stage.asked()[:2])


async def test_pages_follow_our_own_offsets(stage: Stage) -> None:
    """A server that gives fewer rows than asked says so by its limit; its links, of another generation, are ignored."""
    rows = [job(f"0d9{number}", name=f"Job {number}") for number in range(5)]
    for offset in (0, 2, 4):
        some = page(rows[offset : offset + 2], offset=offset, limit=2)
        stage.vendor.add(f"{ORIGIN}/v8/Jobs?limit=500&offset={offset}", payload=some)
    stage.answer("v8/CopyJobs", [])
    stage.answer("v8/JobSessions", page([]))

    assert len((await stage.polled()).jobs) == 5
    assert not any("/v7/" in each for each in stage.asked())


async def test_neither_list_nor_page(stage: Stage) -> None:
    """An answer that is neither a list nor a page is refused, so that it looks like no jobs to nobody."""
    stage.answer("v8/Jobs", {"message": "later"})

    with pytest.raises(AnswerUnreadable, match="neither a list nor a page"):
        await stage.polled()


@pytest.mark.parametrize(
    ("served", "spoken", "asked"),
    [
        ({"v8": 401, "v7": 401, "v6": 401}, "v8", 1),
        ({"v8": 404, "v7": 401, "v6": 401}, "v7", 2),
        ({"v8": 404, "v7": 404, "v6": 401}, "v6", 3),
        ({"v8": 404, "v7": 200, "v6": 401}, "v7", 2),
    ],
)
async def test_auto(stage: Stage, served: dict[str, int], spoken: str, asked: int) -> None:
    """The newest generation that refuses a question without a token is spoken; that is asked once a day."""
    source = _asking(stage, served, spoken)
    found = [await source.collect("infrastructure", "", KnownRuns()) for _ in range(3)]

    (server,) = (each for each in found[0] if isinstance(each, Server))
    assert server.api == spoken
    assert sum("Authorization" in each for each in stage.asked()) == 0
    anonymous = [each for each in stage.vendor.asked if each.target.endswith("/ServiceInstance")]
    assert len(anonymous) == asked + 3  # the collector asks the same with a token


def _asking(stage: Stage, served: dict[str, int], spoken: str) -> Source:
    """Return a source in front of a server of these generations."""
    source = stage.source("auto", tokens=False)
    stage.vendor.add(f"{ORIGIN}/{spoken}/token", "POST", payload={"access_token": "t", "expires_in": 3600})
    for generation, status in served.items():
        url = f"{ORIGIN}/{generation}/ServiceInstance"
        stage.vendor.add(url, status=status, repeat=generation != spoken)
        if generation == spoken:
            stage.vendor.add(url, payload={"version": "8.4"}, repeat=True)
    for path in ("Health", "BackupRepositories", "Proxies", "objectstoragerepositories"):
        stage.answer(f"{spoken}/{path}", {"results": [], "status": "Healthy"})
    return source


async def test_nothing_is_served(stage: Stage) -> None:
    """Where no generation is found the error says what to look at, and is the whole source's."""
    for generation in ("v8", "v7", "v6"):
        stage.answer(f"{generation}/ServiceInstance", status=404)

    with pytest.raises(NotFound, match=r"is base_url the REST API of Veeam .* \(port 4443") as caught:
        await stage.source("auto", tokens=False).collect("organizations", "", KnownRuns())
    assert caught.value.source_wide


async def test_a_generation_that_vanished(stage: Stage) -> None:
    """Where organizations are not found any more, the generation is found out anew."""
    source = _asking(stage, {"v8": 404, "v7": 401, "v6": 401}, "v7")
    stage.answer("v7/Organizations", status=404)
    with pytest.raises(NotFound):
        await source.collect("organizations", "", KnownRuns())
    before = len(stage.queries("v8/ServiceInstance"))

    with pytest.raises(NotFound):
        await source.collect("organizations", "", KnownRuns())

    assert len(stage.queries("v8/ServiceInstance")) == before + 1


async def test_the_token_wants_no_cookie(stage: Stage) -> None:
    """The password goes out once, with the wish to need no antiforgery cookie; renewals use the refresh token."""
    token = {"access_token": "t", "refresh_token": "r", "expires_in": 100}
    stage.vendor.add(f"{ORIGIN}/v8/token", "POST", payload=token, repeat=True)
    source = stage.source(tokens=False)
    stage.jobs([])
    await source.collect("jobs", "", KnownRuns())
    stage.clock.advance(120)
    await source.collect("jobs", "", KnownRuns())

    forms = [each.body for each in stage.vendor.asked if each.target == "/v8/token"]
    assert forms == [
        "grant_type=password&username=CONTOSO%5Cmonitor&password=simulated&disable_antiforgery_token=true",
        "grant_type=refresh_token&refresh_token=r&disable_antiforgery_token=true",
    ]


@pytest.mark.parametrize(("api", "logouts"), [("v8", 1), ("v7", 1), ("v6", 0)])
async def test_logout(stage: Stage, api: str, logouts: int) -> None:
    """Closing ends the session where the generation has a way to; a second time there is nothing to end."""
    stage.answer(f"{api}/Organizations", [])
    stage.answer(f"{api}/Organizations/SyncState", [])
    stage.vendor.add(f"{ORIGIN}/{api}/token/logout", "POST", status=204, repeat=True)
    source = stage.source(api)
    await source.collect("organizations", "", KnownRuns())

    await source.close()
    await source.close()

    assert len(stage.queries("logout")) == logouts


async def test_nothing_to_close(stage: Stage) -> None:
    """A source that never asked, or whose server knows no logout, closes without a word."""
    await stage.source("auto", tokens=False).close()
    stage.answer("v8/Organizations", [])
    stage.answer("v8/Organizations/SyncState", [])
    stage.vendor.add(f"{ORIGIN}/v8/token/logout", "POST", status=404)
    source = stage.source()
    await source.collect("organizations", "", KnownRuns())

    await source.close()

    assert len(stage.queries("logout")) == 1


async def test_bad_password(stage: Stage) -> None:
    """The server answers 400 to a bad password: that is the credentials, and its words are not repeated."""
    stage.vendor.add(f"{ORIGIN}/v8/token", "POST", status=400, payload={"message": "no such user: monitor"})

    with pytest.raises(CredentialsRefused) as caught:
        await stage.source(tokens=False).collect("jobs", "", KnownRuns())

    assert "no such user" not in str(caught.value)


async def test_operators_only(stage: Stage) -> None:
    """A server for restore operators only refuses everything: the error names the switch."""
    stage.answer("v8/Organizations", status=403)

    with pytest.raises(PermissionMissing, match="restore operator authentication only"):
        await stage.source().collect("organizations", "", KnownRuns())


async def test_no_collector_of_that_name(stage: Stage) -> None:
    """A collector that does not exist is a mistake of ours, not an answer."""
    with pytest.raises(AssertionError, match="no collector is called"):
        await stage.source().collect("weather", "", KnownRuns())


async def test_an_unreachable_server(stage: Stage) -> None:
    """A server that cannot be reached is told as that, and not as one without the API."""
    with pytest.raises(SourceError) as caught:
        await stage.source("auto", tokens=False).collect("organizations", "", KnownRuns())

    assert caught.value.reason == "connection"
