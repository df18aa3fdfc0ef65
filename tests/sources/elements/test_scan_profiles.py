"""Scan profiles: what is asked for when, and what is said of it."""

from typing import Any

import pytest
from structlog.testing import capture_logs

from exporter.errors import AnswerUnreadable, PermissionMissing, ServerFailed
from exporter.records import ScanProfile
from exporter.source import Source
from tests.sources.elements.stage import CONTOSO, FABRIKAM, PATHS, PROFILE, Stage, recorded
from tests.support.sources import NOTHING

REPORTS = {"v3": "scan_profile_changes", "v1": "scan_profile_daily"}
LOGGING = {"scan_profiles": {"changed_objects": True}}
JOINERS = ["joiner-1@contoso.example", "joiner-2@contoso.example", {"name": "joiner-3@contoso.example"}]


def row(**properties: Any) -> dict[str, Any]:
    """Return a row of the list."""
    return {"profileId": PROFILE, "profileName": "Default", "scanMode": 0, "modifiedTime": "2026-02-11"} | properties


def answer(stage: Stage, api: str, *rows: Any, details: Any = None, report: Any = None) -> None:
    """Answer one round: the list, and 404 for details and report that are not given."""
    stage.rows(api, "scan_profiles", *rows)
    for endpoint, payload in (("scan_profile", details), ("report", report)):
        stage.answer(api, endpoint, payload, status=404 if payload is None else 200)


def report(api: str, **properties: Any) -> Any:
    """Return the recorded daily report with other properties."""
    return recorded(f"{api}/{REPORTS[api]}.json") | properties


async def profiles(source: Source, tenant: str = CONTOSO) -> list[ScanProfile]:
    """Collect and return the profiles."""
    return [each for each in await source.collect("scan_profiles", tenant, NOTHING) if isinstance(each, ScanProfile)]


def asked_for(stage: Stage, api: str, endpoint: str) -> int:
    """Return how often an endpoint was asked."""
    path = PATHS[api][endpoint].split(" ")[1]
    return sum(target.endswith(path) for target in stage.asked())


async def test_details_only_when_modified(stage: Stage, api: str) -> None:
    """Details are asked for again only when the modification time is another."""
    for modified in ("2026-02-11", "2026-02-11", "2026-02-12"):
        stage.rows(api, "scan_profiles", row(modifiedTime=modified))
    for daily_scan in ("No", "02:30"):
        stage.answer(api, "scan_profile", {"enableDailyScan": daily_scan})
    stage.answer(api, "report", status=404, repeat=True)
    source = stage.source(api)

    seen = [[each.daily_scan for each in await profiles(source)] for _ in range(3)]

    assert seen == [[False], [False], [True]]
    assert asked_for(stage, api, "scan_profile") == 2


@pytest.mark.parametrize("modified", [None, "N/A", ""])
async def test_details_of_unknown_age(stage: Stage, api: str, modified: str | None) -> None:
    """Where the vendor does not say when a profile was modified, details are asked for each time."""
    for _ in range(2):
        answer(stage, api, row(modifiedTime=modified), details={"tenantDomain": "contoso"})
    source = stage.source(api)

    for _ in range(2):
        await profiles(source)

    assert asked_for(stage, api, "scan_profile") == 2


async def test_deleted_since_it_was_listed(stage: Stage, api: str) -> None:
    """A profile without details is shown by its name, and asked about again next time."""
    answer(stage, api, row())
    answer(stage, api, row(), details={"tenantDomain": "contoso"})
    source = stage.source(api)

    [before] = await profiles(source)
    [after] = await profiles(source)

    assert (before.name, before.settings, before.domain) == ("Default", {}, None)
    assert after.domain == "contoso"


async def test_no_longer_listed(stage: Stage, api: str) -> None:
    """A profile that is listed no more is gone, with what was remembered of it."""
    answer(stage, api, row(), details={"tenantDomain": "contoso"})
    stage.rows(api, "scan_profiles")
    answer(stage, api, row(), details={"tenantDomain": "fabrikam"})
    source = stage.source(api)

    domains = [[each.domain for each in await profiles(source)] for _ in range(3)]

    assert domains == [["contoso"], [], ["fabrikam"]]


