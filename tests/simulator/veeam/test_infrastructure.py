from collections import Counter

import pytest

from exporter.simulator.veeam.manners import LicenseType, LicenseUse, VeeamManners
from tests.simulator.stage import START
from tests.simulator.veeam.callers import DAY, NOW, Caller, Row, calling, linked, organizations, seconds
from tests.simulator.veeam.fields import ENUMS

ALLOWED = 0.2
"""The part of a rental licence that may be used beyond it."""


async def test_organizations_are_the_world(caller: Caller) -> None:
    """The organizations are the customers with Microsoft 365, under their ids; some were never backed up."""
    rows = await caller.rows("/Organizations", extendedView="true")

    assert [row["id"] for row in rows] == [each.id for each in organizations(caller.world)]
    assert {row["name"].partition(".")[2] for row in rows} == {"onmicrosoft.example"}
    assert {row["type"] for row in rows} == {"Office365", "Hybrid"}
    assert {row["isBackedup"] for row in rows} == {True, False}
    assert all((row["lastBackuptime"] is None) is (not row["isBackedup"]) for row in rows)
    plain = await caller.rows("/Organizations")
    assert "isBackedup" not in plain[0]


async def test_one_organization_can_be_looked_for(caller: Caller) -> None:
    """The filters of v8 find an organization by its other ids."""
    wanted = next(row for row in await caller.rows("/Organizations", extendedView="true") if row["isBackedup"])

    for name in ("msid", "backedUpOrganizationId"):
        found = await caller.rows("/Organizations", **{name: wanted[name]})
        assert [row["id"] for row in found] == [wanted["id"]]
    users = await caller.walk("/LicensedUsers", 10_000, backedUpOrganizationId=wanted["backedUpOrganizationId"])
    assert {row["organizationId"] for row in users} == {wanted["id"]}


async def test_extended_view_defaults() -> None:
    """Without being asked only v6 shows the extended view."""
    async with calling() as caller:
        for version, shown in (("v6", True), ("v7", False), ("v8", False)):
            await caller.sign_in(version)  # type: ignore[arg-type] # each of them
            assert ("isBackedup" in (await caller.rows("/Organizations"))[0]) is shown


async def test_hidden_organizations(caller: Caller) -> None:
    """An organization that is not seen has neither jobs nor sessions."""
    gone = organizations(caller.world)[1].id
    async with calling(caller.world.hide(gone, START, NOW + DAY)) as other:
        assert gone not in {row["id"] for row in await other.rows("/Organizations")}
        assert gone not in {row["organizationId"] for row in await other.rows("/Jobs")}
        assert (await other.get(f"/Organizations/{gone}")).status == 404
        job = next(row["id"] for row in await caller.rows("/Jobs") if row["organizationId"] == gone)
        assert await other.rows("/JobSessions", jobId=job) == []


@pytest.mark.parametrize("type_", ["Subscription", "Evaluation", "NFR", "Rental", "Community", "AwsPrivateOffer"])
async def test_license_types(type_: LicenseType) -> None:
    """Each type of licence can be had; only rental counts new users, and a community licence never expires."""
    async with calling(manners=VeeamManners(license_type=type_)) as caller:
        row = await caller.read("/License")

    assert row["type"] == type_
    assert (row["newNumber"] > 0) is (type_ == "Rental")
    assert (row["licenseExpires"] is None) is (type_ == "Community")


@pytest.mark.parametrize(("use", "low", "high"), [("within", 0.0, 1.0), ("over", 1.0, 1.2), ("beyond", 1.2, 9.9)])
async def test_license_use(use: LicenseUse, low: float, high: float) -> None:
    """Users are within the licence, within the tolerated excess, or beyond."""
    async with calling(manners=VeeamManners(license_use=use)) as caller:
        row = await caller.read("/License")
        states = Counter(each["licenseState"] for each in await caller.walk("/LicensedUsers", 10_000))

    assert low < row["usedNumber"] / row["totalNumber"] <= high
    assert states["New"] == row["newNumber"]
    assert (states["TemporarilyAssigned"] > 0, states["Exceeded"] > 0) == (use == "over", use == "beyond")


async def test_license_dates() -> None:
    """A licence can be expired with grace left, or have no dates; v6 names them otherwise."""
    async with calling(manners=VeeamManners(license_days=-2.0)) as caller:
        row = await caller.read("/License")
        await caller.sign_in("v6")
        old = await caller.read("/License")
    async with calling(manners=VeeamManners(license_days=None)) as caller:
        dateless = await caller.read("/License")

    assert row["status"] == "Expired"
    assert seconds(row["licenseExpires"]) < NOW < seconds(row["gracePeriodExpires"])
    assert old["expirationDate"] == row["licenseExpires"]
    assert "licenseExpires" not in old
    assert (dateless["licenseExpires"], dateless["status"]) == (None, "Valid")


