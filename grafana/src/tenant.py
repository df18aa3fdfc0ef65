"""Tenant: everything about one of them, from all sources that know it."""

from collections.abc import Iterator
from typing import Final

from grafana.src import look, tenant_contract, tenant_jobs, tenant_protection, variables
from grafana.src.how_many import how_many
from grafana.src.links import TENANT
from grafana.src.page import Page, Section
from grafana.src.panels import (
    LOW,
    THIRD,
    Panel,
    Query,
    Words,
    bars_panel,
    lines_panel,
    stat_panel,
    states_panel,
)
from grafana.src.promql import (
    ALLOWED_AGE,
    ANSWERED,
    BACKUPS,
    COMPLETED,
    EXPIRY,
    FAILED,
    FIRING,
    NAMES,
    OF_JOB,
    OF_SUBSCRIPTION,
    OF_TENANT,
    OVERDUE,
    SHOWN,
    SOURCE,
    WORKLOAD,
    age,
    grown,
    newest,
    series,
    total,
    until,
)
from grafana.src.promql import TENANT as CHOSEN
from grafana.src.tables import SOURCE_COLUMN, Label, Value, table_panel
from grafana.src.troubles import meant_coverage

THIS: Final = (SOURCE, CHOSEN)
JOBS: Final = (*THIS, WORKLOAD)


def page() -> Page:
    """Return the dashboard."""
    return Page(
        uid=TENANT,
        title="M365 backup / Tenant",
        description="Everything about one tenant, from all sources that know it.",
        variables=(variables.source(), variables.tenant(), variables.workload()),
        sections=(
            Section("Now", (*_now(), _who())),
            tenant_jobs.section(JOBS),
            tenant_protection.section(THIS),
            tenant_contract.section(THIS),
            Section("Errors and data", tuple(_errors_and_data())),
        ),
    )


def _now() -> Iterator[Panel]:
    expected = f"{newest(COMPLETED, OF_JOB, *JOBS, BACKUPS)} and {newest(ALLOWED_AGE, OF_JOB, *JOBS)}"
    failing, late = newest(FAILED, OF_JOB, *JOBS), f"{newest(OVERDUE, OF_JOB, *JOBS)} > 0"
    yield how_many("Failing jobs", "Backups and copies whose last run failed.", failing, look.NONE_IS_GOOD)
    yield how_many("Overdue jobs", "Jobs whose last completed run is older than allowed.", late, look.NONE_IS_GOOD)
    yield stat_panel(
        Words("Oldest backup", "Age of the last completed run of the job that waits longest, of those meant to run."),
        Query(f"time() - min({expected})"),
        unit=look.SECONDS,
        steps=look.BACKUP_AGE,
    )
    yield stat_panel(
        Words(
            "Lowest coverage",
            "Protected objects of all scanned, of the workload where that is lowest, of those with ten objects or more"
            " of which any was protected in the last 30 days.",
        ),
        Query(f"min({meant_coverage(*JOBS)})", may_be_empty="Veeam and Cloud Backup do not say what they scanned"),
        unit=look.SHARE,
        steps=look.COVERED,
    )
    yield stat_panel(
        Words("Next expiry", "Time that is left of the subscription that ends first."),
        Query(f"min({until(EXPIRY, OF_SUBSCRIPTION, *THIS)})", may_be_empty="only Elements has ends of subscriptions"),
        unit=look.SECONDS,
        steps=look.TIME_LEFT,
    )
    alerts = series("ALERTS", FIRING, CHOSEN)
    yield how_many("Firing alerts", "Alerts about this tenant that fire now.", alerts, look.NONE_IS_GOOD)


def _who() -> Panel:
    status = Label(name="status", title="Vendor's status", mapped=look.STATUS)
    labels = (
        Label(name="tenant_name", title="Name"),
        SOURCE_COLUMN,
        Label(name="country", title="Country"),
        Label(name="owner_email", title="Owner"),
        status,
        Label(name="tenant", title="Id"),
    )
    info = newest("m365backup_tenant_info", (*OF_TENANT, "country", "owner_email"), *THIS)
    synchronised = age("m365backup_tenant_sync_last_success_timestamp_seconds", OF_TENANT, *THIS)
    some = "the vendor does not say"
    values = (
        Value(expr=newest(NAMES, (*OF_TENANT, "tenant_name"), *THIS)),
        Value(expr=info, may_be_empty="a tenant may have no name"),
        Value(expr=newest("m365backup_tenant_status", (*OF_TENANT, "status"), *THIS), may_be_empty=some),
        Value(title="Last synchronised", expr=synchronised, unit=look.SECONDS, steps=look.FRESH, may_be_empty=some),
        Value(title="Muted", expr=newest("m365backup_tenant_muted", OF_TENANT, *THIS), mapped=look.NOTED),
    )
    words = Words("Who it is", "What each source knows of the tenant, and how long ago Veeam last read its directory.")
    return table_panel(words, labels, values, sort="Source", rising=True, size=LOW)


def _errors_and_data() -> Iterator[Panel]:
    errors = grown("m365backup_job_errors_total", (*OF_TENANT, "code"), SHOWN, *THIS)
    yield bars_panel(
        Words("Errors", "The ten most frequent error codes of the runs that ended in the shown time."),
        Query(f"topk(10, {total(errors, 'code')} > 0)", "{{code}}", "no errors, or a vendor that names no codes"),
        size=THIRD,
    )
    by = ("source", "collector")
    stale = f"min by (source, collector) ({series('m365backup_collector_stale', *THIS)})"
    yield states_panel(
        Words(
            "Collectors",
            "Whether the last collection about this tenant worked; stale: it has failed for so long that present state"
            " is withheld. What a source tells about all tenants at once is on the dashboard about the exporter.",
        ),
        Query(f"1 - {newest('m365backup_collector_success', by, *THIS)} + {stale}", "{{source}} {{collector}}"),
        look.COLLECTING,
        size=THIRD,
    )
    yield lines_panel(
        Words("Age of the data", "How long ago each collector got its last complete answer about this tenant."),
        Query(age(ANSWERED, by, *THIS), "{{source}} {{collector}}"),
        unit=look.SECONDS,
        size=THIRD,
    )
