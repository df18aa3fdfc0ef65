"""The table of all tenants, the worst first."""

from collections.abc import Iterator

from grafana.src import look
from grafana.src.panels import Panel, Words
from grafana.src.promql import (
    ALLOWED_AGE,
    BACKUPS,
    COMPLETED,
    EXPIRY,
    NAMES,
    OBSERVED,
    OF_JOB,
    OF_SUBSCRIPTION,
    OF_TENANT,
    OF_WORKLOAD,
    SCANNED,
    SEATS_RATIO,
    SOURCE,
    WORKLOAD,
    age,
    count,
    newest,
    or_zero_for_tenants,
    per_tenant,
    series,
    total,
)
from grafana.src.tables import ID, NAME, SOURCE_COLUMN, Value, table_panel
from grafana.src.troubles import FAILING, LATE


def tenants_panel() -> Panel:
    """Return one row for each tenant of the chosen sources."""
    words = Words(
        "Tenants",
        "One row for each tenant of a source, the one with most failing jobs first; click a name for all about it."
        " Oldest backup: the job that waits longest for a completed run, of those that are meant to run. Coverage:"
        " protected objects of all scanned. Seats: the fullest subscription. Jobs seen: how long ago the jobs were last"
        " told. Stale: collectors of this tenant that failed for so long that present state is withheld.",
    )
    labels = (NAME, SOURCE_COLUMN, ID)
    values = (*_troubles(), *_contract(), *_attention())
    return table_panel(words, labels, values, sort="Failing jobs")


def _troubles() -> Iterator[Value]:
    expected = (
        f"{newest(COMPLETED, OF_JOB, SOURCE, WORKLOAD, BACKUPS)} and {newest(ALLOWED_AGE, OF_JOB, SOURCE, WORKLOAD)}"
    )
    protected = total(newest("m365backup_objects_protected", OF_WORKLOAD, SOURCE, WORKLOAD), *OF_TENANT)
    scanned = total(newest(SCANNED, OF_WORKLOAD, SOURCE, WORKLOAD), *OF_TENANT)
    failing, late = or_zero_for_tenants(count(FAILING, *OF_TENANT)), or_zero_for_tenants(count(LATE, *OF_TENANT))
    oldest = f"time() - {per_tenant('min', expected)}"
    yield Value(expr=newest(NAMES, (*OF_TENANT, "tenant_name"), SOURCE))
    yield Value(title="Failing jobs", expr=failing, steps=look.NONE_IS_GOOD)
    yield Value(title="Overdue jobs", expr=late, steps=look.NONE_IS_GOOD)
    yield Value(title="Oldest backup", expr=oldest, unit=look.SECONDS, steps=look.BACKUP_AGE)
    yield Value(title="Coverage", expr=f"{protected} / ({scanned} > 0)", unit=look.SHARE, steps=look.COVERED)


def _contract() -> Iterator[Value]:
    ends = f"{per_tenant('min', newest(EXPIRY, OF_SUBSCRIPTION, SOURCE))} - time()"
    yield Value(title="Seats used", expr=newest(SEATS_RATIO, OF_TENANT, SOURCE), unit=look.SHARE, steps=look.FILLING)
    yield Value(title="Next expiry", expr=ends, unit=look.SECONDS, steps=look.TIME_LEFT)


def _attention() -> Iterator[Value]:
    collectors = series("m365backup_collector_stale", SOURCE, 'tenant!=""')
    stale = count(f"min by ({', '.join(OF_TENANT)}, collector) ({collectors}) == 1", *OF_TENANT)
    yield Value(title="Jobs seen", expr=age(OBSERVED, OF_TENANT, SOURCE), unit=look.SECONDS, steps=look.FRESH)
    yield Value(title="Stale", expr=or_zero_for_tenants(stale), steps=look.NONE_IS_GOOD)
    yield Value(title="Muted", expr=newest("m365backup_tenant_muted", OF_TENANT, SOURCE), mapped=look.NOTED)
