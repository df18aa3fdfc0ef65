import gzip
import shutil
import struct
import subprocess
import zlib
from pathlib import Path
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.metrics.compression import Part, gzip_stream, part

TEXTS = st.lists(st.binary(max_size=300) | st.binary(min_size=1, max_size=8).map(lambda seed: seed * 5000))


@given(TEXTS)
def test_parts_joined_are_the_texts_joined(texts: list[bytes]) -> None:
    """Texts compressed apart and joined decompress to the texts joined, empty ones included."""
    stream = gzip_stream([part(text) for text in texts])

    assert gzip.decompress(stream) == b"".join(texts)
    assert zlib.decompress(stream, wbits=31) == b"".join(texts)


@given(TEXTS)
def test_trailer_tells_the_whole(texts: list[bytes]) -> None:
    """The checksum and the length at the end are those of the whole text, though computed from the parts'."""
    stream = gzip_stream([part(text) for text in texts])

    whole = b"".join(texts)
    assert struct.unpack("<II", stream[-8:]) == (zlib.crc32(whole), len(whole))


@given(TEXTS)
def test_one_member(texts: list[bytes]) -> None:
    """The stream is a single gzip member, for readers that stop after the first one."""
    stream = gzip_stream([part(text) for text in texts])
    reader = zlib.decompressobj(wbits=31)

    text = reader.decompress(stream)

    assert (text, reader.eof, reader.unused_data) == (b"".join(texts), True, b"")


@given(TEXTS)
def test_texts_of_one_part(texts: list[bytes]) -> None:
    """A part of several texts is the part of their concatenation."""
    assert part(*texts) == part(b"".join(texts))


@given(TEXTS, st.randoms(use_true_random=False))
def test_parts_fit_anywhere(texts: list[bytes], chance: Random) -> None:
    """Compressed once, parts may be joined in any order and more than once."""
    parts = {text: part(text) for text in texts}
    order = [chance.choice(texts) for _ in range(2 * len(texts))]

    stream = gzip_stream(parts[text] for text in order)

    assert gzip.decompress(stream) == b"".join(order)


def test_length_beyond_32_bits() -> None:
    """The length of a body above 4 GiB is told modulo 2^32, as the format wants it."""
    huge = Part(deflated=b"", crc=0, length=2**32 + 5)

    stream = gzip_stream([huge, huge])

    assert stream[-4:] == struct.pack("<I", 10)


def test_gzip_itself_is_content(tmp_path: Path) -> None:
    """`gzip -t` finds no fault, and `gzip -dc` returns the text."""
    program = shutil.which("gzip") or pytest.fail("gzip is not installed")
    texts = [b"", b"# HELP a b\n", b'a{b="c"} 1\n' * 10_000, b"", bytes(range(256)) * 300]
    file = tmp_path / "metrics.gz"
    file.write_bytes(gzip_stream([part(text) for text in texts]))

    tested = subprocess.run([program, "-t", file], capture_output=True, check=False)  # noqa: S603 - our own file
    unpacked = subprocess.run([program, "-dc", file], capture_output=True, check=True)  # noqa: S603 - our own file

    assert (tested.returncode, tested.stderr) == (0, b"")
    assert unpacked.stdout == b"".join(texts)
