from typing import Any

import pytest

from exporter.simulator.veeam.manners import VeeamManners
from tests.simulator.stage import small_world
from tests.simulator.veeam.callers import DAY, NOW, VERSIONS, Caller, Row, Version, calling, iso
from tests.simulator.veeam.endpoints import ENDPOINTS
from tests.simulator.veeam.fields import FIELDS
from tests.simulator.veeam.judging import documented, faults

NEVER_SENT = {
    "organization": {"isSharepoint": "only of organizations with servers of their own"},
    "repository": dict.fromkeys(
        ("dailyTime", "dailyType", "monthlyTime", "monthlyDaynumber", "monthlyDayofweek"), "when retention runs"
    ),
    "object_storage": dict.fromkeys(
        (
            *("s3Folder", "glacierDeepArchiveEnabled", "glacierInstantRetrievalEnabled", "azureFolder"),
            *("standardIaStorageClassEnabled", "oneZoneIaStorageClassEnabled", "useArchiverAppliance"),
        ),
        "where exactly, and at what price, is no business of a monitor",
    ),
    "object_storage_repository": dict.fromkeys(
        (
            *("s3Folder", "glacierDeepArchiveEnabled", "glacierInstantRetrievalEnabled", "azureFolder"),
            *("iaStorageClassEnabled", "useArchiverAppliance"),
        ),
        "as above",
    ),
    "proxy": dict.fromkeys(("internetProxyType", "throttlingValue", "throttlingUnit", "serviceAccount"), "always null"),
    "job": {"runNow": "a wish in requests"},
    "management_mode": dict.fromkeys(("managerId", "companyName"), "nobody manages the server"),
    "item": dict.fromkeys(
        ("folders", "teams", "memberArchiveMailbox", "memberOnedrive", "memberSite"), "a monitor counts items by type"
    ),
}
"""Documented fields that the simulator leaves out or always sends as null, and why."""

LISTS = ("Organizations", "Jobs", "JobSessions", "BackupRepositories", "RestoreSessions")
SAMPLES = {
    "extendedView": "true",
    "status": "Running",
    "longTerm": "true",
    "orderAsc": "true",
    "orderBy": "EndTime",
    "type": "Error",
    "limit": "3",
    "offset": "2",
    "name": "a*",
    "jobType": "Copy",
}
"""A value for each parameter that is neither an id nor a time."""


async def paths(caller: Caller, count: int = 1) -> dict[str, list[str]]:
    """Return for each endpoint of any version the paths to ask, with ids of *count* things where it has one."""
    ids = {name: [row["id"] for row in (await caller.rows(f"/{name}", limit="500"))[:count]] for name in LISTS}
    return {
        path: [path.replace("*", each) for each in ids[path.split("/")[1]]] if "*" in path else [path]
        for path in ENDPOINTS
    }


def rows_of(shape: str, version: Version, body: Any) -> list[Row]:
    """Return the rows of an answer after a look at its frame."""
    match shape:
        case "O":
            assert isinstance(body, dict)
            return [body]
        case "L":
            assert isinstance(body, list)
            return body
        case _:
            frame = {"offset", "limit", "setId", "results", "_links"} | (set() if version == "v8" else {"totalCount"})
            assert set(body) == frame
            assert body["setId"] is None
            assert body.get("totalCount") is None
            return list(body["results"])


@pytest.mark.parametrize("version", VERSIONS)
async def test_answers_are_as_documented(version: Version) -> None:
    """Each endpoint sends only documented fields of the documented types, and all of those that it should."""
    seen: set[tuple[str, str]] = set()
    found: list[str] = []
    async with calling(small_world(), version, VeeamManners(unhealthy=1.0)) as caller:
        asked = await paths(caller, 15)
        for hours in (0, 7, 30, 60):
            caller.stage.clock.time = NOW + hours * 3600 + 15
            for path, (resource, versions) in ENDPOINTS.items():
                for each in asked[path] if version in versions else []:
                    body = await caller.read(each, extendedView="true", limit="200")
                    for row in rows_of(versions[version][0], version, body):
                        found += faults(resource, version, row, seen)
        found += faults("token", version, await (await caller.token()).json(), seen)

    assert found == []
    assert unseen(version, seen) == []


