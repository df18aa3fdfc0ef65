"""Customers, what they bought and what is protected: the rules behind the rows."""

from collections import Counter
from typing import Any

import pytest
from structlog.testing import capture_logs

from exporter.errors import (
    NotApplicable,
    NotFound,
    PermissionMissing,
    RequestRefused,
    ServerFailed,
    SourceError,
)
from exporter.records import MicrosoftLicenses, Protection, Subscription, Tenant
from exporter.source import Source
from tests.sources.elements.stage import CONTOSO, FABRIKAM, Stage, recorded
from tests.support.sources import NOTHING

BACKUP = "Cloud Backup for Microsoft 365 - Microsoft 365 services"
OTHER_BACKUP = "Cloud Backup for Dynamics 365"
PER_CUSTOMER = ("jobs", "protection", "scan_profiles")


async def bought(stage: Stage, api: str, *names: str) -> Source:
    """Return a source that knows what Contoso bought."""
    stage.services(api, *names)
    source = stage.source(api)
    await source.collect("subscriptions", "", NOTHING)
    return source


async def products(stage: Stage, api: str, *rows: Any) -> list[Any]:
    """Return the records of the products that Contoso bought."""
    stage.rows(api, "services", {"customerId": CONTOSO, "products": list(rows)})
    return list(await stage.source(api).collect("subscriptions", "", NOTHING))


async def test_owner_is_hidden(stage: Stage, api: str) -> None:
    """No record and no event holds the owner's address unless personal data is asked for."""
    for endpoint in ("customers", "services", "protection"):
        stage.answer(api, endpoint, recorded(f"{api}/{endpoint}.json"))
    source = stage.source(api)

    with capture_logs() as events:
        records = [
            *await source.collect("tenants", "", NOTHING),
            *await source.collect("subscriptions", "", NOTHING),
            *await source.collect("protection", CONTOSO, NOTHING),
        ]

    assert len(records) > 10
    assert "@" not in f"{records}{events}"


async def test_owner_if_asked(stage: Stage, api: str) -> None:
    """With personal_data the owner's address is on the tenant, and nowhere else."""
    for endpoint in ("customers", "services", "protection"):
        stage.answer(api, endpoint, recorded(f"{api}/{endpoint}.json"))
    source = stage.source(api, personal_data=True)

    tenants = await source.collect("tenants", "", NOTHING)
    others = [
        *await source.collect("subscriptions", "", NOTHING),
        *await source.collect("protection", CONTOSO, NOTHING),
    ]

    owners = [tenant.owner_email for tenant in tenants if isinstance(tenant, Tenant)]
    assert owners == ["owner@contoso.example", "it@fabrikam.example", "boss@tailspin.example", None]
    assert "@" not in str(others)


@pytest.mark.parametrize("collector", ["jobs", "protection"])
async def test_nothing_bought(stage: Stage, api: str, collector: str) -> None:
    """A customer known to have bought nothing of the kind is not asked."""
    source = await bought(stage, api, "tyGraph")
    before = len(stage.asked())

    with pytest.raises(NotApplicable) as absence:
        await source.collect(collector, CONTOSO, NOTHING)

    assert not absence.value.asked
    assert len(stage.asked()) == before


async def test_nothing_at_all(stage: Stage, api: str) -> None:
    """A customer in the list without any product is known to have none."""
    source = await bought(stage, api)

    with pytest.raises(NotApplicable):
        await source.collect("jobs", CONTOSO, NOTHING)


async def test_another_backup(stage: Stage, api: str) -> None:
    """A customer with another backup service has jobs, but no protected objects to be asked for."""
    source = await bought(stage, api, OTHER_BACKUP)
    stage.rows(api, "jobs")

    assert await source.collect("jobs", CONTOSO, NOTHING) == []
    with pytest.raises(NotApplicable) as absence:
        await source.collect("protection", CONTOSO, NOTHING)
    assert not absence.value.asked


@pytest.mark.parametrize("name", [BACKUP, "Cloud Backup Express", "CLOUD BACKUP FOR MICROSOFT 365 - Power Platform"])
async def test_microsoft_365_bought(stage: Stage, api: str, name: str) -> None:
    """Each service of Cloud Backup for Microsoft 365 has protected objects."""
    source = await bought(stage, api, name)
    stage.rows(api, "protection", {"serviceModule": "Exchange Online", "totalScannedObjects": 1})

    records = await source.collect("protection", CONTOSO, NOTHING)

    assert [record.workload for record in records if isinstance(record, Protection)] == ["Exchange Online"]


