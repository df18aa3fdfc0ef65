"""One gzip stream out of parts that were compressed long before.

Each part is raw deflate that refers to nothing before it and ends on a byte boundary
(a full flush), so parts joined are one valid stream (RFC 1951, RFC 1952). The trailer's
CRC-32 of the whole is combined from those of the parts: for a part B of n bytes,
crc(A·B) = crc(A)·x^(8n) + crc(B) in GF(2)[x] modulo the CRC polynomial.
"""

import struct
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"
"""gzip, deflate, no name, no time, fastest algorithm, unknown system."""
LAST_BLOCK: Final = b"\x03\x00"
"""An empty final block with fixed codes."""

LEVEL: Final = 1
"""Label sets repeat so much that higher levels gain a few per cent for several times the work."""

_POLYNOMIAL: Final = 0xEDB88320
_ONE: Final = 1 << 31


def _times(a: int, b: int) -> int:
    """Multiply two polynomials, bit-reflected as in CRC-32, modulo its polynomial."""
    product = 0
    while a:
        if a & _ONE:
            product ^= b
        a = (a << 1) & 0xFFFFFFFF
        b = (b >> 1) ^ _POLYNOMIAL if b & 1 else b >> 1
    return product


def _squares() -> tuple[int, ...]:
    """Return x^8, x^16, x^32, … : x to the power of 8·2^k, for lengths below 2^48."""
    power, powers = _ONE >> 8, []
    for _ in range(48):
        powers.append(power)
        power = _times(power, power)
    return tuple(powers)


_POWERS: Final = _squares()


def _shift(length: int) -> int:
    """Return x^(8·length), by which a CRC is multiplied when *length* bytes follow."""
    shift, bit = _ONE, 0
    while length:
        if length & 1:
            shift = _times(shift, _POWERS[bit])
        length >>= 1
        bit += 1
    return shift


@dataclass(frozen=True, slots=True)
class Part:
    """Some bytes, compressed, with what it takes to put them anywhere in a stream."""

    deflated: bytes
    crc: int
    shift: int
    length: int


def part(*texts: bytes) -> Part:
    """Compress *texts*, one after the other, into a part."""
    text = b"".join(texts)
    squeeze = zlib.compressobj(LEVEL, zlib.DEFLATED, -zlib.MAX_WBITS)
    deflated = squeeze.compress(text) + squeeze.flush(zlib.Z_FULL_FLUSH)
    return Part(deflated, zlib.crc32(text), _shift(len(text)), len(text))


def gzip_stream(parts: Iterable[Part]) -> bytes:
    """Return the parts as one gzip file, without compressing anything."""
    pieces, crc, length = [HEADER], 0, 0
    for each in parts:
        pieces.append(each.deflated)
        crc = _times(crc, each.shift) ^ each.crc
        length += each.length
    pieces += [LAST_BLOCK, struct.pack("<II", crc, length & 0xFFFFFFFF)]
    return b"".join(pieces)
