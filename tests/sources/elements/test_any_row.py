"""Whatever JSON comes as a row, reading it raises nothing and costs no neighbour."""

from collections.abc import Callable, Sequence
from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from exporter.client.fields import objects
from exporter.records import Record
from exporter.sources.elements import profile_wire, subscription_wire, wire
from exporter.sources.elements.source import Choices, ElementsSource
from tests.sources.elements.stage import CONTOSO
from tests.support.anything import anything, rows_of_anything
from tests.support.avepoint import Notes

NAMES = [
    "id", "organization", "ownerEmail", "countryOrRegion", "jobStatus", "jobType", "jobModule", "status", "jobId",
    "name", "totalCount", "failedCount", "successfulCount", "skippedCount", "warningCount", "backupSize", "startTime",
    "endTime", "jobDuration", "lastModifyTime", "customerId", "products", "service", "purchasedUserSeats",
    "microsoftLicenseAssigned", "microsoftLicenseAvailable", "purchasedCapacity", "storage", "retention",
    "consumedStorage", "expirationDate", "change", "package", "paymentType", "subscriptionModel", "serviceModule",
    "totalScannedObjects", "totalProtectedObjects", "dataSizeStoredInAvePoint", "dataSizeStoredInBYOS", "profileId",
    "profileName", "scanMode", "modifiedTime", "enableDailyScan", "containers", "containersName", "objectType",
    "impersonationAccount", "tenantDomain", "scanInplaceArchivedMailboxes", "isIgnoreLockedSiteEnabled",
    "lastScanStatus", "lastUpdateTime", "newRegisteredContent", "newRegistedContentCount", "movedToAnotherContainer",
    "removedFromMicrosoft365OrOutofPolicyObjects",
]  # fmt: skip
FORMS = [
    "N/A",
    "",
    "-",
    "DOR",
    "Not Finished",
    "0 S",
    "0/1 GB",
    "1,024",
    "02:30",
    "No",
    "99-99-9999T12:00:00Z",
    "9" * 5000,
]

values = anything(NAMES, FORMS)
rows = rows_of_anything(NAMES, values)
places = st.integers(0, 4)

GOOD: dict[str, Any] = {
    "customer": {"id": CONTOSO, "organization": "Contoso"},
    "job": {"jobType": 7, "jobModule": 303, "status": 2, "jobId": "good", "startTime": "2026-03-02T20:00:00Z"},
    "services": {"customerId": CONTOSO, "products": [{"service": "good"}]},
    "protection": {"serviceModule": "good"},
    "profile": {"profileId": "good"},
}


def mixed(given_rows: list[Any], place: int, kind: str) -> list[Any]:
    """Return the rows with a good one among them."""
    return [*given_rows[:place], dict(GOOD[kind]), *given_rows[place:]]


def kept(given_rows: list[Any], kind: str, read: Callable[[Any], Record | None]) -> Sequence[Record]:
    """Return what could be read."""
    fields = objects(given_rows, Notes(), kind)
    return [record for record in map(read, fields) if record is not None]


@given(rows, places)
def test_customers(given_rows: list[Any], place: int) -> None:
    """Any row among those of customers leaves the others as they are."""
    records = kept(
        mixed(given_rows, place, "customer"), "customers", lambda row: wire.customer(row, personal_data=True)
    )

    assert any(record.tenant == CONTOSO for record in records)


@given(rows, places)
def test_protection(given_rows: list[Any], place: int) -> None:
    """Any row among those of protection leaves the others as they are."""
    records = kept(mixed(given_rows, place, "protection"), "protection", lambda row: wire.protection(CONTOSO, row))

    assert any(record.workload == "good" for record in records)  # type: ignore[attr-defined]


@given(rows, places)
def test_jobs(given_rows: list[Any], place: int) -> None:
    """Any row among those of jobs leaves the others as they are, and reads the same a second time."""
    source = ElementsSource("any", "v3", _Nobody(), Choices(), (), Notes())
    page = mixed(given_rows, place, "job")

    first, second = [
        [row for row in source._read_jobs(CONTOSO, page) if row is not None]  # noqa: SLF001 - no vendor is needed for it
        for _ in range(2)
    ]

    assert first == second
    assert any(row.run is not None and row.run.run_id == "good" for row in first)
    assert any(isinstance(record, Record) for record in wire.latest(first))


@given(rows, places)
def test_services(given_rows: list[Any], place: int) -> None:
    """Any row among those of services leaves the others as they are."""
    notes, subscriptions, licensed = Notes(), [], []
    for row in objects(mixed(given_rows, place, "services"), notes, "services"):
        customer = subscription_wire.customer(row) or "nobody"
        read = [subscription_wire.product(customer, each) for each in subscription_wire.products(row, notes)]
        readable = [product for product in read if product is not None]
        subscriptions += subscription_wire.merged([each.subscription for each in readable])
        licensed.append(subscription_wire.microsoft_licenses(customer, readable))

    subscriptions = subscription_wire.merged(subscriptions)

    assert any(each.subscription == "good" for each in subscriptions)


@given(rows, places, values, values)
def test_profiles(given_rows: list[Any], place: int, details: Any, report: Any) -> None:
    """Any row among those of profiles, any details and any report leave the other profiles as they are."""
    notes = Notes()
    listed = kept_profiles(mixed(given_rows, place, "profile"), notes)
    read_details = [profile_wire.details(each, notes) for each in objects([details, *given_rows], notes, "details")]
    reports = [profile_wire.daily_report(each) for each in objects([report, *given_rows], notes, "report")]
    changed = [profile_wire.changed_objects(each) for each in objects([report], notes, "report")]

    profiles = [
        profile_wire.scan_profile(CONTOSO, each, known, made)
        for each in listed
        for known in (None, *read_details)
        for made in (None, *reports)
    ]

    assert any(profile.profile == "good" for profile in profiles)
    assert all(isinstance(each, list) for found in changed for each in found.values())


def kept_profiles(given_rows: list[Any], notes: Notes) -> list[profile_wire.ListedProfile]:
    """Return the rows of the list that could be read."""
    read = [profile_wire.listed(row) for row in objects(given_rows, notes, "scan_profiles")]
    return [row for row in read if row is not None]


class _Nobody:
    """A vendor who is not asked anything."""

    def __getattr__(self, name: str) -> Any:
        raise AssertionError(name)
