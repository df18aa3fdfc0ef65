"""Organizations, infrastructure, licence and protection, as the generations tell them."""

from datetime import UTC, datetime
from typing import Any

import pytest

from exporter.errors import NotFound, ServerFailed
from exporter.records import (
    ProtectedEntities,
    Proxy,
    Record,
    Repository,
    RepositoryUsage,
    Server,
    ServerLicense,
    Subscription,
    Tenant,
)
from exporter.state.source import KnownRuns
from tests.sources.veeam.stage import CONTOSO, DAY, FABRIKAM, HOUR, NOBODY, Stage, at, page
from tests.support.avepoint import MORNING

DISK = "0b900001-2222-4222-8222-00000000d001"
BUCKET = "0b900001-2222-4222-8222-00000000d002"
TERA = 2**40
ORGANIZATIONS: list[dict[str, Any]] = [
    {"id": CONTOSO, "name": "contoso.example", "officeName": "contoso.onmicrosoft.example"},
    {"id": FABRIKAM, "name": None, "officeName": "fabrikam.onmicrosoft.example"},
]


async def collected(stage: Stage, collector: str, api: str = "v8", tenant: str = "", **options: Any) -> list[Record]:
    """Return what one collection of a fresh source tells."""
    return list(await stage.source(api, **options).collect(collector, tenant, KnownRuns()))


def extended(last: float | None = MORNING - HOUR) -> list[dict[str, Any]]:
    """Return organizations with the last backup of each."""
    return [{**each, "lastBackuptime": None if last is None else at(last)} for each in ORGANIZATIONS]


async def test_organizations(stage: Stage) -> None:
    """Each organization is a tenant, by id, with a name, its last backup and when it was last read successfully."""
    states = [
        {"organizationId": CONTOSO, "lastSyncState": {"result": "Success", "endTime": at(MORNING - 60)}},
        {"organizationId": FABRIKAM, "lastSyncState": {"result": "Error", "endTime": at(MORNING - 30)}},
    ]
    stage.answer("v8/Organizations", page(extended()))
    stage.answer("v8/Organizations/SyncState", states)

    assert await collected(stage, "organizations") == [
        Tenant(tenant=CONTOSO, name="contoso.example", last_backup_at=MORNING - HOUR, synchronized_at=MORNING - 60),
        Tenant(tenant=FABRIKAM, name="fabrikam.onmicrosoft.example", last_backup_at=MORNING - HOUR),
    ]
    assert stage.queries("Organizations?") == [{"extendedView": "true", "offset": "0", "limit": "500"}]


async def test_v7_tells_of_each_organization(stage: Stage) -> None:
    """v7 is asked for each organization when it was read, but not at first; one that fails costs no other."""
    stage.answer("v7/Organizations", extended())
    stage.answer(f"v7/Organizations/{CONTOSO}/SyncState", status=404)
    stage.answer(f"v7/Organizations/{FABRIKAM}/SyncState", {"status": "Success", "lastSyncTime": at(MORNING - 60)})

    source = stage.source("v7")
    await source.collect("organizations", "", KnownRuns())
    first = len(stage.queries("SyncState"))

    found = [each for each in await source.collect("organizations", "", KnownRuns()) if isinstance(each, Tenant)]

    assert [each.synchronized_at for each in found] == [None, MORNING - 60]
    assert (first, len(stage.queries("SyncState"))) == (0, 2)


async def test_v7_asks_some_organizations_a_poll(stage: Stage) -> None:
    """v7 is asked for fifty organizations a poll when they were read, those first that were asked for longest ago."""
    rows = [{"id": f"org{number:03}", "name": f"Org {number}"} for number in range(120)]
    stage.answer("v7/Organizations", rows)
    for row in rows:
        path = f"v7/Organizations/{row['id']}/SyncState"
        stage.answer(path, {"status": "Success", "lastSyncTime": at(MORNING - 60)})
    source = stage.source("v7")
    told = []
    for _ in range(5):
        stage.clock.advance(600)
        found = await source.collect("organizations", "", KnownRuns())
        told.append(sum(isinstance(each, Tenant) and each.synchronized_at is not None for each in found))

    assert told == [0, 50, 100, 120, 120]
    assert len(stage.queries("SyncState")) == 200


async def test_v6_does_not_tell(stage: Stage) -> None:
    """v6 says nothing of reading organizations, and is not asked."""
    stage.answer("v6/Organizations", extended())

    assert len(await collected(stage, "organizations", "v6")) == 2
    assert stage.asked() == ["/v6/Organizations?extendedView=true"]


