"""A real socket like the one on which systemd listens to its services."""

import socket
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

PATIENCE: Final = 30.0


class Ear:
    """Hears what a service says."""

    def __init__(self, address: str) -> None:
        self.address = address
        """As NOTIFY_SOCKET has it."""
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind("\0" + address[1:] if address.startswith("@") else address)
        self._socket.settimeout(PATIENCE)

    def next(self) -> list[str]:
        """Return the assignments of the next message; wait for it if need be."""
        return self._socket.recv(4096).decode().split("\n")

    def heard(self) -> list[str]:
        """Return all assignments that have come by now."""
        found = []
        self._socket.settimeout(0)
        try:
            while True:
                found += self.next()
        except BlockingIOError:
            return found
        finally:
            self._socket.settimeout(PATIENCE)

    def until(self, assignment: str) -> list[str]:
        """Return what is heard up to an *assignment* that begins like this."""
        found = self.next()
        while not any(each.startswith(assignment) for each in found):
            found += self.next()
        return found

    def close(self) -> None:
        """Listen no more."""
        self._socket.close()


@contextmanager
def listening(address: str) -> Iterator[Ear]:
    """Listen while the context lasts."""
    ear = Ear(address)
    try:
        yield ear
    finally:
        ear.close()
