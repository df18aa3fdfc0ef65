"""How fast one credential may ask: a token bucket, and the gate that waits for it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Final

import structlog

from exporter.clock import Clock

LOG: Final = structlog.get_logger("exporter.client")
_CUT_FACTOR: Final = 0.5
_LEAST_SHARE: Final = 1 / 16
_CUT_WINDOW_SECONDS: Final = 1.0
_RECOVERY_PER_SECOND: Final = 1 / 120
"""Share of the configured rate won back each second: from a half to the whole in a minute."""
_LONGEST_RECOVERY_STEP_SECONDS: Final = 10.0
_CALM_SECONDS: Final = 3600.0
"""Without a 429 for so long, the log calls it over: the rate itself recovers and is cut again every few minutes."""


def default_burst(rate: float) -> float:
    """Return the requests that may go out at once after a quiet time.

    Half a second's worth, so that a vendor who counts by the second is not surprised; at high rates
    50 ms worth, which is more than an event loop oversleeps.
    """
    return max(1.0, min(rate / 2, 4.0), rate / 20)


class TokenBucket:
    """Pure arithmetic of a request rate that gives way to 429 and recovers; it never reads a clock.

    In any span of t seconds it grants at most rate * t + burst requests.
    """

    def __init__(self, rate: float, burst: float | None = None) -> None:
        self._configured = rate
        self._rate = rate
        self._burst = default_burst(rate) if burst is None else burst
        self._tokens = self._burst
        self._refilled_at = float("-inf")
        self._cut_again_at = float("-inf")
        self._recovered_at = float("-inf")
        self._paused_until = float("-inf")

    @property
    def allowed_per_second(self) -> float:
        """The rate now, which 429 may have lowered."""
        return self._rate

    def reserve(self, now: float) -> float:
        """Take the next slot and return the seconds until it comes up."""
        self._refill(now)
        self._tokens -= 1.0
        return max(0.0, self._refilled_at - now) + max(0.0, -self._tokens / self._rate)

    def give_back(self) -> None:
        """Return a slot that was reserved and not used."""
        self._tokens = min(self._burst, self._tokens + 1.0)

    def pause_seconds(self, now: float) -> float:
        """Return how long nothing may be sent because the vendor asked for it."""
        return max(0.0, self._paused_until - now)

    def throttled(self, now: float, retry_after: float | None) -> None:
        """Halve the rate and pause for *retry_after* seconds.

        The 429s of one burst count once: a second one within a second, or within the pause, tells of
        requests that were under way before the cut.
        """
        self._refill(now)
        self._recovered_at = now
        if now >= self._cut_again_at:
            self._rate = max(self._configured * _LEAST_SHARE, self._rate * _CUT_FACTOR)
        if retry_after:
            self._paused_until = max(self._paused_until, now + retry_after)
            self._refilled_at = max(self._refilled_at, self._paused_until)
            self._tokens = min(self._tokens, 1.0)
        self._cut_again_at = max(self._cut_again_at, now + _CUT_WINDOW_SECONDS, self._paused_until)

    def succeeded(self, now: float) -> None:
        """Win back a little of the configured rate for the time since the last answer."""
        if self._rate >= self._configured or now <= self._recovered_at:
            return
        self._refill(now)
        passed = min(_LONGEST_RECOVERY_STEP_SECONDS, now - self._recovered_at)
        self._recovered_at = now
        self._rate = min(self._configured, self._rate + self._configured * _RECOVERY_PER_SECOND * passed)

    def _refill(self, now: float) -> None:
        """Add what accrued; a clock that steps back, or a pause ahead, adds nothing."""
        if now > self._refilled_at:
            self._tokens = min(self._burst, self._tokens + (now - self._refilled_at) * self._rate)
            self._refilled_at = now


class Limiter:
    """The gate all requests of one credential pass, in the order they came."""

    def __init__(self, rate: float, concurrency: int, clock: Clock) -> None:
        self._bucket = TokenBucket(rate)
        self._clock = clock
        self._places = asyncio.Semaphore(concurrency)
        self._head_of_queue = asyncio.Lock()
        self._last_throttled: float | None = None

    @property
    def allowed_per_second(self) -> float:
        """The request rate now, which 429 may have lowered."""
        return self._bucket.allowed_per_second

    @asynccontextmanager
    async def slot(self) -> AsyncIterator[None]:
        """Hold one of the concurrent places; entered when the rate allows the request."""
        async with self._places:
            # One waiter at a time: a reservation made before a 429 must not outlive it by many.
            async with self._head_of_queue:
                await self._turn()
            yield

    async def _turn(self) -> None:
        wait = self._bucket.reserve(self._clock.now())
        try:
            while wait > 0:
                await self._clock.sleep(wait)
                wait = self._bucket.pause_seconds(self._clock.now())
        except asyncio.CancelledError:
            self._bucket.give_back()
            raise

    def throttled(self, retry_after: float | None) -> None:
        """Slow down after a 429 and send nothing for *retry_after* seconds."""
        now = self._clock.now()
        self._bucket.throttled(now, retry_after)
        if self._last_throttled is None:
            LOG.warning("throttled", allowed_per_second=round(self.allowed_per_second, 3), retry_after=retry_after)
        self._last_throttled = now

    def succeeded(self) -> None:
        """Speed up a little after an answer, if 429 had slowed us down."""
        now = self._clock.now()
        self._bucket.succeeded(now)
        if self._last_throttled is not None and now - self._last_throttled >= _CALM_SECONDS:
            LOG.info("throttling_over", allowed_per_second=round(self.allowed_per_second, 3))
            self._last_throttled = None