def unseen(version: Version, seen: set[tuple[str, str]]) -> list[str]:
    """Return the documented fields of what was shown at all that never had a value without a reason."""
    shown = {resource for resource, _ in seen}
    return [
        f"{resource}.{name}"
        for resource in FIELDS
        if resource in shown
        for name in documented(resource, version)
        if (resource, name) not in seen and name not in NEVER_SENT.get(resource, {})
    ]


@pytest.mark.parametrize("version", VERSIONS)
async def test_absent_endpoints(version: Version) -> None:
    """What a version does not have is not found."""
    async with calling(version=version) as caller:
        asked = await paths(caller)
        absent = [asked[path][0] for path, (_, versions) in ENDPOINTS.items() if version not in versions]

        assert {(await caller.get(path)).status for path in absent} == {404}


@pytest.mark.parametrize("version", VERSIONS)
async def test_unknown_parameters(version: Version) -> None:
    """A parameter of another version changes nothing."""
    async with calling(small_world(), version) as caller:
        asked = await paths(caller)
        job = (await caller.rows("/Jobs"))[0]["id"]
        for path, (_, versions) in ENDPOINTS.items():
            known = versions.get(version, "").split()[1:]
            unknown = {name for parameters in versions.values() for name in parameters.split()[1:]} - set(known)
            if version in versions and unknown:
                more = {name: SAMPLES.get(name) or (job if "Id" in name else iso(NOW - DAY)) for name in unknown}
                plain = await caller.read(asked[path][0])
                other = await caller.read(asked[path][0], **more)
                if isinstance(plain, dict):
                    plain.pop("_links", None)
                    other.pop("_links", None)
                assert other == plain, path


@pytest.mark.parametrize("version", VERSIONS)
async def test_any_case_of_letters(version: Version) -> None:
    """Paths and parameters are read in any case."""
    async with calling(version=version) as caller:
        url = f"{caller.stage.server.base_url}/{version.upper()}"
        for path in ("/LICENSE", "/organizations", "/jobSessions?LIMIT=1"):
            answer = await caller.stage.session.get(url + path, headers=caller.stage.headers)
            assert answer.status == 200, path


async def test_missing_things(caller: Caller) -> None:
    """An id that nothing has is not found, with the error code of v8."""
    things = ("Organizations/x", "BackupRepositories/x", "JobSessions/x", "Jobs/x/SelectedItems")
    parts = ("Organizations/x/LicensingInformation", "RestoreSessions/x/Statistics")
    for path in (f"/{path}" for path in things + parts):
        answer = await caller.get(path)
        assert answer.status == 404
        assert (await answer.json())["errorCode"] == "ResourceNotFound"


@pytest.mark.parametrize(
    "query", [{"limit": "0"}, {"offset": "-1"}, {"jobId": "x"}, {"status": "Success"}, {"endTimeLowerBound": "now"}]
)
async def test_bad_parameters(caller: Caller, query: dict[str, str]) -> None:
    """A parameter that makes no sense is refused."""
    answer = await caller.get("/JobSessions", **query)

    assert answer.status == 400
    assert (await answer.json())["errorCode"] == "ParameterValidationFailure"
    assert (await caller.get("/Organizations", extendedView="perhaps")).status == 400


async def test_spoiled_answers() -> None:
    """The manner of nulls anywhere also has numbers in strings and an unknown status; ids stay."""
    async with calling(manners=VeeamManners(spoiled=0.3)) as caller:
        jobs = await caller.rows("/Jobs")
        sessions = await caller.rows("/JobSessions", endTimeLowerBound=iso(NOW - DAY))
        users = await caller.rows("/ProtectedUsers", limit="50")

    assert any(box["email"] is None for row in users for box in row["mailboxes"] or ())
    assert all(row["id"] for row in jobs + sessions)
    assert {None, "Updating"} < {row["lastStatus"] for row in jobs}
    assert {None, str, int} >= {type(row["eTag"]) if row["eTag"] is not None else None for row in sessions} > {int}
    assert None in {row["statistics"] and row["statistics"]["transferredDataBytes"] for row in sessions}


async def test_times_with_an_offset() -> None:
    """Times can be written in a zone; they are the same times."""
    async with calling() as caller, calling(manners=VeeamManners(offset_minutes=-420)) as other:
        here = await caller.rows("/Jobs")
        there = await other.rows("/Jobs")

    assert {row["lastRun"][-6:] for row in there if row["lastRun"]} == {"-07:00"}
    assert {row["lastRun"][-1:] for row in here if row["lastRun"]} == {"Z"}
