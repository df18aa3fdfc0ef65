import re
from typing import Any

import pytest

from exporter.simulator.elements.texts import instant
from exporter.simulator.era import DAY
from exporter.simulator.world import World
from tests.simulator.stage import START, Stage, small_world, staged

ISO = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ")
JOB_FIELDS = [
    "jobType", "jobModule", "status", "jobId", "name", "totalCount", "failedCount", "successfulCount",
    "skippedCount", "warningCount", "backupSize", "startTime", "endTime", "jobDuration", "lastModifyTime",
]  # fmt: skip


async def all_jobs(stage: Stage) -> list[dict[str, Any]]:
    """Return the job rows of all customers."""
    return [
        row
        for customer in stage.world.customers(stage.clock.now())
        for row in await stage.rows(f"/customers/{customer.id}/avpt-products/jobs/batch", pageSize="100")
    ]


async def all_products(stage: Stage) -> list[dict[str, Any]]:
    """Return the product rows of all customers."""
    customers = await stage.rows("/customers/services/batch", pageSize="100")
    return [product for customer in customers for product in customer["products"]]


async def test_customers_tell_the_world(stage: Stage) -> None:
    """The list names every customer with country, owner, mode and tenants."""
    rows = await stage.rows("/customers/batch", pageSize="100")

    assert [(row["id"], row["organization"], row["countryOrRegion"], row["ownerEmail"]) for row in rows] == [
        (each.id, each.organization, each.country, each.owner_email) for each in stage.world.customers(START)
    ]
    assert {row["jobStatus"] for row in rows} == {0, 1, 5, 6}
    assert {row["managementMode"] for row in rows} <= {0, 1, 2}


async def test_tenants_may_be_nameless_or_none(stage: Stage) -> None:
    """Some tenant has null for a name, some customer has no tenant, some has several."""
    rows = await stage.rows("/customers/batch", pageSize="100")

    assert {0, 1, 2} <= {len(row["tenants"]) for row in rows}
    assert None in {tenant["name"] for row in rows for tenant in row["tenants"]}


async def test_pages_begin_with_one(stage: Stage) -> None:
    """Pages 1, 2, … of 15 together are the whole list, each with the same count."""
    pages = [await stage.post("/customers/batch", pageIndex=str(page), pageSize="15") for page in (1, 2, 3)]
    bodies = [await page.json() for page in pages]

    assert [len(body["data"]) for body in bodies] == [15, 15, 10]
    assert [body["metadata"] for body in bodies] == [
        {"pageIndex": page, "pageSize": 15, "totalCount": 40} for page in (1, 2, 3)
    ]
    ids = [row["id"] for body in bodies for row in body["data"]]
    assert ids == [each.id for each in stage.world.customers(START)]


async def test_a_page_past_the_end_is_empty(stage: Stage) -> None:
    """Past the end the answer is 200 without rows and with the count unchanged."""
    answer = await stage.post("/customers/batch", pageIndex="9", pageSize="100")

    assert answer.status == 200
    assert await answer.json() == {
        "data": [],
        "metadata": {"pageIndex": 9, "pageSize": 100, "totalCount": 40},
    }


async def test_the_default_page_has_fifty() -> None:
    """Without parameters page 1 of 50 is meant."""
    async with staged(small_world(tenants=60)) as stage:
        body = await (await stage.post("/customers/batch")).json()

    assert len(body["data"]) == 50
    assert body["metadata"] == {"pageIndex": 1, "pageSize": 50, "totalCount": 60}


async def test_parameters_in_any_case(stage: Stage) -> None:
    """PageSize and pagesize are the same parameter."""
    assert len(await stage.rows("/customers/batch", PageIndex="2", pagesize="30")) == 10