@pytest.mark.parametrize("status", [400, 500])
async def test_proxies_that_are_offline(stage: Stage, status: int) -> None:
    """Where the last backup cannot be told, organizations are found all the same, with the time of before."""
    offline = {"message": "offline", "errorCode": "ProxyOffline", "stackTrace": None}
    source = stage.source()
    stage.answer("v8/Organizations", page(extended()), repeat=False)
    stage.answer("v8/Organizations", offline, status=status, repeat=False)
    stage.answer("v8/Organizations", page(ORGANIZATIONS))
    stage.answer("v8/Organizations/SyncState", [])
    before = await source.collect("organizations", "", KnownRuns())

    assert await source.collect("organizations", "", KnownRuns()) == before
    assert [each["extendedView"] for each in stage.queries("Organizations?")][-1] == "false"


async def test_times_are_remembered_over_a_restart(stage: Stage) -> None:
    """What was told before a restart stays told: no time goes back or away."""
    stage.answer("v8/Organizations", page(extended(last=None)))
    stage.answer("v8/Organizations/SyncState", [])
    known = Tenant(tenant=CONTOSO, name="old", last_backup_at=MORNING - DAY, synchronized_at=MORNING - HOUR)
    source = stage.source()
    source.recall("organizations", CONTOSO, [known], applicable=True)

    found = await source.collect("organizations", "", KnownRuns())

    assert found[0] == Tenant(
        tenant=CONTOSO, name="contoso.example", last_backup_at=MORNING - DAY, synchronized_at=MORNING - HOUR
    )


async def test_reading_state_is_no_condition(stage: Stage) -> None:
    """Organizations are found although nobody can tell when they were read."""
    stage.answer("v8/Organizations", page(ORGANIZATIONS))
    stage.answer("v8/Organizations/SyncState", status=403)

    assert len(await collected(stage, "organizations")) == 2


async def test_only_some_organizations(stage: Stage) -> None:
    """With ids configured only those organizations are found, in any case of letters."""
    stage.answer("v8/Organizations", page(ORGANIZATIONS))
    stage.answer("v8/Organizations/SyncState", [])

    found = await collected(stage, "organizations", tenants={"ids": [FABRIKAM.upper()]})

    assert [each.tenant for each in found] == [FABRIKAM]


def disk(**more: Any) -> dict[str, Any]:
    """Return a repository on a disk."""
    return {
        "id": DISK,
        "name": "Disk-01",
        "capacityBytes": 4 * TERA,
        "freeSpaceBytes": TERA,
        "isOutOfSync": False,
        "isOutdated": False,
        "isOutOfOrder": False,
        "objectStorage": None,
    } | more


def bucket(**storage: Any) -> dict[str, Any]:
    """Return a repository on object storage, whose local cache has a size of its own."""
    its = {
        "id": "d9",
        "type": "AmazonS3Compatible",
        "sizeLimitEnabled": True,
        "sizeLimitGB": 4096,
        "usedSpaceBytes": TERA,
        "freeSpaceBytes": 3 * TERA,
        "enableImmutability": True,
        "immutabilityPeriodDays": 30,
    } | storage
    flags = {"isOutOfSync": True, "isOutdated": True, "isOutOfOrder": True}
    return disk(id=BUCKET, name="S3-Contoso", capacityBytes=10, freeSpaceBytes=5, objectStorage=its, **flags)


PROXY = {
    "id": "0c9",
    "hostName": "proxy1",
    "operatingSystem": "Linux",
    "version": "8.4",
    "status": "Online",
    "maintenanceModeState": "Enabling",
    "cpuUsagePercent": 37.5,
    "memoryUsagePercent": "61.25",
}


def serve_infrastructure(stage: Stage, **answers: Any) -> None:
    """Answer what v8 is asked about its infrastructure."""
    healthy = {"status": "Healthy", "entries": {"nats": {"status": "Healthy", "description": None}}}
    paths = {
        "ServiceInstance": {"version": "8.4.0.1000", "installationId": "D1"},
        "Health": healthy,
        "BackupRepositories": page([disk(), bucket()]),
        "Proxies": page([PROXY]),
    } | answers
    for path, answer in paths.items():
        if isinstance(answer, int):
            stage.answer(f"v8/{path}", status=answer)
        else:
            stage.answer(f"v8/{path}", answer)


