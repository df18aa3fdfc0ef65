"""What the reader chooses from at the top of a dashboard."""

from typing import Final

from grafana_foundation_sdk.builders.dashboard import DatasourceVariable, QueryVariable
from grafana_foundation_sdk.models.dashboard import DataSourceRef, VariableOption, VariableRefresh, VariableSort

from grafana.src.promql import NAMES, SOURCE, series

DATA_SOURCE: Final = DataSourceRef(type_val="prometheus", uid="${datasource}")

TENANT_QUERY: Final = f"query_result({series(NAMES, SOURCE)})"
TENANT_REGEX: Final = r'/tenant="(?<value>[^"]+)",tenant_name="(?<text>.+)"\}/'
"""Shows the name and carries the id."""


def datasource() -> DatasourceVariable:
    """Return the choice of the Prometheus to ask."""
    return DatasourceVariable("datasource").label("Data source").type("prometheus")


def source() -> QueryVariable:
    """Return the choice of sources."""
    return _many("source", "Source", "label_values(m365backup_source_info, source)")


def workload() -> QueryVariable:
    """Return the choice of workloads that any job of the sources has."""
    return _many("workload", "Workload", f"label_values({series('m365backup_job_runs_total', SOURCE)}, workload)")


def tenants() -> QueryVariable:
    """Return the choice of tenants, all at first."""
    return _many("tenant", "Tenant", TENANT_QUERY).regex(TENANT_REGEX)


def tenant() -> QueryVariable:
    """Return the choice of one tenant."""
    return _query("tenant", "Tenant", TENANT_QUERY).regex(TENANT_REGEX)


def job() -> QueryVariable:
    """Return the choice of scrape jobs that scrape an exporter."""
    return _many("job", "Job", "label_values(m365backup_exporter_build_info, job)")


def instance() -> QueryVariable:
    """Return the choice of the exporter's instances."""
    return _many("instance", "Instance", 'label_values(m365backup_exporter_build_info{job=~"$job"}, instance)')


def _query(name: str, label: str, query: str) -> QueryVariable:
    return (
        QueryVariable(name)
        .label(label)
        .datasource(DATA_SOURCE)
        .query({"query": query, "refId": f"variable-{name}"})
        .refresh(VariableRefresh.ON_TIME_RANGE_CHANGED)
        .sort(VariableSort.ALPHABETICAL_CASE_INSENSITIVE_ASC)
    )


def _many(name: str, label: str, query: str) -> QueryVariable:
    everything = VariableOption(selected=True, text=["All"], value=["$__all"])
    return (
        _query(name, label, query).multi(multi=True).include_all(include_all=True).all_value(".+").current(everything)
    )