async def test_a_profile_listed_twice(stage: Stage, api: str) -> None:
    """A profile that stands twice in the list is one profile."""
    answer(stage, api, row(), row(profileName="Later"), details={})

    assert [each.name for each in await profiles(stage.source(api))] == ["Later"]


async def test_details_survive_a_failure(stage: Stage, api: str) -> None:
    """A failed collection shows nothing, but the details it did get need not be asked for again."""
    stage.rows(api, "scan_profiles", row())
    stage.answer(api, "scan_profile", {"tenantDomain": "contoso"})
    stage.answer(api, "report", status=403)
    stage.rows(api, "scan_profiles", row())
    stage.answer(api, "report", report(api))
    source = stage.source(api)

    with pytest.raises(PermissionMissing):
        await profiles(source)
    [profile] = await profiles(source)

    assert profile.domain == "contoso"
    assert asked_for(stage, api, "scan_profile") == 1


async def test_report_without_details(stage: Stage, api: str) -> None:
    """The report names the domain where the details do not."""
    answer(stage, api, row(), report=report(api))

    [profile] = await profiles(stage.source(api))

    assert profile.domain == "contoso"
    assert profile.changed_objects == {"registered": 3, "moved": 0, "removed": 1}


@pytest.mark.parametrize("payload", [[], "text", 7])
async def test_details_that_are_no_object(stage: Stage, api: str, payload: Any) -> None:
    """Details that are no object fail the collection: nobody knows what they mean."""
    stage.rows(api, "scan_profiles", row())
    stage.answer(api, "scan_profile", payload)

    with pytest.raises(AnswerUnreadable, match="not an object"):
        await profiles(stage.source(api))


async def test_a_broken_report(stage: Stage, api: str) -> None:
    """A report that fails for another reason than its absence fails the collection."""
    stage.rows(api, "scan_profiles", row())
    stage.answer(api, "scan_profile", {})
    stage.answer(api, "report", status=503, repeat=True)

    with pytest.raises(ServerFailed):
        await profiles(stage.source(api))


async def test_objects_are_not_logged_unasked(stage: Stage, api: str) -> None:
    """Unless asked for, the objects of a report are neither requested nor logged."""
    answer(stage, api, row(), details=recorded(f"{api}/scan_profile.json"), report=report(api))

    with capture_logs() as events:
        records = await profiles(stage.source(api))

    assert events == []
    assert "@" not in str(records)
    assert not any("Detail/" in target for target in stage.asked())


async def test_objects_are_logged_once_a_report(stage: Stage, api: str) -> None:
    """Asked for, each change of a report is one event, and a report that is seen again none."""
    for _ in range(2):
        answer(stage, api, row(), details={}, report=report(api))
    if api == "v1":
        stage.answer("v1", "objects", recorded("v1/scan_profile_daily_detail.json"))
    source = stage.source(api, collectors=LOGGING)

    with capture_logs() as events:
        for _ in range(2):
            await profiles(source)

    common = {
        "event": "scan_profile_objects_changed",
        "log_level": "info",
        "source": "elements",
        "tenant": CONTOSO,
        "profile": PROFILE,
    }
    assert events == [
        {**common, "change": "registered", "objects": JOINERS},
        {**common, "change": "removed", "objects": ["leaver@contoso.example"]},
    ]


async def test_objects_of_the_next_report(stage: Stage, api: str) -> None:
    """The next report is logged again."""
    source = stage.source(api, collectors=LOGGING)
    for time in ("2026-03-02T02:04:11Z", "2026-03-03T02:04:11Z"):
        answer(stage, api, row(), details={}, report=report(api, lastUpdateTime=time))
        if api == "v1":
            stage.answer("v1", "objects", recorded("v1/scan_profile_daily_detail.json"))

    with capture_logs() as events:
        for _ in range(2):
            await profiles(source)

    assert [event["change"] for event in events] == ["registered", "removed"] * 2


async def test_a_report_of_nothing(stage: Stage, api: str) -> None:
    """A report without changes has no objects worth a request."""
    nothing = {
        "newRegisteredContentCount": 0,
        "removedFromMicrosoft365OrOutofPolicy": 0,
        "movedToAnotherContainer": 0,
    }
    answer(stage, api, row(), details={}, report=report(api, **nothing))

    with capture_logs() as events:
        await profiles(stage.source(api, collectors=LOGGING))

    assert events == []
    assert not any("Detail/" in target for target in stage.asked())


