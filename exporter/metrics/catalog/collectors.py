"""How the collecting about each tenant fares."""

from typing import Any, Final

from exporter.metrics.family import Family, Labels, gauge
from exporter.records import Collection

COLLECTOR: Final[Labels[Collection]] = {
    "tenant": lambda record: record.tenant,
    "collector": lambda record: record.collector,
}


FAMILIES: Final[tuple[Family[Any], ...]] = (
    gauge(
        "collector_success",
        "1 if the last collection succeeded; absent where the tenant does not have what would be asked for.",
        Collection,
        COLLECTOR,
        lambda state: None if state.success is None else float(state.success),
        kept=True,
    ),
    gauge(
        "collector_last_success_timestamp_seconds",
        "When the collector last got a complete answer: the age of everything it serves.",
        Collection,
        COLLECTOR,
        lambda state: state.succeeded_at,
        kept=True,
    ),
    gauge(
        "collector_stale",
        "1 once collecting has failed for longer than stale_after: gauges of present state are withheld, counters,"
        " times and infos stay.",
        Collection,
        COLLECTOR,
        lambda state: None if state.success is None else float(state.stale),
        kept=True,
    ),
)