@pytest.mark.parametrize("collector", PER_CUSTOMER)
async def test_customers_of_whom_nothing_is_known_are_asked(stage: Stage, api: str, collector: str) -> None:
    """A customer that the list of services does not name may have any: it is asked."""
    stage.rows(api, "services", {"customerId": FABRIKAM, "products": []})
    stage.rows(api, collector)
    source = stage.source(api)
    await source.collect("subscriptions", "", NOTHING)

    assert await source.collect(collector, CONTOSO, NOTHING) == []


@pytest.mark.parametrize("unreadable", ["text", {"service": True}, {"service": ["x"]}, {}])
@pytest.mark.parametrize("collector", PER_CUSTOMER)
async def test_unreadable_products_prove_nothing(stage: Stage, api: str, collector: str, unreadable: Any) -> None:
    """A product whose name cannot be read might be the backup: the customer is asked."""
    stage.rows(api, "services", {"customerId": CONTOSO, "products": [{"service": "tyGraph"}, unreadable]})
    stage.rows(api, collector)
    source = stage.source(api)

    await source.collect("subscriptions", "", NOTHING)

    assert await source.collect(collector, CONTOSO, NOTHING) == []
    assert stage.notes.failed == {"service": 1}


@pytest.mark.parametrize("status", [404, 400])
@pytest.mark.parametrize("collector", PER_CUSTOMER)
async def test_refused_and_not_known_to_be_bought(stage: Stage, api: str, collector: str, status: int) -> None:
    """A 404 or 400 about a customer of whom nothing is known means that it has no such service."""
    stage.answer(api, collector, status=status)

    with pytest.raises(NotApplicable) as absence:
        await stage.source(api).collect(collector, CONTOSO, NOTHING)

    assert absence.value.asked


@pytest.mark.parametrize(("status", "error"), [(404, NotFound), (400, RequestRefused)])
@pytest.mark.parametrize("collector", PER_CUSTOMER)
async def test_refused_although_bought(
    stage: Stage, api: str, collector: str, status: int, error: type[SourceError]
) -> None:
    """A 404 or 400 about a customer that bought the service is a fault, such as a missing scope."""
    source = await bought(stage, api, BACKUP)
    stage.answer(api, collector, status=status)

    with pytest.raises(error):
        await source.collect(collector, CONTOSO, NOTHING)


@pytest.mark.parametrize("collector", ["tenants", "subscriptions", *PER_CUSTOMER])
async def test_permission_of_one_endpoint(stage: Stage, api: str, collector: str) -> None:
    """A 403 is a missing permission of that collector, whatever is known of the customer."""
    endpoint = {"tenants": "customers", "subscriptions": "services"}.get(collector, collector)
    stage.answer(api, endpoint, status=403)

    with pytest.raises(PermissionMissing):
        await stage.source(api).collect(collector, CONTOSO, NOTHING)


async def test_a_broken_server(stage: Stage, api: str) -> None:
    """What the client could not get passes through as it is."""
    stage.answer(api, "customers", status=500, repeat=True)

    with pytest.raises(ServerFailed):
        await stage.source(api).collect("tenants", "", NOTHING)


async def test_licenses_once_a_tenant(stage: Stage, api: str) -> None:
    """The licences at Microsoft, which every product repeats, are told once, and summed by nobody."""
    row = {"service": BACKUP, "microsoftLicenseAssigned": "41", "microsoftLicenseAvailable": "60"}

    records = await products(stage, api, row, {**row, "service": OTHER_BACKUP})

    licenses = [record for record in records if isinstance(record, MicrosoftLicenses)]
    assert licenses == [MicrosoftLicenses(tenant=CONTOSO, assigned=41, available=60)]


