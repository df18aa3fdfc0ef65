"""What outlives an answer: the books of every tenant, behind a port that may write them down."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final, Protocol

from exporter.drift import ProfileBook
from exporter.ledger import TenantLedger
from exporter.records import Record

REMEMBER_TENANTS: Final = 30 * 86400.0
"""How long a tenant that left may return and find its counters as they were."""


@dataclass(slots=True)
class Books:
    """The ledger of one tenant of one source."""

    jobs: TenantLedger = field(default_factory=TenantLedger)
    scan_profiles: ProfileBook = field(default_factory=ProfileBook)
    left_at: float | None = None
    """When the tenant was found to be gone."""


class State(Protocol):
    """Keeps books, and makes them durable before anybody is shown what they say."""

    def books(self, source: str, tenant: str) -> Books:
        """Return the tenant's books, new ones if it was never seen."""
        ...

    def leave(self, source: str, tenant: str, now: float) -> None:
        """Note that a tenant left; its books stay for `REMEMBER_TENANTS`."""
        ...

    def forget(self, now: float) -> None:
        """Drop the books of tenants that left longer ago than that."""
        ...

    async def commit(self, source: str, tenant: str, collector: str, records: Sequence[Record], now: float) -> None:
        """Make an answer and the books it was entered into durable, in one transaction."""
        ...


class MemoryState:
    """Books that live as long as the process."""

    def __init__(self) -> None:
        self._books: dict[tuple[str, str], Books] = {}

    def books(self, source: str, tenant: str) -> Books:
        """Return the tenant's books, new ones if it was never seen or has been forgotten."""
        books = self._books.setdefault((source, tenant), Books())
        books.left_at = None
        return books

    def leave(self, source: str, tenant: str, now: float) -> None:
        """Note that a tenant left."""
        self._books.setdefault((source, tenant), Books()).left_at = now

    def forget(self, now: float) -> None:
        """Drop the books of tenants that left longer ago than `REMEMBER_TENANTS`."""
        for key, books in list(self._books.items()):
            if books.left_at is not None and now - books.left_at > REMEMBER_TENANTS:
                del self._books[key]

    async def commit(self, source: str, tenant: str, collector: str, records: Sequence[Record], now: float) -> None:
        """Do nothing: memory is as durable as it gets here."""