@pytest.mark.parametrize(
    "query",
    [{"pageSize": "101"}, {"pageSize": "0"}, {"pageIndex": "0"}, {"pageIndex": "x"}, {"pageSize": "-1"}],
)
async def test_senseless_pages_are_refused(stage: Stage, query: dict[str, str]) -> None:
    """A size over 100 and numbers below 1 are refused with 400."""
    answer = await stage.post("/customers/batch", **query)

    assert answer.status == 400
    assert "message" in await answer.json()


@pytest.mark.parametrize(
    "body", [b"{", b"[]", {"customerIds": "one"}, {"customerIds": [1]}], ids=["cut", "list", "text", "number"]
)
async def test_senseless_bodies_are_refused(stage: Stage, body: Any) -> None:
    """A body that is no object, or a filter of the wrong type, is refused with 400."""
    assert (await stage.post("/customers/batch", body)).status == 400


async def test_a_job_filter_must_be_a_number(stage: Stage) -> None:
    """The name of a job type is refused with 400: v3 counts them."""
    customer = stage.world.customers(START)[0]
    path = f"/customers/{customer.id}/avpt-products/jobs/batch"

    assert (await stage.post(path, {"jobType": "Microsoft 365"})).status == 400


async def test_customers_by_id(stage: Stage) -> None:
    """A filter by ids gives these customers; an id nobody has is just missing."""
    ids = [each.id for each in stage.world.customers(START)[2:4]]

    rows = await stage.rows("/customers/batch", {"customerIds": [*ids, "nobody"]})
    services = await stage.rows("/customers/services/batch", {"customerIds": ids})

    assert [row["id"] for row in rows] == ids
    assert [row["customerId"] for row in services] == ids


async def test_an_empty_body_filters_nothing(stage: Stage) -> None:
    """No body at all asks for everything."""
    assert len(await stage.rows("/customers/batch", b"", pageSize="100")) == 40


async def test_services_count_customers(stage: Stage) -> None:
    """The services are paged and counted by customer; one without products is there with none."""
    body = await (await stage.post("/customers/services/batch", pageSize="100")).json()

    assert body["metadata"]["totalCount"] == len(body["data"]) == 40
    sizes = [len(row["products"]) for row in body["data"]]
    assert 0 in sizes
    assert sum(sizes) > 40


async def test_products_have_eighteen_strings(stage: Stage) -> None:
    """All fields of all products are strings, numbers and dates too."""
    for product in await all_products(stage):
        assert len(product) == 18
        assert all(isinstance(value, str) for value in product.values())


@pytest.mark.parametrize(
    ("field", "shapes"),
    [
        ("service", [".*Salesforce® - Backup", ".*Power Platform", ".*IaaS \\+ PaaS - Unit"]),
        ("expirationDate", [r"\d\d-\d\d-\d{4}T12:00:00Z", r"\d{4}-\d\d-\d\dT00:00:00Z"]),
        ("purchasedCapacity", ["N/A", "0/1 GB", r"\d+ GB"]),
        ("protectedCapacity", ["N/A", "0 GB"]),
        ("consumedStorage", ["N/A", r"\d+\.\d\d GB"]),
        ("purchasedUserSeats", ["N/A", r"\d+"]),
        ("purchasedUnits", ["N/A", r"\d+"]),
        ("microsoftLicenseAssigned", ["N/A", r"\d+"]),
        ("subscriptionModel", ["N/A", "Unlimited organizations", "New", "Standard"]),
        ("retention", ["N/A", "Unlimited retention", r"Retain data for \d years"]),
        ("storage", ["N/A", "AvePoint storage", r"AvePoint storage \(.*", "Bring your own storage"]),
        ("paymentType", ["N/A", "Prepaid", "Pay as you go"]),
        ("source", ["AvePoint subscription", "AvePoint pooled subscription"]),
        ("package", ["N/A", "Standard"]),
        ("change", ["N/A"]),
    ],
)
async def test_products_show_every_form(stage: Stage, field: str, shapes: list[str]) -> None:
    """Each form that the reference knows of a product field stands in some row, and no other."""
    values = {product[field] for product in await all_products(stage)}

    for shape in shapes:
        assert any(re.fullmatch(shape, value) for value in values), shape
    if field not in {"service", "subscriptionModel"}:
        assert all(any(re.fullmatch(shape, value) for shape in shapes) for value in values)


