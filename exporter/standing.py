"""How a source stands, for people who look: since when it is up or down, and what went wrong last."""

import re
import sys
from dataclasses import dataclass, field
from typing import Final

from exporter.errors import Reason
from exporter.incidents import Failure

LONGEST: Final = 240
"""Characters of an error's text that are kept."""
_ADDRESS: Final = re.compile(r"[^\s@<>]+@[^\s@<>]+")


@dataclass(frozen=True, slots=True)
class Trouble:
    """One collection that failed, in words fit for a page."""

    at: float
    collector: str
    tenant: str
    reason: Reason
    text: str
    """What the log says too; addresses of people are taken out and it is cut short."""


@dataclass(slots=True, eq=False)
class Standing:
    """Kept in memory only: after a restart it is learnt anew."""

    up: bool | None = None
    """Whether the source could be asked last time; ``None`` before it was asked."""
    since: float | None = None
    """When that became so."""
    latest: Trouble | None = None
    """What went wrong last with anything of the source, even if it is over."""
    _failing: dict[str, dict[str, Trouble]] = field(default_factory=dict)
    """By tenant and collector."""

    def asked(self, now: float, *, up: bool) -> None:
        """Take note of whether the source can be asked."""
        if up is not self.up:
            self.up, self.since = up, now

    def failed(self, failure: Failure, now: float) -> None:
        """Keep what went wrong until the same collection succeeds."""
        text = _ADDRESS.sub("<address>", failure.error)
        if len(text) > LONGEST:
            text = text[: LONGEST - 1] + "…"
        # In an outage all tenants of a fleet fail with the same words.
        trouble = Trouble(now, failure.collector, failure.tenant, failure.reason, sys.intern(text))
        self.latest = self._failing.setdefault(failure.tenant, {})[failure.collector] = trouble

    def succeeded(self, collector: str, tenant: str) -> None:
        """Forget what was wrong with a collection."""
        theirs = self._failing.get(tenant, {})
        theirs.pop(collector, None)
        if not theirs:
            self.gone(tenant)

    def gone(self, tenant: str) -> None:
        """Forget a tenant that left."""
        self._failing.pop(tenant, None)

    def trouble(self, tenant: str, collector: str) -> Trouble | None:
        """Return why a collection fails, if it does."""
        return self._failing.get(tenant, {}).get(collector)
