"""Veeam infrastructure: the servers, their repositories and proxies."""

from collections.abc import Iterator
from typing import Final

from grafana.src import look, variables
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
    lines_panel,
    stat_panel,
    states_panel,
)
from grafana.src.promql import (
    OF_JOB,
    OF_RUNS,
    OF_TENANT,
    RECENT,
    SHOWN,
    SOURCE,
    age,
    count,
    grown,
    named,
    newest,
    or_zero,
    series,
    total,
)
from grafana.src.server_licenses import server_licenses_panel
from grafana.src.tables import ID, NAME, Label, Value, table_panel
from grafana.src.tables import SOURCE as SOURCE_COLUMN

OF_REPOSITORY: Final = ("source", "repository")
OF_PROXY: Final = ("source", "proxy")
REPOSITORY: Final = "m365backup_repository_"
PROXY: Final = "m365backup_proxy_"
USED: Final = "source_repository:m365backup_repository_used:ratio"
SYNCHRONISED: Final = "m365backup_tenant_sync_last_success_timestamp_seconds"
NONE: Final = "no source is a Veeam server"


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
            Section("Repositories", (_repositories(), *_space())),
            Section("Proxies", (_proxies(), *_load())),
            Section("Organizations and jobs", (_synchronisation(), *_jobs())),
        ),
        since="now-7d",
    )


def _with_name(expression: str, by: tuple[str, ...], info: str) -> str:
    """Add the `name` of a repository or proxy; one that is being renamed has one name at a time."""
    labels = ", ".join(by)
    names = f"topk by ({labels}) (1, {newest(info, (*by, 'name'), SOURCE)})"
    return f"({expression}) * on ({labels}) group_left (name) {names}"


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
        yield stat_panel(Words(title, description), Query(or_zero(count(which))), steps=steps)


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


def _repositories() -> Panel:
    free = f"{REPOSITORY}free_bytes"
    shrinks = f"max by (source, repository) (-deriv({series(free, SOURCE)}[{SHOWN}:$__interval]))"
    full_in = f"{newest(free, OF_REPOSITORY, SOURCE)} / ({shrinks} > 0)"
    sizes = (("Capacity", "capacity_bytes"), ("Used", "used_bytes"), ("Free", "free_bytes"))
    flags = (("Out of order", "out_of_order"), ("Out of sync", "out_of_sync"), ("Outdated", "outdated"))
    info = newest(f"{REPOSITORY}info", (*OF_REPOSITORY, "name", "storage", "immutable"), SOURCE)
    values = (
        Value(expr=info, may_be_empty=NONE),
        *(
            Value(
                title=title, expr=newest(REPOSITORY + name, OF_REPOSITORY, SOURCE), unit=look.BYTES, may_be_empty=NONE
            )
            for title, name in sizes
        ),
        Value(
            title="Share",
            expr=newest(USED, OF_REPOSITORY, SOURCE),
            unit=look.SHARE,
            steps=look.FILLING_DISK,
            may_be_empty=NONE,
        ),
        Value(title="Full in", expr=full_in, unit=look.SECONDS, steps=look.TIME_LEFT, may_be_empty="none is filling"),
        *(
            Value(
                title=title, expr=newest(REPOSITORY + name, OF_REPOSITORY, SOURCE), mapped=look.BAD, may_be_empty=NONE
            )
            for title, name in flags
        ),
    )
    labels = (
        Label(name="name", title="Repository"),
        SOURCE_COLUMN,
        Label(name="storage", title="Storage"),
        Label(name="immutable", title="Immutable"),
        Label(name="repository"),
    )
    words = Words(
        "Repositories",
        "One row for each repository, the fullest first. Object storage has a capacity only where it has a limit. Full"
        " in: if use goes on as in the shown time.",
    )
    return table_panel(words, labels, values, sort="Share")


def _space() -> Iterator[Panel]:
    free, used = newest(f"{REPOSITORY}free_bytes", OF_REPOSITORY, SOURCE), series(USED, SOURCE)
    info = f"{REPOSITORY}info"
    yield lines_panel(
        Words("Used share", "Used share of the ten fullest repositories."),
        Query(f"topk(10, {_with_name(used, OF_REPOSITORY, info)})", "{{name}}", NONE),
        unit=look.SHARE,
        steps=look.FILLING_DISK,
    )
    yield lines_panel(
        Words("Free space", "Room that is left in the ten repositories with least of it."),
        Query(f"bottomk(10, {_with_name(free, OF_REPOSITORY, info)})", "{{name}}", NONE),
        unit=look.BYTES,
    )


def _proxies() -> Panel:
    info = newest(f"{PROXY}info", (*OF_PROXY, "name", "os", "version"), SOURCE)
    loads = (("CPU", "cpu_ratio"), ("Memory", "memory_ratio"))
    values = (
        Value(expr=info, may_be_empty=NONE),
        Value(title="Online", expr=newest(f"{PROXY}online", OF_PROXY, SOURCE), mapped=look.GOOD, may_be_empty=NONE),
        Value(
            title="Maintenance",
            expr=newest(f"{PROXY}maintenance", OF_PROXY, SOURCE),
            mapped=look.NOTED,
            may_be_empty=NONE,
        ),
        *(
            Value(
                title=title,
                expr=newest(PROXY + name, OF_PROXY, SOURCE),
                unit=look.SHARE,
                steps=look.FILLING_DISK,
                may_be_empty=NONE,
            )
            for title, name in loads
        ),
    )
    labels = (
        Label(name="name", title="Proxy"),
        SOURCE_COLUMN,
        Label(name="os", title="System"),
        Label(name="version", title="Version"),
        Label(name="proxy"),
    )
    words = Words("Proxies", "One row for each machine that moves the data, those that are offline first.")
    return table_panel(words, labels, values, sort="Online", rising=True, size=(24, 8))


def _load() -> Iterator[Panel]:
    for title, name in (("Processors", "cpu_ratio"), ("Memory", "memory_ratio")):
        load = newest(PROXY + name, OF_PROXY, SOURCE)
        yield lines_panel(
            Words(title, f"{title} in use, of the ten busiest proxies."),
            Query(f"topk(10, {_with_name(load, OF_PROXY, f'{PROXY}info')})", "{{name}}", NONE),
            unit=look.SHARE,
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
