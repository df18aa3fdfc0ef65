"""The exporter's work: collections, requests, and what limits them."""

from collections.abc import Iterator
from typing import Final

from grafana.src import look
from grafana.src.panels import THIRD, Panel, Query, Words, counts_panel, lines_panel
from grafana.src.promql import (
    ANSWERED,
    INSTANCE,
    LINES,
    RECENT,
    SOURCE,
    newest,
    rate,
    series,
    slowest,
)

THESE: Final = (INSTANCE, SOURCE)
OF_COLLECTOR: Final = ("source", "collector")
API: Final = "m365backup_api_"


def collectors() -> Iterator[Panel]:
    """Return the panels about what worked and how long it took."""
    legend = "{{source}} {{collector}}"
    success = newest("m365backup_collector_success", (*OF_COLLECTOR, "tenant"), *THESE)
    yield lines_panel(
        Words(
            "Collections that worked",
            "Share of the tenants for which the last collection worked; the 20 worst collectors.",
        ),
        Query(f"bottomk({LINES}, avg by (source, collector) ({success}))", legend),
        unit=look.SHARE,
    )
    oldest = newest(ANSWERED, (*OF_COLLECTOR, "tenant"), *THESE)
    yield lines_panel(
        Words(
            "Oldest data",
            "How long ago the collector got its last complete answer, of the tenant where that is longest; the 20 worst"
            " collectors.",
        ),
        Query(f"topk({LINES}, time() - min by (source, collector) ({oldest}))", legend),
        unit=look.SECONDS,
    )
    failures = series("m365backup_collector_failures_total", *THESE)
    yield counts_panel(
        Words(
            "Failed collections",
            "Collections that failed after all retries, by source and reason; the 20 most frequent.",
        ),
        Query(
            f"topk({LINES}, sum by (source, reason) (increase({failures}[{RECENT}])) > 0)",
            "{{source}} {{reason}}",
            "no collection failed",
        ),
        size=THIRD,
    )
    yield lines_panel(
        Words(
            "Duration of collections",
            "Time within which 95 of 100 collections were done, waiting for our turn included; the 20 slowest.",
        ),
        Query(f"topk({LINES}, {slowest('m365backup_collector_duration_seconds', OF_COLLECTOR, *THESE)})", legend),
        unit=look.SECONDS,
        size=THIRD,
    )
    yield lines_panel(
        Words("Sources that cannot be asked", "Sources that are down as a whole, by vendor."),
        Query(_down(), "{{kind}}"),
        size=THIRD,
    )


def _down() -> str:
    kinds = newest("m365backup_source_info", ("source", "kind"), *THESE)
    down = f"1 - {newest('m365backup_source_up', ('source',), *THESE)}"
    return f"sum by (kind) (({down}) * on (source) group_left (kind) {kinds})"


def requests() -> Iterator[Panel]:
    """Return the panels about what was asked and answered."""
    codes = rate(f"{API}requests_total", ("source", "code"), *THESE)
    slow = slowest(f"{API}request_duration_seconds", ("source", "operation"), *THESE)
    yield lines_panel(
        Words(
            "Requests",
            "Requests to the vendors by source and HTTP status, or why there was none; the 20 most frequent.",
        ),
        Query(f"topk({LINES}, {codes})", "{{source}} {{code}}"),
        unit=look.PER_SECOND,
    )
    yield lines_panel(
        Words(
            "Duration of requests",
            "Time within which 95 of 100 requests were answered, by source and operation; the 20 slowest.",
        ),
        Query(f"topk({LINES}, {slow})", "{{source}} {{operation}}"),
        unit=look.SECONDS,
    )
    throttled = rate(f"{API}throttled_total", ("source",), *THESE)
    retried = rate(f"{API}retries_total", ("source", "reason"), *THESE)
    yield lines_panel(
        Words(
            "Throttled",
            "Answers that asked to slow down, and requests that were sent again, by why; the 20 most frequent of each.",
        ),
        Query(f"topk({LINES}, {throttled})", "{{source}} throttled"),
        Query(f"topk({LINES}, {retried})", "{{source}} retried: {{reason}}"),
        unit=look.PER_SECOND,
    )
    yield _unreadable()


def _unreadable() -> Panel:
    by = ("source", "field")
    failed = rate("m365backup_parse_failures_total", by, *THESE)
    unknown = rate("m365backup_unknown_values_total", by, *THESE)
    return lines_panel(
        Words(
            "Parse failures",
            "Values that could not be read and words that are not documented, by field; the 20 most frequent of each.",
        ),
        Query(f"topk({LINES}, {failed})", "{{source}} unreadable: {{field}}", "every value could be read"),
        Query(f"topk({LINES}, {unknown})", "{{source}} unknown: {{field}}", "every word is documented"),
        unit=look.PER_SECOND,
    )


def limits() -> Iterator[Panel]:
    """Return the panels about what may be asked and what would have to be."""
    allowed, demand, lag = (
        newest(metric, ("source",), *THESE)
        for metric in (
            f"{API}allowed_requests_per_second",
            "m365backup_source_demand_ratio",
            "m365backup_scheduler_lag_seconds",
        )
    )
    yield lines_panel(
        Words(
            "Allowed rate",
            "Requests a second that the limiter allows: the configured rate, less after throttling; the 20 lowest.",
        ),
        Query(f"bottomk({LINES}, {allowed})", "{{source}}"),
        unit=look.PER_SECOND,
        size=THIRD,
    )
    yield lines_panel(
        Words(
            "Demand",
            "Needed work of what is possible. Above 100 % every interval is stretched by it. The 20 busiest sources.",
        ),
        Query(f"topk({LINES}, {demand})", "{{source}}"),
        unit=look.SHARE,
        size=THIRD,
    )
    yield lines_panel(
        Words("Lag", "How long the most overdue collection has been waiting; the 20 sources that wait longest."),
        Query(f"topk({LINES}, {lag})", "{{source}}"),
        unit=look.SECONDS,
        size=THIRD,
    )
