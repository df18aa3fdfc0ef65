"""Chance without state: every draw is a hash of what it is drawn for, so it can be repeated at any time."""

from collections.abc import Sequence
from dataclasses import dataclass
from hashlib import blake2b
from struct import unpack
from typing import Self, TypeVar

Choice = TypeVar("Choice")

UNIT = 2.0**-64
"""One step of a 64-bit number on the way from 0 to 1."""

SIX_WORDS = 48
"""Bytes that make the six draws of one run."""


@dataclass(frozen=True, slots=True)
class Lot:
    """The chance of one thing of the world; named draws from it are independent of each other."""

    key: bytes

    @classmethod
    def of(cls, *names: object) -> Self:
        """Begin a family of draws for what *names* say."""
        return cls(blake2b(repr(names).encode(), digest_size=16).digest())

    def child(self, *names: object) -> "Lot":
        """Begin an independent family for a part of this thing."""
        return Lot(self._digest(names, 16))

    def fraction(self, *names: object) -> float:
        """Draw a number from 0 (included) to 1 (excluded, but for one rounding in 2^54)."""
        return int.from_bytes(self._digest(names, 8), "big") * UNIT

    def chance(self, probability: float, *names: object) -> bool:
        """Draw yes with *probability*."""
        return self.fraction(*names) < probability

    def between(self, low: float, high: float, *names: object) -> float:
        """Draw a number from *low* to *high*."""
        return low + (high - low) * self.fraction(*names)

    def whole(self, low: int, high: int, *names: object) -> int:
        """Draw a whole number from *low* to *high*, both included."""
        return low + int.from_bytes(self._digest(names, 8), "big") % (high - low + 1)

    def pick(self, choices: Sequence[Choice], *names: object) -> Choice:
        """Draw one of *choices*; what stands there twice comes twice as often."""
        return choices[self.whole(0, len(choices) - 1, *names)]

    def guid(self, *names: object) -> str:
        """Draw a string in the form of a GUID."""
        text = self._digest(names, 16).hex()
        return f"{text[:8]}-{text[8:12]}-4{text[13:16]}-a{text[17:20]}-{text[20:]}"

    def six(self, index: int) -> tuple[float, ...]:
        """Draw six fractions for the occurrence *index* with one hash: pages of jobs need thousands."""
        text = index.to_bytes(8, "big", signed=True)
        words = unpack(">6Q", blake2b(text, key=self.key, digest_size=SIX_WORDS).digest())
        return tuple([word * UNIT for word in words])

    def one(self, index: int) -> float:
        """Draw one fraction for the occurrence *index*, independent of its six."""
        text = index.to_bytes(8, "big", signed=True)
        return int.from_bytes(blake2b(text, key=self.key, digest_size=8).digest(), "big") * UNIT

    def _digest(self, names: tuple[object, ...], size: int) -> bytes:
        return blake2b(repr(names).encode(), key=self.key, digest_size=size).digest()
