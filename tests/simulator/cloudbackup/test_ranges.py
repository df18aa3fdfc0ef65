from datetime import UTC, datetime
from typing import Any

import pytest

from exporter.simulator.cloudbackup.history import history
from exporter.simulator.cloudbackup.manners import Instants, Manners
from exporter.simulator.era import DAY, HOUR
from tests.simulator.cloudbackup.callers import EPOCH, GENERATIONS, JOBS, Caller, Generation, calling
from tests.simulator.stage import START


def when(generation: Generation, seconds: float) -> str:
    """Write an instant in the query of this generation."""
    if generation == "legacy":
        return str(EPOCH + int(seconds * 10_000_000))
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def between(generation: Generation, start: float, finish: float) -> dict[str, str]:
    """Return a range of time as a query."""
    return {"startTime": when(generation, start), "finishTime": when(generation, finish)}


def started(caller: Caller, start: float, finish: float) -> list[str]:
    """Return the runs that started in a range, its ends included."""
    runs = history(caller.stage.world, caller.customer, START)
    return [each.run.id for each in runs if start <= each.run.start <= finish]


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_range_is_of_starts(caller: Caller, generation: Generation) -> None:
    """A range picks the runs that started in it, to the second."""
    start, finish = START - 50 * HOUR - 7, START - 20 * HOUR + 11

    ids = await caller.ids(generation, **between(generation, start, finish))

    assert ids == started(caller, start, finish)
    assert ids


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_open_ranges(caller: Caller, generation: Generation) -> None:
    """A range may be open on either side, also by an empty value, and by 0 in legacy."""
    finish = START - 3 * DAY
    nothing = "0" if generation == "legacy" else ""

    late = await caller.ids(generation, startTime=when(generation, finish + 1), finishTime=nothing)
    early = await caller.ids(generation, startTime=nothing, finishTime=when(generation, finish))

    assert late + early == started(caller, 0, START)
    assert min(len(late), len(early)) > 10


async def test_bounds_are_included(caller: Caller) -> None:
    """A run that starts at the very tick of a bound is in the range."""
    run = history(caller.stage.world, caller.customer, START)[5].run
    tick = str(EPOCH + round(run.start * 1000) * 10_000)

    assert await caller.ids("legacy", startTime=tick, finishTime=tick) == [run.id]


async def test_dates_are_midnights(caller: Caller) -> None:
    """A date without a time of day is its midnight in UTC."""
    dated = await caller.ids(startTime="2026-12-29", finishTime="2026-12-30")

    assert dated == await caller.ids(startTime="2026-12-29T00:00:00Z", finishTime="2026-12-30T00:00:00Z")
    assert dated == await caller.ids(startTime="2026-12-29T01:00:00+01:00", finishTime="2026-12-30T00:00:00.0000000")
    assert dated == started(caller, START - 3 * DAY, START - 2 * DAY)


@pytest.mark.parametrize(("instants", "days"), [("whole days", 2), ("midnights", 1)])
@pytest.mark.parametrize("generation", GENERATIONS)
async def test_the_time_of_day_can_be_ignored(generation: Generation, instants: Instants, days: int) -> None:
    """With days only, a range begins at midnight and holds its last day entirely or not at all."""
    first = START - 3 * DAY
    async with calling(manners=Manners(instants=instants)) as caller:
        ids = await caller.ids(generation, **between(generation, first + 9 * HOUR, first + DAY + 3 * HOUR))

        assert ids == started(caller, first, first + days * DAY - 0.001)


async def test_overlapping_ranges() -> None:
    """A range can pick what touches it: a run over its start is in it, and one in progress always is."""
    async with calling(manners=Manners(window="overlapping")) as caller:
        runs = history(caller.stage.world, caller.customer, START)
        run = next(each.run for each in runs if each.run.end - each.run.start > 60)
        middle = int((run.start + run.end) / 2)

        touching = await caller.ids("v2", **between("v2", middle, middle + 1))

        assert touching == [each.run.id for each in runs if each.run.start <= middle + 1 and each.run.end >= middle]
        assert run.id in touching


async def test_the_future_is_empty(caller: Caller) -> None:
    """Nothing has started that will start."""
    assert await caller.ids(startTime="2027-01-01T00:00:01Z") == []


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("startTime", "yesterday"),
        ("finishTime", "2026-02-30"),
        ("jobType", "6"),
        ("jobType", "Backup"),
        ("objectType", "13"),
        ("objectType", "-1"),
        ("jobState", "6"),
        ("pageIndex", "first"),
        ("pageSize", "0"),
        ("pageSize", "101"),
        ("location", "Moon"),
    ],
)
async def test_nonsense_is_refused(caller: Caller, generation: Generation, field: str, value: str) -> None:
    """A value that makes no sense is 400 and names its field; v2 says so in its envelope."""
    answer = await caller.get(JOBS[generation], **{field: value})
    body = await answer.json()

    assert answer.status == 400
    if generation != "v2":
        assert field in body["message"]
        return
    assert (body["statusCode"], body["message"]) == (400, "Bad Request")
    assert [(each["code"], each["field"]) for each in body["errors"]] == [("InvalidParameter", field)]


async def test_names_in_any_case(caller: Caller) -> None:
    """Paths and names of parameters are read in any case."""
    one = await caller.read("/backup/m365/cloudbackupjobs", pageIndex="1", objectType="1", pageSize="3")
    other = await caller.read("/Backup/M365/CloudBackupJobs", PageIndex="1", OBJECTTYPE="1", pagesize="3")

    assert one["data"] == other["data"]
    assert len(one["data"]) == 3


async def test_location(caller: Caller) -> None:
    """On a normal tenant a location makes every list empty."""
    days: Any = between("v2", START - 9 * DAY, START)
    lists = [
        await caller.read("/backup/m365/cloudbackupunusualactivitydata", location="NAM", **days),
        await caller.read("/backup/m365/unusualactivitydata", location="NAM", **days),
        await caller.read("/backup/m365/settings/backup/frequency", location="NAM"),
    ]

    assert {(await caller.page(each, location="NAM")).total for each in GENERATIONS} == {0}
    assert [each["data"] for each in lists] == [{"data": []}, [], []]


async def test_locations_of_multi_geo_tenants() -> None:
    """On a Multi-Geo tenant everything is at the central location."""
    async with calling(manners=Manners(multi_geo=True)) as caller:
        everything = await caller.ids()

        assert await caller.ids(location="primarygeolocation") == everything
        assert await caller.ids(location="NAM") == []
        assert (await caller.get(f"/backup/m365/cloudbackupjobs/{everything[0]}", location="NAM")).status == 404
        assert (await caller.get(f"/backup/m365/cloudbackupjobs/{everything[0]}")).status == 200
