"""What goes out: exact paths, methods, bodies and pages."""

from typing import Any

import pytest

from exporter.errors import AnswerUnreadable, NotFound
from exporter.records import Tenant
from tests.sources.elements.stage import CONTOSO, NAMELESS, ORIGIN, PAGE, PATHS, PROFILE, ROOT, Stage, recorded
from tests.support.sources import NOTHING
from tests.support.vendor import Asked

V3 = "/partner/external/v3/general"
EMPTY: Any = {}


def tenants(count: int, first: int = 0) -> list[Any]:
    """Return rows of customers."""
    return [{"id": f"c{number}", "organization": f"Customer {number}"} for number in range(first, first + count)]


async def ids(stage: Stage, api: str, **options: Any) -> list[str]:
    """Return the ids of the customers that a source finds."""
    records = await stage.source(api, **options).collect("tenants", "", NOTHING)
    return [record.tenant for record in records if isinstance(record, Tenant)]


@pytest.mark.parametrize(
    ("collector", "target", "body"),
    [
        ("tenants", f"POST {V3}/customers/batch?{PAGE}", EMPTY),
        ("subscriptions", f"POST {V3}/customers/services/batch?{PAGE}", EMPTY),
        ("jobs", f"POST {V3}/customers/{CONTOSO}/avpt-products/jobs/batch?{PAGE}", EMPTY),
        ("protection", f"GET {V3}/customers/{CONTOSO}/cloud-backup-m365/overview?{PAGE}", None),
        ("scan_profiles", f"POST {V3}/customers/{CONTOSO}/scan-profiles/batch?{PAGE}", EMPTY),
        ("tenants", "GET /partner/Customers", None),
        ("subscriptions", "GET /partner/Services", None),
        ("jobs", f"GET /partner/Customers/{CONTOSO}/Jobs", None),
        ("protection", f"GET /partner/Customers/{CONTOSO}/Protected", None),
        ("scan_profiles", f"GET /partner/Customers/{CONTOSO}/ScanProfiles", None),
    ],
)
async def test_lists(stage: Stage, collector: str, target: str, body: Any) -> None:
    """Each list is asked for once, at its documented path; v3 counts pages from 1 and asks for 100 rows."""
    method, path = target.split(" ")
    api = "v3" if path.startswith(V3) else "v1"
    stage.vendor.add(ORIGIN + path, method, payload={"data": [], "value": []})

    records = await stage.source(api).collect(collector, CONTOSO, NOTHING)

    assert records == []
    assert stage.vendor.asked[1:] == [Asked(method, path, body)]


@pytest.mark.parametrize(
    ("api", "targets"),
    [
        (
            "v3",
            [
                f"{V3}/customers/{CONTOSO}/scan-profiles/batch?{PAGE}",
                f"{V3}/customers/{CONTOSO}/scan-profiles/{PROFILE}",
                f"{V3}/customers/{CONTOSO}/scan-profiles/{PROFILE}/changes",
                f"{V3}/customers/{CONTOSO}/scan-profiles/{NAMELESS}",
                f"{V3}/customers/{CONTOSO}/scan-profiles/{NAMELESS}/changes",
            ],
        ),
        (
            "v1",
            [
                f"/partner/Customers/{CONTOSO}/ScanProfiles",
                f"/partner/Customers/{CONTOSO}/ScanProfilesDetails/ProfileId/{PROFILE}",
                f"/partner/Customers/{CONTOSO}/ScanProfilesDailyNew/ProfileId/{PROFILE}",
                f"/partner/Customers/{CONTOSO}/ScanProfilesDetails/ProfileId/{NAMELESS}",
                f"/partner/Customers/{CONTOSO}/ScanProfilesDailyNew/ProfileId/{NAMELESS}",
            ],
        ),
    ],
)
async def test_profiles(stage: Stage, api: str, targets: list[str]) -> None:
    """Details and daily report are asked for profile by profile, at their documented paths."""
    stage.answer(api, "scan_profiles", recorded(f"{api}/scan_profiles.json"))
    for endpoint in ("scan_profile", "report", "other_profile", "other_report"):
        stage.answer(api, endpoint, status=404)

    await stage.source(api).collect("scan_profiles", CONTOSO, NOTHING)

    assert stage.asked() == targets


