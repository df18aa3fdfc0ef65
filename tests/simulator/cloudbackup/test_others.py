from datetime import UTC, datetime
from typing import Any

import pytest

from exporter.simulator.cloudbackup.codes import OBJECT_TYPES, SERVICE_TYPES
from exporter.simulator.era import DAY
from exporter.simulator.protection import protection_of
from tests.simulator.cloudbackup.callers import EPOCH, Caller, subscribers
from tests.simulator.stage import START, folded, small_world

LICENSES = {
    "legacy": "/cloudbackup/licenseconsumption",
    "v1": "/backup/m365/licenseconsumption",
    "v2": "/backup/m365/cloudbackuplicenseconsumption",
}
ACTIVITIES = {"v1": "/backup/m365/unusualactivitydata", "v2": "/backup/m365/cloudbackupunusualactivitydata"}
FREQUENCY = "/backup/m365/settings/backup/frequency"
RETENTION = "/backup/m365/settings/retention-policy"
MONTH = {"startTime": "2026-12-02", "finishTime": "2026-12-31"}


async def each(caller: Caller, path: str, **query: str) -> list[Any]:
    """Return the answer to every subscriber with trouble."""
    found = []
    for customer in subscribers(caller.stage.world):
        await caller.sign_in(customer.id)
        found.append(await caller.read(path, **query))
    return found


async def test_licenses_agree(caller: Caller) -> None:
    """The three generations tell the same five numbers, all whole."""
    legacy = [folded(row) for row in await each(caller, LICENSES["legacy"])]
    v1 = [folded(row) for row in await each(caller, LICENSES["v1"])]
    v2 = [folded(row["data"]) for row in await each(caller, LICENSES["v2"])]

    assert legacy == v1 == v2
    assert all(isinstance(number, int) for row in v2 for number in row.values())
    assert {len(row) for row in v2} == {5}


async def test_licenses(caller: Caller) -> None:
    """Seats and sizes are those of the subscription; without a limit the storage is 0 or -1; few are out of policy."""
    rows = [row["data"] for row in await each(caller, LICENSES["v2"])]
    out = [row["outOfPolicyTime"] for row in rows if row["outOfPolicyTime"]]

    for customer, row in zip(subscribers(caller.stage.world), rows, strict=True):
        bought = next(one for one in customer.subscriptions if one.bought == "Microsoft 365")
        assert row["purchasedUserSeats"] == bought.seats
        assert bought.licenses
        assert row["assignedUserSeats"] == bought.licenses[0]
        assert row["protectedSize"] == int(bought.consumed_gb or 0)
        assert row["purchasedStorageSize"] in ((0, -1) if bought.unlimited else (bought.capacity_gb or 0,))
    assert {row["purchasedStorageSize"] for row in rows} >= {0, -1}
    assert 0 < len(out) < len(rows) / 3
    assert all(START - 60 * DAY < (ticks - EPOCH) / 1e7 <= START for ticks in out)


@pytest.mark.parametrize("generation", ACTIVITIES)
@pytest.mark.parametrize("missing", ["startTime", "finishTime"])
async def test_activities_need_a_range(caller: Caller, generation: str, missing: str) -> None:
    """Without both ends of the range the question is refused."""
    answer = await caller.get(ACTIVITIES[generation], **(MONTH | {missing: ""}))
    body = await answer.json()

    assert answer.status == 400
    assert missing in (body["errors"][0]["field"] if generation == "v2" else body["message"])


async def test_activities_of_a_range_turned_round(caller: Caller) -> None:
    """A range that ends before it starts is refused."""
    answer = await caller.get(ACTIVITIES["v2"], startTime="2026-12-31", finishTime="2026-12-02")

    assert answer.status == 400


async def test_activities(caller: Caller) -> None:
    """Both generations tell the same of every workload with backups; most is zero, attacks are among the unusual."""
    v1 = [row["data"] for row in await each(caller, ACTIVITIES["v1"], **MONTH)]
    v2 = [row["data"]["data"] for row in await each(caller, ACTIVITIES["v2"], **MONTH)]
    rows = [row for rows in v2 for row in rows]

    assert v1 == v2
    assert any(row["potentialRansomwareAttackCount"] for row in rows)
    assert any(not row["unusualActivitiesCount"] for row in rows)
    assert all(0 <= row["potentialRansomwareAttackCount"] <= row["unusualActivitiesCount"] for row in rows)
    assert {row["serviceType"] for row in rows} <= set(SERVICE_TYPES.values())
    for customer, found in zip(subscribers(caller.stage.world), v2, strict=True):
        keys = [(row["tenantId"], row["serviceType"]) for row in found]
        assert len(keys) == len(set(keys))
        assert {tenant for tenant, _ in keys} == {tenant.id for tenant in customer.tenants}
        assert {row["tenantOwner"] for row in found} == {customer.owner_email}