async def test_licenses_repeat_on_each_product(stage: Stage) -> None:
    """The Microsoft licences of a customer stand on each of its products, so that sums are wrong."""
    for row in await stage.rows("/customers/services/batch", pageSize="100"):
        assigned = {product["microsoftLicenseAssigned"] for product in row["products"]} - {"N/A"}
        assert len(assigned) <= 1


async def test_job_rows_have_the_documented_fields(stage: Stage) -> None:
    """A job row has its fifteen fields: three integers, twelve strings."""
    for row in await all_jobs(stage):
        assert list(row) == JOB_FIELDS
        assert all(isinstance(row[field], int) for field in JOB_FIELDS[:3])
        assert all(isinstance(row[field], str) for field in JOB_FIELDS[3:])


async def test_job_rows_tell_the_latest_run(stage: Stage) -> None:
    """A row with an id is the newest run of its job as the world knows it."""
    for customer in stage.world.customers(START):
        path = f"/customers/{customer.id}/avpt-products/jobs/batch"
        rows = await stage.rows(path, pageSize="100")
        runs = [job.latest_run(START) for job in stage.world.jobs(customer)]
        assert [row["jobId"] for row in rows] == [run.id if run else "N/A" for run in runs]
        for row, run in zip(rows, runs, strict=True):
            if run and run.end <= START:
                assert row["totalCount"] == str(run.objects.total)
                assert int(row["failedCount"]) == run.objects.failed


def row_class(row: dict[str, Any]) -> str:
    """Return which class of the reference's table a job row is."""
    match row:
        case {"jobId": "N/A", "totalCount": "N/A", "lastModifyTime": "N/A", "jobModule": 0}:
            return "scan"
        case {"jobId": "N/A", "totalCount": "0", "lastModifyTime": "N/A", "status": 13}:
            return "not started"
        case {"jobId": "N/A", "totalCount": "0", "status": 2 | 12 | 6 as status}:
            return f"placeholder {status}"
        case {"endTime": "N/A", "status": 1}:
            return "running"
        case {"totalCount": "0", "status": status}:
            return f"nothing to do {status}"
        case _:
            return f"real {row['status']}"


async def test_every_class_of_job_row_occurs(stage: Stage) -> None:
    """Scan, not started, placeholder, running, empty and real rows with each outcome occur."""
    seen = {row_class(row) for row in await all_jobs(stage)}
    stage.clock.time += 5 * DAY
    await stage.sign_in()
    seen |= {row_class(row) for row in await all_jobs(stage)}

    assert seen >= {
        "scan", "not started", "placeholder 2", "placeholder 12", "placeholder 6", "running",
        "nothing to do 2", "nothing to do 3", "real 2", "real 3", "real 4",
    }  # fmt: skip


async def test_job_times_and_sizes_have_the_known_forms(stage: Stage) -> None:
    """Durations are "0 S", "38s", "2m33s" or "1h13m30s", sizes "0 GB" or two decimals, times ISO or N/A."""
    rows = await all_jobs(stage)
    durations = {row["jobDuration"] for row in rows}

    assert {"N/A", "0 S"} <= durations
    for shape in (r"\d+s", r"\d+m\d+s", r"\d+h\d+m\d+s"):
        assert any(re.fullmatch(shape, duration) for duration in durations)
    assert all(re.fullmatch(r"0 S|N/A|\d+s|(\d+h)?\d+m\d+s", duration) for duration in durations)
    assert all(re.fullmatch(r"N/A|0 GB|\d+\.\d\d GB", row["backupSize"]) for row in rows)
    assert {"N/A", "0 GB"} < {row["backupSize"] for row in rows}
    for field in ("startTime", "endTime", "lastModifyTime"):
        assert all(row[field] == "N/A" or ISO.fullmatch(row[field]) for row in rows)


