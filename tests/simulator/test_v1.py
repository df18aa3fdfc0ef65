import re
from typing import Any
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from exporter.simulator.elements.v1_paths import read_path
from tests.simulator.stage import START, Stage, folded, small_world, staged

CUSTOMER_FIELDS = ["id", "organization", "owneremail", "jobstatus", "countryorregion"]


async def each_job(stage: Stage) -> list[dict[str, Any]]:
    """Return the job rows of all customers, spelled as they come."""
    return [
        row
        for customer in stage.world.customers(START)
        for row in await stage.value(f"/partner/Customers/{customer.id}/Jobs")
    ]


@pytest.mark.parametrize(
    "path",
    [
        "/Customers", "/customers", "/partner/Customers", "/partner/customers", "/PARTNER/CUSTOMERS",
        "/partner/api/V1.1/Customers", "/partner/api/v1.1/customers",
    ],
)  # fmt: skip
async def test_three_prefixes_any_case(stage: Stage, path: str) -> None:
    """The list is at home without prefix and under both prefixes, in any case."""
    assert len(await stage.value(path)) == 40


@pytest.mark.parametrize(
    ("path", "operation"),
    [
        ("/Customers/7", "v1_customer"),
        ("/Customers('7')", "v1_customer"),
        ("/partner/Customers(7)/Jobs", "v1_jobs"),
        ("/Customers/7/Jobs/JobType/Microsoft 365/JobModule/Yammer", "v1_jobs_filtered"),
        ("/Customers('7')/Jobs(JobType='Microsoft 365',JobModule='Yammer')", "v1_jobs_filtered"),
        ("/customers/7/jobs/jobType/Microsoft 365/jobModule/Yammer", "v1_jobs_filtered"),
        ("/Customers/7/Protected", "v1_protection"),
        ("/Customers/7/ScanProfiles", "v1_scan_profiles"),
        ("/Customers/7/ScanProfilesDetails/ProfileId/8", "v1_scan_profile"),
        ("/Customers('7')/ScanProfilesDetails(ProfileId='8')", "v1_scan_profile"),
        ("/customers/7/scanProfiles/8", "v1_scan_profile"),
        ("/Customers/7/ScanProfilesDailyNew/ProfileId/8", "v1_scan_profile_summary"),
        ("/customers/7/scanProfiles/8/dailyNewSummary", "v1_scan_profile_summary"),
        ("/Customers('7')/ScanProfilesDailyNewDetail(ProfileId=8)", "v1_scan_profile_lists"),
        ("/customers/7/scanProfiles/8/dailyNewDetails", "v1_scan_profile_lists"),
        ("/Services", "v1_services"),
        ("/partner/api/V1.1/Services('7')", "v1_service"),
    ],
)
def test_both_key_syntaxes(path: str, operation: str) -> None:
    """Keys as segments, in parentheses and with names lead to the same operation with the same keys."""
    call = read_path(path)

    assert call is not None
    assert call.operation == operation
    keys = {"customer": "7", "profile": "8", "type": "Microsoft 365", "module": "Yammer"}
    assert call.keys == {name: keys[name] for name in call.keys}


@given(st.text())
def test_any_path_can_be_read(path: str) -> None:
    """No path, however odd, breaks the reader."""
    assert read_path(path) is None or read_path(path)


@pytest.mark.parametrize("path", ["/", "/partner", "/partner/Customers/1/2/3", "/Customer", "customersx"])
def test_other_paths_are_not_ours(path: str) -> None:
    """What is none of the eleven is not recognised."""
    assert read_path(path) is None


async def test_customers(stage: Stage) -> None:
    """The list has five strings a customer, some in PascalCase, some in camelCase."""
    rows = await stage.value("/partner/Customers")

    assert {next(iter(row)) for row in rows} == {"id", "Id"}
    assert all(sorted(folded(row)) == sorted(CUSTOMER_FIELDS) for row in rows)
    assert {folded(row)["jobstatus"] for row in rows} == {
        "Working", "N/A", "No backup updates", "Finished with exception",
    }  # fmt: skip


async def test_one_customer(stage: Stage) -> None:
    """A single customer is a flat entity with a context, in PascalCase."""
    customer = stage.world.customers(START)[0]

    row = await (await stage.get(f"/partner/Customers('{customer.id}')")).json()

    assert row["@odata.context"].endswith("/partner/$metadata#Customers/$entity")
    assert row["Id"] == customer.id
    assert row["Organization"] == customer.organization


