"""What the pages show, as it was at one moment: plain values that nothing changes any more."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, get_args

from exporter.records import Tenant
from exporter.standing import Trouble

State = Literal["stale", "failing", "waiting", "fine"]
WORST_FIRST: Final[tuple[State, ...]] = get_args(State)


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectionView:
    """How one collector fares with one tenant, or with all at once."""

    collector: str
    success: bool | None
    """``None``: not tried yet."""
    succeeded_at: float | None
    stale: bool
    next_at: float | None
    trouble: Trouble | None

    @property
    def state(self) -> State:
        """Say it in one word."""
        if self.stale:
            return "stale"
        if self.success is None:
            return "waiting"
        return "fine" if self.success else "failing"


@dataclass(frozen=True, slots=True, kw_only=True)
class TenantView:
    """One tenant of one source; *collections* that do not apply to it are left out."""

    source: str
    kind: str
    record: Tenant
    collections: Sequence[CollectionView]
    state: State
    """That of its worst collection."""
    oldest: float | None
    """The age of its oldest answer as the time of that success; ``None`` if one was never had."""


@dataclass(slots=True, kw_only=True)
class CollectorView:
    """One collector over all tenants."""

    name: str
    interval_seconds: float
    """As it is kept: longer than configured if more is needed than may be asked."""
    next_at: float | None = None
    failing: int = 0
    stale: int = 0

    def add(self, collection: CollectionView) -> None:
        """Count in how it fares with one more tenant."""
        self.failing += collection.state == "failing"
        self.stale += collection.state == "stale"
        if collection.next_at is not None:
            self.next_at = min(self.next_at or collection.next_at, collection.next_at)


@dataclass(frozen=True, slots=True, kw_only=True)
class SourceView:
    """One source."""

    name: str
    kind: str
    api: str
    up: bool | None
    since: float | None
    allowed_per_second: float
    demand_ratio: float
    lag_seconds: float
    tenants: int
    troubled: int
    """How many of its tenants are failing or stale."""
    latest: Trouble | None
    collectors: Sequence[CollectorView]

    @property
    def next_at(self) -> float | None:
        """When it is asked next, for whatever."""
        return min((each.next_at for each in self.collectors if each.next_at is not None), default=None)

    @property
    def state(self) -> State:
        """Say in one word whether the source can be asked."""
        if self.up is None:
            return "waiting"
        return "fine" if self.up else "failing"


@dataclass(frozen=True, slots=True, kw_only=True)
class ExporterView:
    """The process."""

    version: str
    started_at: float
    state_file: str | None
    """``None``: everything is kept in memory."""
    state_writable: bool
    state_bytes: int
    series: int
    not_ready: str | None
    not_healthy: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Overview:
    """Everything."""

    at: float
    exporter: ExporterView
    sources: Sequence[SourceView] = field(default=())
    tenants: Sequence[TenantView] = field(default=())
