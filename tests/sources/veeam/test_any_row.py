"""Whatever JSON comes as a row, reading it raises nothing and costs no neighbour."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from exporter.client.fields import Fields
from exporter.ledger import TenantLedger
from exporter.records import Job, Run
from exporter.sources.veeam import infrastructure_wire, job_wire, wire
from exporter.sources.veeam.client import VeeamApi
from exporter.sources.veeam.jobs import Jobs
from exporter.state.answers import packed, unpacked
from exporter.state.source import KnownRuns
from tests.sources.veeam.stage import BACKUP, CONTOSO, DAILY, HOUR, JOB, job, session
from tests.support.anything import anything, named, rows_of_anything
from tests.support.avepoint import MORNING, Notes
from tests.support.clock import FakeClock

NAMES = [
    "id", "name", "officeName", "organizationId", "jobId", "mainSessionId", "_links", "organization", "job", "href",
    "schedulePolicy", "scheduleEnabled", "type", "periodicallyEvery", "dailyType", "dailyTime", "retryEnabled",
    "retryNumber", "retryWaitInterval", "isEnabled", "lastStatus", "lastRun", "nextRun", "lastBackup", "backupType",
    "backupJobId", "creationTime", "endTime", "retryCount", "jobWillBeRetried", "status", "statistics",
    "transferredDataBytes", "processedObjects", "bottleneck", "lastBackuptime", "lastSyncState", "result",
    "lastSyncTime", "capacityBytes", "freeSpaceBytes", "objectStorage", "objectStorageId", "sizeLimitEnabled",
    "sizeLimitGB", "usedSpaceBytes", "enableImmutability", "immutabilityPeriodDays", "isOutOfSync", "hostName",
    "maintenanceModeState", "cpuUsagePercent", "entries", "expirationDate", "licenseExpires", "totalNumber",
    "usedObjectsCount", "licensedUsers", "repositoryId", "backupRepository",
]  # fmt: skip
FORMS = [
    "Success", "Failed", "Running", "Updating", "Periodically", "Daily", "ManualOnly", "Immediate", "Minutes5",
    "Hours99999999", "Workdays", "22:00:00", "2026-03-03T05:00:00.1234567Z", "9999-12-31T23:59:59.9999999Z",
    "0001-01-01T00:00:00", "00000000-0000-0000-0000-000000000000", JOB, CONTOSO, "Subscription", "Healthy", "1e999",
    "9" * 5000, "NA",
]  # fmt: skip

values = anything(NAMES, FORMS)
rows = rows_of_anything(NAMES, values)


class Answering(VeeamApi):
    """An API that answers a poll about jobs with given rows."""

    def __init__(self, jobs: list[Any], copies: list[Any], sessions: list[Any]) -> None:
        self._jobs, self._copies, self._sessions = jobs, copies, sessions
        self.ahead_seconds = lambda: 0.0

    async def jobs(self) -> list[Any]:
        """Return them."""
        return self._jobs

    async def copy_jobs(self) -> list[Any]:
        """Return them."""
        return self._copies

    async def running_sessions(self) -> list[Any]:
        """Return none."""
        return []

    async def sessions_since(self, since: float) -> list[Any]:  # noqa: ARG002 - whenever
        """Return them."""
        return self._sessions


@given(rows, rows, rows, values, values)
async def test_polls(jobs: list[Any], copies: list[Any], sessions: list[Any], policy: Any, moved: Any) -> None:
    """Any rows of jobs and sessions leave the others as they are, and the books can be kept with all of them."""
    odd = [
        {"id": "odd", "organizationId": CONTOSO, "schedulePolicy": policy, "lastRun": moved},
        job("odder", name="x", schedulePolicy={**DAILY, "type": moved, "dailyType": policy}),
    ]
    odd_sessions = [
        {"id": "odd", "jobId": "odd", "status": "Failed", "statistics": moved, "mainSessionId": policy},
        session("odder", began=MORNING, jobId="odder", endTime=policy, retryCount=moved),
    ]
    api = Answering([*jobs, job(), *odd], copies, [*sessions, session("s1", began=MORNING - 8 * HOUR), *odd_sessions])
    polled = await Jobs(Notes(), FakeClock(MORNING), lookback=HOUR, items=False).collect(api, KnownRuns())

    assert any(each.job == BACKUP for each in polled if isinstance(each, Job))
    assert any(each.run_id == "s1" and each.status == "success" for each in polled if isinstance(each, Run))
    ledger = TenantLedger()
    for _ in range(2):
        ledger.observe([each for each in polled if isinstance(each, Job | Run)], MORNING)
    ledger.facts(CONTOSO, MORNING, birth_delay=0.0)
    shown = [each for each in polled if not isinstance(each, Job | Run)]
    assert unpacked(packed(shown)) == tuple(shown)


@given(rows, rows)
def test_infrastructure(found: list[Any], storages: list[Any]) -> None:
    """Any rows of repositories and proxies leave the others as they are."""
    good = {"id": "good", "name": "Disk"}

    repositories = infrastructure_wire.repositories([*found, good], storages, Notes())
    proxies = infrastructure_wire.proxies([*found, good], Notes())

    assert any(each.repository == "good" for each in repositories)
    assert any(each.proxy == "good" for each in proxies)
    assert all(0 <= (each.cpu_ratio or 0) <= 1 for each in proxies)
    assert unpacked(packed([*repositories, *proxies])) == (*repositories, *proxies)


@given(rows)
def test_organizations(found: list[Any]) -> None:
    """Any rows of organizations, sync states, licences and used repositories leave the others as they are."""
    good = {"id": CONTOSO, "organizationId": CONTOSO, "repositoryId": "r", "usedSpaceBytes": 1, "usedObjectsCount": 1}
    license_ = wire.server_license(Fields({}, Notes()))

    assert any(each.tenant == CONTOSO for each in wire.organizations([*found, good], Notes()))
    assert any(each.tenant == CONTOSO for each in wire.seats([*found, good], license_, Notes()))
    assert any(each.repository == "r" for each in wire.used_repositories(CONTOSO, [*found, good], Notes()))
    assert all(0 < at < 1e12 for at in wire.synchronized(found, Notes()).values())
    assert sum(job_wire.items([*found, good], Notes()).values()) >= 1


@given(st.dictionaries(named(NAMES), values))
def test_objects(row: dict[str, Any]) -> None:
    """Any object can be read as a licence, a server and its health."""
    fields = Fields(row, Notes())

    assert wire.server_license(fields).tenant == ""
    assert len(wire.instance(fields)) == 2
    assert all(isinstance(healthy, bool) for healthy in infrastructure_wire.health(fields).values())
