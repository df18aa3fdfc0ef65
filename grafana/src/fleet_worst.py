"""Those of the fleet that need somebody: jobs, alerts, tenants."""

from collections.abc import Iterator
from typing import Final

from grafana.src import look
from grafana.src.links import TENANT_OF_SERIES
from grafana.src.page import Section
from grafana.src.panels import HALF, THIRD, Panel, Query, Words, bars_panel
from grafana.src.promql import (
    OF_JOB,
    OF_RUNS,
    OF_TENANT,
    SHOWN,
    SOURCE,
    WORKLOAD,
    count,
    grown,
    named,
    newest,
    per_tenant,
    total,
    watched,
)
from grafana.src.tables import ID, NAME, SOURCE_COLUMN, Label, Value, table_panel
from grafana.src.troubles import ALERTS, FAILING, LATE, NOBODY, meant_coverage

JOB_LABELS: Final = (
    NAME,
    SOURCE_COLUMN,
    Label(name="product", title="Product"),
    Label(name="workload", title="Workload"),
    Label(name="job_type", title="Type", width=90),
    Label(name="job_name", title="Job"),
    ID,
)


def worst() -> Section:
    """Return the lists, the worst first."""
    return Section("Who needs somebody", (_failed(), _overdue(), _alerts(), *_tenants()))


def _failed() -> Panel:
    succeeded = newest("m365backup_job_last_success_timestamp_seconds", OF_JOB, SOURCE, WORKLOAD)
    first_seen = newest("m365backup_job_first_seen_timestamp_seconds", OF_JOB, SOURCE, WORKLOAD)
    without_success = f"time() - ({succeeded} or {first_seen}) and {FAILING}"
    words = Words(
        "Failed backups",
        "Backups and copies of tenants that are not muted whose last run failed, those longest without a success, or"
        " known without one, first; 50 at most.",
    )
    value = Value(
        title="Without success for",
        expr=f"topk(50, {watched(without_success)})",
        unit=look.SECONDS,
        steps=look.BACKUP_AGE,
        may_be_empty=NOBODY,
    )
    return table_panel(words, JOB_LABELS, (value,), sort=value.title, size=HALF)


def _overdue() -> Panel:
    words = Words(
        "Overdue jobs",
        "Jobs of tenants that are not muted whose last completed run is older than allowed, by how much; 50 at most.",
    )
    value = Value(
        title="Overdue by",
        expr=f"topk(50, {watched(LATE)})",
        unit=look.SECONDS,
        steps=look.OVERDUE_BY,
        may_be_empty=NOBODY,
    )
    return table_panel(words, JOB_LABELS, (value,), sort=value.title, size=HALF)


def _alerts() -> Panel:
    words = Words("Firing alerts", "Alerts of the chosen sources, and of the exporter itself, that fire now.")
    labels = (Label(name="alertname", title="Alert"), Label(name="severity", title="Severity", width=120))
    value = Value(title="Firing", expr=count(ALERTS, "alertname", "severity"), may_be_empty=NOBODY)
    return table_panel(words, labels, (value,), sort=value.title, size=THIRD)


def _tenants() -> Iterator[Panel]:
    failures = grown("m365backup_job_failures_total", OF_RUNS, SHOWN, SOURCE, WORKLOAD)
    covered = per_tenant("min", meant_coverage(SOURCE, WORKLOAD))
    yield bars_panel(
        Words("Most failures", "The ten tenants with most failed runs in the shown time.", TENANT_OF_SERIES),
        Query(f"topk(10, {named(total(failures, *OF_TENANT))} > 0)", "{{tenant_name}}", NOBODY),
    )
    yield bars_panel(
        Words(
            "Least covered",
            "The ten tenants with the worst protected workload, as the share of its scanned objects. Workloads with"
            " fewer than ten objects, or of which none was protected for 30 days, are left out.",
            TENANT_OF_SERIES,
        ),
        Query(f"bottomk(10, {named(covered)})", "{{tenant_name}}"),
        unit=look.SHARE,
        steps=look.COVERED,
        most=1,
    )