async def test_objects_that_are_not_found(stage: Stage) -> None:
    """The numbers of a report are shown although v1 does not find its objects."""
    answer(stage, "v1", row(), details={}, report=report("v1"))
    stage.answer("v1", "objects", status=404)

    with capture_logs() as events:
        [profile] = await profiles(stage.source("v1", collectors=LOGGING))

    assert profile.changed_objects["registered"] == 3
    assert events == []


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"enableDailyScan": "No"}, {"daily_scan": "disabled", "daily_scan_time": "none"}),
        ({"enableDailyScan": " 01:59 "}, {"daily_scan": "enabled", "daily_scan_time": "01:59"}),
        ({"enableDailyScan": True}, {"daily_scan": "enabled"}),
        ({"enableDailyScan": "N/A"}, {}),
        ({"scanMode": 1}, {"scan_mode": "advanced"}),
        ({"scanMode": "Express mode"}, {"scan_mode": "express"}),
        ({"scanMode": 9}, {"scan_mode": "unknown_9"}),
        ({"impersonationAccount": "svc@contoso.example"}, {"impersonation_account": "configured"}),
        ({"scanInplaceArchivedMailboxes": True}, {"in_place_archived_mailboxes": "enabled"}),
        ({"IsIgnoreLockedSiteEnabled": "True"}, {"ignore_locked_objects": "enabled"}),
        ({"ignoreTheLockedObjectsWhenUpdatingTheJobStatus": False}, {"ignore_locked_objects": "disabled"}),
        ({"isSendOutOfPolicyNotification": 1}, {"out_of_policy_notification": "enabled"}),
        (
            {
                "SendAnemailNotificationToTheFollowIngRecipientsWhenObjectsAreMovedTooTherContainer"
                "OrRemovedFromAnyContainers": True
            },
            {"out_of_policy_notification": "enabled"},
        ),
        ({"containers": " Mailboxes "}, {"containers": "Mailboxes"}),
        ({"containers": "N/A"}, {}),
        ({"containers": []}, {"containers": ""}),
        (
            {"containers": [{"ContainersName": "B", "ObjectType": "Mailbox"}, {"containersName": "A"}, 7]},
            {"containers": "A (), B (Mailbox)"},
        ),
    ],
)
async def test_settings(stage: Stage, api: str, properties: Any, expected: dict[str, str]) -> None:
    """Each setting is read under every name it has had; what is personal is only said to be there."""
    answer(stage, api, row(), details=properties)

    [profile] = await profiles(stage.source(api))

    assert profile.settings == {"impersonation_account": "none"} | expected


@pytest.mark.parametrize(
    ("properties", "expected"),
    [
        ({"newRegistedContent": 3}, {"registered": 3}),
        ({"NewRegistedContentCount": "3"}, {"registered": 3}),
        ({"newRegisteredContent": ["a", "b"]}, {"registered": 2}),
        ({"movedToAnotherContainerObjects": 4}, {"moved": 4}),
        ({"movedToAnotherContainer": 0, "movedToAnotherContainerObjects": ["x"]}, {"moved": 0}),
        ({"removedFromMicrosoft365OrOutofPolicyObjects": 5}, {"removed": 5}),
        ({"removedFromMicrosoft365OrOutofPolicy": "N/A"}, {}),
    ],
)
async def test_counts_of_the_report(stage: Stage, api: str, properties: Any, expected: dict[str, int]) -> None:
    """Each count is found under every name it has had; a list counts by its length."""
    answer(stage, api, row(), report=properties)

    [profile] = await profiles(stage.source(api))

    assert profile.changed_objects == expected


async def test_profiles_of_customers_that_left(stage: Stage, api: str) -> None:
    """What is remembered of profiles goes with their customer."""
    source = stage.source(api)
    answer(stage, api, row(), details={"tenantDomain": "contoso"})
    await profiles(source)
    stage.rows(api, "customers", {"id": FABRIKAM})
    answer(stage, api, row(), details={"tenantDomain": "fabrikam"})

    await source.collect("tenants", "", NOTHING)

    assert [each.domain for each in await profiles(source)] == ["fabrikam"]
