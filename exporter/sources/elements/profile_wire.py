"""Scan profiles as Elements sends them: a list, the settings of each, its daily report."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

from exporter.client.fields import FaultObserver, Fields, objects
from exporter.client.values import count_or_length, flag, text, timestamp
from exporter.client.words import is_placeholder
from exporter.records import ScanProfile, Status
from exporter.sources.elements.words import (
    JOB_STATUS,
    JOB_STATUS_WORDS,
    SCAN_MODE,
    SCAN_MODE_WORDS,
    known,
)

_FLAGS: Final[Mapping[str, tuple[str, ...]]] = {
    "in_place_archived_mailboxes": ("scanInplaceArchivedMailboxes",),
    "ignore_locked_objects": ("isIgnoreLockedSiteEnabled", "ignoreTheLockedObjectsWhenUpdatingTheJobStatus"),
    "out_of_policy_notification": (
        "isSendOutOfPolicyNotification",
        "sendAnEmailNotificationToTheFollowingRecipientsWhenObjectsAreMovedTooTherContainerOrRemovedFromAnyContainers",
    ),
}
"""Setting → the names it has had."""

_CHANGES: Final[Mapping[str, tuple[str, ...]]] = {
    "registered": (
        "newRegisteredContentCount",
        "newRegistedContentCount",
        "newRegisteredContent",
        "newRegistedContent",
    ),
    "moved": ("movedToAnotherContainer", "movedToAnotherContainerObjects"),
    "removed": ("removedFromMicrosoft365OrOutofPolicy", "removedFromMicrosoft365OrOutOfPolicyObjects"),
}
"""Change of the daily report → the names of its count; a list counts by its length."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ListedProfile:
    """A row of the list of profiles (v3 5.5, v1 ScanProfiles)."""

    profile: str
    name: str
    mode: str | None
    modified_at: float | None
    modified: Any
    """The modification time as it came, if it did: details are asked again when it is another."""


@dataclass(frozen=True, slots=True, kw_only=True)
class ProfileDetails:
    """The settings of a profile (v3 5.5, v1 ScanProfilesDetails)."""

    domain: str | None
    daily_scan: bool | None
    settings: Mapping[str, str]


@dataclass(frozen=True, slots=True, kw_only=True)
class DailyReport:
    """What the daily scan found (v3 changes, v1 ScanProfilesDailyNew)."""

    domain: str | None
    reported_at: float | None
    last_status: Status | None
    changed: Mapping[str, int]


def listed(fields: Fields) -> ListedProfile | None:
    """Read a row of the list."""
    profile = fields.read(text, "profileId", needed=True)
    if profile is None:
        return None
    modified = fields.raw("modifiedTime")
    return ListedProfile(
        profile=profile,
        name=fields.read(text, "profileName") or profile,
        mode=known(fields, "scanMode", SCAN_MODE, SCAN_MODE_WORDS),
        modified_at=fields.read(timestamp, "modifiedTime"),
        modified=None if is_placeholder(modified) else modified,
    )


def details(fields: Fields, observer: FaultObserver) -> ProfileDetails:
    """Read a profile's settings; who impersonates is personal, so only whether anyone does is kept."""
    settings: dict[str, str | None] = {
        "scan_mode": known(fields, "scanMode", SCAN_MODE, SCAN_MODE_WORDS),
        "impersonation_account": "configured" if fields.read(text, "impersonationAccount") else "none",
        "containers": _containers(fields, observer),
    }
    for setting, names in _FLAGS.items():
        value = fields.read(flag, *names)
        settings[setting] = None if value is None else _enabled(value=value)
    daily_scan, at = _daily_scan(fields)
    settings["daily_scan"] = None if daily_scan is None else _enabled(value=daily_scan)
    settings["daily_scan_time"] = at
    return ProfileDetails(
        domain=fields.read(text, "tenantDomain"),
        daily_scan=daily_scan,
        settings={setting: value for setting, value in settings.items() if value is not None},
    )


def _enabled(*, value: bool) -> str:
    return "enabled" if value else "disabled"


def _daily_scan(fields: Fields) -> tuple[bool | None, str | None]:
    """Return whether there is a daily scan and at what time: ``No`` or ``hh:mm``."""
    raw = fields.raw("enableDailyScan")
    if isinstance(raw, str) and ":" in raw:
        return True, raw.strip()
    enabled = fields.read(flag, "enableDailyScan")
    return enabled, "none" if enabled is False else None


def _containers(fields: Fields, observer: FaultObserver) -> str | None:
    """Return the containers as one comparable text: names and object types, in order of name."""
    raw = fields.raw("containers")
    if not isinstance(raw, list):
        return fields.read(text, "containers")
    rows = objects(raw, observer, "containers")
    named = [f"{row.read(text, 'containersName') or ''} ({row.read(text, 'objectType') or ''})" for row in rows]
    return ", ".join(sorted(named))


def daily_report(fields: Fields) -> DailyReport:
    """Read the daily report."""
    counts = {change: fields.read(count_or_length, *names) for change, names in _CHANGES.items()}
    return DailyReport(
        domain=fields.read(text, "tenantDomain"),
        reported_at=fields.read(timestamp, "lastUpdateTime"),
        last_status=known(fields, "lastScanStatus", JOB_STATUS, JOB_STATUS_WORDS),
        changed={change: number for change, number in counts.items() if number is not None},
    )


def changed_objects(fields: Fields) -> dict[str, list[Any]]:
    """Return the objects of the daily report by change, as the vendor names them (personal data).

    A change has had several names, which may come together with only one of them filled; v1's path
    table promises text where its samples have lists.
    """
    found: dict[str, list[Any]] = {}
    for change, names in _CHANGES.items():
        values = [value for name in names if isinstance(value := fields.raw(name), list | str) and value]
        lists = [value if isinstance(value, list) else [value] for value in values if not is_placeholder(value)]
        if lists:
            found[change] = lists[0]
    return found


def scan_profile(
    tenant: str,
    row: ListedProfile,
    known_details: ProfileDetails | None,
    report: DailyReport | None,
) -> ScanProfile:
    """Bring together what the three answers say of a profile."""
    domain = (known_details.domain if known_details else None) or (report.domain if report else None)
    return ScanProfile(
        tenant=tenant,
        profile=row.profile,
        name=row.name,
        mode=row.mode,
        domain=domain,
        modified_at=row.modified_at,
        reported_at=report.reported_at if report else None,
        daily_scan=known_details.daily_scan if known_details else None,
        last_status=report.last_status if report else None,
        changed_objects=report.changed if report else {},
        settings=known_details.settings if known_details else {},
    )