async def test_infrastructure(stage: Stage) -> None:
    """Server, repositories and proxies are told whole; of object storage the storage's size, not its cache's."""
    serve_infrastructure(stage)

    assert await collected(stage, "infrastructure") == [
        Server(tenant="", api="v8", version="8.4.0.1000", installation="d1", health={"server": True, "nats": True}),
        Repository(
            tenant="",
            repository=DISK,
            name="Disk-01",
            storage="disk",
            capacity_bytes=4 * TERA,
            free_bytes=TERA,
            used_bytes=3 * TERA,
            out_of_sync=False,
            outdated=False,
            out_of_order=False,
        ),
        Repository(
            tenant="",
            repository=BUCKET,
            name="S3-Contoso",
            storage="AmazonS3Compatible",
            immutable=True,
            capacity_bytes=4 * TERA,
            free_bytes=3 * TERA,
            used_bytes=TERA,
            immutability_seconds=30 * DAY,
            out_of_sync=True,
            outdated=True,
            out_of_order=True,
        ),
        Proxy(
            tenant="",
            proxy="0c9",
            name="proxy1",
            operating_system="Linux",
            version="8.4",
            online=True,
            maintenance=True,
            cpu_ratio=0.375,
            memory_ratio=0.6125,
        ),
    ]
    assert len(stage.asked()) == 4


@pytest.mark.parametrize(
    ("storage", "expected"),
    [
        ({"sizeLimitEnabled": False, "sizeLimitGB": 4096, "freeSpaceBytes": 5}, (None, None, TERA)),
        ({"sizeLimitEnabled": None}, (None, None, TERA)),
        ({"usedSpaceBytes": None}, (4 * TERA, 3 * TERA, None)),
    ],
)
async def test_object_storage_without_a_limit(stage: Stage, storage: dict[str, Any], expected: Any) -> None:
    """Without a limit there is no capacity and nothing is free or full."""
    serve_infrastructure(stage, BackupRepositories=page([bucket(**storage)]))

    (found,) = [each for each in await collected(stage, "infrastructure") if isinstance(each, Repository)]

    assert (found.capacity_bytes, found.free_bytes, found.used_bytes) == expected


@pytest.mark.parametrize(
    ("storage", "immutable"),
    [
        ({"immutabilityPeriodDays": None}, True),
        ({"immutabilityPeriodDays": 0}, True),
        ({"enableImmutability": False}, False),
    ],
)
async def test_immutability_without_a_period(stage: Stage, storage: dict[str, Any], immutable: bool) -> None:  # noqa: FBT001
    """Immutable for as long as the retention is no number of days; what is not immutable has no period."""
    serve_infrastructure(stage, BackupRepositories=page([bucket(**storage)]))

    (found,) = [each for each in await collected(stage, "infrastructure") if isinstance(each, Repository)]

    assert (found.immutable, found.immutability_seconds) == (immutable, None)


async def test_object_storage_told_apart(stage: Stage) -> None:
    """v7 lists object storages apart from the repositories that use them."""
    its = {"id": "D9", "type": "AzureBlob", "usedSpaceBytes": TERA, "enableImmutability": True}
    rows = [
        disk(id=BUCKET, objectStorageId="d9"),
        disk(id="other", objectStorageId="gone"),
        disk(objectStorageId=NOBODY),
    ]
    stage.answer("v7/ServiceInstance", {"version": "7.1"})
    stage.answer("v7/BackupRepositories", rows)
    stage.answer("v7/objectstoragerepositories", [its])
    stage.answer("v7/Proxies", [{"id": "0c9", "hostName": "proxy1", "status": "Offline"}])

    server, *repositories, proxy = await collected(stage, "infrastructure", "v7")

    assert isinstance(server, Server)
    assert server.health == {}
    assert [(each.storage, each.used_bytes) for each in repositories if isinstance(each, Repository)] == [
        ("AzureBlob", TERA),
        ("object", None),
        ("disk", 3 * TERA),
    ]
    assert proxy == Proxy(tenant="", proxy="0c9", name="proxy1", online=False)


async def test_unhealthy_with_503(stage: Stage) -> None:
    """A health check that says 503 with a body is an answer; one without is a failure of the collection."""
    body = {
        "status": "Unhealthy",
        "entries": {"nats": {"status": "Unhealthy"}, "configurationDb": {"status": "Healthy"}},
    }
    serve_infrastructure(stage)
    stage.vendor.clear()
    stage.answer("v8/Health", body, status=503)
    serve_infrastructure(stage)

    server, *_ = await collected(stage, "infrastructure")

    assert isinstance(server, Server)
    assert server.health == {"server": False, "nats": False, "configurationDb": True}


