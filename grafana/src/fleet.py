"""Fleet overview: who needs me today."""

from grafana.src import look, variables
from grafana.src.fleet_tenants import tenants_panel
from grafana.src.fleet_worst import worst
from grafana.src.how_many import how_many
from grafana.src.links import FLEET, LICENSING, to
from grafana.src.page import Page, Section
from grafana.src.panels import Query, Words, counts_panel, lines_panel
from grafana.src.promql import (
    EXPIRY,
    LINES,
    NAMES,
    OF_RUNS,
    OF_SUBSCRIPTION,
    RECENT,
    SOURCE,
    WORKLOAD,
    count,
    grown,
    newest,
    total,
    until,
    watched,
)
from grafana.src.troubles import ALERTS, FAILING, GAPS, LATE


def page() -> Page:
    """Return the dashboard."""
    return Page(
        uid=FLEET,
        title="M365 backup / Fleet overview",
        description="Who needs me today: all tenants of all sources, the worst first.",
        variables=(variables.source(), variables.workload()),
        sections=(_today(), Section("Tenants", (tenants_panel(),)), worst(), _history()),
    )


def _today() -> Section:
    soon = f"{until(EXPIRY, OF_SUBSCRIPTION, SOURCE)} < {30 * look.DAY}"
    return Section(
        "Today",
        (
            how_many(
                "Tenants",
                "Tenants that the chosen sources show, each counted once, muted ones too.",
                newest(NAMES, ("tenant",), SOURCE),
            ),
            how_many(
                "Tenants with failed backups",
                "Tenants, not muted, of which a backup or copy failed in its last run.",
                count(watched(FAILING), "tenant"),
                look.NONE_IS_GOOD,
            ),
            how_many(
                "Overdue jobs",
                "Jobs of tenants that are not muted whose last completed run is older than allowed.",
                watched(LATE),
                look.NONE_IS_GOOD,
            ),
            how_many(
                "Tenants with gaps",
                "Tenants, not muted, with a workload of which less than 90 % of the scanned objects are protected."
                " Workloads with fewer than ten objects, or of which none was protected for 30 days, are left out.",
                count(watched(GAPS), "tenant"),
                look.NONE_IS_BETTER,
            ),
            how_many(
                "Ending within 30 days",
                "Subscriptions of tenants that are not muted that end within 30 days or have ended.",
                watched(soon),
                look.NONE_IS_BETTER,
                to(LICENSING),
            ),
            how_many(
                "Firing alerts",
                "Alerts of the chosen sources, and of the exporter itself, that fire now.",
                ALERTS,
                look.NONE_IS_GOOD,
            ),
        ),
    )


def _runs(result: str, over: str) -> str:
    """Return how many runs ended with a result."""
    return grown(f"m365backup_job_{result}_total", OF_RUNS, over, SOURCE, WORKLOAD)


def _history() -> Section:
    failing = newest("source:m365backup_tenants_failing:count", ("source",), SOURCE)
    failures, runs, sizes = (
        f"topk({LINES}, {total(_runs(result, RECENT), 'source')})" for result in ("failures", "runs", "bytes")
    )
    return Section(
        "History",
        (
            counts_panel(
                Words("Failed runs", "Runs that were seen to end as failed, of the 20 sources with most of them."),
                Query(failures, "{{source}}"),
            ),
            lines_panel(
                Words(
                    "Tenants with failed backups",
                    "Tenants of which a backup or copy failed in its last run, of the 20 sources with most of them.",
                ),
                Query(f"topk({LINES}, {failing})", "{{source}}"),
            ),
            counts_panel(
                Words("Ended runs", "Runs that were seen to end, whatever the result, of the 20 sources with most."),
                Query(runs, "{{source}}"),
            ),
            counts_panel(
                Words("Backed up", "Bytes of the runs that were seen to end, of the 20 sources with most."),
                Query(sizes, "{{source}}"),
                unit=look.BYTES,
            ),
        ),
    )