async def test_job_rows_agree_with_v3(stage: Stage) -> None:
    """Both generations show the same runs; only words and spellings differ."""
    for customer in stage.world.customers(START)[:10]:
        new = await stage.rows(f"/customers/{customer.id}/avpt-products/jobs/batch", pageSize="100")
        old = [folded(row) for row in await stage.value(f"/partner/Customers/{customer.id}/Jobs")]
        for field in ("jobId", "startTime", "endTime", "jobDuration", "backupSize", "name"):
            assert [row[field.lower()] for row in old] == [row[field] for row in new]
        assert [str(row["totalcount"]) for row in old] == [row["totalCount"] for row in new]


async def test_counts_are_numbers_or_strings(stage: Stage) -> None:
    """Some rows count in integers, some in strings, scans not at all."""
    counts = [folded(row)["totalcount"] for row in await each_job(stage)]

    assert {type(count) for count in counts} == {int, str}
    assert "N/A" in counts


async def test_job_words(stage: Stage) -> None:
    """Types, modules and states are words, "Successful" and "Not Finished" among them."""
    rows = [folded(row) for row in await each_job(stage)]

    assert {row["jobtype"] for row in rows} == {
        "Microsoft 365", "Google Workspace", "Azure", "Dynamics 365", "Salesforce", "DOR",
    }  # fmt: skip
    assert {"Yammer", "OneDrive for Business", "Microsoft 365 Discovery", "Virtual Machine"} <= {
        row["jobmodule"] for row in rows
    }
    assert {row["status"] for row in rows} >= {"Successful", "Finished", "Not Finished", "Failed", "Disabled"}
    assert {next(iter(row)) for row in await each_job(stage)} == {"jobType", "JobType"}


async def test_jobs_by_type_and_module(stage: Stage) -> None:
    """The filtered path gives the one row, with spaces in the words and any case."""
    customer = stage.world.customers(START)[0]
    words = quote("microsoft 365"), quote("Exchange Online")
    slashes = f"/partner/Customers/{customer.id}/Jobs/JobType/{words[0]}/JobModule/{words[1]}"
    keys = f"/partner/Customers('{customer.id}')/Jobs(JobType='{words[0]}',JobModule='{words[1]}')"

    url = stage.server.base_url
    found = [await stage.session.get(URL(url + path, encoded=True), headers=stage.headers) for path in (slashes, keys)]
    rows = [(await each.json())["value"] for each in found]

    assert rows[0] == rows[1]
    assert [folded(row)["jobmodule"] for row in rows[0]] == ["Exchange Online"]


async def test_protection_of_customers_with_and_without(stage: Stage) -> None:
    """Nine or twelve rows with Microsoft 365; without it some customers get 404 and some 400."""
    statuses, sizes = set(), set()
    for customer in stage.world.customers(START):
        answer = await stage.get(f"/partner/Customers/{customer.id}/Protected")
        body = await answer.json()
        statuses.add((customer.has("Microsoft 365"), answer.status))
        for row in body.get("value", []):
            sizes.add(type(folded(row)["datasizestoredinavepoint"]))

    assert (True, 200) in statuses
    assert statuses <= {(True, 200), (False, 404), (False, 400)}
    assert sizes == {str, int}


async def test_protection_is_refused_in_two_ways() -> None:
    """In a bigger world both 404 and 400 mean "no subscription", with an OData error."""
    async with staged(small_world(tenants=400)) as stage:
        bare = [each for each in stage.world.customers(START) if not each.has("Microsoft 365")]
        answers = [await stage.get(f"/partner/Customers/{each.id}/Protected") for each in bare]
        bodies = [await answer.json() for answer in answers]

    assert {answer.status for answer in answers} == {400, 404}
    assert all(body["error"]["message"] for body in bodies)


async def test_services_flat_and_nested(stage: Stage) -> None:
    """Some customers have nested products, some a flat row a product; tenants are joined by commas."""
    rows = await stage.value("/partner/Services")
    flat = [row for row in rows if "products" not in folded(row)]
    nested = [row for row in rows if "products" in folded(row)]

    assert flat
    assert nested
    assert any("," in folded(row)["tenantid"] for row in rows)
    assert all("expirationDate" in row for row in flat)  # the one name that keeps its small initial
    assert {"Service" in row for row in flat} == {True, False}
    assert {"Products" in row for row in nested} == {True, False}


async def test_services_tell_every_subscription(stage: Stage) -> None:
    """Flat or nested, each subscription of the world is there once."""
    rows = [folded(row) for row in await stage.value("/partner/Services")]
    told = [(row["customerid"], folded(product)["service"]) for row in rows for product in row.get("products", [row])]

    assert len(told) == len(set(told)) == sum(len(c.subscriptions) for c in stage.world.customers(START))


