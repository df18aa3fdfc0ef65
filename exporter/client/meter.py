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
    probe: bool = False
    """Whether this is a look at a source that keeps failing, for which one attempt is enough."""


@contextmanager
def metered(*, probe: bool = False) -> Iterator[Meter]:
    """Yield a meter of every request sent inside, by this task or by tasks it starts.

    Meters nest: an outer one counts what the inner one counts.
    """
    meter = Meter(probe=probe)
    token = _METERS.set((*_METERS.get(), meter))
    try:
        yield meter
    finally:
        _METERS.reset(token)


def probing() -> bool:
    """Tell whether a failed request here should not be sent again."""
    return any(meter.probe for meter in _METERS.get())


def note_request(seconds: float) -> None:
    """Add one finished request to every meter that is running here."""
    for meter in _METERS.get():
        meter.requests += 1
        meter.seconds += seconds
