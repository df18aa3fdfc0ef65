"""Licences, unusual activity, schedule and retention, one oddity at a time."""

from typing import Any

import pytest

from exporter.errors import AnswerUnreadable, NotApplicable, PermissionMissing
from exporter.records import JobSchedule, Subscription, UnusualActivity
from exporter.source import Source
from tests.sources.cloudbackup.stage import PATHS, Stage, enveloped, ticks
from tests.support.avepoint import MORNING
from tests.support.sources import NOTHING

GB = 2**30
DAY = 86400.0
HOUR = 3600.0
BOUGHT = {
    "outOfPolicyTime": 0,
    "purchasedUserSeats": 250,
    "assignedUserSeats": 41,
    "purchasedStorageSize": 0,
    "protectedSize": 1146,
}
NO_SCHEDULE = {"schedule": {"enabled": False}}


async def subscription(source: Source) -> Subscription:
    """Return what is bought."""
    (record,) = await source.collect("license", "contoso", NOTHING)
    assert isinstance(record, Subscription)
    return record


async def licensed(stage: Stage, api: str = "v2", **options: Any) -> Subscription:
    """Return what an answer with these fields says is bought."""
    stage.answer(api, "license", enveloped(api, BOUGHT | options))
    return await subscription(stage.source(api, collectors=NO_SCHEDULE))


async def test_license(stage: Stage, api: str) -> None:
    """Seats are as given, sizes are GB; a size of 0 says that there is no limit, a time of 0 that all is well."""
    assert await licensed(stage, api) == Subscription(
        tenant="contoso",
        subscription="Cloud Backup for Microsoft 365",
        seats_purchased=250,
        seats_used=41,
        storage_consumed_bytes=1146 * GB,
    )


@pytest.mark.parametrize("raw", [0, -1, "Unlimited", "N/A", None, "-1"])
async def test_unlimited_storage(stage: Stage, raw: Any) -> None:
    """However an unlimited size is told, it is no number."""
    bought = await licensed(stage, purchasedStorageSize=raw)

    assert bought.capacity_purchased_bytes is None
    assert not stage.notes.failed


@pytest.mark.parametrize("raw", [-1, "Unlimited", "N/A", None])
async def test_unlimited_seats(stage: Stage, raw: Any) -> None:
    """Seats without a limit are no number."""
    assert (await licensed(stage, purchasedUserSeats=raw)).seats_purchased is None


@pytest.mark.parametrize(
    ("raw", "expected"),
    [
        (0, None),
        (-1, None),
        ("0", None),
        (None, None),
        (ticks(MORNING), MORNING),
        (str(ticks(MORNING)), MORNING),
        (int(MORNING), MORNING),
        (int(MORNING * 1000), MORNING),
        ("2026-03-03T06:00:00Z", MORNING),
    ],
)
async def test_out_of_policy(stage: Stage, raw: Any, expected: float | None) -> None:
    """The time of leaving the policy is read in ticks, epoch and ISO; 0 or less is none."""
    assert (await licensed(stage, outOfPolicyTime=raw)).out_of_policy_at == expected
    assert not stage.notes.failed


async def test_unreadable_values(stage: Stage, api: str) -> None:
    """Values in no documented form are told of and cost only themselves."""
    bought = await licensed(stage, api, outOfPolicyTime=5, purchasedUserSeats="many", protectedSize="1 XB")

    assert (bought.seats_used, bought.seats_purchased, bought.storage_consumed_bytes) == (41, None, None)
    assert stage.notes.failed == {"outOfPolicyTime": 1, "purchasedUserSeats": 1, "protectedSize": 1}


@pytest.mark.parametrize("payload", [None, [], "text", 7])
async def test_no_license(stage: Stage, api: str, payload: Any) -> None:
    """An answer that is no object is unreadable, not a tenant without seats."""
    stage.answer(api, "license", enveloped(api, payload))

    with pytest.raises(AnswerUnreadable):
        await stage.source(api).collect("license", "contoso", NOTHING)


