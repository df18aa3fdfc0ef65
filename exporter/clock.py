"""Time as an argument: whoever needs to know or to wait is handed a clock."""

import asyncio
import time
from collections.abc import Callable
from typing import Protocol


class Clock(Protocol):
    """What time it is, and how to wait."""

    def now(self) -> float:
        """Return the wall clock in Unix seconds."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Return after *seconds*; at once if they are not positive, yet always after one loop turn."""
        ...


class SystemClock:
    """The machine's time, made fit for schedules: it never runs backwards.

    A small error of the wall clock is worked off slowly. One that is far behind the truth, as after a suspended
    machine wakes or a first NTP answer, is corrected at once; one that is ahead by running at half speed.
    """

    FAR_BEHIND: float = 60.0
    """Seconds of error that are jumped instead of worked off."""
    FASTER: float = 0.05
    SLOWER: float = 0.5
    """Seconds of correction a second."""

    def __init__(self, wall: Callable[[], float] = time.time, monotonic: Callable[[], float] = time.monotonic) -> None:
        self._read_wall = wall
        self._read_monotonic = monotonic
        self._now = wall()
        self._monotonic = monotonic()

    def now(self) -> float:
        """Return Unix seconds."""
        monotonic = self._read_monotonic()
        passed = monotonic - self._monotonic
        error = self._read_wall() - (self._now + passed)
        if error <= self.FAR_BEHIND:
            error = max(-self.SLOWER * passed, min(self.FASTER * passed, error))
        self._now += passed + error
        self._monotonic = monotonic
        return self._now

    async def sleep(self, seconds: float) -> None:
        """Wait on the event loop's own monotonic clock."""
        await asyncio.sleep(max(0.0, seconds))
