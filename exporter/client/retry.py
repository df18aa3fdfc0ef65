"""Retry is arithmetic: what failed, how often and what the vendor asked for, in; a wait or a stop, out."""

import re
from dataclasses import dataclass
from datetime import UTC
from email.utils import parsedate_to_datetime
from typing import Final

RETRIED_STATUSES: Final = frozenset({408, 429, 500, 502, 503, 504})

LONGEST_RETRY_AFTER_SECONDS: Final = 3600.0
"""A Retry-After is believed up to here: a slip of the vendor must not silence a source for days."""

_SECONDS: Final = re.compile(r"[0-9]+(?:\.[0-9]+)?")
_MOST_DOUBLINGS: Final = 30


@dataclass(frozen=True, slots=True, kw_only=True)
class RetryPolicy:
    """How often and how long apart one question is asked again."""

    attempts: int = 4
    base_seconds: float = 1.0
    cap_seconds: float = 30.0
    longest_wait_seconds: float = 60.0
    lasting_codes: frozenset[str] = frozenset()
    """Error codes of the vendor that tell of something no second attempt will cure, whatever the status."""

    def delay(
        self, *, attempt: int, status: int | None, retry_after: float | None, jitter: float, code: str | None = None
    ) -> float | None:
        """Return the seconds to wait after attempt number *attempt* (from 1), None to stop.

        *status* None is a network failure, *code* the vendor's error code if it gave one. *jitter*, in
        [0, 1), spreads clients that failed together over the whole back-off; on top of *retry_after*, which
        is the least the vendor wants.
        """
        passing = (status is None or status in RETRIED_STATUSES) and code not in self.lasting_codes
        if attempt >= self.attempts or not passing:
            return None
        least = retry_after or 0.0
        if least > self.longest_wait_seconds:
            return None
        backoff = min(self.cap_seconds, self.base_seconds * 2.0 ** min(attempt - 1, _MOST_DOUBLINGS))
        return min(self.longest_wait_seconds, least + backoff * jitter)


def retry_after_seconds(header: str | None, *, now: float) -> float | None:
    """Return what a Retry-After header asks for: seconds or an HTTP date, counted from *now*.

    A past date is 0, rubbish is None, and more than LONGEST_RETRY_AFTER_SECONDS is clipped.
    """
    if header is None:
        return None
    spelled = header.strip()
    asked = float(spelled) if _SECONDS.fullmatch(spelled) else seconds_until(spelled, now)
    return None if asked is None else min(LONGEST_RETRY_AFTER_SECONDS, max(0.0, asked))


def seconds_until(http_date: str, now: float) -> float | None:
    """Return how far an HTTP date lies ahead of *now*, negative if it has passed; None for rubbish."""
    try:
        moment = parsedate_to_datetime(http_date)
        # A date without a zone is Greenwich time by RFC 9110, not the machine's.
        return (moment if moment.tzinfo else moment.replace(tzinfo=UTC)).timestamp() - now
    except (
        ValueError,
        TypeError,
        OverflowError,
        IndexError,
    ):  # what the parser raises varies with the rubbish
        return None
