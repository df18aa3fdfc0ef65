"""Scan profiles: list, settings and daily report, as each generation spells them (reference 5.5, 6)."""

from typing import Final, Literal

from exporter.simulator.elements.codes import CONTAINERS, STATUSES
from exporter.simulator.elements.job_rows import Row
from exporter.simulator.elements.texts import american_instant, instant
from exporter.simulator.profiles import Profile, Report, Settings

Spelling = Literal["old", "new", "both"]

OLD_NOTIFY: Final = (
    "SendAnemailNotificationToTheFollowIngRecipientsWhenObjectsAreMovedTooTherContainerOrRemovedFromAnyContainers"
)


def v3_profile(profile: Profile, now: float) -> Row:
    """Return the row of the list."""
    return _listed(profile, profile.settings(now))


def v1_profile(profile: Profile, now: float) -> Row:
    """Return the row of v1's list, with the older form of time."""
    settings = profile.settings(now)
    return _listed(profile, settings) | {"modifiedTime": american_instant(settings.modified)}


def v3_details(profile: Profile, now: float) -> Row:
    """Return the settings."""
    settings = profile.settings(now)
    return {
        **_settings(profile, settings),
        "isIgnoreLockedSiteEnabled": settings.ignore_locked,
        "isSendOutOfPolicyNotification": settings.notify,
        "containers": [
            {"containersName": f"Default {kind} Container", "objectType": CONTAINERS[kind].number}
            for kind in settings.containers
        ],
    }


def v1_details(profile: Profile, now: float) -> Row:
    """Return the settings under the old names, the new ones or both."""
    settings = profile.settings(now)
    spelling = spelling_of(profile)
    row = _settings(profile, settings)
    if spelling != "new":
        row["ignoreTheLockedObjectsWhenUpdatingTheJobStatus"] = settings.ignore_locked
        row[OLD_NOTIFY] = settings.notify
    if spelling != "old":
        row["IsIgnoreLockedSiteEnabled"] = settings.ignore_locked
        row["IsSendOutOfPolicyNotification"] = settings.notify
    return row | {
        "containers": [
            {"ContainersName": f"Default {kind} Container", "ObjectType": CONTAINERS[kind].word}
            for kind in settings.containers
        ]
    }


def v3_changes(profile: Profile, now: float) -> Row:
    """Return the daily report, counts and lists."""
    report = profile.report(now)
    return {
        **_reported(profile, profile.settings(now), report),
        "newRegisteredContentCount": report.registered,
        "movedToAnotherContainer": report.moved,
        "removedFromMicrosoft365OrOutofPolicy": report.removed,
        "newRegisteredContent": _addresses(profile, "joiner", report.registered),
        "removedFromMicrosoft365OrOutOfPolicyObjects": _addresses(profile, "leaver", report.removed),
        "movedToAnotherContainerObjects": _addresses(profile, "mover", report.moved),
    }


def v1_summary(profile: Profile, now: float) -> Row:
    """Return the counts of the daily report under the names of the sample or of the path table."""
    report = profile.report(now)
    row = _reported(profile, profile.settings(now), report)
    if spelling_of(profile) == "old":
        return row | {
            "NewRegistedContentCount": report.registered,
            "MovedToAnotherContainer": report.moved,
            "RemovedFromMicrosoft365OrOutofPolicy": report.removed,
        }
    return _shouting_ids(row) | {
        "removedFromMicrosoft365OrOutofPolicyObjects": report.removed,
        "newRegistedContent": report.registered,
        "newRegisteredContentCount": report.registered,
        "movedToAnotherContainerObjects": report.moved,
    }


def v1_report_lists(profile: Profile, now: float) -> Row:
    """Return the objects of the daily report."""
    report = profile.report(now)
    registered = _addresses(profile, "joiner", report.registered)
    return _shouting_ids(
        {
            **_identity(profile),
            "lastUpdateTime": instant(report.time),
            "removedFromMicrosoft365OrOutOfPolicyObjects": _addresses(profile, "leaver", report.removed),
            "newRegistedContent": registered,
            "newRegisteredContent": registered,
            "movedToAnotherContainerObjects": _addresses(profile, "mover", report.moved),
        }
    )


def spelling_of(profile: Profile) -> Spelling:
    """Return which names v1 uses for this profile."""
    spellings: tuple[Spelling, ...] = ("old", "new", "both")
    return profile.lot.pick(spellings, "v1 spelling")


def _listed(profile: Profile, settings: Settings) -> Row:
    return {
        "profileName": profile.name,
        "profileId": profile.id,
        "scanMode": int(settings.advanced),
        "modifiedTime": instant(settings.modified),
    }


def _identity(profile: Profile) -> Row:
    return {
        "profileName": profile.name,
        "profileId": profile.id,
        "tenantDomain": profile.domain,
        "tenantId": profile.tenant.id,
    }


def _settings(profile: Profile, settings: Settings) -> Row:
    return {
        **_identity(profile),
        "description": "Partner-configured profile",
        "scanMode": int(settings.advanced),
        "modifiedTime": instant(settings.modified),
        "createdTime": instant(profile.created),
        "impersonationAccount": settings.impersonation,
        "scanInplaceArchivedMailboxes": settings.archived_mailboxes,
        "enableDailyScan": settings.daily_at or "No",
    }


def _reported(profile: Profile, settings: Settings, report: Report) -> Row:
    return {
        **_identity(profile),
        "description": "Partner-configured profile",
        "scanMode": int(settings.advanced),
        "modifiedTime": instant(settings.modified),
        "lastUpdateTime": instant(report.time),
        "lastScanStatus": STATUSES[report.status].number,
    }


def _shouting_ids(row: Row) -> Row:
    return {f"{key[:-2]}ID" if key in ("profileId", "tenantId") else key: row[key] for key in row}


def _addresses(profile: Profile, kind: str, number: int) -> list[str]:
    return [f"{kind}-{place}@{profile.domain}" for place in range(number)]
