"""Which process watches which tenant."""

import re
import socket
from dataclasses import dataclass
from hashlib import blake2b
from typing import Final

_ORDINAL: Final = re.compile(r".*-(\d{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class Shard:
    """One of *total* processes that divide the tenants among them."""

    index: int = 0
    total: int = 1

    def owns(self, source: str, tenant: str) -> bool:
        """Tell whether the tenant is ours: rendezvous hashing, so a new shard moves only its own share."""
        if self.total == 1:
            return True
        weights = [
            blake2b(f"{shard}\0{source}\0{tenant}".encode(), digest_size=8).digest() for shard in range(self.total)
        ]
        return weights.index(max(weights)) == self.index


def ordinal(hostname: str | None = None) -> int:
    """Return the ordinal of a StatefulSet's pod from its host name; ValueError if it has none."""
    host, _, _ = (socket.gethostname() if hostname is None else hostname).partition(".")
    match = _ORDINAL.fullmatch(host)
    if not match:
        raise ValueError("the host name does not end with -<number> as a StatefulSet's pods do; set shard.index")
    return int(match[1])