async def test_job_ids_embed_the_start(stage: Stage) -> None:
    """The digits of a job id begin with its start in UTC; how many there are depends on the product."""
    lengths = {7: 20, 11: 14, 12: 17, 15: 20, 16: 22}
    products = set()

    for row in await all_jobs(stage):
        if row["jobId"] != "N/A":
            digits = row["jobId"].lstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
            assert digits.startswith(re.sub(r"\D", "", row["startTime"]))
            assert len(digits) == lengths[row["jobType"]]
            products.add(row["jobType"])
    assert products == set(lengths)


async def test_scans_finish_with_and_without_exception(stage: Stage) -> None:
    """Scan rows of both products occur, finished and finished with exception."""
    scans = [row for row in await all_jobs(stage) if row["jobModule"] == 0]

    assert {row["jobType"] for row in scans} == {0, 10}
    assert {row["status"] for row in scans} == {2, 4}


async def test_polling_sees_every_run() -> None:
    """Who asks every half hour sees exactly the runs that the world says have ended."""
    async with staged(token_lifetime=10**7) as stage:
        customers = [each for each in stage.world.customers(START) if each.subscriptions][:6]
        paths = [f"/customers/{each.id}/avpt-products/jobs/batch" for each in customers]
        seen: set[str] = set()
        for _ in range(2 * 48):
            stage.clock.time += 1800
            rows = [row for path in paths for row in await stage.rows(path, pageSize="100")]
            seen |= {f"{row['jobId']} {row['endTime']}" for row in rows if row["endTime"] > "2027-01-01"}

    until = stage.clock.time
    ended = [run for each in customers for _, run in stage.world.runs_ended_between(each, START, until)]
    assert len(ended) > 100
    assert {f"{run.id} {instant(run.end)}" for run in ended} == seen - {row for row in seen if "N/A" in row}


async def test_module_301_and_names(stage: Stage) -> None:
    """Salesforce comes as the undocumented module 301 with a name; Microsoft 365 rows have none."""
    rows = await all_jobs(stage)

    assert {row["jobModule"] for row in rows if row["jobType"] == 15} == {301}
    assert all(row["name"] != "N/A" for row in rows if row["jobType"] in (12, 15, 16))
    assert {row["name"] for row in rows if row["jobType"] in (0, 7, 10, 11)} == {"N/A"}


async def test_rows_go_stale(stage: Stage) -> None:
    """Some finished row is almost two years old, yet was synchronised within the hour."""
    old = [row for row in await all_jobs(stage) if row["startTime"].startswith("2025")]

    assert old
    assert all(row["lastModifyTime"] >= "2026-12-31T23" for row in old)


async def test_job_filters(stage: Stage) -> None:
    """The filters jobType and jobModule choose rows, alone and together."""
    path = f"/customers/{stage.world.customers(START)[0].id}/avpt-products/jobs/batch"

    everything = await stage.rows(path)
    of_type = await stage.rows(path, {"jobType": 7})
    of_both = await stage.rows(path, {"jobType": 7, "jobModule": 303})
    of_module = await stage.rows(path, {"jobModule": 303})

    assert of_type == [row for row in everything if row["jobType"] == 7]
    assert len(of_both) == 1
    assert of_module == of_both


async def test_thirty_four_rows_in_two_pages() -> None:
    """34 rows come as 25 and 9."""
    world = small_world(tenants=1, rows_per_customer=34)
    async with staged(world) as stage:
        path = f"/customers/{world.customers(START)[0].id}/avpt-products/jobs/batch"
        pages = [await stage.rows(path, pageSize="25", pageIndex=page) for page in ("1", "2")]

    assert [len(page) for page in pages] == [25, 9]


