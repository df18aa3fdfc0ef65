"""What else strikes a customer: seats, storage, expiry, coverage, scans, unusual activity."""

from math import inf
from typing import Any

import pytest

from exporter.simulator.incidents import Incident, IncidentKind
from tests.simulator.striking import (
    AFTER,
    BEFORE,
    DAY,
    DURING,
    SINCE,
    UNTIL,
    Wire,
    calm_world,
    incident,
    struck,
    victim,
)

CUSTOMER = victim(calm_world())
FAILED, SUCCESS = 3, 2


async def seats(wire: Wire, now: float) -> tuple[float, float]:
    """Return which part of the seats is used, in Elements and in Cloud Backup."""
    product = await wire.products(now)
    row = (await wire.cloudbackup(now, "cloudbackuplicenseconsumption"))["data"]
    elements = int(product["microsoftLicenseAssigned"]) / int(product["purchasedUserSeats"])
    return elements, row["assignedUserSeats"] / row["purchasedUserSeats"]


async def storage(wire: Wire, now: float) -> tuple[float, float]:
    """Return which part of the capacity is used, in Elements and in Cloud Backup."""
    product = await wire.products(now)
    row = (await wire.cloudbackup(now, "cloudbackuplicenseconsumption"))["data"]
    consumed, capacity = (float(product[name].split()[0]) for name in ("consumedStorage", "purchasedCapacity"))
    return consumed / capacity, row["protectedSize"] / row["purchasedStorageSize"]


@pytest.mark.parametrize(
    ("kind", "share"),
    [("seats_filled", 0.95), ("seats_exceeded", 1.05), ("storage_filled", 0.95), ("storage_exceeded", 1.05)],
)
async def test_filled(kind: IncidentKind, share: float) -> None:
    """So much is used from the beginning to the end of the incident, and neither before nor after."""
    use = seats if kind.startswith("seats") else storage
    async with struck(incident(kind, CUSTOMER)) as wire:
        for now in (SINCE, DURING):
            assert await use(wire, now) == pytest.approx((share, share), abs=0.002)
        for now in (BEFORE, AFTER):
            assert max(await use(wire, now)) <= 0.8


@pytest.mark.parametrize("kind", ["seats_growing", "storage_growing"])
async def test_growing(kind: IncidentKind) -> None:
    """Half is used before; from then on it grows by a line that is full 30 days later."""
    use = seats if kind == "seats_growing" else storage
    async with struck(Incident(kind, SINCE, SINCE + 20 * DAY, CUSTOMER.id)) as wire:
        for days, share in ((-2, 0.5), (0, 0.5), (6, 0.6), (15, 0.75)):
            assert await use(wire, SINCE + days * DAY) == pytest.approx((share, share), abs=0.02)
        assert max(await use(wire, SINCE + 20 * DAY)) <= 0.8


async def test_a_date_of_expiry() -> None:
    """The subscription of Microsoft 365 ends when the incident does, and the date is known from the beginning."""
    async with struck(Incident("subscription_ends", inf, SINCE + 10 * DAY, CUSTOMER.id)) as wire:
        assert {(await wire.products(now))["expirationDate"] for now in (BEFORE, AFTER)} == {"01-14-2027T12:00:00Z"}
        for now, over in ((SINCE, False), (SINCE + 10 * DAY, True)):
            row = (await wire.cloudbackup(now, "cloudbackuplicenseconsumption"))["data"]
            assert bool(row["outOfPolicyTime"]) == over


async def test_out_of_policy() -> None:
    """Cloud Backup says since when more is used than was bought, as long as that is so."""
    async with struck(incident("out_of_policy", CUSTOMER)) as wire:
        rows = [
            (await wire.cloudbackup(now, "cloudbackuplicenseconsumption"))["data"] for now in (BEFORE, DURING, AFTER)
        ]
        assert [each["outOfPolicyTime"] for each in rows] == [0, 621_355_968_000_000_000 + int(SINCE) * 10**7, 0]


