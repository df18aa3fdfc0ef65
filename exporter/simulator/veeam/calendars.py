"""When the jobs of Veeam begin, in the world's own seconds: its clock runs *pace* times as fast as ours."""

from collections.abc import Iterator
from dataclasses import dataclass
from math import floor
from typing import Final

from exporter.simulator.chance import Lot
from exporter.simulator.era import DAY, Era
from exporter.simulator.veeam.codes import DAYS

THURSDAY: Final = 3
"""The weekday of day 0 of Unix time."""

WEEK: Final = 7
LATENESS: Final = 1900
"""Below so many milliseconds after its time a run starts."""

BY_HAND: Final = 0.8
"""A run by hand starts somewhere in this part of its period."""


def world_seconds(era: Era, now: float) -> float:
    """Return the time of the world's own clock at *now*; both are equal at the start and with pace 1 always."""
    return era.start + (now - era.start) * era.pace


def real_seconds(era: Era, then: float) -> float:
    """Return the Unix time, to the millisecond, when the world's clock shows *then*."""
    return round(era.start + (then - era.start) / era.pace, 3)


@dataclass(frozen=True, slots=True)
class Calendar:
    """A place every *period* seconds since 1970 plus *offset*; on each of *days* there is a run.

    With a *lot* somebody starts the run by hand, at any time of the period.
    """

    period: float
    offset: float = 0.0
    days: frozenset[int] = DAYS["Everyday"]
    lot: Lot | None = None

    def start(self, number: int) -> float | None:
        """Return when the run at this place starts; None if there is none."""
        then = number * self.period + self.offset
        if len(self.days) < WEEK and (floor(then / DAY) + THURSDAY) % WEEK not in self.days:
            return None
        if self.lot is not None:
            return then + self.lot.one(number) * self.period * BY_HAND
        return then + number * 7919 % LATENESS / 1000

    def numbers(self, after: float, until: float) -> range:
        """Return the places from the newest at *after* to the newest at *until*."""
        return range(self._newest(after), self._newest(until) + 1)

    def following(self, now: float) -> float:
        """Return the next time on the calendar after *now*, without lateness."""
        return next(then for then in self._times(self._newest(now)) if then > now)

    def _times(self, first: int) -> Iterator[float]:
        for number in range(first, first + 2 * WEEK):
            if self.start(number) is not None:
                yield number * self.period + self.offset

    def _newest(self, now: float) -> int:
        return floor((now - self.offset) / self.period)
