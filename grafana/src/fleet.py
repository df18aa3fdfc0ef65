"""Fleet overview: who needs me today."""

from collections.abc import Iterator
from typing import Final

from grafana.src import look, variables
from grafana.src.links import FLEET, LICENSING, TENANT_OF_SERIES, to
from grafana.src.page import Page, Section
from grafana.src.panels import HALF, THIRD, Query, Words, bars_panel, counts_panel, lines_panel, stat_panel
from grafana.src.promql import (
    ALLOWED_AGE,
    ANSWERED,
    BACKUPS,
    COMPLETED,
    COVERAGE,
    EXPIRY,
    FAILED,
    FIRING,
    NAMES,
    OF_JOB,
    OF_RUNS,
    OF_SUBSCRIPTION,
    OF_TENANT,
    OF_WORKLOAD,
    OVERDUE,
    RECENT,
    SEATS_RATIO,
    SHOWN,
    SOURCE,
    WORKLOAD,
    count,
    grown,
    named,
    newest,
    or_zero,
    or_zero_for_tenants,
    per_tenant,
    series,
    total,
    until,
    watched,
)
from grafana.src.tables import ID, NAME, Label, Value, table_panel
from grafana.src.tables import SOURCE as SOURCE_COLUMN

ALERTS: Final = series("ALERTS", FIRING)
FAILING: Final = newest(FAILED, OF_JOB, SOURCE, WORKLOAD)
LATE: Final = f"{newest(OVERDUE, OF_JOB, SOURCE, WORKLOAD)} > 0"
GAPS: Final = f"{newest(COVERAGE, OF_WORKLOAD, SOURCE, WORKLOAD)} < 0.9"
NOBODY: Final = "nothing is wrong"

JOB_LABELS: Final = (
    NAME,
    SOURCE_COLUMN,
    Label(name="product", title="Product"),
    Label(name="workload", title="Workload"),
    Label(name="job_type", title="Type", width=90),
    Label(name="job_name", title="Job"),
    ID,
)


def page() -> Page:
    """Return the dashboard."""
    return Page(
        uid=FLEET,
        title="M365 backup / Fleet overview",
        description="Who needs me today: all tenants of all sources, the worst first.",
        variables=(variables.source(), variables.workload()),
        sections=(_today(), _tenants(), _jobs(), _history()),
    )


def _tenants_with(troubles: str) -> Query:
    """Return how many tenants that are not muted have one of the troubles at least."""
    return Query(or_zero(count(count(watched(troubles), "source", "tenant"))))


def _today() -> Section:
    soon = f"{until(EXPIRY, OF_SUBSCRIPTION, SOURCE)} < {30 * look.DAY}"
    return Section(
        "Today",
        (
            stat_panel(
                Words("Tenants", "Tenants that the chosen sources show, each counted once, muted ones too."),
                Query(count(newest(NAMES, ("tenant",), SOURCE))),
            ),
            stat_panel(
                Words(
                    "Tenants with failed backups",
                    "Tenants, not muted, of which a backup or copy failed in its last run.",
                ),
                _tenants_with(FAILING),
                steps=look.NONE_IS_GOOD,
            ),
            stat_panel(
                Words(
                    "Overdue jobs", "Jobs of tenants that are not muted whose last completed run is older than allowed."
                ),
                Query(or_zero(count(watched(LATE)))),
                steps=look.NONE_IS_GOOD,
            ),
            stat_panel(
                Words(
                    "Tenants with gaps",
                    "Tenants, not muted, with a workload of which less than 90 % of the scanned objects are protected.",
                ),
                _tenants_with(GAPS),
                steps=look.NONE_IS_BETTER,
            ),
            stat_panel(
                Words(
                    "Ending within 30 days",
                    "Subscriptions of tenants that are not muted that end within 30 days or have ended.",
                    to(LICENSING),
                ),
                Query(or_zero(count(watched(soon)))),
                steps=look.NONE_IS_BETTER,
            ),
            stat_panel(
                Words("Firing alerts", "Alerts of the chosen sources, and of the exporter itself, that fire now."),
                Query(or_zero(count(ALERTS))),
                steps=look.NONE_IS_GOOD,
            ),
        ),
    )


def _tenants() -> Section:
    words = Words(
        "Tenants",
        "One row for each tenant of a source, the one with most failing jobs first; click a name for all about it."
        " Oldest backup: the job that waits longest for a completed run, of those that are meant to run. Coverage:"
        " protected objects of all scanned. Seats: the fullest subscription. Data: the collector that has been without"
        " an answer for longest.",
    )
    labels = (NAME, SOURCE_COLUMN, ID)
    values = (*_troubles(), *_contract(), *_attention())
    return Section("Tenants", (table_panel(words, labels, values, sort="Failing jobs"),))


