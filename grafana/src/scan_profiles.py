"""Scan profiles and drift: is everything found that should be backed up, as it was agreed."""

from collections.abc import Iterator
from typing import Final

from grafana.src import look, variables
from grafana.src.how_many import how_many
from grafana.src.links import SCAN_PROFILES, TENANT_OF_SERIES
from grafana.src.page import Page, Section
from grafana.src.panels import (
    HALF,
    THIRD,
    Panel,
    Query,
    Words,
    bars_panel,
    counts_panel,
    lines_panel,
)
from grafana.src.profiles import NONE, profiles_panel
from grafana.src.promql import (
    IN_TROUBLE,
    OF_PROFILE,
    OF_TENANT,
    RECENT,
    SOURCE,
    TENANTS,
    age,
    count,
    grown,
    named,
    newest,
    total,
)
from grafana.src.tables import ID, NAME, SOURCE_COLUMN, Label, Value, table_panel

THOSE: Final = (SOURCE, TENANTS)
PROFILE: Final = "m365backup_scan_profile_"
DRIFTED: Final = f"{newest(f'{PROFILE}drift', (*OF_PROFILE, 'setting'), *THOSE)} == 1"


def page() -> Page:
    """Return the dashboard."""
    return Page(
        uid=SCAN_PROFILES,
        title="M365 backup / Scan profiles and drift",
        description="Whether everything is found that should be backed up, and who changed how.",
        variables=(variables.source(), variables.tenants()),
        sections=(
            Section("Now", tuple(_now())),
            Section("Profiles", (profiles_panel(*THOSE),)),
            Section("Drift", tuple(_drift())),
            Section("What the scans found", tuple(_scans())),
        ),
        since="now-7d",
    )


def _now() -> Iterator[Panel]:
    report = age(f"{PROFILE}report_timestamp_seconds", OF_PROFILE, *THOSE)
    daily = newest(f"{PROFILE}daily_scan_enabled", OF_PROFILE, *THOSE)
    counts = (
        ("Profiles", "Scan profiles of the chosen tenants.", newest(f"{PROFILE}info", OF_PROFILE, *THOSE), look.PLAIN),
        (
            "Profiles that drifted",
            "Profiles of which a setting differs from the baseline.",
            count(DRIFTED, *OF_PROFILE),
            look.NONE_IS_BETTER,
        ),
        ("Settings that drifted", "Settings that differ from the baseline.", DRIFTED, look.NONE_IS_BETTER),
        (
            "Failed scans",
            "Profiles whose last scan failed.",
            newest(f"{PROFILE}last_status", OF_PROFILE, *THOSE, IN_TROUBLE),
            look.NONE_IS_GOOD,
        ),
        (
            "Daily scan off",
            "Profiles that do not look for new objects daily, so that these are not backed up.",
            f"{daily} == 0",
            look.NONE_IS_BETTER,
        ),
        (
            "Old reports",
            "Profiles that scan daily whose last report is older than three days.",
            f"{report} > {3 * look.DAY} and {daily} == 1",
            look.NONE_IS_GOOD,
        ),
    )
    for title, description, which, steps in counts:
        yield how_many(title, description, which, steps)


def _drift() -> Iterator[Panel]:
    nothing = "every setting is as in the baseline"
    changes = grown(f"{PROFILE}changes_total", OF_PROFILE, RECENT, *THOSE)
    yield table_panel(
        Words("Drifted settings", "Each setting that differs from the baseline; 100 at most."),
        (
            NAME,
            SOURCE_COLUMN,
            Label(name="setting", title="Setting"),
            Label(name="profile", title="Profile's id"),
            ID,
        ),
        (Value(title="Differs", expr=f"topk(100, {named(DRIFTED)})", mapped=look.BAD, may_be_empty=nothing),),
        sort="Setting",
        rising=True,
        size=HALF,
    )
    yield bars_panel(
        Words("Drift by setting", "In how many profiles each setting differs from the baseline."),
        Query(count(DRIFTED, "setting"), "{{setting}}", nothing),
        size=HALF,
    )
    yield counts_panel(
        Words("Changes", "Settings that were seen to change, by source; an hour a bar at least."),
        Query(total(changes, "source"), "{{source}}", NONE),
    )
    drifted = f"{total(newest(f'{PROFILE}drift', (*OF_PROFILE, 'setting'), *THOSE), 'source')}"
    yield lines_panel(
        Words("Drifted settings over time", "How many settings differ from the baseline, by source."),
        Query(drifted, "{{source}}", NONE),
    )


def _scans() -> Iterator[Panel]:
    changed = f"{PROFILE}changed_objects"
    by = (*OF_PROFILE, "change")
    yield lines_panel(
        Words(
            "Objects of the daily reports", "Objects that were registered, moved, or removed, over all chosen tenants."
        ),
        Query(total(newest(changed, by, *THOSE), "change"), "{{change}}", NONE),
        size=THIRD,
    )
    for title, change, description in (
        (
            "Most removed",
            "removed",
            "The ten tenants with most objects removed or out of policy in the last daily report.",
        ),
        (
            "Most registered",
            "registered",
            "The ten tenants with most objects registered anew in the last daily report.",
        ),
    ):
        found = total(newest(changed, by, *THOSE, f'change="{change}"'), *OF_TENANT)
        yield bars_panel(
            Words(title, description, TENANT_OF_SERIES),
            Query(f"topk(10, {named(found)} > 0)", "{{tenant_name}}", NONE),
        )
