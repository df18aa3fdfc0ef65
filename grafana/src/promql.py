"""
The parts that the queries share.

Two instances of the exporter may show the same tenant while one takes over from the other, so that every gauge is taken
by its identifying labels with `newest` and every counter with `grown` before anything is summed.
"""

from typing import Final

SOURCE: Final = 'source=~"$source"'
TENANT: Final = 'tenant="$tenant"'
"""Where one is chosen: Grafana escapes nothing then, and an id is no pattern."""
TENANTS: Final = 'tenant=~"$tenant"'
"""Where several may be: Grafana escapes each for a pattern."""
INSTANCE: Final = 'job=~"$job",instance=~"$instance"'
WORKLOAD: Final = 'workload=~"$workload"'
BACKUPS: Final = 'job_type=~"backup|copy"'

OF_TENANT: Final = ("source", "tenant")
OF_SUBSCRIPTION: Final = (*OF_TENANT, "subscription")
OF_WORKLOAD: Final = (*OF_TENANT, "product", "workload")
OF_RUNS: Final = (*OF_WORKLOAD, "job_type")
OF_JOB: Final = (*OF_RUNS, "job_name")
OF_PROFILE: Final = (*OF_TENANT, "profile")

NAMES: Final = "source_tenant:m365backup_tenant:info"
"""One series for each tenant of a source, with its name as `tenant_name`."""
WATCHED: Final = "source_tenant:m365backup_tenant:watched"
"""The same for those that the operator did not mute."""
FIRING: Final = 'alertstate="firing",alertname=~"M365Backup.+",source=~"($source)|"'
"""Those of the chosen sources, and those of no source, such as of the exporter itself."""
OVERDUE: Final = "source_tenant_job:m365backup_job_overdue_seconds:max"
FAILED: Final = "source_tenant_job:m365backup_job_failed:max"
IN_TROUBLE: Final = 'status=~"failed|failed_to_start|rejected"'

COVERAGE: Final = "source_tenant_workload:m365backup_objects_protected:ratio"
SEATS_RATIO: Final = "source_tenant_subscription:m365backup_seats_used:ratio"
STORAGE_RATIO: Final = "source_tenant_subscription:m365backup_storage_consumed:ratio"
EXPIRY: Final = "m365backup_subscription_expiry_timestamp_seconds"
SCANNED: Final = "m365backup_objects_scanned"
OBSERVED: Final = "source_tenant:m365backup_jobs_observed_timestamp_seconds:max"
"""Up to when the jobs of a tenant are known, whether it is asked for alone or with all others."""
ANSWERED: Final = "m365backup_collector_last_success_timestamp_seconds"
COMPLETED: Final = "m365backup_job_last_completed_timestamp_seconds"
ALLOWED_AGE: Final = "m365backup_job_overdue_after_seconds"

LINES: Final = 20
"""So many can be told apart where each source has one, of which there may be a thousand."""

SHOWN: Final = "$__range"
RECENT: Final = "$__rate_interval"
LATELY: Final = "30d:1d"
"""How far back it counts that something was protected, whatever time is shown; as in M365BackupCoverageLow."""


def series(metric: str, *matchers: str) -> str:
    """Return a selector; matchers are whole, such as `SOURCE`."""
    return f"{metric}{{{','.join(matchers)}}}"


def newest(metric: str, by: tuple[str, ...], *matchers: str) -> str:
    """Return a gauge by its identifying labels, whichever instances of the exporter show it."""
    return f"max by ({', '.join(by)}) ({series(metric, *matchers)})"


def grown(metric: str, by: tuple[str, ...], over: str, *matchers: str) -> str:
    """Return by how much a counter grew, whichever instances of the exporter show it."""
    return f"max by ({', '.join(by)}) (increase({series(metric, *matchers)}[{over}]))"


def rate(metric: str, by: tuple[str, ...], *matchers: str) -> str:
    """Return how fast a counter of the exporter's own work grows; the work of two instances adds up."""
    return f"sum by ({', '.join(by)}) (rate({series(metric, *matchers)}[{RECENT}]))"


def done(metric: str, by: tuple[str, ...], *matchers: str) -> str:
    """Return by how much a counter of the exporter's own work grew in the shown time, over all instances."""
    return f"sum by ({', '.join(by)}) (increase({series(metric, *matchers)}[{SHOWN}]))"


def slowest(metric: str, by: tuple[str, ...], *matchers: str) -> str:
    """Return the time within which 95 of 100 were done, of a histogram."""
    return f"histogram_quantile(0.95, {rate(f'{metric}_bucket', ('le', *by), *matchers)})"


def total(expression: str, *by: str) -> str:
    """Return the sum, of nothing less than all if no labels are given."""
    return f"sum by ({', '.join(by)}) ({expression})" if by else f"sum({expression})"


def count(expression: str, *by: str) -> str:
    """Return how many series there are."""
    return f"count by ({', '.join(by)}) ({expression})" if by else f"count({expression})"


def forecast(metric: str, by: tuple[str, ...], ahead: int, *matchers: str) -> str:
    """
    Return what a gauge will be so many seconds ahead if it goes on as in the shown time.

    It reads as few points of that time as `$__interval` says, not each of millions.
    """
    learned = f"{series(metric, *matchers)}[{SHOWN}:$__interval]"
    return f"max by ({', '.join(by)}) (predict_linear({learned}, {ahead}))"


def or_zero(expression: str) -> str:
    """Return 0 where nothing is found: a count of troubles is 0 when there are none."""
    return f"({expression}) or vector(0)"


def or_zero_for_tenants(expression: str) -> str:
    """Return 0 for the tenants that the expression, by tenant, does not mention."""
    return f"({expression}) or 0 * {newest(NAMES, OF_TENANT, SOURCE)}"


def named(expression: str, names: str = NAMES) -> str:
    """Add `tenant_name` to an expression that has source and tenant; *names* may leave tenants out."""
    return f"({expression}) * on (source, tenant) group_left (tenant_name) {names}"


def watched(expression: str) -> str:
    """Leave muted tenants out and add `tenant_name`."""
    return named(expression, WATCHED)


def age(metric: str, by: tuple[str, ...], *matchers: str) -> str:
    """Return the seconds that have passed since a time."""
    return f"time() - {newest(metric, by, *matchers)}"


def until(metric: str, by: tuple[str, ...], *matchers: str) -> str:
    """Return the seconds that are left until a time."""
    return f"{newest(metric, by, *matchers)} - time()"


def as_date(metric: str, by: tuple[str, ...], *matchers: str) -> str:
    """Return a time as Grafana's units for dates want it: in milliseconds."""
    return f"1000 * {newest(metric, by, *matchers)}"


def per_tenant(kind: str, expression: str) -> str:
    """Return one value a tenant, such as the `min` of its series."""
    return f"{kind} by ({', '.join(OF_TENANT)}) ({expression})"