def _troubles() -> Iterator[Value]:
    expected = (
        f"{newest(COMPLETED, OF_JOB, SOURCE, WORKLOAD, BACKUPS)} and {newest(ALLOWED_AGE, OF_JOB, SOURCE, WORKLOAD)}"
    )
    protected = total(newest("m365backup_objects_protected", OF_WORKLOAD, SOURCE, WORKLOAD), *OF_TENANT)
    scanned = total(newest("m365backup_objects_scanned", OF_WORKLOAD, SOURCE, WORKLOAD), *OF_TENANT)
    failing, late = or_zero_for_tenants(count(FAILING, *OF_TENANT)), or_zero_for_tenants(count(LATE, *OF_TENANT))
    oldest = f"time() - {per_tenant('min', expected)}"
    yield Value(expr=newest(NAMES, (*OF_TENANT, "tenant_name"), SOURCE))
    yield Value(title="Failing jobs", expr=failing, steps=look.NONE_IS_GOOD)
    yield Value(title="Overdue jobs", expr=late, steps=look.NONE_IS_GOOD)
    yield Value(title="Oldest backup", expr=oldest, unit=look.SECONDS, steps=look.BACKUP_AGE)
    yield Value(title="Coverage", expr=f"{protected} / ({scanned} > 0)", unit=look.SHARE, steps=look.COVERED)


def _contract() -> Iterator[Value]:
    ends = f"{per_tenant('min', newest(EXPIRY, OF_SUBSCRIPTION, SOURCE))} - time()"
    yield Value(title="Seats used", expr=newest(SEATS_RATIO, OF_TENANT, SOURCE), unit=look.SHARE, steps=look.FILLING)
    yield Value(title="Next expiry", expr=ends, unit=look.SECONDS, steps=look.TIME_LEFT)


def _attention() -> Iterator[Value]:
    answered = newest(ANSWERED, (*OF_TENANT, "collector"), SOURCE, 'tenant!=""')
    oldest = f"time() - {per_tenant('min', answered)}"
    yield Value(title="Data", expr=oldest, unit=look.SECONDS, steps=look.FRESH)
    yield Value(title="Muted", expr=newest("m365backup_tenant_muted", OF_TENANT, SOURCE), mapped=look.NOTED)


def _jobs() -> Section:
    succeeded = newest("m365backup_job_last_success_timestamp_seconds", OF_JOB, SOURCE, WORKLOAD)
    first_seen = newest("m365backup_job_first_seen_timestamp_seconds", OF_JOB, SOURCE, WORKLOAD)
    without_success = f"time() - ({succeeded} or {first_seen}) and {FAILING}"
    return Section(
        "Jobs that need somebody",
        (
            table_panel(
                Words(
                    "Failed backups",
                    "Backups and copies of tenants that are not muted whose last run failed, those longest without a"
                    " success, or known without one, first; 50 at most.",
                ),
                JOB_LABELS,
                (
                    Value(
                        title="Without success for",
                        expr=f"topk(50, {watched(without_success)})",
                        unit=look.SECONDS,
                        steps=look.BACKUP_AGE,
                        may_be_empty=NOBODY,
                    ),
                ),
                sort="Without success for",
                size=HALF,
            ),
            table_panel(
                Words(
                    "Overdue jobs",
                    "Jobs of tenants that are not muted whose last completed run is older than allowed, by how much;"
                    " 50 at most.",
                ),
                JOB_LABELS,
                (
                    Value(
                        title="Overdue by",
                        expr=f"topk(50, {watched(LATE)})",
                        unit=look.SECONDS,
                        steps=look.OVERDUE_BY,
                        may_be_empty=NOBODY,
                    ),
                ),
                sort="Overdue by",
                size=HALF,
            ),
            table_panel(
                Words("Firing alerts", "Alerts of the chosen sources, and of the exporter itself, that fire now."),
                (Label(name="alertname", title="Alert"), Label(name="severity", title="Severity", width=120)),
                (
                    Value(
                        title="Firing",
                        expr=count(ALERTS, "alertname", "severity"),
                        may_be_empty=NOBODY,
                    ),
                ),
                sort="Firing",
                size=THIRD,
            ),
            bars_panel(
                Words("Most failures", "The ten tenants with most failed runs in the shown time.", TENANT_OF_SERIES),
                Query(f"topk(10, {named(total(_runs('failures', SHOWN), *OF_TENANT))} > 0)", "{{tenant_name}}", NOBODY),
            ),
            bars_panel(
                Words(
                    "Least covered",
                    "The ten tenants with the worst protected workload, as the share of its scanned objects.",
                    TENANT_OF_SERIES,
                ),
                Query(
                    f"bottomk(10, {named(per_tenant('min', series(COVERAGE, SOURCE, WORKLOAD)))})",
                    "{{tenant_name}}",
                ),
                unit=look.SHARE,
                steps=look.COVERED,
                most=1,
            ),
        ),
    )


def _runs(result: str, over: str) -> str:
    """Return how many runs ended with a result."""
    return grown(f"m365backup_job_{result}_total", OF_RUNS, over, SOURCE, WORKLOAD)


def _history() -> Section:
    failing = newest("source:m365backup_tenants_failing:count", ("source",), SOURCE)
    return Section(
        "History",
        (
            counts_panel(
                Words("Failed runs", "Runs that were seen to end as failed, by source."),
                Query(total(_runs("failures", RECENT), "source"), "{{source}}"),
            ),
            lines_panel(
                Words("Tenants with failed backups", "Tenants of which a backup or copy failed in its last run."),
                Query(failing, "{{source}}"),
            ),
            counts_panel(
                Words("Ended runs", "Runs that were seen to end, whatever the result, by source."),
                Query(total(_runs("runs", RECENT), "source"), "{{source}}"),
            ),
            counts_panel(
                Words("Backed up", "Bytes of the runs that were seen to end, by source."),
                Query(total(_runs("bytes", RECENT), "source"), "{{source}}"),
                unit=look.BYTES,
            ),
        ),
    )
