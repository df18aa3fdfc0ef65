"""The books of one tenant: what is remembered of its jobs and of its scan profiles."""

from dataclasses import dataclass, field

from exporter.drift import ProfileBook
from exporter.ledger import TenantLedger


@dataclass(slots=True)
class Books:
    """All that is remembered of one tenant of one source, whatever the vendor shows now."""

    jobs: TenantLedger = field(default_factory=TenantLedger)
    scan_profiles: ProfileBook = field(default_factory=ProfileBook)
    left_at: float | None = None
    """Since when the tenant is not watched: it left, or its source is not configured any more."""
