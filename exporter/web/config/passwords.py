"""Whether a name and a password fit: by bcrypt, in a thread, one at a time, and remembered.

bcrypt is slow on purpose, so whoever guesses passwords keeps it busy. Hence a scrape whose verdict is known never waits
for one that is not, and guesses from one address cannot queue without end. Nothing tells a name that exists from one
that does not: either costs a comparison, and which hash stands in for a missing one depends on the name alone.
"""

import asyncio
import hmac
import secrets
from collections import Counter
from collections.abc import Mapping
from hashlib import blake2b
from typing import Final

import bcrypt

MOST_WAITING: Final = 16
"""Comparisons that may wait for one address: a second's worth of the usual cost."""
MOST_REFUSED: Final = 1024
"""Wrong passwords remembered, so that a scraper with an old one costs nothing."""
_USED_BY_BCRYPT: Final = 72
"""Bytes of a password that count; the library refuses more."""


class Passwords:
    """The users as they are now, and verdicts about them."""

    def __init__(self, users: Mapping[bytes, bytes]) -> None:
        self._users = users
        self._secret = secrets.token_bytes(32)
        self._right: dict[bytes, bytes] = {}
        """User → digest of what was right last; apart from the wrong, which must not crowd it out."""
        self._wrong: dict[bytes, None] = {}
        """Digests, the one used longest ago first."""
        self._turn = asyncio.Semaphore(1)
        self._waiting: Counter[str] = Counter()

    @property
    def asked(self) -> bool:
        """Whether anybody needs a password."""
        return bool(self._users)

    def change(self, users: Mapping[bytes, bytes]) -> None:
        """Take over other users and forget every verdict; nothing, if they are the same."""
        if users == self._users:
            return
        self._users = users
        self._right.clear()
        self._wrong.clear()

    async def fit(self, name: bytes, password: bytes, address: str) -> bool | None:
        """Tell whether *password* is that of *name*; ``None`` if too much that *address* asked waits already."""
        stored = self._users.get(name)
        compared = stored or self._stand_in(name)
        digest = self._digest(name, password, compared)
        known = self._remembered(name, digest)
        if known is None:
            known = await self._compared(name, password, compared, digest, address=address)
        return known and stored is not None

    def _remembered(self, name: bytes, digest: bytes) -> bool | None:
        if hmac.compare_digest(self._right.get(name, b""), digest):
            return True
        if digest not in self._wrong:
            return None
        self._wrong[digest] = self._wrong.pop(digest)
        return False

    async def _compared(
        self, name: bytes, password: bytes, stored: bytes, digest: bytes, *, address: str
    ) -> bool | None:
        if self._waiting[address] >= MOST_WAITING:
            return None
        self._waiting[address] += 1
        try:
            async with self._turn:
                known = self._remembered(name, digest)  # by one who asked the same before us
                if known is None:
                    known = await asyncio.to_thread(bcrypt.checkpw, password[:_USED_BY_BCRYPT], stored)
                    self._remember(name, digest, right=known and self._users.get(name) == stored)
        finally:
            self._waiting[address] -= 1
            self._waiting += Counter()  # which drops those at zero
        return known

    def _remember(self, name: bytes, digest: bytes, *, right: bool) -> None:
        if right:
            self._right[name] = digest
            return
        self._wrong[digest] = None
        if len(self._wrong) > MOST_REFUSED:
            del self._wrong[next(iter(self._wrong))]

    def _stand_in(self, name: bytes) -> bytes:
        """Return the hash that is compared in vain: one of the real ones, hence of a real cost."""
        every = list(self._users.values())
        return every[int.from_bytes(self._digest(name)) % len(every)]

    def _digest(self, *parts: bytes) -> bytes:
        """Return what parts are remembered by, which tells nobody what they were."""
        whole = b"".join(len(part).to_bytes(8) + part for part in parts)
        return blake2b(whole, key=self._secret, digest_size=32).digest()
