"""Threads for what may hang, a disk or a name service: nobody else waits for them, nor does the process' end."""

from collections.abc import Callable
from concurrent.futures import Executor, Future
from queue import Empty, SimpleQueue
from threading import Semaphore, Thread
from typing import Any, Final, TypeVar

T = TypeVar("T")
Work = tuple[Future[Any], Callable[..., Any], tuple[Any, ...]]


class DaemonThreads(Executor):
    """Does the work in *most* threads at most, started as needed; the standard library's are never daemons.

    One thread does one thing after another.
    """

    def __init__(self, name: str, most: int) -> None:
        self._name = name
        self._most = most
        self._started = 0
        self._idle = Semaphore(0)
        self._work: SimpleQueue[Work | None] = SimpleQueue()

    def submit(self, fn: Callable[..., T], /, *args: Any, **kwargs: Any) -> Future[T]:
        """Have *fn* called after all that was submitted before has begun."""
        if kwargs:
            raise TypeError("only positional arguments")
        future: Future[T] = Future()
        self._work.put((future, fn, args))
        if not self._idle.acquire(blocking=False) and self._started < self._most:
            self._started += 1
            Thread(target=self._run, name=f"{self._name} {self._started}", daemon=True).start()
        return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:  # noqa: ARG002, FBT001, FBT002
        """End the threads when they have done all their work; nobody waits."""
        for _ in range(self._started):
            self._work.put(None)

    def _next(self) -> Work | None:
        try:
            return self._work.get_nowait()
        except Empty:
            self._idle.release()
            return self._work.get()

    def _run(self) -> None:
        while (work := self._next()) is not None:
            future, fn, args = work
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(fn(*args))
            except BaseException as error:  # noqa: BLE001 - it belongs to whoever waits for the future
                future.set_exception(error)
            del work, future, fn, args  # nothing is kept while there is nothing to do


FILES: Final = DaemonThreads("files", 8)
"""Where configured files are read, of which each may lie on a mount that hangs."""
