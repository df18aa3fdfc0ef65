"""An event loop whose time jumps: a simulated day of the whole daemon passes in about a second.

Real sockets on loopback, real servers, real timeouts; only waiting costs nothing. Whenever no
socket is ready, no thread is at work and nothing is left to run, time moves to the next timer.
"""

import asyncio
import selectors
from collections.abc import Callable, Coroutine
from concurrent.futures import ThreadPoolExecutor
from typing import Any, TypeVar

T = TypeVar("T")

START = 1_772_400_000.0
"""2026-03-01 21:20 UTC: where the tests' time begins."""


class WarpSelector(selectors.DefaultSelector):
    """Never waits for a timer: tells the loop to move on instead."""

    def __init__(self) -> None:
        super().__init__()
        self.passed = 0.0
        self.working = 0
        """Threads at work, whose results must be waited for in real time."""

    def select(self, timeout: float | None = None) -> list[tuple[selectors.SelectorKey, int]]:
        """Return what is ready; if nothing is, let *timeout* seconds have passed."""
        ready = super().select(0)
        if ready or timeout == 0:
            return list(ready)
        if timeout is None or self.working:
            return list(super().select(timeout if timeout is None else min(timeout, 0.005)))
        self.passed += max(timeout, 1e-6)
        return []


class WarpLoop(asyncio.SelectorEventLoop):
    """The loop; its time begins at 0 and is the tests' own."""

    def __init__(self) -> None:
        self.warp = WarpSelector()
        super().__init__(self.warp)
        self.pool = ThreadPoolExecutor(max_workers=2)
        self.set_default_executor(self.pool)

    def run_in_executor(self, executor: Any, func: Callable[..., T], *args: Any) -> asyncio.Future[T]:  # type: ignore[override]
        """Hand *func* to a thread; meanwhile time stands still."""
        self.warp.working += 1
        future: asyncio.Future[T] = super().run_in_executor(executor, func, *args)
        future.add_done_callback(self._worked)
        return future

    def _worked(self, _: Any) -> None:
        self.warp.working -= 1

    async def shutdown_default_executor(self, timeout: float | None = None) -> None:  # noqa: ARG002, ASYNC109
        """Wait for the threads in real time: since Python 3.12 the loop's own wait would be over at once."""
        self.pool.shutdown(wait=True)

    def time(self) -> float:
        """Return the seconds that have passed."""
        return self.warp.passed


class WarpClock:
    """The wall clock that belongs to a `WarpLoop`."""

    def __init__(self, start: float = START) -> None:
        self.start = start

    def now(self) -> float:
        """Return the start and what has passed since."""
        return self.start + asyncio.get_running_loop().time()

    async def sleep(self, seconds: float) -> None:
        """Wait on the loop's time."""
        await asyncio.sleep(max(0.0, seconds))


def warped(work: Callable[[], Coroutine[Any, Any, T]]) -> T:
    """Run *work* to its end on a loop whose time jumps."""
    with asyncio.Runner(loop_factory=WarpLoop) as runner:
        return runner.run(work())
