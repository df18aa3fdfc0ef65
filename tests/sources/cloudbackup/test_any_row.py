"""Whatever JSON comes as a row, reading it raises nothing and costs no neighbour."""

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from exporter.client.fields import Fields
from exporter.ledger import TenantLedger
from exporter.records import JobKey
from exporter.sources.cloudbackup import wire
from exporter.sources.cloudbackup.kinds import kinds
from tests.support.anything import anything, named, rows_of_anything
from tests.support.avepoint import MORNING, Notes

NAMES = [
    "id", "state", "startTime", "finishTime", "duration", "backupDetails", "jobErrors", "totalCount", "failedCount",
    "successfulCount", "skippedCount", "totalNumber", "failedNumber", "successfulNumber", "skippedNumber",
    "isErrorCode", "value", "url", "number", "outOfPolicyTime", "purchasedUserSeats", "assignedUserSeats",
    "purchasedStorageSize", "protectedSize", "tenantOwner", "tenantId", "serviceType", "unusualActivitiesCount",
    "potentialRansomwareAttackCount", "frequency", "backupStartTime", "retentionPeriod",
]  # fmt: skip
FORMS = [
    "N/A",
    "",
    "-",
    "Unlimited",
    "Finished",
    "In Progress",
    "0.709",
    "nan",
    "1e999",
    "9" * 5000,
    "2026-03-03T05:00:00Z",
    "99-99-9999T12:00:00Z",
    "IB20260303050000000001",
    "CB-1",
    "639080829304170000",
]

values = anything(NAMES, FORMS)
rows = rows_of_anything(NAMES, values)
places = st.integers(0, 4)

GOOD: dict[str, Any] = {
    "job": {"id": "TIB1good", "state": "Finished", "startTime": "2026-03-03T05:00:00Z"},
    "activity": {"serviceType": 6, "unusualActivitiesCount": 1},
    "frequency": {"serviceType": 6, "frequency": 1},
}


def mixed(given_rows: list[Any], place: int, kind: str) -> list[Any]:
    """Return the rows with a good one among them."""
    return [*given_rows[:place], dict(GOOD[kind]), *given_rows[place:]]


async def nobody(_: Any) -> list[str]:
    """Answer that there are no jobs."""
    return []


@given(rows, places, st.sampled_from(["InProgress", "Finished", "Failed", "Finished with Exception"]), values, values)
async def test_jobs(given_rows: list[Any], place: int, state: str, details: Any, errors: Any) -> None:
    """Any row among those of jobs leaves the others as they are, and the books can be kept with it."""
    odd = {"id": "odd", "state": state, "finishTime": details, "duration": errors, "backupDetails": details}
    found = wire.jobs(mixed([*given_rows, {**odd, "jobErrors": [errors, details]}], place, "job"), Notes())
    about = await kinds(found, nobody, since=MORNING, until=MORNING)
    runs = [row.run("contoso", about[row.run_id]) for row in found]
    ledger = TenantLedger()
    ledger.observe([], MORNING - 60)
    ledger.observe(runs, MORNING)

    facts, _ = ledger.facts("contoso", MORNING, birth_delay=0.0)

    assert facts
    assert {"TIB1good", "odd"} <= {run.run_id for run in runs}
    assert {run.run_id for run in runs} <= set(wire.ids(mixed([*given_rows, odd], place, "job")))
    assert all(wire.CODE.fullmatch(code) for run in runs for code in run.errors or ())


@given(rows, places)
def test_unusual_activities(given_rows: list[Any], place: int) -> None:
    """Any row among those of unusual activities leaves the others as they are."""
    found = wire.unusual_activities("contoso", mixed(given_rows, place, "activity"), Notes())

    assert any(record.workload == "Teams" for record in found)
    assert len({record.workload for record in found}) == len(found)


@given(rows, places, values)
def test_schedules(given_rows: list[Any], place: int, starts: Any) -> None:
    """Any row among those of the schedule leaves the others as they are."""
    odd = {"serviceType": 5, "frequency": 2, "backupStartTime": starts}
    found = wire.schedules("contoso", mixed([*given_rows, odd], place, "frequency"), Notes())

    assert {"Teams", "Public Folders"} <= {record.job.workload for record in found}
    assert all(0 < (record.longest_gap_seconds or 0) <= 86400 for record in found)
    assert all(isinstance(record.job, JobKey) for record in found)


@given(st.dictionaries(named(NAMES), values))
def test_license(row: dict[str, Any]) -> None:
    """Any object can be read as a licence and as a retention policy."""
    fields = Fields(row, Notes())

    assert wire.license_consumption("contoso", fields, None).tenant == "contoso"
    assert wire.retention(fields) is None or wire.retention(fields)
