"""Where a click leads: the dashboards' ids, and links that keep the time range and the variables."""

from typing import Final

from grafana_foundation_sdk.builders.dashboard import DashboardLink
from grafana_foundation_sdk.models.dashboard import DashboardLinkType

FLEET: Final = "m365-backup-fleet"
TENANT: Final = "m365-backup-tenant"
LICENSING: Final = "m365-backup-licensing"
SCAN_PROFILES: Final = "m365-backup-scan-profiles"
VEEAM: Final = "m365-backup-veeam"
EXPORTER: Final = "m365-backup-exporter"

TAG: Final = "m365-backup"

KEPT: Final = "${__url_time_range}&${datasource:queryparam}&${source:queryparam}"


def to(uid: str, *variables: str) -> str:
    """Return the address of a dashboard with the present time range, data source and sources.

    Further *variables* are whole, such as `var-tenant=…`.
    """
    return f"/d/{uid}?{'&'.join((KEPT, *variables))}"


TENANT_OF_ROW: Final = to(TENANT, "var-tenant=${__data.fields.tenant:percentencode}")
"""From a row of a table that has the column tenant, shown or not. Grafana itself would leave `+`, `&`, `#`."""
TENANT_OF_SERIES: Final = to(TENANT, "var-tenant=${__field.labels.tenant:percentencode}")
"""From a series that has the label tenant."""


def siblings() -> DashboardLink:
    """Return the menu that leads to all our dashboards."""
    return (
        DashboardLink("M365 backup")
        .type(DashboardLinkType.DASHBOARDS)
        .tags([TAG])
        .as_dropdown(as_dropdown=True)
        .include_vars(include_vars=True)
        .keep_time(keep_time=True)
        .icon("external link")
        .tooltip("The other dashboards, with this time range and these variables")
    )
