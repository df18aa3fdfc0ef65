"""Exporter health: whether what the other dashboards show is true, and how hard it was to get."""

from collections.abc import Iterator
from typing import Final

from grafana.src import look, variables
from grafana.src.health_work import API, OF_COLLECTOR, THESE, collectors, limits, requests
from grafana.src.how_many import how_many
from grafana.src.links import EXPORTER
from grafana.src.page import Page, Section
from grafana.src.panels import (
    LOW,
    THIRD,
    Panel,
    Query,
    Words,
    lines_panel,
    stat_panel,
)
from grafana.src.promql import (
    INSTANCE,
    age,
    done,
    newest,
    rate,
    series,
    until,
)
from grafana.src.tables import SOURCE_COLUMN, Label, Value, table_panel

OF_INSTANCE: Final = ("job", "instance")
OWN: Final = "m365backup_exporter_"


def page() -> Page:
    """Return the dashboard."""
    return Page(
        uid=EXPORTER,
        title="M365 backup / Exporter health",
        description="Whether what the other dashboards show is true, and how hard it was to get.",
        variables=(variables.job(), variables.instance(), variables.source()),
        sections=(
            Section("Now", (*_now(), _instances(), _sources())),
            Section("Collectors", tuple(collectors())),
            Section("The vendors' APIs", (*requests(), *limits())),
            Section("The process", tuple(_process())),
        ),
    )


def _now() -> Iterator[Panel]:
    up = newest("up", OF_INSTANCE, INSTANCE)  # one that is scraped in parts is many targets
    counts = (
        ("Instances", "Instances of the exporter that answer Prometheus.", f"{up} == 1", look.ALL_OR_NOTHING),
        ("Instances down", "Instances of the exporter that do not answer Prometheus.", f"{up} == 0", look.NONE_IS_GOOD),
        (
            "Sources down",
            "Sources that cannot be asked as a whole.",
            f"{newest('m365backup_source_up', ('source',), *THESE)} == 0",
            look.NONE_IS_GOOD,
        ),
        (
            "Failing collectors",
            "Collectors whose last collection failed, each tenant's counted.",
            f"{newest('m365backup_collector_success', (*OF_COLLECTOR, 'tenant'), *THESE)} == 0",
            look.NONE_IS_BETTER,
        ),
        (
            "Stale collectors",
            "Collectors that failed for so long that present state is withheld, each tenant's counted.",
            f"min by (source, collector, tenant) ({series('m365backup_collector_stale', *THESE)}) == 1",
            look.NONE_IS_GOOD,
        ),
    )
    for title, description, which, steps in counts:
        yield how_many(title, description, which, steps)
    yield stat_panel(
        Words("Series", "Series about sources and tenants that the instances hold."),
        Query(f"sum({series(f'{OWN}snapshot_series', INSTANCE)})"),
    )


def _instances() -> Panel:
    labels = (
        Label(name="instance", title="Instance"),
        Label(name="job", title="Job"),
        Label(name="version", title="Version"),
        Label(name="python", title="Python"),
    )
    flags = (
        ("Configuration read", "config_last_reload_successful"),
        ("State written", "state_writable"),
    )
    sizes = (("Answer", "snapshot_bytes"), ("State", "state_bytes"))
    values = (
        Value(expr=newest(f"{OWN}build_info", (*OF_INSTANCE, "version", "python"), INSTANCE)),
        Value(title="Up", expr=newest("up", OF_INSTANCE, INSTANCE), mapped=look.GOOD),
        Value(title="Running for", expr=age("process_start_time_seconds", OF_INSTANCE, INSTANCE), unit=look.SECONDS),
        *(
            Value(title=title, expr=newest(OWN + name, OF_INSTANCE, INSTANCE), mapped=look.GOOD)
            for title, name in flags
        ),
        Value(title="Series", expr=newest(f"{OWN}snapshot_series", OF_INSTANCE, INSTANCE)),
        *(Value(title=title, expr=newest(OWN + name, OF_INSTANCE, INSTANCE), unit=look.BYTES) for title, name in sizes),
    )
    words = Words(
        "Instances", "One row for each running exporter; Answer is the size of what Prometheus reads, unpacked."
    )
    return table_panel(words, labels, values, sort="Instance", rising=True, size=LOW)


def _sources() -> Panel:
    by = ("source",)
    values = (
        Value(expr=newest("m365backup_source_info", ("source", "kind", "api"), *THESE)),
        Value(title="Up", expr=newest("m365backup_source_up", by, *THESE), mapped=look.GOOD),
        Value(
            title="Demand",
            expr=newest("m365backup_source_demand_ratio", by, *THESE),
            unit=look.SHARE,
            steps=look.FILLING,
        ),
        Value(
            title="Lag", expr=newest("m365backup_scheduler_lag_seconds", by, *THESE), unit=look.SECONDS, steps=look.LAG
        ),
        Value(title="Allowed rate", expr=newest(f"{API}allowed_requests_per_second", by, *THESE), unit=look.PER_SECOND),
        Value(title="Throttled", expr=done(f"{API}throttled_total", by, *THESE), steps=look.NONE_IS_BETTER),
        Value(
            title="Token ends in",
            expr=until("m365backup_token_expiry_timestamp_seconds", by, *THESE),
            unit=look.SECONDS,
        ),
        Value(
            title="Unreadable values",
            expr=done("m365backup_parse_failures_total", by, *THESE),
            steps=look.NONE_IS_BETTER,
            may_be_empty="every value could be read",
        ),
        Value(
            title="Unknown words",
            expr=done("m365backup_unknown_values_total", by, *THESE),
            may_be_empty="every word is documented",
        ),
        Value(
            title="Dropped series",
            expr=done("m365backup_series_dropped_total", by, *THESE),
            steps=look.NONE_IS_GOOD,
        ),
    )
    labels = (SOURCE_COLUMN, Label(name="kind", title="Kind"), Label(name="api", title="API"))
    words = Words(
        "Sources",
        "One row for each source. Demand: above 100 % every interval is stretched by it. Lag: how long the most overdue"
        " collection waits. Throttled and what follows it: in the shown time.",
    )
    return table_panel(words, labels, values, sort="Source", rising=True, size=(24, 8))


def _process() -> Iterator[Panel]:
    shown = (
        (
            "Processor",
            "Processors that each instance keeps busy; 100 % is one of them.",
            rate("process_cpu_seconds_total", OF_INSTANCE, INSTANCE),
            look.SHARE,
        ),
        (
            "Memory",
            "Resident memory of each instance.",
            newest("process_resident_memory_bytes", OF_INSTANCE, INSTANCE),
            look.BYTES,
        ),
        (
            "Open files",
            "Share of the file descriptors that may be open.",
            f"{newest('process_open_fds', OF_INSTANCE, INSTANCE)} / {newest('process_max_fds', OF_INSTANCE, INSTANCE)}",
            look.SHARE,
        ),
        (
            "Series",
            "Series about sources and tenants, by instance.",
            newest(f"{OWN}snapshot_series", OF_INSTANCE, INSTANCE),
            look.NUMBER,
        ),
        (
            "Answer",
            "Size of those series as text, before compression.",
            newest(f"{OWN}snapshot_bytes", OF_INSTANCE, INSTANCE),
            look.BYTES,
        ),
        (
            "State",
            "Size of the state file with its log; 0 while state is in memory only.",
            newest(f"{OWN}state_bytes", OF_INSTANCE, INSTANCE),
            look.BYTES,
        ),
    )
    for title, description, expr, unit in shown:
        yield lines_panel(Words(title, description), Query(expr, "{{instance}}"), unit=unit, size=THIRD)
