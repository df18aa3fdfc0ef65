"""The bodies of scrapes: pieces of what the snapshot holds."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.metrics.exposition import Body, Exposition
from exporter.metrics.snapshot import CellKey, Snapshot
from tests.metrics.facts import place

SAMPLES = b"m365backup_tenant_info 1\n" * 100


@given(st.lists(st.lists(st.binary(max_size=40), max_size=5), max_size=5), st.integers(1, 50))
def test_pieces(groups: list[list[bytes]], size: int) -> None:
    """The pieces are the body, none is longer than allowed or empty, and the length was known before."""
    body = Body.of(*groups)

    pieces = [bytes(piece) for piece in body.pieces(size)]

    assert b"".join(pieces) == body.joined() == b"".join(chunk for group in groups for chunk in group)
    assert body.length == len(body.joined())
    assert all(0 < len(piece) <= size for piece in pieces)


def test_few_pieces() -> None:
    """Many small chunks make few pieces."""
    assert len(list(Body.of([b"x" * 100] * 1000).pieces(10_000))) == 10


def test_a_long_chunk_is_not_copied() -> None:
    """Pieces of a chunk longer than they are views of it."""
    chunk = b"x" * 1000

    assert {id(piece.obj) for piece in Body.of([chunk]).pieces(100)} == {id(chunk)}


@pytest.mark.parametrize("names", [[], ["m365backup_tenant_info"]])
async def test_all_hold_the_same(names: list[str]) -> None:
    """Plain bodies, whole or in part, hold the snapshot's own bytes, as two that are read side by side show."""
    snapshot = Snapshot()
    snapshot.publish(CellKey("s", "t1", "jobs"), {place("tenant_info"): SAMPLES}, series=100)
    exposition = Exposition(snapshot)

    whole = await exposition.whole("text", gzip=False, names=names)
    part = await exposition.part_of([("s", "t1")], "text", gzip=False, names=names)

    assert part
    for body in (whole, part):
        assert any(chunk is SAMPLES for group in body.groups for chunk in group)
