"""Long work on the event loop, done in pieces."""

import asyncio
import time
from collections.abc import AsyncIterator, Iterable
from typing import Final, TypeVar

T = TypeVar("T")
LONGEST: Final = 0.01
"""Seconds of work between two turns of the event loop: a scrape should not wait longer, whatever else goes on."""


async def breathing(items: Iterable[T]) -> AsyncIterator[T]:
    """Yield *items*; whenever the work on them has taken `LONGEST`, let the event loop turn first."""
    began = time.perf_counter()
    for item in items:
        if time.perf_counter() - began > LONGEST:
            await asyncio.sleep(0)
            began = time.perf_counter()
        yield item
