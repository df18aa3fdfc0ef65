"""What broke and what healed, each said once, however often it is tried."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final, Self

import structlog

from exporter.errors import Reason, SourceError

LOG: Final = structlog.get_logger("exporter.incidents")
A_ROW: Final = 5
"""Failures, none of them followed by a success, that make an outage of what might be some tenants' trouble."""
NAMED_TENANTS: Final = 3
"""How many tenants of a collector are named for the same reason before the rest is left to the metrics."""


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
            error=str(error),
            request_id=error.request_id,
            source_wide=error.source_wide,
        )

    def facts(self) -> dict[str, str]:
        """Return what the log is told beside the event and whom it is about."""
        facts = {"collector": self.collector, "reason": self.reason, "error": self.error}
        return {**facts, "request_id": self.request_id} if self.request_id else facts


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
    _said: dict[tuple[str, Reason], set[str]] = field(default_factory=lambda: defaultdict(set))
    """(collector, reason) → the tenants that were named."""

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
        reason = self._close(collector, tenant)
        if reason is not None:
            LOG.info("collector_recovered", source=self.source, collector=collector, tenant=tenant, reason=reason)

    def _open_own(self, failure: Failure) -> None:
        collector, tenant, reason = failure.collector, failure.tenant, failure.reason
        if self._open.get((collector, tenant)) == reason:
            return
        self._close(collector, tenant)
        self._open[collector, tenant] = reason
        named = self._said[collector, reason]
        if len(named) < NAMED_TENANTS:
            LOG.error("collector_failed", source=self.source, tenant=tenant, **failure.facts())
            named.add(tenant)
        elif len(named) == NAMED_TENANTS:
            LOG.error(
                "collector_failed_for_more_tenants", source=self.source, see="collector_success", **failure.facts()
            )
            named.add("")

    def gone(self, tenant: str) -> None:
        """Forget a tenant that left."""
        self._waiting = [failure for failure in self._waiting if failure.tenant != tenant]
        for collector, each in [key for key in self._open if key[1] == tenant]:
            self._close(collector, each)

    def _close(self, collector: str, tenant: str) -> Reason | None:
        """End an incident; return its reason if the tenant had been named in the log."""
        reason = self._open.pop((collector, tenant), None)
        if reason is None:
            return None
        named = self._said[collector, reason]
        was_named = tenant in named
        if (collector, reason) not in {(key[0], other) for key, other in self._open.items()}:
            del self._said[collector, reason]
        return reason if was_named else None
