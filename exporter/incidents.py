"""What broke and what healed, each said once, however often it is tried."""

from collections import defaultdict
from dataclasses import dataclass, field
from typing import Final

import structlog

from exporter.errors import SOURCE_WIDE, Reason

LOG: Final = structlog.get_logger("exporter.incidents")
NAMED_TENANTS: Final = 3
"""How many tenants of a collector are named for the same reason before the rest is left to the metrics."""


@dataclass(slots=True)
class Incidents:
    """The open incidents of one source."""

    source: str
    _whole: Reason | None = None
    """Why the source as a whole cannot be asked."""
    _open: dict[tuple[str, str], Reason] = field(default_factory=dict)
    """(collector, tenant) → why it fails, for reasons of its own."""
    _said: dict[tuple[str, Reason], set[str]] = field(default_factory=lambda: defaultdict(set))
    """(collector, reason) → the tenants that were named."""

    def failed(self, collector: str, tenant: str, reason: Reason, error: str, request_id: str | None = None) -> None:
        """Enter a failure; a line is logged only if it is news."""
        facts = {"source": self.source, "reason": reason, "error": error}
        if request_id:
            facts["request_id"] = request_id
        if reason in SOURCE_WIDE:
            if self._whole != reason:
                self._whole = reason
                LOG.error("source_failed", collector=collector, **facts)
            return
        if self._open.get((collector, tenant)) == reason:
            return
        self._close(collector, tenant)
        self._open[collector, tenant] = reason
        named = self._said[collector, reason]
        if len(named) < NAMED_TENANTS:
            LOG.error("collector_failed", collector=collector, tenant=tenant, **facts)
            named.add(tenant)
        elif len(named) == NAMED_TENANTS:
            LOG.error("collector_failed_for_more_tenants", collector=collector, see="collector_success", **facts)
            named.add("")

    def succeeded(self, collector: str, tenant: str) -> None:
        """Enter a success: the source can be asked again, and this collection works."""
        if self._whole is not None:
            LOG.info("source_recovered", source=self.source, reason=self._whole)
            self._whole = None
        reason = self._close(collector, tenant)
        if reason is not None:
            LOG.info("collector_recovered", source=self.source, collector=collector, tenant=tenant, reason=reason)

    def gone(self, tenant: str) -> None:
        """Forget a tenant that left."""
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
