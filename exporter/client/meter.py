"""What a collection costs: the requests to the API sent on its behalf and the time they were under way.

Token requests cost nothing here: they go to another host, and the limiter does not know them.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from dataclasses import dataclass
from typing import Final

_METERS: Final[ContextVar[tuple["Meter", ...]]] = ContextVar("meters", default=())


@dataclass(slots=True)
class Meter:
    """Requests and seconds in flight; parallel requests add up to more than the time that passed."""

    requests: int = 0
    seconds: float = 0.0


@contextmanager
def metered() -> Iterator[Meter]:
    """Yield a meter of every request sent inside, by this task or by tasks it starts.

    Meters nest: an outer one counts what the inner one counts.
    """
    meter = Meter()
    token = _METERS.set((*_METERS.get(), meter))
    try:
        yield meter
    finally:
        _METERS.reset(token)


def note_request(seconds: float) -> None:
    """Add one finished request to every meter that is running here."""
    for meter in _METERS.get():
        meter.requests += 1
        meter.seconds += seconds
