"""Time as an argument: whoever needs to know or to wait is handed a clock."""

import asyncio
import time
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
    """The machine's time.

    The wall clock is read once and carried on by the monotonic one, so that an NTP step
    neither stalls the schedule nor fires all of it; drift is corrected slowly, never backwards.
    """

    MAX_SLEW: float = 0.05
    """Seconds of correction a second: a step is worked off, never jumped."""

    def __init__(self) -> None:
        self._wall = time.time()
        self._monotonic = time.monotonic()

    def now(self) -> float:
        """Return Unix seconds that never run backwards."""
        monotonic = time.monotonic()
        passed = monotonic - self._monotonic
        error = time.time() - (self._wall + passed)
        limit = self.MAX_SLEW * passed
        self._wall += passed + max(-limit, min(limit, error))
        self._monotonic = monotonic
        return self._wall

    async def sleep(self, seconds: float) -> None:
        """Wait on the event loop's own monotonic clock."""
        await asyncio.sleep(max(0.0, seconds))
