"""The table of scan profiles, which two dashboards show."""

from collections.abc import Iterator

from grafana.src import look
from grafana.src.panels import Panel, Words
from grafana.src.promql import OF_PROFILE, SHOWN, age, grown, named, newest, total
from grafana.src.tables import ID, NAME, SOURCE_COLUMN, Label, Value, table_panel

NONE: str = "only Elements has scan profiles"


def profiles_panel(*matchers: str) -> Panel:
    """Return one row for each profile that the matchers choose."""
    words = Words(
        "Scan profiles",
        "One row for each scan profile, the one with most settings that differ from the baseline first. Changes:"
        " settings that were seen to change in the shown time.",
    )
    labels = (
        NAME,
        SOURCE_COLUMN,
        Label(name="name", title="Profile"),
        Label(name="mode", title="Mode", width=110),
        Label(name="domain", title="Domain"),
        Label(name="status", title="Last scan", mapped=look.STATUS, width=120),
        ID,
        Label(name="profile"),
    )
    return table_panel(words, labels, tuple(_values(matchers)), sort="Drifted")


def _values(matchers: tuple[str, ...]) -> Iterator[Value]:
    profile = "m365backup_scan_profile_"
    info = newest(f"{profile}info", (*OF_PROFILE, "name", "mode", "domain"), *matchers)
    status = newest(f"{profile}last_status", (*OF_PROFILE, "status"), *matchers)
    drifted = total(newest(f"{profile}drift", (*OF_PROFILE, "setting"), *matchers), *OF_PROFILE)
    yield Value(expr=named(info), may_be_empty=NONE)
    yield Value(expr=status, may_be_empty=NONE)
    yield Value(title="Drifted", expr=drifted, steps=look.NONE_IS_BETTER, may_be_empty=NONE)
    yield Value(title="Changes", expr=grown(f"{profile}changes_total", OF_PROFILE, SHOWN, *matchers), may_be_empty=NONE)
    yield Value(
        title="Modified",
        expr=age(f"{profile}modified_timestamp_seconds", OF_PROFILE, *matchers),
        unit=look.SECONDS,
        may_be_empty=NONE,
    )
    yield Value(
        title="Daily scan",
        expr=newest(f"{profile}daily_scan_enabled", OF_PROFILE, *matchers),
        mapped=look.GOOD,
        may_be_empty=NONE,
    )
    yield Value(
        title="Report",
        expr=age(f"{profile}report_timestamp_seconds", OF_PROFILE, *matchers),
        unit=look.SECONDS,
        steps=look.REPORT_AGE,
        may_be_empty=NONE,
    )
