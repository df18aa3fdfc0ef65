"""What strikes a server of Veeam, and whole APIs."""

from collections import Counter
from math import inf

import pytest

from exporter.simulator.incidents import KINDS, OF_APIS, OF_CUSTOMERS, VENDORS, Incident, IncidentKind, Vendor
from exporter.simulator.veeam.manners import VeeamManners
from tests.simulator.stage import V3
from tests.simulator.striking import (
    AFTER,
    BEFORE,
    DAY,
    DURING,
    SINCE,
    UNTIL,
    Row,
    Wire,
    calm_world,
    incident,
    struck,
    victim,
)
from tests.simulator.veeam.callers import seconds

CUSTOMER = victim(calm_world())
FIRST, UNLIMITED, LIMITED = "Default Backup Repository", "Azure shared", "S3 shared"
TIMES = (BEFORE, DURING, AFTER)


async def repository(wire: Wire, now: float, name: str) -> Row:
    """Return the row of a repository."""
    rows = await wire.veeam(now).rows("/BackupRepositories")
    return next(each for each in rows if each["name"] == name)


async def free(wire: Wire, now: float, name: str) -> float | None:
    """Return which part of a repository is free; None if it has no limit."""
    row = await repository(wire, now, name)
    storage = row["objectStorage"]
    if storage is None:
        return float(row["freeSpaceBytes"] / row["capacityBytes"])
    limit = storage["sizeLimitGB"]
    return None if limit is None else float(storage["freeSpaceBytes"] / (limit * 2**30))


@pytest.mark.parametrize("name", ["", FIRST, UNLIMITED, LIMITED])
@pytest.mark.parametrize(("kind", "part"), [("repository_full", 0.02), ("repository_filled", 0.08)])
async def test_full_repositories(kind: IncidentKind, part: float, name: str) -> None:
    """Little is free in the interval; a repository without a limit has one in such a world."""
    async with struck(incident(kind, workload=name)) as wire:
        before, during, after = [await free(wire, now, name or FIRST) for now in TIMES]
        assert during == pytest.approx(part, abs=0.001)
        assert (before or 0) > 0.4
        assert (after or 0) > 0.4
        assert await free(wire, DURING, "Disk-02") != pytest.approx(part, abs=0.01)


async def test_a_growing_repository() -> None:
    """Half is free before; from then on it fills by a line and is full ten days later."""
    async with struck(Incident("repository_growing", SINCE, SINCE + 12 * DAY)) as wire:
        parts = [await free(wire, SINCE + days * DAY, FIRST) for days in (-1, 0, 4, 9, 11)]
        assert parts == pytest.approx([0.5, 0.5, 0.3, 0.05, 0.0], abs=0.001)
        assert (await free(wire, SINCE + 12 * DAY, FIRST) or 0) > 0.4


@pytest.mark.parametrize(
    ("kind", "field"),
    [
        ("repository_out_of_order", "isOutOfOrder"),
        ("repository_out_of_sync", "isOutOfSync"),
        ("repository_outdated", "isOutdated"),
    ],
)
@pytest.mark.parametrize("name", ["", "Glacier"])
async def test_states_of_repositories(kind: IncidentKind, field: str, name: str) -> None:
    """The repository that is meant says so in the interval, and no other does."""
    async with struck(incident(kind, workload=name)) as wire:
        for now, expected in zip(TIMES, (set(), {name or FIRST}, set()), strict=True):
            rows = await wire.veeam(now).rows("/BackupRepositories")
            assert {each["name"] for each in rows if each[field]} == expected
            one = await repository(wire, now, name or FIRST)
            assert (await wire.veeam(now).read(f"/BackupRepositories/{one['id']}"))[field] == bool(expected)


@pytest.mark.parametrize("name", ["", "vb365-proxy1"])
async def test_an_offline_proxy(name: str) -> None:
    """The proxy does not answer in the interval, and what it serves is not available."""
    async with struck(incident("proxy_offline", workload=name)) as wire:
        for now, expected in zip(TIMES, (set(), {name or "vb365"}, set()), strict=True):
            rows = await wire.veeam(now).rows("/Proxies")
            assert {each["hostName"] for each in rows if each["status"] == "Offline"} == expected
            served = {each["id"] for each in rows if each["status"] == "Offline"}
            for customer in wire.stage.world.customers(now):
                repositories = {each["id"]: each for each in await wire.veeam(now).rows("/BackupRepositories")}
                for used in await wire.veeam(now).rows(f"/Organizations/{customer.id}/usedRepositories"):
                    assert used["isAvailable"] == (repositories[used["repositoryId"]]["proxyId"] not in served)


async def test_an_unhealthy_server() -> None:
    """Health says so in the interval, and never else, whatever the manners are."""
    async with struck(incident("server_unhealthy"), veeam=VeeamManners(unhealthy=1.0)) as wire:
        words = [(await wire.veeam(now).read("/Health"))["status"] for now in TIMES]
        assert words == ["Healthy", "Unhealthy", "Healthy"]


async def test_a_licence_that_ends() -> None:
    """The licence expires when the incident ends, and the grace of its type begins then."""
    async with struck(Incident("license_ends", inf, SINCE + 10 * DAY)) as wire:
        rows = [await wire.veeam(now).read("/License") for now in (BEFORE, SINCE + 10 * DAY)]
        assert [each["status"] for each in rows] == ["Valid", "Expired"]
        assert {seconds(each["licenseExpires"]) for each in rows} == {SINCE + 10 * DAY}
        assert {seconds(each["gracePeriodExpires"]) for each in rows} == {SINCE + 71 * DAY}


