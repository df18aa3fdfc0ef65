from datetime import UTC, datetime
from email.utils import format_datetime, formatdate

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.client.retry import LONGEST_RETRY_AFTER_SECONDS, RetryPolicy, retry_after_seconds

POLICY = RetryPolicy()
NOW = 1_772_485_200.0


@pytest.mark.parametrize("status", [None, 408, 429, 500, 502, 503, 504])
def test_passing_failures(status: int | None) -> None:
    """What may pass is tried again, up to the attempts allowed."""
    delays = [POLICY.delay(attempt=n, status=status, retry_after=None, jitter=0.5) for n in range(1, 6)]

    assert delays == [0.5, 1.0, 2.0, None, None]


@pytest.mark.parametrize("status", [200, 301, 400, 401, 403, 404, 418, 501, 505])
def test_lasting_failures(status: int) -> None:
    """What would fail again is not tried again."""
    assert POLICY.delay(attempt=1, status=status, retry_after=None, jitter=0.5) is None


def test_lasting_codes() -> None:
    """An error code that is known to last is not tried again, even under a status that may pass."""
    policy = RetryPolicy(lasting_codes=frozenset({"ProxyOffline"}))

    delays = [
        policy.delay(attempt=1, status=500, retry_after=None, jitter=0.5, code=code)
        for code in (None, "Timeout", "ProxyOffline")
    ]

    assert delays == [0.5, 0.5, None]


def test_retry_after_is_a_minimum() -> None:
    """We never come back before the vendor said."""
    assert POLICY.delay(attempt=1, status=429, retry_after=20.0, jitter=0.0) == 20.0
    assert POLICY.delay(attempt=1, status=503, retry_after=60.0, jitter=0.9) == 60.0


def test_too_long_a_wait() -> None:
    """A longer wait than a collection has is left to the schedule."""
    assert POLICY.delay(attempt=1, status=429, retry_after=61.0, jitter=0.0) is None


@given(
    attempt=st.integers(1, 10**6),
    attempts=st.integers(1, 10**6),
    retry_after=st.none() | st.floats(0, 1e9),
    jitter=st.floats(0, 1, exclude_max=True),
)
def test_delays_stay_within_bounds(attempt: int, attempts: int, retry_after: float | None, jitter: float) -> None:
    """A delay lies between what the vendor asked and the longest wait; attempts end."""
    policy = RetryPolicy(attempts=attempts)

    delay = policy.delay(attempt=attempt, status=503, retry_after=retry_after, jitter=jitter)

    if attempt >= attempts or (retry_after or 0) > 60:
        assert delay is None
    else:
        assert delay is not None
        assert (retry_after or 0) <= delay <= 60


@pytest.mark.parametrize(
    ("header", "seconds"),
    [
        (None, None),
        ("", None),
        ("0", 0),
        (" 120 ", 120),
        ("1.5", 1.5),
        ("9" * 400, LONGEST_RETRY_AFTER_SECONDS),
        ("-5", None),
        ("nan", None),
        ("inf", None),
        ("soon", None),
        ("٣", None),
        (formatdate(NOW + 90, usegmt=True), 90),
        (formatdate(NOW - 90, usegmt=True), 0),
        (format_datetime(datetime.fromtimestamp(NOW + 90, UTC).replace(tzinfo=None)), 90),
        ("Fri, 31 Dec 9999 23:59:59 GMT", LONGEST_RETRY_AFTER_SECONDS),
        ("Fri, 99 Dec 2026 23:59:59 GMT", None),
    ],
)
def test_retry_after(header: str | None, seconds: float | None) -> None:
    """Retry-After is read as seconds or a date, clipped, and ignored if it is neither."""
    assert retry_after_seconds(header, now=NOW) == seconds


@given(st.text() | st.from_regex(r"\A[A-Z][a-z]{2}, [0-9]{1,3} [A-Z][a-z]{2} [0-9]{1,6} [0-9:]{1,8} .{0,6}\Z"))
def test_retry_after_never_fails(header: str) -> None:
    """No header can make us fail, or wait for ever."""
    seconds = retry_after_seconds(header, now=NOW)

    assert seconds is None or 0 <= seconds <= LONGEST_RETRY_AFTER_SECONDS
