"""When each collection is due: arithmetic without a clock."""

import heapq
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Final

from exporter.progress import Timing
from exporter.source import WHOLE_SOURCE, CollectorPlan

RETRY_FIRST: Final = 60.0
RETRY_LAST: Final = 3600.0
NOT_APPLICABLE_EVERY: Final = 86400.0
LEAST_STALE_AFTER: Final = 3600.0
MOST_STRETCHED: Final = 10.0
"""Intervals that nothing remembered may lie ahead, lest a clock that once was wrong stops a collection."""
RESUMED_WITHIN: Final = 60.0
"""Seconds over which what had failed before a restart is tried again."""


def spread(*words: str) -> float:
    """Return a number in [0, 1) that is always the same for the same words."""
    digest = blake2b("\0".join(words).encode(), digest_size=7).digest()
    return int.from_bytes(digest, "big") / (1 << 56)


@dataclass(slots=True, eq=False)
class Unit:
    """One (tenant, collector) and when it is due."""

    plan: CollectorPlan
    tenant: str
    importance: int
    offset: float
    """Where in an interval it belongs, so that a fleet is not asked all at once: [0, 1)."""
    due: float
    regular: float | None = None
    """Its regular time, which retries do not move; ``None`` before the first collection."""
    failures: int = 0
    applicable: bool = True
    """Whether the tenant was not known to lack what is collected when it was last looked at."""
    requests: float = 0.0
    """What its last complete collection cost."""
    in_flight: float = 0.0
    """Seconds that those requests were under way, added up."""
    queued: bool = False

    def timing(self) -> Timing:
        """Return what a restart goes on from."""
        return Timing(
            due=self.due,
            regular=self.regular,
            failures=self.failures,
            applicable=self.applicable,
            requests=self.requests,
            in_flight=self.in_flight,
            interval_seconds=self.plan.interval_seconds,
        )

    def resume(self, timing: Timing, now: float) -> None:
        """Go on from before a restart: nobody is asked earlier for it, but for what failed.

        What asks for all tenants at once is due now: it costs little, and tells soon whether the source can be asked.
        """
        interval = self.plan.interval_seconds
        latest = now + MOST_STRETCHED * max(interval, NOT_APPLICABLE_EVERY * (not timing.applicable))
        self.failures, self.applicable = timing.failures, timing.applicable
        if timing.interval_seconds != interval:
            latest = now + interval * (0.5 + self.offset)
        elif timing.regular is not None and timing.regular <= latest:
            self.regular = timing.regular
        if self.failures:
            latest = now + RESUMED_WITHIN * self.offset
        if self.tenant == WHOLE_SOURCE:
            latest = now
        self.due = min(max(timing.due, now), latest)

    def settle(self, now: float, interval: float) -> None:
        """Set the next regular time after a collection that began when it was due."""
        if self.regular is None:
            self.regular = now + interval * (0.5 + self.offset)
        while self.regular <= now:
            self.regular += interval * max(1.0, (now - self.regular) // interval)
        self.due = self.regular

    def settle_failed(self, now: float, interval: float) -> None:
        """Try again soon, less soon each time, but never later than regularly."""
        self.failures += 1
        self.settle(now, interval)
        pause = min(RETRY_FIRST * 2.0 ** min(self.failures - 1, 10), RETRY_LAST)
        self.due = min(self.due, now + pause)


@dataclass(slots=True)
class Schedule:
    """All units of one source.

    When more is needed than may be asked, every interval is stretched by the same factor, so that
    all slow down evenly instead of the last ones starving.
    """

    source: str
    plans: tuple[CollectorPlan, ...]
    concurrency: int
    remembered: Callable[[str, str], Timing | None] = lambda _tenant, _collector: None
    """Tenant and collector → how it stood before a restart."""
    units: dict[tuple[str, str], Unit] = field(default_factory=dict)
    _tenants: set[str] = field(default_factory=set)
    _heap: list[tuple[float, int, float, tuple[str, str]]] = field(default_factory=list)
    _requests_per_second: float = 0.0
    _busy: float = 0.0
    """Requests that are under way on average."""

    def begin(self, now: float) -> None:
        """Make the collections that ask once for all tenants due, discovery first.

        Begun again after a break, it queues what was being collected then.
        """
        for plan in self.plans:
            if not plan.per_tenant and (WHOLE_SOURCE, plan.name) not in self.units:
                self._add(plan, WHOLE_SOURCE, now)
        for unit in self.units.values():
            if not unit.queued:
                self.push(unit)

    def tenants(self) -> set[str]:
        """Return those that joined and did not leave."""
        return set(self._tenants)

    def leave(self, tenant: str) -> None:
        """Ask no more about a tenant."""
        self._tenants.discard(tenant)
        for plan in self.plans:
            self._account(self.units.pop((tenant, plan.name), None), 0.0, 0.0)

    def join(self, tenant: str, now: float) -> None:
        """Ask about a new tenant: now, or when it was due before a restart."""
        self._tenants.add(tenant)
        for plan in self.plans:
            if plan.per_tenant:
                self._add(plan, tenant, now)

    def ask_for_all(self, now: float) -> None:
        """Make due what asks once for all tenants, as some of them are new.

        What is being asked just now may already hold them.
        """
        for plan in self.plans:
            bulk = self.units.get((WHOLE_SOURCE, plan.name))
            if bulk is not None and not plan.discovers and bulk.queued:
                bulk.due = min(bulk.due, now)
                self.push(bulk)

    def _add(self, plan: CollectorPlan, tenant: str, now: float) -> None:
        unit = Unit(
            plan=plan,
            tenant=tenant,
            importance=self.plans.index(plan),
            offset=spread(self.source, tenant, plan.name),
            due=now,
        )
        timing = self.remembered(tenant, plan.name)
        if timing is not None:
            unit.resume(timing, now)
            self._account(unit, timing.requests, timing.in_flight)
        self.units[tenant, plan.name] = unit
        self.push(unit)

    def push(self, unit: Unit) -> None:
        """Queue a unit for its due time."""
        unit.queued = True
        heapq.heappush(self._heap, (unit.due, unit.importance, unit.offset, (unit.tenant, unit.plan.name)))

    def pop(self, now: float) -> Unit | None:
        """Take the unit that has been due longest, the more important first; ``None`` if none is due."""
        while self._heap and self._heap[0][0] <= now:
            due, _, _, key = heapq.heappop(self._heap)
            unit = self.units.get(key)
            if unit is not None and unit.queued and unit.due == due:
                unit.queued = False
                return unit
        return None

    def next_due(self) -> float | None:
        """Return when the next unit is due, perhaps in the past; ``None`` if none is queued."""
        return next((due for due, _, _, key in self._live()), None)

    def _live(self) -> Iterator[tuple[float, int, float, tuple[str, str]]]:
        """Drop what was overtaken from the top of the queue, then yield the top."""
        while self._heap:
            unit = self.units.get(self._heap[0][3])
            if unit is not None and unit.queued and unit.due == self._heap[0][0]:
                yield self._heap[0]
                return
            heapq.heappop(self._heap)

    def lag(self, now: float) -> float:
        """Return how long the most overdue unit has been waiting."""
        due = self.next_due()
        return max(0.0, now - due) if due is not None else 0.0

    def charge(self, unit: Unit, requests: float, in_flight: float) -> None:
        """Enter what a complete collection cost; demand is the sum over all units."""
        self._account(unit, requests, in_flight)

    def _account(self, unit: Unit | None, requests: float, in_flight: float) -> None:
        if unit is None:
            return
        self._requests_per_second += (requests - unit.requests) / unit.plan.interval_seconds
        self._busy += (in_flight - unit.in_flight) / unit.plan.interval_seconds
        unit.requests, unit.in_flight = requests, in_flight

    def demand_ratio(self, allowed_per_second: float) -> float:
        """Return needed ÷ possible: requests against the allowed rate, or those under way against the cap."""
        return max(self._requests_per_second / allowed_per_second, self._busy / self.concurrency, 0.0)

    def stretch(self, allowed_per_second: float) -> float:
        """Return the factor by which all intervals are longer than configured."""
        return max(1.0, self.demand_ratio(allowed_per_second))


def stale_after(plan: CollectorPlan, stretch: float) -> float:
    """Return how old an answer may be while collecting fails; the effective interval counts."""
    if plan.stale_after_seconds is not None:
        return plan.stale_after_seconds * stretch
    return max(LEAST_STALE_AFTER, 3 * plan.interval_seconds * stretch)