async def test_usage_adds_up(caller: Caller) -> None:
    """The users of all organizations are those of the server, however they are asked for."""
    license_ = await caller.read("/License")
    rows = (await caller.read("/licensing/statistic/usage"))["platformTypes"][0]["organizations"]
    asked = [await caller.read(f"/Organizations/{row['organizationId']}/LicensingInformation") for row in rows]
    users = Counter(row["organizationId"] for row in await caller.walk("/LicensedUsers", 10_000))

    assert sum(row["usedObjectsCount"] for row in rows) == license_["usedNumber"] == users.total()
    assert sum(row["newObjectsCount"] for row in rows) == license_["newNumber"]
    assert [(row["usedObjectsCount"], row["newObjectsCount"]) for row in rows] == [
        (each["licensedUsers"], each["newUsers"]) for each in asked
    ]
    assert {row["organizationId"]: row["usedObjectsCount"] for row in rows if row["usedObjectsCount"]} == users


async def test_repositories(caller: Caller) -> None:
    """There are disks and object storage of every kind, in good order and not."""
    rows = await caller.rows("/BackupRepositories")
    stores = [row["objectStorage"] for row in rows if row["objectStorage"]]

    assert rows[0]["name"] == "Default Backup Repository"
    assert {store["type"] for store in stores} == set(ENUMS["ObjectStorageType"].split())
    for name in ("isOutOfSync", "isOutdated", "isOutOfOrder", "isMigrationLocked", "isLongTerm"):
        assert {row[name] for row in rows} == {True, False}
    assert {store["sizeLimitEnabled"] for store in stores} == {True, False}
    assert {store["immutabilityPeriodDays"] for store in stores} >= {None, 0, 30}
    assert any(row["organizationId"] for row in rows)
    assert all((row["capacityBytes"] is None) is bool(row["objectStorage"]) for row in rows)


async def test_repository_filters(caller: Caller) -> None:
    """Repositories can be had by owner, proxy, pool, or only archives."""
    rows = await caller.rows("/BackupRepositories")
    for name in ("organizationId", "proxyId", "proxyPoolId"):
        value = next(row[name] for row in rows if row[name])
        found = await caller.rows("/BackupRepositories", **{name: value})
        assert [row["id"] for row in found] == [row["id"] for row in rows if row[name] == value]
    archives = await caller.rows("/BackupRepositories", longTerm="true")
    assert {row["isLongTerm"] for row in archives} == {True}


async def test_old_object_storage() -> None:
    """The older versions list object storage apart; v6 does not know the newest kinds."""
    async with calling(version="v7") as caller:
        stores = {row["id"]: row for row in await caller.rows("/objectstoragerepositories")}
        used = [row["objectStorageId"] for row in await caller.rows("/BackupRepositories") if row["objectStorageId"]]
        await caller.sign_in("v6")
        old = {row["type"] for row in await caller.rows("/objectstoragerepositories")}

    assert sorted(used) == sorted(stores)
    assert {"WasabiCloud", "IBMCloud"} <= {row["type"] for row in stores.values()}
    assert not {"WasabiCloud", "IBMCloud"} & old


async def test_space_adds_up(caller: Caller) -> None:
    """What the organizations have in a repository is what is used of it, and what they are told themselves."""
    told: dict[str, list[Row]] = {}
    for customer in organizations(caller.world):
        for row in await caller.rows(f"/Organizations/{customer.id}/usedRepositories"):
            assert row["repositoryId"] == linked(row, "backupRepository")
            told.setdefault(row["repositoryId"], []).append(row)

    assert {row["isAvailable"] for rows in told.values() for row in rows} == {True, False}
    for repository in await caller.rows("/BackupRepositories"):
        kept = await caller.rows(f"/BackupRepositories/{repository['id']}/backedupOrganizations")
        rows = told.get(repository["id"], [])
        assert len(kept) == len(rows)
        used = sum(row["objectStorageUsedSpaceBytes"] or row["usedSpaceBytes"] for row in kept)
        if repository["objectStorage"]:
            assert repository["objectStorage"]["usedSpaceBytes"] == used
        else:
            assert repository["capacityBytes"] - repository["freeSpaceBytes"] == used
        if all(row["isAvailable"] for row in rows):
            assert sum(row["objectStorageUsedSpaceBytes"] or row["usedSpaceBytes"] for row in rows) == used


async def test_proxies(caller: Caller) -> None:
    """One proxy is offline and tells no load, one is in maintenance; each pool of a proxy exists."""
    rows = await caller.rows("/Proxies")
    pools = {row["id"] for row in await caller.rows("/ProxyPools")}
    offline = [row for row in rows if row["status"] == "Offline"]

    assert [(row["cpuUsagePercent"], row["memoryUsagePercent"]) for row in offline] == [(None, None)]
    assert Counter(row["maintenanceModeState"] for row in rows)["Enabled"] == 1
    assert {row["proxyPoolId"] for row in rows} == {*pools, None}
    assert all(0 <= row["cpuUsagePercent"] <= 100 for row in rows if row not in offline)