async def test_a_customer_without_anything(stage: Stage) -> None:
    """A customer without services has empty lists and no error."""
    customer = next(each for each in stage.world.customers(START) if not each.subscriptions)
    empty = {"data": [], "metadata": {"pageIndex": 1, "pageSize": 50, "totalCount": 0}}

    answers = [
        await stage.post(f"/customers/{customer.id}/avpt-products/jobs/batch"),
        await stage.post(f"/customers/{customer.id}/scan-profiles/batch"),
        await stage.get(f"/partner/external/v3/general/customers/{customer.id}/cloud-backup-m365/overview"),
    ]

    assert [await answer.json() for answer in answers] == [empty, empty, empty]


async def test_overview_has_nine_twelve_or_no_rows(stage: Stage) -> None:
    """Nine rows, twelve with the Power Platform, none without Microsoft 365; some scanned but unprotected."""
    sizes, unprotected = set(), False
    for customer in stage.world.customers(START):
        path = f"/partner/external/v3/general/customers/{customer.id}/cloud-backup-m365/overview"
        rows = (await (await stage.get(path)).json())["data"]
        sizes.add(len(rows))
        unprotected |= any(row["totalScannedObjects"] > 0 == row["totalProtectedObjects"] for row in rows)
        assert all(row["dataSizeStoredInBYOS"] == "N/A" for row in rows)
        assert all(isinstance(row["totalScannedObjects"], int) for row in rows)

    assert sizes == {0, 9, 12}
    assert unprotected


def profiled(world: World) -> tuple[str, str]:
    """Return the ids of a customer and of its first scan profile."""
    customer = next(each for each in world.customers(START) if world.profiles(each))
    return customer.id, world.profiles(customer)[0].id


async def test_scan_profiles_agree(stage: Stage) -> None:
    """List, settings and report of a profile have the same name, mode and time."""
    customer, profile = profiled(stage.world)
    path = f"/partner/external/v3/general/customers/{customer}/scan-profiles/{profile}"

    [row] = await stage.rows(f"/customers/{customer}/scan-profiles/batch", {"scanProfileIds": [profile]})
    details = await (await stage.get(path)).json()
    changes = await (await stage.get(f"{path}/changes")).json()

    for other in (details, changes):
        assert {name: other[name] for name in row} == row
    assert (
        len(changes["removedFromMicrosoft365OrOutOfPolicyObjects"]) == (changes["removedFromMicrosoft365OrOutofPolicy"])
    )
    assert details["enableDailyScan"] == "No" or re.fullmatch(r"\d\d:\d\d", details["enableDailyScan"])
    assert all(isinstance(each["objectType"], int) for each in details["containers"])


async def test_no_such_profile_in_the_filter(stage: Stage) -> None:
    """A filter by an id that no profile has gives no rows."""
    customer, _ = profiled(stage.world)

    assert await stage.rows(f"/customers/{customer}/scan-profiles/batch", {"scanProfileIds": ["x"]}) == []


@pytest.mark.parametrize("rest", ["cloud-backup-m365/overview", "scan-profiles/x", "scan-profiles/x/changes"])
async def test_unknown_customers_are_not_found(stage: Stage, rest: str) -> None:
    """What belongs to nobody is 404."""
    answer = await stage.get(f"/partner/external/v3/general/customers/nobody/{rest}")

    assert answer.status == 404
    assert "message" in await answer.json()


async def test_unknown_profiles_are_not_found(stage: Stage) -> None:
    """A profile that the customer does not have is 404."""
    customer, _ = profiled(stage.world)

    answer = await stage.get(f"/partner/external/v3/general/customers/{customer}/scan-profiles/x")

    assert answer.status == 404


async def test_a_hidden_customer_is_gone_for_all(world: World) -> None:
    """A customer that left the scope is missing from the list, and asking for it is 404."""
    victim = world.customers(START)[0]
    async with staged(world.hide(victim.id, START, START + DAY)) as stage:
        rows = await stage.rows("/customers/batch", pageSize="100")
        answer = await stage.post(f"/customers/{victim.id}/avpt-products/jobs/batch")

    assert victim.id not in {row["id"] for row in rows}
    assert answer.status == 404