async def test_frequency(caller: Caller) -> None:
    """Each running workload has 1, 2 or 4 backups a day, all listed, all within the present day."""
    rows = [row for answer in await each(caller, FREQUENCY) for row in answer["data"]]

    assert {row["frequency"] for row in rows} == {1, 2, 4}
    for row in rows:
        starts = [datetime.fromisoformat(text).timestamp() for text in row["backupStartTime"]]
        assert len(starts) == row["frequency"]
        assert starts == sorted(starts)
        assert all(START <= start < START + DAY for start in starts)


async def test_the_schedule_is_kept(caller: Caller) -> None:
    """Where backups follow their plan each one starts soon after a time of it."""
    world, kept = caller.stage.world, 0
    numbers = {number: name for name, number in SERVICE_TYPES.items()}
    for customer in subscribers(world):
        await caller.sign_in(customer.id)
        jobs = {job.workload.name: job for job in world.jobs(customer) if job.kind == "running"}
        for row in (await caller.read(FREQUENCY))["data"]:
            job = jobs[numbers[row["serviceType"]]]
            if job.timetable.period * row["frequency"] != DAY:
                continue
            planned = [datetime.fromisoformat(text).timestamp() for text in row["backupStartTime"]]
            for start, run in zip(planned, job.runs(planned[0], planned[-1] + job.timetable.period), strict=False):
                assert -1 <= run.start - start <= job.timetable.period * 0.1 + 1
                kept += 1
    assert kept > 50


async def test_retention(caller: Caller) -> None:
    """Periods are texts; some workloads have their own, some of those for single containers."""
    rows = [row["data"] for row in await each(caller, RETENTION)]
    policies = [policy for row in rows for policy in row["servicePolicies"]]

    assert {row["retentionPeriod"] for row in rows} == {"1 years", "3 years", "Unlimited"}
    assert all(bool(row["servicePolicies"]) == row["enableCustomizedRetentionPolicy"] for row in rows)
    assert {policy["serviceType"] for policy in policies} <= set(SERVICE_TYPES.values())
    assert {len(policy["containerPolicies"]) for policy in policies} == {0, 1, 2}


async def test_envelope(caller: Caller) -> None:
    """An answer of v2 says 200 again, and when it was given, with 6 or 7 digits of a second."""
    digits = set()
    for path in (LICENSES["v2"], FREQUENCY, RETENTION, "/backup/m365/cloudbackupjobs"):
        body = await caller.read(path)
        digits.add(len(body["timestamp"].split(".")[1]) - 1)
        assert (body["statusCode"], body["message"]) == (200, "")
        assert body["requestId"].startswith("0HN1SYNTH0001:")
        assert datetime.fromisoformat(body["timestamp"]) == datetime.fromtimestamp(START, UTC)
        assert [len(part) for part in body["traceId"].split("-")] == [2, 32, 16, 2]
    assert digits == {6, 7}


def test_every_workload_has_its_numbers() -> None:
    """All that Elements can count as protected has a number in the filter and one in the answers."""
    world = small_world()
    names = {row.workload.name for one in subscribers(world) for row in protection_of(one, world.era, START)}

    assert names == set(OBJECT_TYPES) == set(SERVICE_TYPES)
    assert sorted(OBJECT_TYPES.values()) == list(range(1, 13))


async def test_what_expired_is_out_of_policy(caller: Caller) -> None:
    """After the end of a subscription its licence has been out of policy since then."""
    caller.stage.clock.time = START + 900 * DAY
    await caller.sign_in(caller.customer.id)
    bought = next(one for one in caller.customer.subscriptions if one.bought == "Microsoft 365")

    row = (await caller.read(LICENSES["v2"]))["data"]

    assert row["outOfPolicyTime"] == EPOCH + int(bought.expires) * 10_000_000