async def test_retention_once_a_day(stage: Stage) -> None:
    """The retention policy is asked for once a day, however often the licence is."""
    for _ in range(3):
        stage.answer("v2", "license", enveloped("v2", BOUGHT))
    for period in ("1 years", "Unlimited"):
        stage.answer("v2", "retention", enveloped("v2", {"RetentionPeriod": period}))
    stage.source()
    stage.source()  # the tokens of later hours
    source = stage.source()

    told = []
    for seconds in (HOUR, DAY, 0.0):
        told.append((await subscription(source)).retention)
        stage.clock.advance(seconds)

    assert told == ["1 years", "1 years", "Unlimited"]
    assert stage.asked().count(PATHS["v2"]["retention"]) == 2


@pytest.mark.parametrize(
    "answer",
    [{"status": 403}, {"body": {"statusCode": 500, "data": None}}, {"body": {"statusCode": 200, "data": None}}],
)
async def test_seats_matter_more(stage: Stage, answer: dict[str, Any]) -> None:
    """A retention policy that cannot be had costs the licence nothing."""
    source = stage.source("v2")
    stage.answer("v2", "license", enveloped("v2", {"purchasedUserSeats": 250}))
    stage.answer("v2", "retention", answer.get("body"), status=answer.get("status", 200))

    told = await subscription(source)

    assert (told.seats_purchased, told.retention) == (250, None)


async def test_no_retention(stage: Stage) -> None:
    """Where the API has no retention policy yet the licence is told without it, and it is not asked every time."""
    for _ in range(2):
        stage.answer("v2", "license", enveloped("v2", BOUGHT))
    stage.answer("v2", "retention", status=404)
    source = stage.source()

    assert [(await subscription(source)).retention for _ in range(2)] == [None, None]
    assert len(stage.asked()) == 3


async def test_retention_without_schedule(stage: Stage, api: str) -> None:
    """Who does not want the settings read is not asked for their permission: there is no retention then."""
    assert (await licensed(stage, api)).retention is None
    assert len(stage.asked()) == 1


def activity(**options: Any) -> dict[str, Any]:
    """Return a row of unusual activities."""
    return {
        "tenantOwner": "Pat Example",
        "tenantId": "7e4a0001-1111-4222-8333-00000000a001",
        "serviceType": 0,
        "potentialRansomwareAttackCount": 1,
        "unusualActivitiesCount": 2,
    } | options


async def unusual(stage: Stage, data: Any, **options: Any) -> list[UnusualActivity]:
    """Return what an answer with this data says."""
    stage.answer("v2", "unusual_activity", enveloped("v2", data))
    records = await stage.source(**options).collect("unusual_activity", "contoso", NOTHING)
    return [record for record in records if isinstance(record, UnusualActivity)]


@pytest.mark.parametrize("data", [{"data": [activity()]}, {"Data": [activity()]}, [activity()]])
async def test_double_data(stage: Stage, data: Any) -> None:
    """The rows are found in data within data, and in data alone."""
    assert await unusual(stage, data) == [
        UnusualActivity(
            tenant="contoso", workload="Exchange Online", unusual_activities=2, potential_ransomware_attacks=1
        )
    ]


async def test_both_ends_of_the_window(stage: Stage) -> None:
    """Unusual activities are asked for with both ends, in whole days, as far back as is configured."""
    await unusual(stage, {"data": []}, collectors={"unusual_activity": {"lookback": "7d"}})

    assert stage.questions() == [{"starttime": "2026-02-24", "finishtime": "2026-03-04"}]


async def test_rows_of_one_workload_add_up(stage: Stage) -> None:
    """Several tenants of one workload are one series; what is not told is not zero."""
    found = await unusual(
        stage,
        {
            "data": [
                activity(),
                activity(tenantId="another", unusualActivitiesCount="3"),
                activity(serviceType=9, unusualActivitiesCount=None, potentialRansomwareAttackCount="N/A"),
                activity(serviceType="13"),
                activity(serviceType=None),
            ]
        },
    )

    assert [(each.workload, each.unusual_activities, each.potential_ransomware_attacks) for each in found] == [
        ("Exchange Online", 5, 2),
        ("unknown_13", 2, 1),
    ]
    assert (stage.notes.failed, stage.notes.unknown) == ({"serviceType": 1}, {"serviceType": 1})