async def test_a_server_that_fails(stage: Stage) -> None:
    """A 503 where proxies should be told is a failure."""
    serve_infrastructure(stage, Proxies=503)

    with pytest.raises(ServerFailed):
        await collected(stage, "infrastructure")


@pytest.mark.parametrize("status", [404, 403, 503])
async def test_a_server_without_health(stage: Stage, status: int) -> None:
    """Where health is not told, as in the first releases of v8, or because the server is unwell, all else is."""
    serve_infrastructure(stage, Health=status)

    server, *others = await collected(stage, "infrastructure")

    assert isinstance(server, Server)
    assert (server.health, len(others)) == ({}, 3)


async def test_repositories_not_to_show(stage: Stage) -> None:
    """Repositories whose name or id fits a glob are left out."""
    serve_infrastructure(stage)
    hidden = {"infrastructure": {"exclude_repositories": ["disk-*"]}}

    found = await collected(stage, "infrastructure", collectors=hidden)

    assert [each.name for each in found if isinstance(each, Repository)] == ["S3-Contoso"]


async def test_odd_values_of_infrastructure(stage: Stage) -> None:
    """Words of the future are counted, odd numbers too; nothing of that is 0 and nothing costs a neighbour."""
    odd = {"status": "Sleeping", "maintenanceModeState": "Perhaps", "cpuUsagePercent": -1, "memoryUsagePercent": 100.4}
    rows = [PROXY | odd, {**PROXY, "id": "0c8", "cpuUsagePercent": "idle"}, {"hostName": "nobody"}]
    serve_infrastructure(
        stage, Proxies=page(rows), Health={"status": "Poorly"}, BackupRepositories=page([disk(freeSpaceBytes=9 * TERA)])
    )

    server, repository, first, second = await collected(stage, "infrastructure")

    assert isinstance(server, Server)
    assert isinstance(repository, Repository)
    assert isinstance(first, Proxy)
    assert isinstance(second, Proxy)
    assert server.health == {}
    assert repository.used_bytes is None
    assert (first.online, first.maintenance, first.cpu_ratio, first.memory_ratio) == (None, None, None, 1.0)
    assert second.cpu_ratio is None
    assert stage.notes.unknown == {"status": 1, "maintenanceModeState": 1, "health": 1}
    assert stage.notes.failed == {"cpuUsagePercent": 2, "id": 1}


LICENSE = {
    "status": "Valid",
    "licenseExpires": "2027-03-31T00:00:00Z",
    "gracePeriodExpires": "2027-05-31T00:00:00Z",
    "type": "Rental",
    "package": "M365",
    "licensedTo": "Pat Example",
    "email": "pat@example.com",
    "totalNumber": 500,
    "usedNumber": 487,
    "newNumber": 12,
}
USAGE = {
    "platformTypes": [
        {"organizations": [
            {"organizationId": CONTOSO, "usedObjectsCount": 214, "newObjectsCount": 6},
            {"organizationId": None, "usedObjectsCount": 9, "newObjectsCount": 9},
        ]},
        {"organizations": [{"organizationId": CONTOSO, "usedObjectsCount": 1, "newObjectsCount": None}]},
        {"organizations": None},
    ]
}  # fmt: skip


def moment(text: str) -> float:
    """Return a date as Unix seconds."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


async def test_license(stage: Stage) -> None:
    """The server's licence is told once, what each organization uses of it in one more request; no names."""
    stage.answer("v8/License", LICENSE)
    stage.answer("v8/licensing/statistic/usage", USAGE)

    found = await collected(stage, "license")

    assert found == [
        ServerLicense(
            tenant="",
            type="Rental",
            status="Valid",
            package="M365",
            seats_purchased=500,
            seats_used=487,
            seats_new=12,
            expires_at=moment("2027-03-31"),
            grace_ends_at=moment("2027-05-31"),
        ),
        Subscription(
            tenant=CONTOSO,
            subscription="Veeam Backup for Microsoft 365",
            model="rental",
            package="M365",
            seats_used=215,
            seats_new=6,
        ),
    ]
    assert "Pat" not in repr(found)


