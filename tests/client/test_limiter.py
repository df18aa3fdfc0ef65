import asyncio
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.client.limiter import Limiter, TokenBucket, default_burst
from tests.support.clock import FakeClock

RATES = st.floats(0.05, 2000)


@given(rate=RATES, gaps=st.lists(st.floats(0, 5), min_size=1, max_size=60))
def test_never_faster_than_allowed(rate: float, gaps: list[float]) -> None:
    """In no span of time do more requests go out than rate x time + burst."""
    bucket = TokenBucket(rate)
    now, grants = 0.0, []

    for gap in gaps:
        now += gap
        grants.append(now + bucket.reserve(now))

    for index, since in enumerate(grants):
        for granted, until in enumerate(grants[index:], start=1):
            assert granted <= rate * (until - since) + default_burst(rate) + 1e-6 * granted


@given(rate=RATES, lateness=st.floats(0, 0.01))
def test_rate_is_used(rate: float, lateness: float) -> None:
    """Under full demand at least 0.95 of the rate is used, even by a loop that wakes late."""
    bucket = TokenBucket(rate)
    now, grants = 0.0, 400

    for _ in range(grants):
        wait = bucket.reserve(now)
        now += wait + (lateness if wait else 0)

    assert grants >= 0.95 * rate * now


@given(st.lists(st.tuples(st.floats(0, 100), st.booleans(), st.none() | st.floats(0, 100)), max_size=50))
def test_rate_stays_in_range(events: list[tuple[float, bool, float | None]]) -> None:
    """Whatever the vendor does, the rate stays between a sixteenth and all of the configured one."""
    bucket, now = TokenBucket(8.0), 0.0

    for gap, good, retry_after in events:
        now += gap
        if good:
            bucket.succeeded(now)
        else:
            bucket.throttled(now, retry_after)

        assert 0.5 <= bucket.allowed_per_second <= 8.0
        assert bucket.reserve(now) >= bucket.pause_seconds(now)
        bucket.give_back()


def test_one_burst_counts_once() -> None:
    """Several 429 at once, or during the pause they asked for, halve the rate once."""
    bucket = TokenBucket(8.0)

    for now in (0.0, 0.1, 0.9):
        bucket.throttled(now, None)
    first = bucket.allowed_per_second
    for now in (2.0, 2.5, 11.0):
        bucket.throttled(now, 10.0)
    second = bucket.allowed_per_second

    assert (first, second) == (4.0, 2.0)


def test_recovery_is_slow() -> None:
    """After a 429 it takes a minute of answers to be as fast as before, and silence does not count."""
    bucket = TokenBucket(8.0)
    bucket.throttled(0.0, None)

    bucket.succeeded(1000.0)
    after_silence = bucket.allowed_per_second
    for second in range(1001, 1030):
        bucket.succeeded(float(second))
    halfway = bucket.allowed_per_second
    for second in range(1030, 1070):
        bucket.succeeded(float(second))

    assert 4.0 < after_silence < 5.0
    assert after_silence < halfway < 8.0
    assert bucket.allowed_per_second == 8.0


def test_pause() -> None:
    """Nothing goes out while the vendor wants none, and no burst right after."""
    bucket = TokenBucket(8.0)
    bucket.throttled(100.0, 30.0)

    waits = [bucket.reserve(110.0) for _ in range(3)]

    assert waits == pytest.approx([20.0, 20.25, 20.5])
    assert bucket.pause_seconds(110.0) == 20.0
    assert bucket.pause_seconds(131.0) == 0.0


def test_clock_stepping_back() -> None:
    """A clock that steps back neither grants requests nor stops them for long."""
    bucket = TokenBucket(1.0)
    bucket.reserve(100.0)

    assert bucket.reserve(99.0) == pytest.approx(2.0)


async def test_places(clock: FakeClock) -> None:
    """No more requests run at once than there are places."""
    limiter = Limiter(1000.0, 2, clock)
    running = most = 0

    async def request() -> None:
        nonlocal running, most
        async with limiter.slot():
            running += 1
            most = max(most, running)
            await asyncio.sleep(0)
            running -= 1

    await asyncio.gather(*(request() for _ in range(10)))

    assert most == 2


async def test_first_come_first_served(clock: FakeClock) -> None:
    """Requests go out in the order they came, spaced by the rate."""
    limiter = Limiter(2.0, 3, clock)
    order: list[int] = []
    times: list[float] = []

    async def request(number: int) -> None:
        async with limiter.slot():
            order.append(number)
            times.append(clock.now())

    await asyncio.gather(*(request(number) for number in range(6)))

    assert order == list(range(6))
    assert [later - earlier for earlier, later in pairwise(times)] == pytest.approx([0.5] * 5)


async def test_cancelled_waiters_leave_no_trace(clock: FakeClock) -> None:
    """Who is cancelled while waiting gives its place and its turn back."""

    class Standstill(FakeClock):
        async def sleep(self, seconds: float) -> None:
            self.waits.append(seconds)
            await asyncio.Event().wait()

    standstill = Standstill(clock.now())
    limiter = Limiter(1.0, 2, standstill)
    async with limiter.slot():
        pass
    for _ in range(5):
        waiters = [asyncio.create_task(limiter.slot().__aenter__()) for _ in range(3)]
        await asyncio.sleep(0.001)
        for waiter in waiters:
            waiter.cancel()
        await asyncio.gather(*waiters, return_exceptions=True)
    standstill.advance(1.0)

    async with asyncio.timeout(1), limiter.slot():
        held = True

    assert held
    assert standstill.waits == pytest.approx([1.0] * 5)


async def test_throttled_while_waiting(clock: FakeClock) -> None:
    """A pause that begins while a request waits for its turn holds for that request too."""
    limiter = Limiter(1.0, 4, clock)
    async with limiter.slot():
        started = clock.now()
    waiting = asyncio.create_task(limiter.slot().__aenter__())
    await asyncio.sleep(0)
    assert len(clock.waits) == 1

    limiter.throttled(30.0)
    await waiting

    assert clock.now() >= started + 30.0
    assert limiter.allowed_per_second == 0.5


async def test_limiter_recovers(clock: FakeClock) -> None:
    """Answers bring the rate back."""
    limiter = Limiter(1.0, 4, clock)
    limiter.throttled(None)

    for _ in range(61):
        clock.advance(1.0)
        limiter.succeeded()

    assert limiter.allowed_per_second == 1.0
