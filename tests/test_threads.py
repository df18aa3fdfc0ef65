"""The threads that a hanging disk or name service may keep."""

import subprocess
import sys
import textwrap
import time
from threading import Event

import pytest

from exporter.threads import DaemonThreads


def test_one_after_another() -> None:
    """What is submitted is done in its order, and a fault belongs to whoever submitted it."""
    thread = DaemonThreads("test", 1)
    done: list[int] = []

    for number in range(3):
        thread.submit(done.append, number)
    fault = thread.submit(int, "no number")
    last = thread.submit(tuple, done)

    assert last.result(5) == (0, 1, 2)
    with pytest.raises(ValueError, match="invalid literal"):
        fault.result(5)
    thread.shutdown()


def test_what_is_cancelled_is_not_done() -> None:
    """Work that nobody wants any more before it began is left out."""
    thread, go = DaemonThreads("test", 1), Event()
    done: list[int] = []
    thread.submit(go.wait)

    cancelled = thread.submit(done.append, 1).cancel()
    go.set()
    thread.submit(done.append, 2).result(5)

    assert (cancelled, done) == (True, [2])
    thread.shutdown()


def test_only_positional_arguments() -> None:
    """What it cannot do is refused at once."""
    thread = DaemonThreads("test", 1)

    with pytest.raises(TypeError, match="positional"):
        thread.submit(int, x="1")
    thread.shutdown()


def test_a_process_ends_without_it() -> None:
    """A process ends although its thread hangs for ever."""
    code = """
        from threading import Event
        from exporter.threads import DaemonThreads
        DaemonThreads("test", 1).submit(Event().wait)
    """
    began = time.monotonic()

    ended = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], timeout=30, check=False)  # noqa: S603 - ours

    assert ended.returncode == 0
    assert time.monotonic() - began < 20
