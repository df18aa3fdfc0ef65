"""Whom the last questions about all tenants at once were about, for tenants come while an answer is under way."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final, NamedTuple

BELIEVED_LATE: Final = 6 * 3600.0
"""How long before it was believed a tenant may have left: an answer without many of them must come three times."""


class Question(NamedTuple):
    """A question about all tenants: who they were, and whether it went back as far as one about strangers does."""

    tenants: frozenset[str]
    wide: bool


@dataclass(slots=True)
class Questions:
    """The questions of one source."""

    _last: dict[str, Question] = field(default_factory=dict)
    """By collector."""
    _away: dict[str, float] = field(default_factory=dict)
    """Tenants that have come back and not been told of yet, and when they left."""

    def asked(
        self, collector: str, tenants: Iterable[str], answered_at: float | None, *, newcomers: bool
    ) -> float | None:
        """Note that *tenants* are asked about; return since when nothing is known of all of them.

        *answered_at* is the last good answer, *newcomers* whether it told nothing of some of them.
        """
        self._last[collector] = Question(frozenset(tenants), answered_at is None or newcomers)
        return None if answered_at is None else min((answered_at, *self._away.values()))

    def were_about(self, tenant: str, collector: str) -> bool:
        """Tell whether the last question was also about this tenant, and reached back far enough.

        One that came, or came back, while the answer was under way waits for the next.
        """
        last = self._last.get(collector)
        if last is None or tenant in last.tenants:
            return True
        return last.wide and tenant not in self._away

    def came_back(self, tenant: str, left_at: float) -> None:
        """Note that a tenant is watched again."""
        self._away[tenant] = left_at - BELIEVED_LATE

    def told_of(self, tenant: str) -> None:
        """Note that an answer about the tenant was entered."""
        self._away.pop(tenant, None)