async def test_pages_of_v3(stage: Stage) -> None:
    """Pages are asked for until the counted total is there."""
    for index, rows in enumerate([tenants(100), tenants(100, 100), tenants(7, 200)], start=1):
        payload = {"data": rows, "metadata": {"pageIndex": index, "pageSize": 100, "totalCount": 207}}
        stage.answer("v3", f"POST /customers/batch?pageIndex={index}&pageSize=100", payload)

    found = await ids(stage, "v3")

    assert found == [f"c{number}" for number in range(207)]
    assert stage.asked() == [f"{V3}/customers/batch?pageIndex={index}&pageSize=100" for index in (1, 2, 3)]


@pytest.mark.parametrize(
    "envelope",
    [
        {"metadata": {"totalCount": 101}},
        {"metaData": {"totalNumber": "101"}},
        {"Metadata": {"TotalCount": "101"}},
        {"metadata": None},
        {"metadata": {"totalCount": "some"}},
    ],
)
async def test_spellings_of_the_count(stage: Stage, envelope: Any) -> None:
    """The count is found however it is spelled; without a usable one, a short page is the last."""
    stage.answer("v3", "customers", {"data": tenants(100), **envelope})
    stage.answer("v3", "POST /customers/batch?pageIndex=2&pageSize=100", {"Data": tenants(1, 100), **envelope})

    assert len(await ids(stage, "v3")) == 101


@pytest.mark.parametrize("payload", [[], "text", {"data": {}}, {"value": None}, {}])
async def test_no_list(stage: Stage, api: str, payload: Any) -> None:
    """An answer without the generation's list of rows is unreadable, not empty."""
    stage.answer(api, "customers", payload)

    with pytest.raises(AnswerUnreadable, match="not an Elements"):
        await ids(stage, api)


@pytest.mark.parametrize("endpoint", ["customers", "services"])
async def test_ids_of_v3_go_in_chunks(stage: Stage, endpoint: str) -> None:
    """tenants.ids become the filter of the bulk lists, a hundred at a time."""
    wanted = [f"c{number}" for number in range(230)]
    for _ in range(3):
        stage.rows("v3", endpoint)
    collector = {"customers": "tenants", "services": "subscriptions"}[endpoint]

    await stage.source("v3", tenants={"ids": wanted}).collect(collector, "", NOTHING)

    bodies = [asked.body for asked in stage.vendor.asked[1:]]
    assert bodies == [
        {"customerIds": wanted[:100]},
        {"customerIds": wanted[100:200]},
        {"customerIds": wanted[200:]},
    ]


async def test_ids_of_v1_are_asked_one_by_one(stage: Stage) -> None:
    """tenants.ids of v1 become entities; one that nobody has is skipped."""
    stage.answer("v1", f"GET /Customers/{CONTOSO}", recorded("v1/customer.json"))
    stage.answer("v1", "GET /Customers/nobody", status=404)

    found = await ids(stage, "v1", tenants={"ids": ["nobody", CONTOSO]})

    assert found == [CONTOSO]
    assert stage.asked() == ["/partner/Customers/nobody", f"/partner/Customers/{CONTOSO}"]


@pytest.mark.parametrize("wanted", [["nobody"], ["nobody", "no_one"]])
async def test_no_id_is_known(stage: Stage, wanted: list[str]) -> None:
    """If v1 knows none of the ids, the path may be wrong: that is a failure, not an empty fleet."""
    for each in wanted:
        stage.answer("v1", f"GET /Customers/{each}", status=404)

    with pytest.raises(NotFound):
        await ids(stage, "v1", tenants={"ids": wanted})


@pytest.mark.parametrize(
    "payload", [recorded("v1/service.json"), {"value": [recorded("v1/service.json")]}], ids=["entity", "list"]
)
async def test_services_of_one_customer(stage: Stage, payload: Any) -> None:
    """/Services/{id} is read whether it is one entity or a list."""
    stage.answer("v1", "GET /Services/c2", payload)

    records = await stage.source("v1", tenants={"ids": ["c2"]}).collect("subscriptions", "", NOTHING)

    assert [type(record).__name__ for record in records] == ["Subscription", "MicrosoftLicenses"]


async def test_only_of_v3(stage: Stage) -> None:
    """jobs.only is one filtered request for each entry, in v3's numbers."""
    stage.rows("v3", "jobs")
    stage.rows("v3", "jobs")
    only = [{"job_type": 7, "job_module": 303}, {"job_type": "11", "job_module": "501"}]

    await stage.source("v3", collectors={"jobs": {"only": only}}).collect("jobs", CONTOSO, NOTHING)

    bodies = [asked.body for asked in stage.vendor.asked[1:]]
    assert bodies == [{"jobType": 7, "jobModule": 303}, {"jobType": 11, "jobModule": 501}]


