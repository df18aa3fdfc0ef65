"""What the pages show, made up."""

from collections.abc import Mapping, Sequence

from exporter.records import Tenant
from exporter.standing import Trouble
from exporter.web.view import CollectionView, CollectorView, ExporterView, Overview, SourceView, State, TenantView

NOW = 1_772_485_200.0
EXPORTER = ExporterView(
    version="1.2.3",
    started_at=NOW - 90_000,
    state_file="/var/lib/exporter/state.db",
    state_writable=True,
    state_bytes=3 << 20,
    series=12_345,
    not_ready=None,
    not_healthy=None,
)


def trouble(tenant: str = "", text: str = "jobs: api.example.com answered 503: the server failed") -> Trouble:
    """Return a failure of three minutes ago."""
    return Trouble(NOW - 180, "jobs", tenant, "server", text)


def tenant_view(
    name: str,
    *,
    source: str = "elements",
    ident: str | None = None,
    state: State = "fine",
    age: float | None = 300.0,
    muted: bool = False,
    labels: Mapping[str, str] | None = None,
    text: str | None = None,
) -> TenantView:
    """Return a tenant with one collector."""
    ident = name.lower() if ident is None else ident
    at = None if age is None else NOW - age
    collection = CollectionView(
        collector="jobs",
        success=None if state == "waiting" else state == "fine",
        succeeded_at=at,
        stale=state == "stale",
        next_at=NOW + 90,
        trouble=None if state in {"fine", "waiting"} else trouble(ident, *([text] if text else [])),
    )
    record = Tenant(tenant=ident, name=name, muted=muted, labels=labels or {})
    return TenantView(source=source, kind="elements", record=record, collections=(collection,), state=state, oldest=at)


def source_view(name: str, *, up: bool | None = True, latest: Trouble | None = None, tenants: int = 2) -> SourceView:
    """Return a source with one collector."""
    return SourceView(
        name=name,
        kind="elements",
        api="v3",
        up=up,
        since=None if up is None else NOW - 7200,
        allowed_per_second=2.0,
        demand_ratio=0.42,
        lag_seconds=4.0,
        tenants=tenants,
        troubled=0,
        latest=latest,
        collectors=(CollectorView(name="jobs", interval_seconds=1800.0, next_at=NOW + 12, failing=1),),
    )


def overview(tenants: Sequence[TenantView] = (), sources: Sequence[SourceView] = ()) -> Overview:
    """Return everything as it is now."""
    return Overview(at=NOW, exporter=EXPORTER, sources=sources, tenants=tenants)