@pytest.mark.parametrize(
    ("assigned", "available", "expected"),
    [("41", "N/A", (41, None)), ("N/A", "60", (None, 60)), ("N/A", "N/A", None)],
)
async def test_licenses_in_part(
    stage: Stage, api: str, assigned: str, available: str, expected: tuple[int | None, int | None] | None
) -> None:
    """Either number may be missing; without both there is nothing to tell."""
    row = {"service": BACKUP, "microsoftLicenseAssigned": assigned, "microsoftLicenseAvailable": available}

    records = await products(stage, api, row)

    licenses = [(each.assigned, each.available) for each in records if isinstance(each, MicrosoftLicenses)]
    assert licenses == ([expected] if expected else [])


@pytest.mark.parametrize(("seats", "used"), [("250", 41), ("0", 41), ("N/A", None), ("-1", None)])
async def test_seats_used_needs_seats(stage: Stage, api: str, seats: str, used: int | None) -> None:
    """Licences stand in for seats in use only where seats were bought."""
    row = {"service": BACKUP, "purchasedUserSeats": seats, "microsoftLicenseAssigned": "41"}

    [subscription, _] = await products(stage, api, row)

    assert subscription.seats_used == used


@pytest.mark.parametrize(
    ("raw", "expected"),
    [("N/A", None), ("5", 5), ("+5", 5), ("-5", -5), (5, 5), ("0", 0), (-5, -5)],
)
async def test_change_of_seats(stage: Stage, api: str, raw: Any, expected: int | None) -> None:
    """The change of seats may be negative, unlike every other count."""
    [subscription] = await products(stage, api, {"service": BACKUP, "change": raw})

    assert subscription.seats_change == expected


@pytest.mark.parametrize(
    "raw",
    ["03-14-2027T12:00:00Z", "2027-03-14T00:00:00Z", "2027-03-14T23:59:59Z", "2027-03-14", "2027/03/14", "03/14/2027"],
)
async def test_expiry_is_a_date(stage: Stage, api: str, raw: str) -> None:
    """Only the date of an expiry counts, whatever its form: the hour is a slip of the vendor's."""
    [subscription] = await products(stage, api, {"service": BACKUP, "expirationDate": raw})

    assert subscription.expires_at == 1_804_982_400


async def test_duplicates_of_a_service(stage: Stage, api: str) -> None:
    """What was bought of a service twice becomes one: amounts summed, words listed, the earliest end."""
    one = {
        "service": BACKUP,
        "subscriptionModel": "Standard",
        "storage": "AvePoint storage",
        "purchasedUserSeats": "10",
        "purchasedCapacity": "1 GB",
        "expirationDate": "2027-03-14",
    }
    other = {"service": BACKUP, "subscriptionModel": "New", "purchasedUserSeats": "5", "expirationDate": "2027-01-01"}

    records = await products(
        stage, api, {"service": BACKUP, "storage": "AvePoint storage", "microsoftLicenseAssigned": "3"}, one, other
    )

    assert [record for record in records if isinstance(record, Subscription)] == [
        Subscription(
            tenant=CONTOSO,
            subscription=BACKUP,
            model="Standard, New",
            storage="AvePoint storage",
            seats_purchased=15,
            capacity_purchased_bytes=2**30,
            expires_at=1_798_761_600,
        )
    ]


async def test_flat_rows_of_one_customer(stage: Stage) -> None:
    """v1's flat rows, one a product, belong together by their customer."""
    rows = [{"CustomerId": CONTOSO, "Service": name} for name in (BACKUP, OTHER_BACKUP)]
    stage.rows("v1", "services", *rows, {"CustomerId": CONTOSO})

    records = await stage.source("v1").collect("subscriptions", "", NOTHING)

    assert [each.subscription for each in records if isinstance(each, Subscription)] == [BACKUP, OTHER_BACKUP]


async def test_one_product_without_a_list(stage: Stage) -> None:
    """A single nested product is read even if it is not in a list."""
    stage.rows("v1", "services", {"CustomerId": CONTOSO, "Products": {"Service": BACKUP}})

    [subscription] = await stage.source("v1").collect("subscriptions", "", NOTHING)

    assert isinstance(subscription, Subscription)


async def test_a_word_twice_unreadable_is_one_fault(stage: Stage, api: str) -> None:
    """A bad value is counted once, however many facts it is part of."""
    await products(stage, api, {"service": BACKUP, "purchasedUserSeats": "1", "microsoftLicenseAssigned": "1,000"})

    assert stage.notes.failed == Counter(microsoftLicenseAssigned=1)
