"""Standard output for a command: written whole, or the command ends and says why not."""

import errno
import io
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stdout
from typing import Any, BinaryIO, Final

AT_ONCE: Final = 1 << 16
"""Bytes that are handed over in one go."""


class OutputLost(Exception):
    """Standard output cannot be written; not an `OSError`, for whoever minds a file of his own."""

    def __init__(self, number: int) -> None:
        super().__init__(os.strerror(number))
        self.unread: Final = number == errno.EPIPE
        """Whether its reader has gone, as `head` does when it has enough."""


@contextmanager
def standard_output() -> Iterator[None]:
    """Let all that is written to `sys.stdout` arrive while the context lasts; `OutputLost` if it does not.

    Python's own may write a part and say nothing, where PYTHONUNBUFFERED is set, or fail when nobody listens any more.
    What the encoding cannot write is escaped.
    """
    usual = sys.stdout
    encoding = getattr(usual, "encoding", None) or "utf-8"
    at_once = bool(usual) and (usual.isatty() or getattr(usual, "write_through", False))
    whole = io.BufferedWriter(_Outlet(getattr(usual, "buffer", None)), AT_ONCE)
    with io.TextIOWrapper(whole, encoding, "backslashreplace", line_buffering=at_once) as text, redirect_stdout(text):
        yield


class _Outlet(io.RawIOBase):
    """The end of the pipe; once it failed it takes anything, so that nobody stumbles over the rest."""

    def __init__(self, buffer: Any) -> None:
        self._under: BinaryIO | None = getattr(buffer, "raw", buffer)
        self._lost = False

    def writable(self) -> bool:
        return True

    def isatty(self) -> bool:
        return self._under is not None and self._under.isatty()

    def fileno(self) -> int:
        if self._under is None:
            raise io.UnsupportedOperation("standard output is closed")
        return self._under.fileno()

    def write(self, data: Any) -> int:
        if self._lost:
            return len(data)
        try:
            written: int | None = self._under.write(data) if self._under else _refused(errno.EBADF)
            return _refused(errno.EAGAIN) if written is None else written
        except OSError as error:
            self._lost = True
            raise OutputLost(error.errno or errno.EIO) from error


def _refused(number: int) -> int:
    raise OSError(number, os.strerror(number))
