"""The last good answer of one collector about one tenant, as it is shown."""

from collections.abc import Sequence
from dataclasses import dataclass

from exporter.metrics.rendering import Shown
from exporter.progress import Progress
from exporter.records import Record
from exporter.source import CollectorPlan


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
