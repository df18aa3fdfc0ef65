"""Looking up names: in threads of its own, so that a name service that hangs costs only those who ask it."""

import asyncio
import socket
from typing import Final

from aiohttp.abc import AbstractResolver, ResolveResult

from exporter.threads import DaemonThreads

NAMES: Final = DaemonThreads("lookup", 32)
"""Where names are looked up; those beyond wait their turn, each request no longer than it may take."""
_NUMERIC: Final = socket.AI_NUMERICHOST | socket.AI_NUMERICSERV


class Lookup(AbstractResolver):
    """Asks the system, as aiohttp's own does, which shares the threads of all else and is waited for at the end.

    The connector asks once for all who want the same host, and not at all for addresses.
    """

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_INET
    ) -> list[ResolveResult]:
        """Return the addresses of *host*; raises OSError if there are none."""
        return await asyncio.get_running_loop().run_in_executor(NAMES, _addresses, host, port, family)

    async def close(self) -> None:
        """Nothing is held: whoever still waits for an answer was cancelled."""


def _addresses(host: str, port: int, family: socket.AddressFamily) -> list[ResolveResult]:
    found = socket.getaddrinfo(host, port, family=family, type=socket.SOCK_STREAM, flags=socket.AI_ADDRCONFIG)
    return [
        ResolveResult(
            hostname=host,
            # Unlike *address* it names the interface, without which a link-local address is good for nothing.
            host=socket.getnameinfo(address, socket.NI_NUMERICHOST | socket.NI_NUMERICSERV)[0],
            port=port,
            family=its_family,
            proto=protocol,
            flags=_NUMERIC,
        )
        for its_family, _, protocol, _, address in found
    ]
