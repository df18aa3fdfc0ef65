"""What broke and what healed, each said once, however often it is tried."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, field
from heapq import nsmallest
from typing import Final, Self

import structlog

from exporter.errors import Reason, SourceError
from exporter.log.secrets import SECRETS

LOG: Final = structlog.get_logger("exporter.incidents")
A_ROW: Final = 5
"""Failures, none of them followed by a success, that make an outage of what might be some tenants' trouble."""
NAMED_TENANTS: Final = 3
"""How many tenants of a collector are named one by one for the same reason; the rest is summed up."""
TIMES_MORE: Final = 10
"""A crowd that has grown so much is summed up again: lines grow with the digits of the number of tenants."""
EXAMPLES: Final = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Failure:
    """One collection that failed."""

    collector: str
    tenant: str
    reason: Reason
    error: str
    request_id: str | None = None
    source_wide: bool = False
    """Whether it may be the source that fails, rather than this collection."""

    @classmethod
    def of(cls, collector: str, tenant: str, error: Exception) -> Self:
        """Describe an error; of a bug the kind alone, as its message may quote an answer."""
        if not isinstance(error, SourceError):
            return cls(collector=collector, tenant=tenant, reason="bug", error=type(error).__name__)
        return cls(
            collector=collector,
            tenant=tenant,
            reason=error.reason,
            error=SECRETS.conceal(str(error)),  # it is shown on a page, too
            request_id=error.request_id,
            source_wide=error.source_wide,
        )

    def facts(self) -> dict[str, str]:
        """Return what the log is told beside the event and whom it is about."""
        facts = {"collector": self.collector, "reason": self.reason, "error": self.error}
        return {**facts, "request_id": self.request_id} if self.request_id else facts

    def tenants_own(self) -> dict[str, str]:
        """Return which tenant it is about, if it is about one."""
        return {"tenant": self.tenant} if self.tenant else {}


@dataclass(slots=True)
class Crowd:
    """The tenants for which a collector fails for one reason."""

    failing: set[str] = field(default_factory=set)
    named: set[str] = field(default_factory=set)
    most: int = 0
    """How many they were at once."""
    summed_up_from: int = NAMED_TENANTS + 1

    def join(self, source: str, failure: Failure) -> None:
        """Add a tenant; it is named, or all are summed up, or there are hardly more than last time."""
        self.failing.add(failure.tenant)
        number = len(self.failing)
        self.most = max(self.most, number)
        if failure.tenant in self.named or len(self.named) < NAMED_TENANTS:
            self.named.add(failure.tenant)
            LOG.error("collector_failed", source=source, **failure.tenants_own(), **failure.facts())
        elif number >= self.summed_up_from:
            self.summed_up_from = number * TIMES_MORE
            examples = nsmallest(EXAMPLES, self.failing - self.named)
            LOG.error(
                "collector_failed_for_more_tenants",
                source=source,
                tenants=number,
                examples=examples,
                see="collector_success",
                **failure.facts(),
            )


@dataclass(slots=True)
class Incidents:
    """The open incidents of one source.

    A timeout of one tenant and an outage begin alike. So such failures wait: if another collection succeeds they
    were the tenants' own, if `A_ROW` of them follow each other, or nothing ever worked, it is the source.
    """

    source: str
    whole: Reason | None = None
    """Why the source as a whole cannot be asked."""
    _worked: bool = False
    """Whether anything succeeded since the start, or since the source failed."""
    _waiting: list[Failure] = field(default_factory=list)
    _open: dict[tuple[str, str], Reason] = field(default_factory=dict)
    """(collector, tenant) → why it fails, for reasons of its own."""
    _crowds: dict[tuple[str, Reason], Crowd] = field(default_factory=lambda: defaultdict(Crowd))
    """By collector and reason."""
    _stale: dict[str, Crowd] = field(default_factory=lambda: defaultdict(Crowd))
    """collector → the tenants whose last good answer has become too old."""

    def failed(self, failure: Failure) -> None:
        """Enter a failure; a line is logged only if it is news."""
        if not failure.source_wide:
            self._open_own(failure)
            return
        self._waiting.append(failure)
        news = failure.reason != self.whole if self.whole else len(self._waiting) >= A_ROW or not self._worked
        if news:
            self.whole, self._worked = failure.reason, False
            LOG.error("source_failed", source=self.source, **failure.facts())
        if self.whole:
            self._waiting.clear()

    def succeeded(self, collector: str, tenant: str) -> None:
        """Enter a success: the source can be asked again, and this collection works."""
        self._worked = True
        if self.whole is not None:
            LOG.info("source_recovered", source=self.source, reason=self.whole)
            self.whole = None
        for failure in self._waiting:
            if (failure.collector, failure.tenant) != (collector, tenant):
                self._open_own(failure)
        self._waiting.clear()
        self._close(collector, tenant, healed=True)
        self._freshen(collector, tenant)

    def stale(self, collector: str, tenant: str) -> None:
        """Enter that an answer has become too old; the first of a collector is told, and when there are none left."""
        crowd = self._stale[collector]
        if not crowd.failing:
            whose = {"tenant": tenant} if tenant else {}
            LOG.warning("collector_stale", source=self.source, collector=collector, **whose)
        crowd.failing.add(tenant)
        crowd.most = max(crowd.most, len(crowd.failing))

    def moved(self, *, joined: Sequence[str], left: Sequence[str]) -> None:
        """Tell who came and who went, however many at once; what the latter left open is told by `gone`."""
        if joined:
            LOG.info("tenants_joined", source=self.source, tenants=len(joined), examples=joined[:EXAMPLES])
        if left:
            LOG.info("tenants_left", source=self.source, tenants=len(left), examples=left[:EXAMPLES])

    def gone(self, tenant: str) -> None:
        """Forget a tenant that left."""
        self._waiting = [failure for failure in self._waiting if failure.tenant != tenant]
        for collector, each in [key for key in self._open if key[1] == tenant]:
            self._close(collector, each)
        for collector in list(self._stale):
            self._freshen(collector, tenant)

    def _open_own(self, failure: Failure) -> None:
        collector, tenant, reason = failure.collector, failure.tenant, failure.reason
        if self._open.get((collector, tenant)) == reason:
            return
        self._close(collector, tenant)
        self._open[collector, tenant] = reason
        self._crowds[collector, reason].join(self.source, failure)

    def _close(self, collector: str, tenant: str, *, healed: bool = False) -> None:
        """End an incident; say so if the tenant was named, or if it is the last of many and *healed*."""
        reason = self._open.pop((collector, tenant), None)
        if reason is None:
            return
        crowd = self._crowds[collector, reason]
        crowd.failing.discard(tenant)
        facts = {"source": self.source, "collector": collector, "reason": reason}
        if healed and tenant in crowd.named:
            LOG.info("collector_recovered", **facts, **({"tenant": tenant} if tenant else {}))
        if not crowd.failing:
            del self._crowds[collector, reason]
            if healed and crowd.most > len(crowd.named):
                LOG.info("collector_recovered_for_all", **facts, tenants=crowd.most)

    def _freshen(self, collector: str, tenant: str) -> None:
        crowd = self._stale.get(collector)
        if crowd is None:
            return
        crowd.failing.discard(tenant)
        if not crowd.failing:
            del self._stale[collector]
            number = {"tenants": crowd.most} if tenant else {}
            LOG.info("collector_fresh", source=self.source, collector=collector, **number)