@pytest.mark.parametrize(("workload", "fallen"), [("Teams", {"Microsoft Teams"}), ("", None), ("all", set())])
async def test_coverage(workload: str, fallen: set[str] | None) -> None:
    """Half of what was protected is left: of one workload, of all, or of what only Veeam's jobs back up."""
    async with struck(incident("coverage_drops", CUSTOMER, workload)) as wire:
        pages = [(await wire.elements(now, "/cloud-backup-m365/overview"))["data"] for now in (BEFORE, DURING, AFTER)]
        shares = [
            {row["serviceModule"]: row["totalProtectedObjects"] / row["totalScannedObjects"] for row in rows}
            for rows in pages
        ]
        assert {*shares[0].values(), *shares[2].values()} == {1.0}
        low = {name for name, share in shares[1].items() if share < 0.6}
        assert low == (set(shares[1]) if fallen is None else fallen)

        users = [
            len(await wire.veeam(now).rows("/ProtectedUsers", organizationId=CUSTOMER.id)) for now in (BEFORE, DURING)
        ]
        assert users[1] == (users[0] if workload == "Teams" else users[0] // 2)


async def scan(wire: Wire, now: float) -> tuple[dict[str, Any], dict[str, Any]]:
    """Return the settings and the daily report of the customer's first scan profile."""
    profile = wire.stage.world.profiles(CUSTOMER)[0]
    path = f"/scan-profiles/{profile.id}"
    return await wire.elements(now, path), await wire.elements(now, f"{path}/changes")


async def test_a_changed_profile() -> None:
    """The scan mode flips and flips back, and each time the profile says when it was changed."""
    async with struck(incident("profile_changed", CUSTOMER)) as wire:
        before, during, after = [(await scan(wire, now))[0] for now in (BEFORE, DURING, AFTER)]
        assert before["scanMode"] == after["scanMode"] == 1 - during["scanMode"]
        assert (during["modifiedTime"], after["modifiedTime"]) == ("2027-01-04T00:00:00Z", "2027-01-06T00:00:00Z")
        assert before["modifiedTime"] < "2027"


async def test_no_daily_scan() -> None:
    """The daily scan is switched off, and on again; both are changes of the profile."""
    async with struck(incident("daily_scan_off", CUSTOMER)) as wire:
        before, during, after = [(await scan(wire, now))[0] for now in (BEFORE, DURING, AFTER)]
        assert [each["enableDailyScan"] for each in (before, during, after)] == ["02:30", "No", "02:30"]
        assert (during["modifiedTime"], after["modifiedTime"]) == ("2027-01-04T00:00:00Z", "2027-01-06T00:00:00Z")


async def test_failing_scans() -> None:
    """Reports go on to come daily, and those of the interval say that the scan failed."""
    async with struck(incident("scan_fails", CUSTOMER)) as wire:
        reports = [(await scan(wire, SINCE + days * DAY))[1] for days in (0, 1, 2, 3)]
        assert [each["lastScanStatus"] for each in reports] == [SUCCESS, FAILED, FAILED, SUCCESS]
        assert len({each["lastUpdateTime"] for each in reports}) == 4


async def test_scans_that_stop() -> None:
    """The last report before the interval stays the newest, until the first one after it."""
    async with struck(incident("scan_stops", CUSTOMER)) as wire:
        times = [(await scan(wire, now))[1]["lastUpdateTime"] for now in (SINCE, DURING, UNTIL, UNTIL + DAY)]
        assert times[0] == times[1] == times[2] < "2027-01-04"
        assert times[3] > "2027-01-06"


async def test_many_removed() -> None:
    """Each report of the interval tells of 40 % of the objects scanned, and of 200 at least."""
    async with struck(incident("many_removed", CUSTOMER)) as wire:
        scanned = sum(each.scanned for each in wire.stage.world.protection(CUSTOMER, SINCE))
        counts = [
            (await scan(wire, now))[1]["removedFromMicrosoft365OrOutofPolicy"] for now in (SINCE, DURING, UNTIL + DAY)
        ]
        assert counts[1] >= max(200, 0.4 * scanned)
        assert max(counts[0], counts[2]) < 5


@pytest.mark.parametrize(("kind", "attacks"), [("unusual_activity", 0), ("ransomware", 3)])
async def test_unusual_activity(kind: IncidentKind, attacks: int) -> None:
    """One workload shows three each day of the interval, as soon as it has begun."""
    async with struck(incident(kind, CUSTOMER, "OneDrive")) as wire:

        async def found(now: float, start: str, finish: str) -> list[tuple[int, int, int]]:
            body = await wire.cloudbackup(now, "cloudbackupunusualactivitydata", startTime=start, finishTime=finish)
            rows = body["data"]["data"]
            names = ("serviceType", "unusualActivitiesCount", "potentialRansomwareAttackCount")
            return [tuple(row[name] for name in names) for row in rows if row["unusualActivitiesCount"]]

        assert await found(BEFORE, "2026-12-10", "2027-01-10") == []
        assert await found(SINCE, "2026-12-10", "2027-01-10") == [(2, 3, attacks)]
        assert await found(AFTER, "2026-12-10", "2027-01-10") == [(2, 6, 2 * attacks)]
        assert await found(UNTIL + 5 * DAY, "2027-01-06", "2027-01-10") == []


async def test_a_customer_that_leaves() -> None:
    """It is not seen by any vendor in the interval; hiding a customer is the same."""
    async with struck(incident("customer_leaves", CUSTOMER)) as wire:
        for now, seen in ((BEFORE, True), (DURING, False), (AFTER, True)):
            assert (wire.stage.world.find(CUSTOMER.id, now) is not None) == seen
            ids = {each["id"] for each in await wire.veeam(now).rows("/Organizations")}
            assert (CUSTOMER.id in ids) == seen
    assert calm_world().hide(CUSTOMER.id, SINCE, UNTIL).incidents.all == (incident("customer_leaves", CUSTOMER),)