async def test_v6_license_of_each_organization(stage: Stage) -> None:
    """v6 is asked what each known organization uses; the months of grace are the product's rule."""
    old = {
        name: value
        for name, value in LICENSE.items()
        if name not in ("licenseExpires", "gracePeriodExpires", "package")
    }
    stage.answer("v6/Organizations", ORGANIZATIONS)
    stage.answer("v6/License", {**old, "expirationDate": "2027-12-31T00:00:00Z", "supportExpirationDate": None})
    stage.answer(f"v6/Organizations/{CONTOSO}/LicensingInformation", {"licensedUsers": 214, "newUsers": 0})
    stage.answer(f"v6/Organizations/{FABRIKAM}/LicensingInformation", status=404)
    source = stage.source("v6")
    await source.collect("organizations", "", KnownRuns())

    license_, *seats = await source.collect("license", "", KnownRuns())

    assert isinstance(license_, ServerLicense)
    assert (license_.expires_at, license_.grace_ends_at) == (moment("2027-12-31"), moment("2028-02-29"))
    assert [(each.tenant, each.seats_used, each.seats_new) for each in seats if isinstance(each, Subscription)] == [
        (CONTOSO, 214, 0)
    ]


@pytest.mark.parametrize(
    ("kind", "grace"),
    [
        ("Subscription", "2027-02-28"),
        ("Rental", "2027-03-31"),
        ("NFR", "2027-01-31"),
        ("AwsPrivateOffer", None),
        (None, None),
    ],
)
async def test_months_of_grace(stage: Stage, kind: str | None, grace: str | None) -> None:
    """On v6 a subscription works on for a month, a rental licence for two, one for tests not at all."""
    stage.answer("v6/License", {"type": kind, "expirationDate": "2027-01-31T00:00:00Z"})

    (license_,) = await collected(stage, "license", "v6")

    assert isinstance(license_, ServerLicense)
    assert license_.grace_ends_at == (moment(grace) if grace else None)


async def test_a_license_of_nulls(stage: Stage) -> None:
    """What a licence does not say is not told, least of all as 0."""
    stage.answer("v8/License", dict.fromkeys(LICENSE))
    stage.answer("v8/licensing/statistic/usage", {"platformTypes": []})

    assert await collected(stage, "license") == [ServerLicense(tenant="")]


USED = [
    {"repositoryId": DISK, "usedSpaceBytes": 5, "localCacheUsedSpaceBytes": None, "objectStorageUsedSpaceBytes": None},
    {
        "_links": {"backupRepository": {"href": f"/v7/BackupRepositories/{BUCKET}"}},
        "usedSpaceBytes": 0,
        "localCacheUsedSpaceBytes": 7,
        "objectStorageUsedSpaceBytes": TERA,
    },
    {"repositoryId": "offline", "usedSpaceBytes": None, "isAvailable": False, "details": "offline"},
    {"usedSpaceBytes": 4},
]
USAGES = [
    RepositoryUsage(tenant=CONTOSO, repository=DISK, used_bytes={"local": 5}),
    RepositoryUsage(tenant=CONTOSO, repository=BUCKET, used_bytes={"local": 0, "cache": 7, "object": TERA}),
]


async def test_protection(stage: Stage) -> None:
    """Of an organization: the space in each repository that is reachable, and how many of each are protected."""
    stage.answer(f"v8/Organizations/{CONTOSO}/usedRepositories", page(USED))
    for count, what in enumerate(("Users", "Groups", "Sites", "Teams"), 1):
        stage.answer(f"v8/Protected{what}", page([{"id": f"{number}"} for number in range(count)]))

    assert await collected(stage, "protection", tenant=CONTOSO) == [
        *USAGES,
        ProtectedEntities(tenant=CONTOSO, entities={"users": 1, "groups": 2, "sites": 3, "teams": 4}),
    ]
    assert {each["organizationId"] for each in stage.queries("Protected")} == {CONTOSO}
    assert len(stage.asked()) == 5


@pytest.mark.parametrize("api", ["v7", "v6"])
async def test_before_v8_only_space_is_told(stage: Stage, api: str) -> None:
    """v7 and v6 tell the space of an organization, but not how much is protected."""
    stage.answer(f"{api}/Organizations/{CONTOSO}/usedRepositories", page(USED))

    assert await collected(stage, "protection", api, CONTOSO) == USAGES


async def test_an_organization_that_has_just_gone(stage: Stage) -> None:
    """Where an organization is not found, its collection fails, and no other."""
    stage.answer(f"v8/Organizations/{CONTOSO}/usedRepositories", status=404)

    with pytest.raises(NotFound):
        await collected(stage, "protection", tenant=CONTOSO)
