import time

import pytest

from exporter.simulator.veeam.manners import VeeamManners
from tests.simulator.stage import small_world
from tests.simulator.veeam.callers import DAY, NOW, VERSIONS, Caller, Version, calling, iso, linked, seconds


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("limit", [7, 100, 10_000])
async def test_walks_give_each_session_once(version: Version, limit: int) -> None:
    """Pages of any size, put together, are all sessions, each once."""
    query = {"endTimeLowerBound": iso(NOW - DAY / (100 // limit + 1))}
    async with calling(version=version) as caller:
        everything = [row["id"] for row in await caller.rows("/JobSessions", **query)]
        walked = [row["id"] for row in await caller.walk("/JobSessions", limit, **query)]

    assert walked == everything
    assert len(set(walked)) == len(walked) > 10


async def test_the_whole_history(caller: Caller) -> None:
    """Without bounds the sessions of one job go back 53 weeks, and no further."""
    jobs = [row for row in await caller.rows("/Jobs") if row["lastRun"] and row["isEnabled"]]
    job = next(row for row in jobs if row["schedulePolicy"].get("dailyType") == "Everyday")
    rows = await caller.walk("/JobSessions", 150, jobId=job["id"])

    first = min(seconds(row["creationTime"]) for row in rows)
    assert {row["jobId"] for row in rows} == {job["id"]}
    assert len({row["id"] for row in rows}) == len(rows) >= 371
    assert NOW - 371 * DAY <= first <= NOW - 369 * DAY


async def test_a_deep_page(caller: Caller) -> None:
    """Deep pages of everything join as the first ones do."""
    first = await caller.read("/JobSessions", offset="20000", limit="60")
    again = [await caller.read("/JobSessions", offset=str(20_000 + place), limit="20") for place in (0, 20, 40)]

    assert [row["id"] for page in again for row in page["results"]] == [row["id"] for row in first["results"]]
    assert "next" in first["_links"]


async def test_defaults(caller: Caller) -> None:
    """Without parameters a page has 30 rows; more than 10,000 are never given."""
    assert (await caller.read("/JobSessions"))["limit"] == 30
    assert len((await caller.read("/Jobs"))["results"]) == 30
    page = await caller.read("/LicensedUsers", limit="1000000")
    assert (page["limit"], len(page["results"])) == (10_000, 10_000)


async def test_links(caller: Caller) -> None:
    """Links are relative and keep what was asked; there is a next one only if more follows."""
    page = await caller.read(
        "/ProtectedUsers", limit="5", offset="10", organizationId=caller.world.customers(NOW)[0].id
    )
    links = {name: link["href"] for name, link in page["_links"].items()}
    end = await caller.read("/Jobs", limit="10000")

    assert set(links) == {"self", "first", "prev", "next"}
    assert all(link.startswith("/v8/ProtectedUsers?offset=") and "organizationId=" in link for link in links.values())
    assert (await caller.read(links["next"].removeprefix("/v8")))["offset"] == 15
    assert set(end["_links"]) == {"self"}


async def test_exact_end(caller: Caller) -> None:
    """A last page that is full has no next link."""
    count = len(await caller.rows("/Jobs"))

    assert "next" not in (await caller.read("/Jobs", limit=str(count)))["_links"]
    assert "next" in (await caller.read("/Jobs", limit=str(count - 1)))["_links"]


async def test_a_capped_server() -> None:
    """A server can give smaller pages than were asked for, and says so; next links of v8 can lead to v7."""
    async with calling(manners=VeeamManners(page_cap=25, old_next_links=True)) as caller:
        page = await caller.read("/Jobs", limit="500")
        walked = await caller.walk("/Jobs", 500)

    assert (page["limit"], len(page["results"])) == (25, 25)
    assert page["_links"]["next"]["href"].startswith("/v7/Jobs?")
    assert len({row["id"] for row in walked}) == len(walked) > 50


async def test_order(caller: Caller) -> None:
    """Sessions come in no order, unless the manner is the newest first."""
    query = {"endTimeLowerBound": iso(NOW - DAY)}
    shuffled = [row["creationTime"] for row in await caller.rows("/JobSessions", **query)]
    async with calling(manners=VeeamManners(order="newest first")) as other:
        ordered = [row["creationTime"] for row in await other.rows("/JobSessions", **query)]

    assert ordered == sorted(shuffled, reverse=True) != shuffled
    assert shuffled != sorted(shuffled)


@pytest.mark.parametrize(
    ("filter_", "status"),
    [
        ("Running", "Running"),
        ("Succeeded", "Success"),
        ("Failed", "Failed"),
        ("Warning", "Warning"),
        ("stopped", "Stopped"),
    ],
)
async def test_status(caller: Caller, filter_: str, status: str) -> None:
    """The filter has words of its own for the states of sessions."""
    bound = {} if status == "Running" else {"endTimeLowerBound": iso(NOW - 20 * DAY)}
    rows = await caller.rows("/JobSessions", status=filter_, limit="40", **bound)

    assert {row["status"] for row in rows} == {status}


async def test_running_is_complete(caller: Caller) -> None:
    """What runs now is found by its status alone, though nothing bounds the time."""
    found = {row["id"] for row in await caller.rows("/JobSessions", status="Running")}
    async with calling(manners=VeeamManners(lower_bound="created")) as other:
        rows = await other.rows("/JobSessions", endTimeLowerBound=iso(NOW - 2 * DAY))

    assert found == {row["id"] for row in rows if row["status"] == "Running"}
    assert found


async def test_kind_and_job(caller: Caller) -> None:
    """Sessions can be had of one kind or of one job."""
    bound = {"endTimeLowerBound": iso(NOW - 3 * DAY)}
    copies = await caller.rows("/JobSessions", jobType="copy", **bound)
    of_one = await caller.rows("/JobSessions", jobId=copies[0]["jobId"], **bound)
    everything = await caller.rows("/JobSessions", **bound)

    assert {row["jobType"] for row in copies} == {"Copy"}
    assert sorted(row["id"] for row in of_one) == sorted(
        row["id"] for row in everything if row["jobId"] == copies[0]["jobId"]
    )
    assert await caller.rows("/JobSessions", jobId="00000000-0000-4000-8000-000000000000") == []


async def test_sessions_of_a_job_in_v6() -> None:
    """Only v6 has a list of the sessions of a job."""
    async with calling(version="v6") as caller:
        job = (await caller.rows("/Jobs"))[0]["id"]
        rows = await caller.rows(f"/Jobs/{job}/JobSessions", limit="50")
        await caller.sign_in("v7")
        absent = await caller.get(f"/Jobs/{job}/JobSessions")

    assert {linked(row, "job") for row in rows} == {job}
    assert absent.status == 404


@pytest.mark.parametrize(("manner", "running"), [("ended", False), ("ended or running", True), ("created", True)])
async def test_bounds(manner: str, *, running: bool) -> None:
    """Bounds are about ends or starts; running sessions are hidden by bounds on ends, or are not."""
    manners = VeeamManners(lower_bound=manner)  # type: ignore[arg-type] # each of them
    field = "creationTime" if manner == "created" else "endTime"
    lower, upper = NOW - 2 * DAY, NOW - DAY
    async with calling(manners=manners) as caller:
        open_ = await caller.rows("/JobSessions", endTimeLowerBound=iso(lower))
        closed = await caller.rows("/JobSessions", endTimeLowerBound=iso(lower), endTimeUpperBound=iso(upper))

    assert any(row["endTime"] is None for row in open_) is running
    assert all(seconds(row[field]) >= lower for row in open_ if row[field])
    assert closed
    assert {row["id"] for row in closed} == {
        row["id"] for row in open_ if row["endTime"] and lower <= seconds(row[field]) <= upper
    }


async def test_large_servers_answer_fast() -> None:
    """With 200 organizations and 53 weeks, the sessions of a day and a page of jobs take less than 50 ms of CPU."""
    async with calling(small_world(tenants=200)) as caller:
        await caller.read("/Organizations")
        spent = []
        for path, query in (("/JobSessions", {"endTimeLowerBound": iso(NOW - DAY)}), ("/Jobs", {"limit": "100"})):
            begin = time.process_time()
            await caller.read(path, **query)
            spent.append(time.process_time() - begin)

    # Other work on the machine and the measuring of coverage take their time as well.
    assert max(spent) < 0.5