@pytest.mark.parametrize(
    ("kind", "least", "most", "state"),
    [("license_overused", 1.0, 1.1, "TemporarilyAssigned"), ("license_exceeded", 1.1, 2.0, "Exceeded")],
)
async def test_a_licence_too_small(kind: IncidentKind, least: float, most: float, state: str) -> None:
    """There are more users than licences in the interval, and the users without one say so."""
    async with struck(incident(kind)) as wire:
        rows = [await wire.veeam(now).read("/License") for now in TIMES]
        shares = [each["usedNumber"] / each["totalNumber"] for each in rows]
        assert max(shares[0], shares[2]) < 0.7
        assert least < shares[1] < most
        users = [{each["licenseState"] for each in await wire.veeam(now).rows("/LicensedUsers")} for now in TIMES]
        assert [state in states for states in users] == [False, True, False]


async def test_synchronisation_that_fails() -> None:
    """Every synchronisation of this organization ends in an error in the interval, none of another one does."""
    async with struck(incident("sync_stops", CUSTOMER)) as wire:
        for now, expected in ((BEFORE, set()), (DURING, {CUSTOMER.id}), (AFTER + DAY, set())):
            rows = await wire.veeam(now).rows("/Organizations/SyncState")
            assert {each["organizationId"] for each in rows if each["lastSyncState"]["result"] != "Success"} == expected


async def answers(wire: Wire, now: float, vendor: Vendor, *, jobs: bool = True) -> tuple[int, str | None]:
    """Return the status and Retry-After of a question to a vendor."""
    wire.at(now, vendor)
    if vendor == "elements":
        path = f"/customers/{CUSTOMER.id}/avpt-products/jobs/batch" if jobs else "/customers/batch"
        answer = await wire.stage.post(path)
    elif vendor == "cloudbackup":
        answer = await wire.stage.get(f"/backup/m365/{'cloudbackupjobs' if jobs else 'licenseconsumption'}")
    else:
        answer = await wire.stage.get(f"/v8/{'Jobs' if jobs else 'License'}")
    return answer.status, answer.headers.get("Retry-After")


async def token(wire: Wire, vendor: Vendor) -> int:
    """Return the status of a request for a token."""
    if vendor == "veeam":
        return (await wire.veeam(wire.stage.clock.time).token()).status
    scope = "microsoft365backup.jobInfo.read.all" if vendor == "cloudbackup" else "elements.jobs.read.all"
    return (await wire.stage.token(scope=scope)).status


API_CASES = [
    ("api_down", (503, 503, 503)),
    ("credentials_refused", (401, 401, 400)),
    ("permission_missing", (403, 200, 200)),
]


@pytest.mark.parametrize("vendor", VENDORS)
@pytest.mark.parametrize(("kind", "expected"), API_CASES)
async def test_refusals(kind: IncidentKind, vendor: Vendor, expected: tuple[int, int, int]) -> None:
    """In the interval the vendor refuses questions about jobs, others and tokens as the kind says; others do not."""
    async with struck(incident(kind, workload=vendor)) as wire:
        for now in TIMES:
            for each in VENDORS:
                found = (
                    (await answers(wire, now, each))[0],
                    (await answers(wire, now, each, jobs=False))[0],
                    await token(wire, each),
                )
                assert found == (expected if (now, each) == (DURING, vendor) else (200, 200, 200))


@pytest.mark.parametrize("vendor", VENDORS)
async def test_throttling(vendor: Vendor) -> None:
    """Nine of ten questions are to be asked again after half a minute."""
    async with struck(incident("throttled", workload=vendor)) as wire:
        found = Counter([await answers(wire, DURING, vendor) for _ in range(60)])
        assert set(found) == {(429, "30"), (200, None)}
        assert 45 <= found[429, "30"] <= 59
        assert await answers(wire, AFTER, vendor) == (200, None)
        assert await token(wire, vendor) == 200


async def test_one_customer_fails() -> None:
    """Elements fails with questions about the jobs of this customer, in both generations, and no other ones."""
    async with struck(incident("tenant_fails", CUSTOMER)) as wire:
        other = wire.stage.world.customers(DURING)[0]
        wire.at(DURING, "elements")
        found = {
            (each.id, path): (await (wire.stage.post(path) if "batch" in path else wire.stage.get(path))).status
            for each in (CUSTOMER, other)
            for path in (
                f"/customers/{each.id}/avpt-products/jobs/batch",
                f"/partner/customers/{each.id}/jobs",
                f"{V3}/customers/{each.id}/cloud-backup-m365/overview",
            )
        }
        failed = {path for (_, path), status in found.items() if status == 500}
        assert failed == {path for (owner, path) in found if owner == CUSTOMER.id and "jobs" in path}
        assert (await answers(wire, AFTER, "elements"))[0] == 200


@pytest.mark.parametrize(
    ("arguments", "fault"),
    [
        (("backup_fails", 0.0), "backup_fails needs a customer"),
        (("server_unhealthy", 0.0, 1.0, "x"), "server_unhealthy is about no customer"),
        (("api_down", 0.0), "api_down needs a vendor as its workload: elements, cloudbackup, veeam"),
        (("subscription_ends", 0.0, inf, "x"), "subscription_ends needs an end: it is the date"),
    ],
)
def test_incidents_that_cannot_be(arguments: tuple[IncidentKind, float], fault: str) -> None:
    """An incident that nothing could show is refused."""
    with pytest.raises(ValueError, match=f"^{fault}$"):
        Incident(*arguments)


def test_kinds() -> None:
    """Each kind is named once, and is about a customer, a server or an API."""
    assert len(KINDS) == len(set(KINDS)) == 39
    assert not OF_CUSTOMERS & OF_APIS
    assert UNTIL > SINCE
