"""How one collection fares and when it is due again: what a restart goes on from."""

from dataclasses import dataclass
from typing import NamedTuple


@dataclass(slots=True)
class Progress:
    """How one (tenant, collector) fares: shared by all cells that it fills."""

    success: bool | None = None
    """``None``: not applicable to this tenant, or not yet tried."""
    succeeded_at: float | None = None
    stale_at: float | None = None
    """From when on its present state is withheld, unless a success comes first."""

    def stale(self, now: float) -> bool:
        """Tell whether what it brought last must not be shown as the present any more."""
        return self.stale_at is not None and now >= self.stale_at


class Timing(NamedTuple):
    """When one (tenant, collector) is due, and what it costs; see `exporter.schedule.Unit`."""

    due: float
    regular: float | None
    failures: int
    applicable: bool
    requests: float
    in_flight: float
    interval_seconds: float
    """As it was configured then."""
