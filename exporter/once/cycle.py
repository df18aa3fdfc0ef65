"""The first cycle of one source: the daemon's own runner at work, until each of its collections came to something."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Final, Literal, NamedTuple

from exporter.clock import Clock
from exporter.errors import NotApplicable, SourceError
from exporter.fleet import Watched
from exporter.intake import Intake
from exporter.records import Record
from exporter.schedule import Unit
from exporter.source import CollectorPlan

LOOK_EVERY: Final = 0.1
"""Seconds between two looks whether it is over."""


class Collection(NamedTuple):
    """Whom was asked for what; the tenant is ``""`` if all at once."""

    tenant: str
    collector: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a collection came to."""

    verdict: Literal["done", "absent", "failed", "withheld"]
    why: str = ""
    """The reason and the error of a failure, fit for a terminal."""
    records: Sequence[Record] = ()


@dataclass(slots=True, eq=False)
class Listener:
    """Passes what the runner brings on to the intake, and notes what it was."""

    intake: Intake
    keeps: bool
    """Whether the records are kept, too."""
    outcomes: dict[Collection, Outcome] = field(default_factory=dict)

    async def succeeded(
        self,
        plan: CollectorPlan,
        tenant: str,
        records: Sequence[Record],
        seconds: float,
        *,
        entered: Callable[[], None],
    ) -> None:
        """Publish an answer; what it holds counts once it is shown."""
        known = set(self.intake.watched())
        await self.intake.succeeded(plan, tenant, records, seconds, entered=entered)
        if plan.discovers and set(self.intake.watched()) - known:
            self._ask_for_all_again(plan)
        self._note(plan, tenant, Outcome("done", records=records if self.keeps else ()))

    async def failed(
        self, plan: CollectorPlan, tenant: str, error: Exception, *, stale_after: float, seconds: float
    ) -> None:
        """Pass a failure on; of a bug the kind alone is noted, as its message may quote an answer."""
        why = f"{error.reason}: {error}" if isinstance(error, SourceError) else f"bug: {type(error).__name__}"
        self._note(plan, tenant, Outcome("failed", why))
        await self.intake.failed(plan, tenant, error, stale_after=stale_after, seconds=seconds)

    async def withheld(self, plan: CollectorPlan, tenant: str, *, stale_after: float) -> None:
        """Pass on that nobody was asked; how it failed before, if it did, says more."""
        self.outcomes.setdefault(Collection(tenant, plan.name), Outcome("withheld"))
        await self.intake.withheld(plan, tenant, stale_after=stale_after)

    async def not_applicable(self, plan: CollectorPlan, tenant: str, absence: NotApplicable, *, seconds: float) -> None:
        """Pass on that there is nothing to collect."""
        await self.intake.not_applicable(plan, tenant, absence, seconds=seconds)
        self._note(plan, tenant, Outcome("absent"))

    def watched(self) -> Sequence[str]:
        """Return the tenants of the last discovery."""
        return self.intake.watched()

    def _note(self, plan: CollectorPlan, tenant: str, outcome: Outcome) -> None:
        self.outcomes[Collection(tenant, plan.name)] = outcome

    def _ask_for_all_again(self, discovery: CollectorPlan) -> None:
        """Forget what was told of all tenants before they were known: the runner asks again, see `ask_for_all`."""
        for tenant, collector in list(self.outcomes):
            if not tenant and collector != discovery.name:
                del self.outcomes[Collection(tenant, collector)]


class Cycle:
    """One source on its way through its first cycle."""

    def __init__(self, watched: Watched, *, keeps: bool) -> None:
        self.watched = watched
        self._listener = Listener(watched.intake, keeps)
        watched.runner.intake = self._listener

    async def run(self, clock: Clock, *, delay: float) -> None:
        """Let the runner work until all is asked once, then take leave of the vendor, also where that is cut short."""
        self.watched.start(clock, delay=delay)
        try:
            while not self._over():
                await clock.sleep(LOOK_EVERY)
        finally:
            await self.watched.stop()

    @property
    def done(self) -> int:
        """How many collections came to something."""
        return len(self._listener.outcomes)

    @property
    def total(self) -> int:
        """How many there are to be; more once the tenants are known."""
        return len(self._units)

    def outcomes(self) -> Iterator[tuple[Collection, Outcome]]:
        """Yield what came of each collection, in the order of the plans, then of the tenants' ids."""
        places = {plan.name: place for place, plan in enumerate(self.watched.source.plans)}
        for each in sorted(self._listener.outcomes, key=lambda one: (places[one.collector], one.tenant)):
            yield each, self._listener.outcomes[each]

    @property
    def _units(self) -> dict[tuple[str, str], Unit]:
        return self.watched.runner.schedule.units

    def _over(self) -> bool:
        joined = self.watched.runner.schedule.tenants() == set(self._listener.watched())
        return self.total > 0 and joined and self._units.keys() <= self._listener.outcomes.keys()
