"""Time that passes only when someone waits for it."""

import asyncio


class FakeClock:
    """A clock for tests: waiting is instant, remembered, and moves the time."""

    def __init__(self, now: float = 1_772_485_200.0) -> None:
        self._now = now
        self.waits: list[float] = []

    def now(self) -> float:
        """Return the time that was set, plus all that was waited."""
        return self._now

    def set(self, now: float) -> None:
        """Make it *now*, in Unix seconds."""
        self._now = now

    def advance(self, seconds: float) -> None:
        """Let *seconds* pass."""
        self._now += seconds

    async def sleep(self, seconds: float) -> None:
        """Let *seconds* pass at once, after one turn of the loop."""
        self.waits.append(seconds)
        self._now += max(0.0, seconds)
        await asyncio.sleep(0)