async def test_only_of_v1(stage: Stage) -> None:
    """jobs.only of v1 goes into the path, blanks and slashes encoded."""
    jobs = f"/Customers/{CONTOSO}/Jobs/JobType"
    paths = [f"{jobs}/Google%20Workspace/JobModule/Shared%20Drives", f"{jobs}/A%2FB%3F/JobModule/100%25"]
    for path in paths:
        stage.rows("v1", f"GET {path}")
    only = [
        {"job_type": "Google Workspace", "job_module": "Shared Drives"},
        {"job_type": "A/B?", "job_module": "100%"},
    ]

    await stage.source("v1", collectors={"jobs": {"only": only}}).collect("jobs", CONTOSO, NOTHING)

    assert stage.asked() == ["/partner" + path for path in paths]


@pytest.mark.parametrize(
    ("key", "link"),
    [
        ("@odata.nextLink", f"{ROOT['v1']}/Customers?skip=1"),
        ("@odata.nextLink", "/partner/Customers?skip=1"),
        ("@odata.nextLink", "Customers?skip=1"),
        ("nextLink", "Customers?skip=1"),
        ("NextLink", "Customers?skip=1"),
        ("nextlink", "?skip=1"),
    ],
)
async def test_links_of_v1(stage: Stage, key: str, link: str) -> None:
    """A next link is followed in every spelling, absolute or relative to the base URL."""
    stage.answer("v1", "customers", {"value": tenants(1), key: link})
    target = "/partner/?skip=1" if link.startswith("?") else "/partner/Customers?skip=1"
    stage.vendor.get(ORIGIN + target, payload={"value": tenants(1, 1), key: None})

    assert await ids(stage, "v1") == ["c0", "c1"]


@pytest.mark.parametrize("link", [None, "", 7, False])
async def test_links_that_are_none(stage: Stage, link: Any) -> None:
    """A null, an empty text or anything else that is no link ends the list."""
    stage.answer("v1", "customers", {"value": tenants(1), "@odata.nextLink": link})

    assert await ids(stage, "v1") == ["c0"]


@pytest.mark.parametrize("link", ["https://evil.example/Customers", "//evil.example/x", "http://graph.example/x"])
async def test_links_elsewhere(stage: Stage, link: str) -> None:
    """A link to another origin is refused and nothing is sent there: the token stays here."""
    stage.answer("v1", "customers", {"value": tenants(1), "@odata.nextLink": link})

    with pytest.raises(AnswerUnreadable, match="another origin"):
        await ids(stage, "v1")

    assert stage.asked() == ["/partner/Customers"]


@pytest.mark.parametrize(("tenant", "segment"), [("../x", "..%2Fx"), ("a/b?c#d", "a%2Fb%3Fc%23d"), ("%2e", "%252e")])
@pytest.mark.parametrize("collector", ["jobs", "protection", "scan_profiles"])
async def test_hostile_ids_stay_one_segment(stage: Stage, api: str, collector: str, tenant: str, segment: str) -> None:
    """An id that looks like a path leads nowhere but to its own place in it."""
    stage.rows(api, PATHS[api][collector].replace(CONTOSO, segment))

    await stage.source(api).collect(collector, tenant, NOTHING)

    assert stage.asked() == [ROOT[api][len(ORIGIN) :] + PATHS[api][collector].split(" ")[1].replace(CONTOSO, segment)]


@pytest.mark.parametrize("tenant", [".", "..", ""])
async def test_dots_are_no_id(stage: Stage, api: str, tenant: str) -> None:
    """Ids of dots alone, which any client or proxy would resolve, are refused before anything is sent."""
    source = stage.source(api)

    with pytest.raises(AnswerUnreadable, match="cannot stand in a path"):
        await source.collect("jobs", tenant, NOTHING)

    assert stage.asked() == []


async def test_hostile_profiles_stay_one_segment(stage: Stage, api: str) -> None:
    """The id of a scan profile leads nowhere but to its own place in the path either."""
    stage.rows(api, "scan_profiles", {"profileId": "../../Customers"})
    for endpoint in ("scan_profile", "report"):
        stage.answer(api, PATHS[api][endpoint].replace(PROFILE, "..%2F..%2FCustomers"), status=404)

    await stage.source(api).collect("scan_profiles", CONTOSO, NOTHING)

    assert all("..%2F..%2FCustomers" in target for target in stage.asked()[1:])
