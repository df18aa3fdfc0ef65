"""Veeam infrastructure: the servers, their repositories and proxies."""

from collections.abc import Iterator
from typing import Final

from grafana.src import look, variables
from grafana.src.how_many import how_many
from grafana.src.links import VEEAM
from grafana.src.page import Page, Section
from grafana.src.panels import (
    LOW,
    THIRD,
    Panel,
    Query,
    Words,
    bars_panel,
    counts_panel,
    states_panel,
)
from grafana.src.promql import (
    OF_JOB,
    OF_RUNS,
    OF_TENANT,
    RECENT,
    SOURCE,
    age,
    count,
    grown,
    named,
    newest,
    series,
    total,
)
from grafana.src.server_licenses import server_licenses_panel
from grafana.src.tables import ID, NAME, SOURCE_COLUMN, Label, Value, table_panel
from grafana.src.veeam_storage import NONE, OF_PROXY, OF_REPOSITORY, PROXY, REPOSITORY, USED, proxies, repositories

SYNCHRONISED: Final = "m365backup_tenant_sync_last_success_timestamp_seconds"


def page() -> Page:
    """Return the dashboard."""
    return Page(
        uid=VEEAM,
        title="M365 backup / Veeam infrastructure",
        description="The servers of Veeam Backup for Microsoft 365: health, licence, repositories and proxies.",
        variables=(variables.source(),),
        sections=(
            Section("Now", tuple(_now())),
            Section("Servers", (_servers(), server_licenses_panel(SOURCE), *_health())),
            Section("Repositories", tuple(repositories())),
            Section("Proxies", tuple(proxies())),
            Section("Organizations and jobs", (_synchronisation(), *_jobs())),
        ),
        since="now-7d",
    )


def _now() -> Iterator[Panel]:
    bad = ("out_of_order", "out_of_sync", "outdated")
    flagged = " or ".join(f"{newest(f'{REPOSITORY}{flag}', OF_REPOSITORY, SOURCE)} == 1" for flag in bad)
    counts = (
        (
            "Servers",
            "Veeam servers among the chosen sources.",
            newest("m365backup_server_info", ("source",), SOURCE),
            look.PLAIN,
        ),
        (
            "Unhealthy components",
            "Components that the server calls unhealthy.",
            f"{newest('m365backup_server_healthy', ('source', 'component'), SOURCE)} == 0",
            look.NONE_IS_GOOD,
        ),
        (
            "Repositories in trouble",
            "Repositories that cannot be used, must be synchronised, or must be upgraded.",
            flagged,
            look.NONE_IS_GOOD,
        ),
        (
            "Full repositories",
            "Repositories of which more than 90 % is used.",
            f"{series(USED, SOURCE)} > 0.9",
            look.NONE_IS_GOOD,
        ),
        (
            "Proxies offline",
            "Proxies that the server does not reach.",
            f"{newest(f'{PROXY}online', OF_PROXY, SOURCE)} == 0",
            look.NONE_IS_GOOD,
        ),
        (
            "Not synchronised",
            "Organizations that were not read for two days; whoever joined them since is not backed up.",
            f"{age(SYNCHRONISED, OF_TENANT, SOURCE)} > {2 * look.DAY}",
            look.NONE_IS_GOOD,
        ),
    )
    for title, description, which, steps in counts:
        yield how_many(title, description, which, steps)


def _servers() -> Panel:
    kind = newest("m365backup_source_info", ("source", "kind"), SOURCE, 'kind="veeam"')
    labels = (
        SOURCE_COLUMN,
        Label(name="version", title="Version"),
        Label(name="api", title="API"),
        Label(name="installation", title="Installation"),
    )
    values = (
        Value(
            expr=newest("m365backup_server_info", ("source", "version", "api", "installation"), SOURCE),
            may_be_empty=NONE,
        ),
        Value(
            title="Reached",
            expr=f"{newest('m365backup_source_up', ('source',), SOURCE)} and on (source) {kind}",
            mapped=look.GOOD,
            may_be_empty=NONE,
        ),
    )
    return table_panel(
        Words("Servers", "One row for each Veeam server, its version, and whether it answers."),
        labels,
        values,
        sort="Source",
        rising=True,
        size=LOW,
    )


def _health() -> Iterator[Panel]:
    yield states_panel(
        Words("Health", "Whether the server calls each of its components healthy; the component server is all of it."),
        Query(
            newest("m365backup_server_healthy", ("source", "component"), SOURCE),
            "{{source}} {{component}}",
            "only Veeam v8 tells its health",
        ),
        look.GOOD,
        size=LOW,
    )


def _synchronisation() -> Panel:
    return table_panel(
        Words(
            "Oldest synchronisations", "The 20 organizations whose users, groups and sites were not read for longest."
        ),
        (NAME, SOURCE_COLUMN, ID),
        (
            Value(
                title="Last synchronised",
                expr=f"topk(20, {named(age(SYNCHRONISED, OF_TENANT, SOURCE))})",
                unit=look.SECONDS,
                steps=look.FRESH,
                may_be_empty=NONE,
            ),
        ),
        sort="Last synchronised",
        size=THIRD,
    )


def _jobs() -> Iterator[Panel]:
    slow = count(newest("m365backup_job_info", (*OF_JOB, "bottleneck"), SOURCE, 'bottleneck!=""'), "bottleneck")
    yield bars_panel(
        Words("Bottlenecks", "What slowed down the last run of the jobs, by how many jobs."),
        Query(slow, "{{bottleneck}}", NONE),
    )
    yield counts_panel(
        Words("Retries", "Attempts beyond the first of the runs that were seen to end; an hour a bar at least."),
        Query(total(grown("m365backup_job_retries_total", OF_RUNS, RECENT, SOURCE), "source"), "{{source}}", NONE),
        size=THIRD,
    )
