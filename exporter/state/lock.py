"""One daemon a state file: a lock beside it that ends with its holder, however that ends."""

import fcntl
import os
import socket
from datetime import UTC, datetime
from pathlib import Path


class InUse(Exception):
    """Another process holds the lock; the message says which."""


class Lock:
    """A lock on the file at *path*, held from `acquire` to `release`."""

    def __init__(self, path: Path) -> None:
        self._path = path.with_name(path.name + ".lock")
        self._descriptor: int | None = None

    def acquire(self) -> None:
        """Take the lock, unless we have it, and say who we are; `InUse` if somebody has it, OSError if nobody can."""
        if self._descriptor is not None:
            return
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            holder = os.read(descriptor, 200).decode(errors="replace").strip()
            os.close(descriptor)
            if isinstance(error, BlockingIOError):
                raise InUse(holder or "another process") from error
            raise
        self._descriptor = descriptor
        try:
            os.ftruncate(descriptor, 0)
            os.pwrite(descriptor, _who().encode(), 0)
        except OSError:  # a full disk: the lock holds, only its holder's name is missing
            return

    def in_place(self) -> bool:
        """Tell whether others would meet our lock: its file may have been deleted. OSError if that cannot be known."""
        if self._descriptor is None:
            return False
        ours, there = os.fstat(self._descriptor), self._path.stat()
        return (ours.st_dev, ours.st_ino) == (there.st_dev, there.st_ino)

    def release(self) -> None:
        """Let others have it. The file stays: deleting it would race with who opens it just now."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None


def _who() -> str:
    since = datetime.now(tz=UTC).strftime("%Y-%m-%d %H:%M:%S UTC")
    return f"process {os.getpid()} on {socket.gethostname()} since {since}\n"