async def test_expiry_dates_of_all_times(stage: Stage) -> None:
    """The four documented forms of the expiry date occur."""
    rows = [folded(row) for row in await stage.value("/partner/Services")]
    dates = {folded(product)["expirationdate"] for row in rows for product in row.get("products", [row])}

    shapes = [r"\d{4}-\d\d-\d\d", r"\d\d/\d\d/\d{4}", r"\d{4}/\d\d/\d\d", r"\d{4}-\d\d-\d\dT00:00:00Z"]
    for shape in shapes:
        assert any(re.fullmatch(shape, date) for date in dates), shape


async def test_services_of_one(stage: Stage) -> None:
    """One customer's services are an entity with products; the filter ?id= gives the same customer."""
    customer = stage.world.customers(START)[0]

    entity = await (await stage.get(f"/partner/Services/{customer.id}")).json()
    filtered = await stage.value("/partner/Services", id=customer.id)

    assert entity["@odata.context"].endswith("#Services/$entity")
    assert len(entity["products"]) == len(customer.subscriptions)
    assert {folded(row)["customerid"] for row in filtered} == {customer.id}


async def test_next_links_lead_through_all() -> None:
    """With a small page the next links, followed to the end, give each customer once."""
    async with staged(v1_page_size=15) as stage:
        seen: list[str] = []
        body = await (await stage.get("/partner/Customers")).json()
        while True:
            seen += [folded(row)["id"] for row in body["value"]]
            if "@odata.nextLink" not in body:
                break
            link = URL(body["@odata.nextLink"])
            assert str(link.origin()) == stage.server.base_url
            body = await (await stage.get(link.path, **link.query)).json()

    assert seen == [each.id for each in stage.world.customers(START)]


async def test_top_and_skip(stage: Stage) -> None:
    """$top and $skip cut the list; a number is required."""
    rows = await stage.value("/partner/Customers", **{"$top": "3", "$skip": "5"})
    answer = await stage.get("/partner/Customers", **{"$top": "many"})

    assert [folded(row)["id"] for row in rows] == [each.id for each in stage.world.customers(START)[5:8]]
    assert answer.status == 400


async def test_profiles_under_all_names(stage: Stage) -> None:
    """Across the world the settings come under old names, new names and both."""
    spellings = set()
    for customer in stage.world.customers(START):
        for profile in stage.world.profiles(customer):
            path = f"/partner/Customers/{customer.id}/ScanProfilesDetails/ProfileId/{profile.id}"
            row = await (await stage.get(path)).json()
            old = "ignoreTheLockedObjectsWhenUpdatingTheJobStatus" in row
            new = "IsIgnoreLockedSiteEnabled" in row
            spellings.add((old, new))
            assert all(isinstance(each["ObjectType"], str) for each in row["containers"])

    assert spellings == {(True, False), (False, True), (True, True)}


async def test_profile_lists_use_american_times(stage: Stage) -> None:
    """The list of profiles prints MM/dd/yyyy HH:mm:ss."""
    customer = next(each for each in stage.world.customers(START) if stage.world.profiles(each))

    rows = await stage.value(f"/partner/customers/{customer.id}/scanProfiles")

    assert all(re.fullmatch(r"\d\d/\d\d/\d{4} \d\d:\d\d:\d\d", row["modifiedTime"]) for row in rows)


async def test_daily_reports(stage: Stage) -> None:
    """The counts of the summary, under either names, are the lengths of the lists."""
    spellings = set()
    for customer in stage.world.customers(START):
        for profile in stage.world.profiles(customer):
            path = f"/partner/customers/{customer.id}/scanProfiles/{profile.id}"
            summary = await (await stage.get(f"{path}/dailyNewSummary")).json()
            lists = await (await stage.get(f"{path}/dailyNewDetails")).json()
            old = "NewRegistedContentCount" in summary
            spellings.add(old)
            count = summary["NewRegistedContentCount" if old else "newRegistedContent"]
            assert count == len(lists["newRegistedContent"]) == len(lists["newRegisteredContent"])
            assert ("profileID" in summary) is not old

    assert spellings == {True, False}


@pytest.mark.parametrize(
    "path",
    ["/partner/Nothing", "/partner/Customers/nobody", "/Services/nobody", "/Customers/nobody/Jobs", "/"],
)
async def test_unknown_things_are_not_found(stage: Stage, path: str) -> None:
    """Unknown paths and customers are 404 with an OData error."""
    answer = await stage.get(path)

    assert answer.status == 404
    assert (await answer.json())["error"]["code"] == "NotFound"


async def test_unknown_profiles_are_not_found(stage: Stage) -> None:
    """A profile that the customer does not have is 404."""
    customer = stage.world.customers(START)[0]

    assert (await stage.get(f"/Customers/{customer.id}/ScanProfilesDetails/ProfileId/x")).status == 404
