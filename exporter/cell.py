"""The last good answer of one collector about one tenant, and how its collecting fares."""

from collections.abc import Sequence
from dataclasses import dataclass

from exporter.metrics.rendering import Shown
from exporter.records import Record
from exporter.source import CollectorPlan


@dataclass(slots=True, eq=False)
class Progress:
    """How one collection fares: shared by all cells that it fills."""

    success: bool | None = None
    succeeded_at: float | None = None
    stale_at: float | None = None
    """From when on its present state is withheld, unless a success comes first."""

    def stale(self, now: float) -> bool:
        """Tell whether what it brought last must not be shown as the present any more."""
        return self.stale_at is not None and now >= self.stale_at


@dataclass(slots=True, eq=False)
class Cell:
    """The last good answer of one collector about one tenant."""

    plan: CollectorPlan
    progress: Progress
    records: Sequence[Record] = ()
    leads: bool = False
    """Whether the collection's own metrics are shown here."""
    shown: Sequence[Shown] = ()
    """What was rendered last, to be taken over where it did not change."""
    shown_stale: bool = False
