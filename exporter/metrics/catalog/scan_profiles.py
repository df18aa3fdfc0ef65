"""Scan profiles: what comes under backup by itself, and whether somebody changed that."""

from typing import Any, Final

from exporter.metrics.family import CACHED, Family, Labels, by, counter, gauge, info
from exporter.records import ScanProfile, ScanProfileDrift

PROFILE: Final[Labels[Any]] = {
    "tenant": lambda record: record.tenant,
    "profile": lambda record: record.profile,
}


FAMILIES: Final[tuple[Family[Any], ...]] = (
    info(
        "scan_profile_info",
        f"A scan profile of the tenant. {CACHED} (Elements: profileName, scanMode, tenantDomain)",
        ScanProfile,
        PROFILE,
        lambda profile: {"name": profile.name, "mode": profile.mode, "domain": profile.domain},
        ("name", "mode", "domain"),
    ),
    gauge(
        "scan_profile_modified_timestamp_seconds",
        f"When the profile was last modified. {CACHED} (Elements: modifiedTime)",
        ScanProfile,
        PROFILE,
        lambda profile: profile.modified_at,
        kept=True,
    ),
    gauge(
        "scan_profile_report_timestamp_seconds",
        "When the profile's daily report was made; the profile's own modification time if there never was one."
        f" {CACHED} (Elements: lastUpdateTime)",
        ScanProfile,
        PROFILE,
        lambda profile: profile.reported_at,
        kept=True,
    ),
    gauge(
        "scan_profile_daily_scan_enabled",
        f"1 if the profile scans daily for new objects. {CACHED} (Elements: enableDailyScan)",
        ScanProfile,
        PROFILE,
        lambda profile: None if profile.daily_scan is None else float(profile.daily_scan),
    ),
    by(
        "status",
        "scan_profile_last_status",
        f"1 for the status of the profile's last scan. {CACHED} (Elements: lastScanStatus)",
        ScanProfile,
        PROFILE,
        lambda profile: {profile.last_status: 1.0} if profile.last_status else None,
    ),
    by(
        "change",
        "scan_profile_changed_objects",
        "Objects of the last daily report: registered anew, moved to another container, or removed from Microsoft"
        f" 365 or out of policy. {CACHED} (Elements: newRegisteredContentCount, movedToAnotherContainer,"
        " removedFromMicrosoft365OrOutofPolicy)",
        ScanProfile,
        PROFILE,
        lambda profile: profile.changed_objects,
    ),
    by(
        "setting",
        "scan_profile_drift",
        "1 if the setting differs from the configured baseline, or without one from the first answer seen."
        f" {CACHED} (Elements: the profile's details)",
        ScanProfileDrift,
        PROFILE,
        lambda drift: {setting: float(drifted) for setting, drifted in drift.drifted.items()},
    ),
    counter(
        "scan_profile_changes_total",
        f"Changes of the profile's settings that were observed, each setting once. {CACHED}"
        " (Elements: the profile's details)",
        ScanProfileDrift,
        PROFILE,
        lambda drift: drift.changes,
    ),
)
