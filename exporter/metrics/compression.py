"""One gzip stream out of parts that were compressed long before.

Each part is raw deflate that refers to nothing before it and ends on a byte boundary (a full
flush), so parts joined are one valid stream (RFC 1951, RFC 1952). The trailer's CRC-32 of the
whole is combined from those of the parts.
"""

import struct
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Final

from isal import isal_zlib

HEADER: Final = b"\x1f\x8b\x08\x00\x00\x00\x00\x00\x04\xff"
"""gzip, deflate, no name, no time, fastest algorithm, unknown system."""
LAST_BLOCK: Final = b"\x03\x00"
"""An empty final block with fixed codes."""

LEVEL: Final = 1
"""Label sets repeat so much that higher levels gain a few per cent for several times the work."""


@dataclass(frozen=True, slots=True)
class Part:
    """Some bytes, compressed, with what it takes to put them anywhere in a stream."""

    deflated: bytes
    crc: int
    length: int


def part(*texts: bytes) -> Part:
    """Compress *texts*, one after the other, into a part."""
    text = b"".join(texts)
    squeeze = isal_zlib.compressobj(LEVEL, isal_zlib.DEFLATED, -isal_zlib.MAX_WBITS)
    deflated = squeeze.compress(text) + squeeze.flush(isal_zlib.Z_FULL_FLUSH)
    return Part(deflated, isal_zlib.crc32(text), len(text))


def gzip_stream(parts: Iterable[Part]) -> bytes:
    """Return the parts as one gzip file, without compressing anything."""
    pieces, crc, length = [HEADER], 0, 0
    for each in parts:
        pieces.append(each.deflated)
        crc = isal_zlib.crc32_combine(crc, each.crc, each.length)
        length += each.length
    pieces += [LAST_BLOCK, struct.pack("<II", crc, length & 0xFFFFFFFF)]
    return b"".join(pieces)
