"""A rate limit per access token, with every form of Retry-After that a client must understand."""

from dataclasses import dataclass
from email.utils import formatdate
from itertools import count
from math import ceil

from aiohttp import web


@dataclass(slots=True)
class _Bucket:
    tokens: float
    filled: float


class RetryAfter:
    """Makes 429 answers whose Retry-After is seconds, an HTTP date and absent, in turn."""

    def __init__(self) -> None:
        self._turns = count()

    def refusal(self, now: float, wait: float) -> web.Response:
        """Return a 429 that asks, two times out of three, to wait at least *wait* seconds from *now*."""
        forms: tuple[dict[str, str], ...] = (
            {"Retry-After": str(ceil(wait))},
            {"Retry-After": formatdate(ceil(now + wait), usegmt=True)},
            {},
        )
        headers = forms[next(self._turns) % len(forms)]
        return web.json_response({"message": "Too many requests."}, status=429, headers=headers)


class Throttle:
    """A token bucket per caller: *rate* requests a second, as many at once, at least one."""

    def __init__(self, rate: float) -> None:
        self._rate = rate
        self._size = max(1.0, rate)
        self._buckets: dict[str, _Bucket] = {}

    def wait(self, caller: str, now: float) -> float:
        """Take a token and return 0, or return the seconds until there is one."""
        bucket = self._buckets.setdefault(caller, _Bucket(self._size, now))
        bucket.tokens = min(self._size, bucket.tokens + (now - bucket.filled) * self._rate)
        bucket.filled = now
        if bucket.tokens < 1:
            return (1 - bucket.tokens) / self._rate
        bucket.tokens -= 1
        return 0.0
