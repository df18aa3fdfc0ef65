"""Whether a name and a password fit: by bcrypt, in a thread, one at a time, and remembered.

bcrypt is slow on purpose, so whoever guesses passwords keeps it busy. Hence a scrape whose verdict is known never waits
for one that is not, and who guesses waits for his own guesses, see `turns`. Nothing tells a name that exists from one
that does not: either costs a comparison, and which hash stands in for a missing one depends on the name alone.
"""

import asyncio
import hmac
import secrets
from collections.abc import Callable, Mapping
from hashlib import blake2b
from typing import Final

import bcrypt

from exporter.web.config.turns import Turns

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
        self._turns = Turns()

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

    async def fit(
        self, name: bytes, password: bytes, address: str, *, gone: Callable[[], bool] = lambda: False
    ) -> bool | None:
        """Tell whether *password* is that of *name*; ``None`` if too many wait, or who asked is *gone* meanwhile."""
        stored = self._users.get(name)
        compared = stored or self._stand_in(name)
        digest = self._digest(name, password, compared)
        known = self._remembered(name, digest)
        if known is None:
            async with self._turns.turn(address, gone) as granted:
                if not granted:
                    return None
                known = await self._compared(name, password, compared, digest)
        return known and stored is not None

    def _remembered(self, name: bytes, digest: bytes) -> bool | None:
        if hmac.compare_digest(self._right.get(name, b""), digest):
            return True
        if digest not in self._wrong:
            return None
        self._wrong[digest] = self._wrong.pop(digest)
        return False

    async def _compared(self, name: bytes, password: bytes, stored: bytes, digest: bytes) -> bool:
        known = self._remembered(name, digest)  # by one who asked the same before us
        if known is None:
            known = await asyncio.to_thread(bcrypt.checkpw, password[:_USED_BY_BCRYPT], stored)
            self._remember(name, digest, right=known and self._users.get(name) == stored)
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