async def test_health() -> None:
    """The message server is unhealthy now and then; the report can come with 503."""
    async with calling() as caller:
        found = set()
        for _ in range(100):
            caller.stage.clock.time += 3600
            found.add((await caller.read("/Health"))["entries"]["nats"]["status"])
    async with calling(manners=VeeamManners(unhealthy=1.0, unhealthy_status=503)) as caller:
        answer = await caller.get("/Health")
        body = await answer.json()

    assert found == {"Healthy", "Unhealthy"}
    assert (answer.status, body["status"]) == (503, "Unhealthy")
    assert body["entries"]["configurationDb"]["status"] == "Healthy"


async def test_synchronisation() -> None:
    """Each organization is read every half hour; some fail, some never were, both versions say the same."""
    async with calling() as caller:
        states = []
        for _ in range(20):
            caller.stage.clock.time += 7 * 3600 + 100
            states += await caller.read("/Organizations/SyncState")
        one = states[-1]
        same = await caller.read(f"/Organizations/{one['organizationId']}/SyncState")
        await caller.sign_in("v7")
        old = await caller.read(f"/Organizations/{one['organizationId']}/SyncState")

    assert same == one
    assert old["lastSyncTime"] == one["lastSyncState"]["endTime"]
    assert old["status"] == one["lastSyncState"]["result"]
    assert {row["lastSyncState"] and row["lastSyncState"]["result"] for row in states} == {"Success", "Error", None}
    assert {row["currentSyncState"] and row["currentSyncState"]["status"] for row in states} == {
        "Queued",
        "Running",
        None,
    }


async def test_protected_things(caller: Caller) -> None:
    """What is protected is counted by walking its pages, of one organization or of a repository's."""
    customer = organizations(caller.world)[0].id
    for path in ("/ProtectedUsers", "/ProtectedGroups", "/ProtectedSites", "/ProtectedTeams"):
        rows = await caller.walk(path, 100, organizationId=customer)
        assert len({row["id"] for row in rows}) == len(rows) > 5
        assert {row["organizationId"] for row in rows} == {customer}
    space = (await caller.rows(f"/Organizations/{customer}/usedRepositories"))[0]
    kept = await caller.read("/ProtectedTeams", repositoryId=space["repositoryId"])
    assert kept["results"]


async def test_items(caller: Caller) -> None:
    """A job for everything has one item, the others have what was chosen; exclusions are often none."""
    counts = Counter[str]()
    excluded = 0
    for job in await caller.rows("/Jobs"):
        items = await caller.walk(f"/Jobs/{job['id']}/SelectedItems", 10)
        assert (len(items) == 1 and items[0]["type"] == "PartialOrganization") == (
            job["backupType"] == "EntireOrganization"
        )
        counts.update(item["type"] for item in items)
        excluded += bool(await caller.rows(f"/Jobs/{job['id']}/ExcludedItems"))

    assert set(counts) == {"PartialOrganization", "User", "Group", "Site", "Team"}
    assert excluded > 3


async def test_restores(caller: Caller) -> None:
    """Restores are bounded by when they began, newest first unless asked otherwise; one under way has no end."""
    rows = await caller.rows("/RestoreSessions", startTimeFrom="2026-12-01")
    starts = [seconds(row["creationTime"]) for row in rows]
    upwards = await caller.rows("/RestoreSessions", startTimeFrom="2026-12-01", orderAsc="true")
    ended = await caller.rows("/RestoreSessions", endTimeFrom="2026-12-01", orderBy="EndTime")

    assert len(rows) > 20
    assert starts == sorted(starts, reverse=True)
    assert [row["id"] for row in upwards] == [row["id"] for row in rows][::-1]
    assert all(row["endTime"] for row in ended)
    assert {row["result"] for row in rows} > {"Success"}
    statistics = await caller.read(f"/RestoreSessions/{rows[0]['id']}/Statistics")
    assert statistics["totalItemsCount"] >= statistics["restoredItemsCount"] >= 0


async def test_restores_under_way(caller: Caller) -> None:
    """Sooner or later a restore is under way, and then it has no end yet."""
    working: list[Row] = []
    while not working:
        caller.stage.clock.time += 3600
        rows = await caller.rows("/RestoreSessions", startTimeFrom="2027-01-01")
        working = [row for row in rows if row["state"] == "Working"]

    assert {row["endTime"] for row in working} == {None}


async def test_restore_points(caller: Caller) -> None:
    """The newest restore points of a job can be had by its id and by time."""
    job = next(row for row in await caller.rows("/Jobs") if row["lastBackup"])
    rows = await caller.rows("/RestorePoints", jobId=job["id"])
    bound = rows[3]["backupTime"]

    assert 4 < len(rows) <= 10
    assert {row["jobId"] for row in rows} == {job["id"]}
    assert all(row["backupTime"] >= bound for row in await caller.rows("/RestorePoints", **{"from": bound}))
