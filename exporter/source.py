"""What a source and its collectors are, seen from the scheduler."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from random import Random
from typing import Any, Literal, Protocol, runtime_checkable

from aiohttp import ClientSession

from exporter.client.observer import Observer
from exporter.client.transport import Answer
from exporter.clock import Clock
from exporter.records import JobKey, Record, Run

WHOLE_SOURCE = ""
"""The tenant of a collection that asks once for all tenants."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CollectorPlan:
    """One thing a source can be asked for, how often, and for whom."""

    name: str
    interval_seconds: float
    stale_after_seconds: float | None = None
    """How old the last good answer may be while collecting fails; ``None``: the scheduler decides."""
    per_tenant: bool = True
    """False: one collection answers for all tenants."""
    discovers: bool = False
    """True for the collector whose `Tenant` records say whom the others ask about."""
    asks: bool = True
    """False: its answer stands in the configuration, so there is nothing to tell of how asking fares."""
    history: bool = False
    """Whether an answer tells what happened in some window, rather than how all jobs stand now."""
    book: Literal["jobs", "scan_profiles"] | None = None
    """Which book of the tenant's ledger its records are entered into."""
    baseline: Mapping[str, str] = field(default_factory=dict)
    """Settings of scan profiles that the operator wants, by the names of `ScanProfile.settings`."""


class SourceObserver(Observer, Protocol):
    """What a source tells about itself while it works; the app turns it into self-metrics."""

    def value_failed(self, field: str) -> None:
        """Count a value of *field* that is not of a documented form; its record goes without it."""
        ...

    def value_unknown(self, field: str) -> None:
        """Count a word of *field* that the vendor has not documented; it is passed on as it is."""
        ...


class Known(Protocol):
    """What the ledger remembers of a tenant's runs, also across restarts."""

    @property
    def answered_at(self) -> float | None:
        """When there was a good answer last."""
        ...

    @property
    def newcomers(self) -> bool:
        """Whether tenants are watched of whose jobs no answer has told yet."""
        ...

    @property
    def under_way(self) -> Mapping[str, float]:
        """The runs whose end was not shown yet, and when each started or was first seen."""
        ...

    def job_of(self, run_id: str) -> JobKey | None:
        """Return the job that a run was found to be of."""
        ...


class Source(Protocol):
    """One credential at one vendor."""

    @property
    def kind(self) -> str:
        """The vendor's API family, as in the settings."""
        ...

    @property
    def api(self) -> str:
        """The generation of the API that is spoken."""
        ...

    @property
    def plans(self) -> Sequence[CollectorPlan]:
        """The enabled collectors in order of importance, discovery first."""
        ...

    async def collect(self, collector: str, tenant: str, known: Known) -> Sequence[Record]:
        """Ask the vendor and return all records of one collection, or none of them; *known* may spare questions.

        Raises `SourceError` if any part failed, `NotApplicable` if the tenant has no such thing.
        """
        ...

    def recall(self, collector: str, tenant: str, records: Sequence[Record], *, applicable: bool) -> None:
        """Learn from what is remembered of before a restart what `collect` had learnt for its own later questions."""
        ...

    async def close(self) -> None:
        """Give back what the vendor lent, such as a session; raises `SourceError` if that fails."""
        ...


@runtime_checkable
class History(Protocol):
    """A source that can also tell of runs long past, which `backfill` asks for."""

    async def runs_between(self, tenant: str, since: float, until: float) -> Sequence[Run]:
        """Return the runs that started not before *since* and before *until*, whether they have ended or not.

        A run without a start counts by its end. Raises `SourceError` if any part failed.
        """
        ...


class Enough(Exception):
    """What was asked for is known already, and no failure."""


class Sampler(Protocol):
    """Listens in while a source is only tried, and keeps it from asking for more than that takes."""

    async def sample(self, operation: str, ask: Callable[[], Awaitable[Any]], *, again: bool) -> Any:
        """Return what *ask* returns, or without asking an end of the list if *operation* was asked for already.

        Raises `Enough` where there is no more to be learnt. With *again* it is always asked.
        """
        ...

    def heard(self, answer: Answer) -> None:
        """Take note of an answer as it came, be it of the API or of the identity service."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """What the composition root lends to every source."""

    session: ClientSession
    clock: Clock
    observer: SourceObserver
    share: int = 1
    """By how many processes the credential's request budget is divided."""
    random: Random = field(default_factory=Random)
    """For jitter."""
    sampler: Sampler | None = None
    """Who listens in, if the source is only tried."""