@pytest.mark.parametrize("data", [None, {}, {"data": None}, {"data": {}}, "none"])
async def test_no_activities(stage: Stage, data: Any) -> None:
    """An answer without a list is unreadable: it must not look as if nothing unusual had happened."""
    with pytest.raises(AnswerUnreadable):
        await unusual(stage, data)


async def schedule(stage: Stage, *rows: Any) -> list[JobSchedule]:
    """Return the schedules that an answer with these rows tells."""
    stage.answer("v2", "frequency", enveloped("v2", list(rows)))
    records = await stage.source().collect("schedule", "contoso", NOTHING)
    return [record for record in records if isinstance(record, JobSchedule)]


def times(*hours: float) -> list[str]:
    """Return times of the day."""
    return [f"2026-03-03T{int(hour):02}:{round(hour % 1 * 60):02}:00Z" for hour in hours]


@pytest.mark.parametrize(
    ("frequency", "starts", "gap_hours"),
    [
        (1, times(2), 24),
        (2, times(2, 14), 12),
        (2, times(6, 14), 16),  # over midnight
        (4, times(2, 8, 14, 20), 6),
        (4, times(20, 2, 8, 14), 6),
        (4, times(8, 10, 12, 14), 18),
        (4, times(2, 2, 14, 14), 12),
        (4, [], 6),
        (4, None, 6),
        (2, ["soon", None, *times(6, 18)], 12),
        ("2", [ticks(MORNING), ticks(MORNING + 8 * HOUR)], 16),
        (2, ["2026-03-02T23:00:00Z", "2026-03-03T11:00:00Z"], 12),
    ],
)
async def test_longest_gap(stage: Stage, frequency: Any, starts: Any, gap_hours: float) -> None:
    """The expected interval is that of the frequency, the longest gap that of the day's starts, over midnight too."""
    (found,) = await schedule(stage, {"serviceType": 2, "frequency": frequency, "backupStartTime": starts})

    assert found.job == ("Microsoft 365", "OneDrive", "backup", "")
    assert found.interval_seconds == DAY / int(frequency)
    assert found.longest_gap_seconds == gap_hours * HOUR


async def test_schedules_that_cannot_be(stage: Stage) -> None:
    """Rows without workload or frequency tell nothing; one that comes twice is one; an unknown number keeps it."""
    found = await schedule(
        stage,
        {"serviceType": 0, "frequency": 0},
        {"serviceType": 0, "frequency": None},
        {"serviceType": None, "frequency": 2},
        {"serviceType": 1, "frequency": 2},
        {"serviceType": 1, "frequency": 4},
        {"serviceType": 15, "frequency": 1},
        "row",
    )

    assert [(each.job.workload, (each.interval_seconds or 0) / HOUR) for each in found] == [
        ("SharePoint Online", 6),
        ("unknown_15", 24),
    ]
    assert stage.notes.failed == {"frequency": 2, "serviceType": 1}
    assert stage.notes.unknown == {"serviceType": 1}


@pytest.mark.parametrize("options", [{"status": 404}, {"payload": {"statusCode": 404, "data": None}}])
async def test_no_schedule_yet(stage: Stage, options: Any) -> None:
    """Where the API has no schedule yet that is no failure; it is looked for again, but rarely."""
    stage.answer("v2", "frequency", **options)

    with pytest.raises(NotApplicable) as absence:
        await stage.source().collect("schedule", "contoso", NOTHING)

    assert absence.value.asked


async def test_schedule_without_permission(stage: Stage) -> None:
    """A missing permission is a failure that somebody must mend, not a tenant without schedule."""
    stage.answer("v2", "frequency", status=403)

    with pytest.raises(PermissionMissing):
        await stage.source().collect("schedule", "contoso", NOTHING)
