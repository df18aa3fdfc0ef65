"""The exporter about itself: its sources, its schedule, the vendors' APIs, its own state."""

from typing import Final

from exporter.errors import REASONS
from exporter.metrics.family import PREFIX, Instrument

SECONDS: Final = (0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0, 120.0)

SOURCE: Final[tuple[Instrument, ...]] = (
    Instrument(
        name=PREFIX + "source_info",
        kind="gauge",
        help="A configured source: the vendor's API family and generation.",
        labels=("kind", "api"),
    ),
    Instrument(
        name=PREFIX + "source_up",
        kind="gauge",
        help="0 while the source as a whole cannot be asked: nothing worked yet, or five collections in a row were"
        " refused, timed out or answered by something else; 1 otherwise.",
    ),
    Instrument(
        name=PREFIX + "collector_failures_total",
        kind="counter",
        help="Collections that failed after all retries, by reason.",
        labels=("collector", "reason"),
        born={"reason": REASONS},
    ),
    Instrument(
        name=PREFIX + "collector_duration_seconds",
        kind="histogram",
        help="Duration of whole collections, waiting for the rate limiter included.",
        labels=("collector",),
        buckets=SECONDS,
    ),
    Instrument(
        name=PREFIX + "scheduler_lag_seconds",
        kind="gauge",
        help="How long the most overdue collection of the source has been waiting; those held back while the source"
        " fails do not count.",
    ),
    Instrument(
        name=PREFIX + "source_demand_ratio",
        kind="gauge",
        help="Needed divided by possible work: requests against the allowed rate, or concurrency times latency,"
        " whichever is worse. Above 1 every interval is stretched by it.",
    ),
    Instrument(
        name=PREFIX + "api_requests_total",
        kind="counter",
        help="Requests to the vendor by operation and HTTP status, or the reason why there was none.",
        labels=("operation", "code"),
    ),
    Instrument(
        name=PREFIX + "api_request_duration_seconds",
        kind="histogram",
        help="Duration of single requests to the vendor.",
        labels=("operation",),
        buckets=SECONDS,
    ),
    Instrument(
        name=PREFIX + "api_throttled_total",
        kind="counter",
        help="Answers of the vendor that asked to slow down (429).",
    ),
    Instrument(
        name=PREFIX + "api_retries_total",
        kind="counter",
        help="Requests sent again, by why.",
        labels=("reason",),
        born={"reason": ("throttled", "timeout", "connection", "server", "auth")},
    ),
    Instrument(
        name=PREFIX + "api_allowed_requests_per_second",
        kind="gauge",
        help="The rate that the limiter allows now: the configured one, less after 429.",
    ),
    Instrument(
        name=PREFIX + "token_expiry_timestamp_seconds",
        kind="gauge",
        help="When the access token in use expires; it is renewed before that.",
    ),
    Instrument(
        name=PREFIX + "parse_failures_total",
        kind="counter",
        help="Values of an answer that were not of a documented form and were left out, by field.",
        labels=("field",),
    ),
    Instrument(
        name=PREFIX + "unknown_values_total",
        kind="counter",
        help="Words of an answer that the vendor has not documented, by field; shown as unknown_<value>.",
        labels=("field",),
    ),
    Instrument(
        name=PREFIX + "series_dropped_total",
        kind="counter",
        help="Series left out: beyond limits.series_per_tenant, or with the labels of another one.",
    ),
)

PROCESS: Final[tuple[Instrument, ...]] = (
    Instrument(
        name=PREFIX + "exporter_build_info",
        kind="gauge",
        help="The running version and its Python.",
        labels=("version", "python"),
    ),
    Instrument(
        name=PREFIX + "exporter_config_last_reload_successful",
        kind="gauge",
        help="1 if the configuration was read without a fault the last time.",
    ),
    Instrument(
        name=PREFIX + "exporter_config_last_reload_success_timestamp_seconds",
        kind="gauge",
        help="When the configuration in force was read.",
    ),
    Instrument(
        name=PREFIX + "exporter_snapshot_series",
        kind="gauge",
        help="Series about sources and tenants in the cache.",
    ),
    Instrument(
        name=PREFIX + "exporter_snapshot_bytes",
        kind="gauge",
        help="Size of those series as text, before compression.",
    ),
    Instrument(
        name=PREFIX + "exporter_state_bytes",
        kind="gauge",
        help="Size of the state file with its write-ahead log; 0 while state is kept in memory.",
    ),
    Instrument(
        name=PREFIX + "exporter_state_writable",
        kind="gauge",
        help="1 if the last write to the state file succeeded; while 0, serving goes on from memory.",
    ),
)

RUNTIME: Final[tuple[Instrument, ...]] = (
    Instrument(name="process_virtual_memory_bytes", kind="gauge", help="Virtual memory size in bytes."),
    Instrument(name="process_resident_memory_bytes", kind="gauge", help="Resident memory size in bytes."),
    Instrument(name="process_start_time_seconds", kind="gauge", help="Start of the process, in Unix seconds."),
    Instrument(name="process_cpu_seconds_total", kind="counter", help="User and system CPU time spent."),
    Instrument(name="process_open_fds", kind="gauge", help="Open file descriptors."),
    Instrument(name="process_max_fds", kind="gauge", help="Most file descriptors that may be open."),
    Instrument(
        name="python_info",
        kind="gauge",
        help="The interpreter.",
        labels=("implementation", "major", "minor", "patchlevel", "version"),
    ),
    Instrument(
        name="python_gc_objects_collected_total",
        kind="counter",
        help="Objects collected during garbage collection.",
        labels=("generation",),
    ),
    Instrument(
        name="python_gc_objects_uncollectable_total",
        kind="counter",
        help="Objects found uncollectable during garbage collection.",
        labels=("generation",),
    ),
    Instrument(
        name="python_gc_collections_total",
        kind="counter",
        help="Times that a generation was collected.",
        labels=("generation",),
    ),
)
"""What prometheus_client's own collectors tell of the process."""
