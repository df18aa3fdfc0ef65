"""When the runs of a job begin: a regular grid, each start a little late, found in constant time."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import floor

from exporter.simulator.chance import Lot

LATENESS = 0.1
"""By how much of the period a start may be late; more would let runs meet."""

ROUNDING = 0.001
"""Seconds by which rounding may move a start before its place on the grid, generously."""


@dataclass(frozen=True, slots=True)
class Timetable:
    """Starts number 0 to *count* - 1 (endless if None), at *anchor* and every *period* seconds after it."""

    lot: Lot
    anchor: float
    period: float
    count: int | None = None

    def start(self, number: int) -> float:
        """Return the Unix time of a start, to the millisecond."""
        late = self.lot.one(number) * LATENESS
        return round(self.anchor + (number + late) * self.period, 3)

    def newest(self, now: float) -> int | None:
        """Return the number of the newest start that is not after *now*; None before the first."""
        number = floor((now - self.anchor + ROUNDING) / self.period)
        if self.count is not None:
            number = min(number, self.count - 1)
        while number >= 0 and self.start(number) > now:
            number -= 1
        return number if number >= 0 else None

    def numbers(self, after: float, until: float) -> Iterator[int]:
        """Yield the starts from the newest at *after* (or the first) to the newest at *until*."""
        last = self.newest(until)
        if last is not None:
            yield from range(self.newest(after) or 0, last + 1)
