"""Keeps the garbage collector from stopping the event loop.

A fleet's records are millions of objects that live for ever, and a full collection looks at each: half a
second at a million series. A collection that took too long is therefore the last one to see what it saw: what
is alive right after it is frozen, that is left out of later ones. Reference counting still frees frozen objects;
only one that was alive then and becomes part of a reference cycle later is lost, which is a handful of tasks
under way once in some hundred thousand new objects.
"""

import gc
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, Final

LONGEST: Final = 0.02
"""Seconds; the event loop should never be blocked for more than 50 ms by anything."""
OLDEST: Final = 2


class CollectionTimer:
    """Watches full collections from inside the collector; freezes after one that took too long."""

    def __init__(self, longest: float = LONGEST) -> None:
        self._longest = longest
        self._started = 0.0

    def __call__(self, phase: str, facts: dict[str, Any]) -> None:
        """Be told by the collector that a collection starts or stops."""
        if facts["generation"] < OLDEST:
            return
        if phase == "start":
            self._started = time.perf_counter()
        elif time.perf_counter() - self._started > self._longest:
            gc.freeze()


@contextmanager
def bounded_collections() -> Iterator[None]:
    """Bound the pauses of the garbage collector meanwhile; afterwards all is as it was."""
    timer = CollectionTimer()
    gc.callbacks.append(timer)
    try:
        yield
    finally:
        gc.callbacks.remove(timer)
        gc.unfreeze()
