"""The snapshot as an answer: text 0.0.4 or OpenMetrics 1.0.0, plain or gzip.

Samples look the same in both formats; only the headers of the families and the end differ.
"""

import asyncio
from collections import defaultdict
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Final, Literal, Self, TypeAlias

from exporter.breathing import breathing
from exporter.metrics.catalog import CATALOG, Row
from exporter.metrics.compression import Part, gzip_stream, part
from exporter.metrics.family import Family
from exporter.metrics.snapshot import Page, Snapshot

Format: TypeAlias = Literal["text", "openmetrics"]


@dataclass(frozen=True, slots=True)
class Header:
    """The HELP and TYPE lines of a family in one format, also compressed."""

    text: bytes
    part: Part


def header(name: str, kind: str, help_: str, form: Format) -> Header:
    """Return a family's header; what would end a line of it is escaped."""
    help_ = help_.replace("\\", "\\\\").replace("\n", "\\n")
    if form == "openmetrics":
        name = name.removesuffix("_total")
        help_ = help_.replace('"', '\\"')
    text = f"# HELP {name} {help_}\n# TYPE {name} {kind}\n".encode()
    return Header(text, part(text))


def _headers(form: Format) -> tuple[Header, ...]:
    return tuple(header(row.name, row.kind, row.help, form) for row in CATALOG)


_END: Final = {"text": Header(b"", part()), "openmetrics": Header(b"# EOF\n", part(b"# EOF\n"))}

NOTHING_YET: Final = (-1, b"")

Block: TypeAlias = tuple[Header, Sequence[Page]]


@dataclass(frozen=True, slots=True)
class Body:
    """An exposition that is not joined: its bytes are those of the snapshot, however many answers hold them."""

    groups: Sequence[Sequence[bytes]]
    length: int

    @classmethod
    def of(cls, *groups: Sequence[bytes]) -> Self:
        """Add up the length; that takes as long as there are chunks."""
        return cls(groups, sum(map(len, chain.from_iterable(groups))))

    def pieces(self, size: int) -> Iterator[memoryview]:
        """Yield the bytes in pieces of at most *size*, each made when it is asked for."""
        held: list[bytes] = []
        length = 0
        for chunk in chain.from_iterable(self.groups):
            if length + len(chunk) > size:  # a long chunk is never joined to others, which would copy it
                yield from _cut(b"".join(held), size)
                held, length = [], 0
            held.append(chunk)
            length += len(chunk)
        yield from _cut(b"".join(held), size)

    def joined(self) -> bytes:
        """Return the bytes in one piece."""
        return b"".join(chain.from_iterable(self.groups))


def _cut(whole: bytes, size: int) -> Iterator[memoryview]:
    for start in range(0, len(whole), size):
        yield memoryview(whole)[start : start + size]


class Exposition:
    """Answers scrapes from the snapshot; all work that grows with it happens in a thread."""

    def __init__(self, snapshot: Snapshot) -> None:
        self._snapshot = snapshot
        self._headers: dict[Format, tuple[Header, ...]] = {
            "text": _headers("text"),
            "openmetrics": _headers("openmetrics"),
        }
        self._ready: dict[Format, tuple[int, bytes]] = {"text": NOTHING_YET, "openmetrics": NOTHING_YET}
        """Version and compressed body of what was last asked for as a whole."""
        self._turns: dict[Format, asyncio.Lock] = {"text": asyncio.Lock(), "openmetrics": asyncio.Lock()}

    async def body(self, form: Format, *, gzip: bool, names: Collection[str] = ()) -> bytes:
        """Return what `whole` does, in one piece, joined on the loop: for commands that serve nobody meanwhile."""
        return (await self.whole(form, gzip=gzip, names=names)).joined()

    async def whole(self, form: Format, *, gzip: bool, names: Collection[str] = ()) -> Body:
        """Return the exposition, or of it the families that have a sample called one of *names*."""
        if gzip and not names:
            return Body.of([await self._compressed(form)])
        return await asyncio.to_thread(self._put_together, self._capture(form, names), form, gzip=gzip)

    async def part_of(
        self, members: Iterable[tuple[str, str]], form: Format, *, gzip: bool, names: Collection[str] = ()
    ) -> Body | None:
        """Return the part of the exposition that is about *members*, each (source, tenant); ``None`` if there is none.

        The parts of all members together are the whole.
        """
        chunks: dict[int, list[bytes]] = defaultdict(list)
        async for member in breathing(members):
            for index, chunk in self._snapshot.samples_of(*member):
                chunks[index].append(chunk)
        if not chunks:
            return None
        blocks: list[Block] = [
            (self._headers[form][index], (Page(tuple(chunks[index])),))
            for index in sorted(chunks)
            if not names or not samples_of(CATALOG[index]).isdisjoint(names)
        ]
        return await asyncio.to_thread(self._put_together, blocks, form, gzip=gzip)

    async def part_without_tenants(self, form: Format, *, gzip: bool, names: Collection[str] = ()) -> Body:
        """Return what is about the exporter and its sources rather than about any tenant."""
        members = [member for member in self._snapshot.members() if not member[1]]
        return await self.part_of(members, form, gzip=gzip, names=names) or Body.of()

    async def _compressed(self, form: Format) -> bytes:
        """Return everything compressed: joined once a change, however many ask for it meanwhile."""
        wanted = self._snapshot.version
        async with self._turns[form]:
            if self._ready[form][0] < wanted:
                version = self._snapshot.version
                body = await asyncio.to_thread(self._put_together, self._capture(form, ()), form, gzip=True)
                self._ready[form] = (version, body.joined())
            return self._ready[form][1]

    async def prepare(self) -> None:
        """Compress what changed, so that the next scrape finds it done."""
        pages = self._snapshot.changed_pages()
        await asyncio.to_thread(lambda: [page.part() for page in pages])

    def _capture(self, form: Format, names: Collection[str]) -> list[Block]:
        """Take hold of the present pages on the loop: whole cells, whatever changes meanwhile."""
        blocks: list[Block] = []
        for index, row in enumerate(CATALOG):
            if names and samples_of(row).isdisjoint(names):
                continue
            pages = tuple(self._snapshot.pages(index))
            if pages:
                blocks.append((self._headers[form][index], pages))
        return blocks

    @staticmethod
    def _put_together(blocks: list[Block], form: Format, *, gzip: bool) -> Body:
        end = _END[form]
        if gzip:
            parts: list[Part] = []
            for header, pages in blocks:
                parts.append(header.part)
                parts += [page.part() for page in pages]
            return Body.of([gzip_stream([*parts, end.part])])
        texts: list[Sequence[bytes]] = []
        for header, pages in blocks:
            texts.append([header.text])
            texts += [page.chunks for page in pages]
        return Body.of(*texts, [end.text])


def samples_of(row: Row) -> frozenset[str]:
    """Return the names by which ``name[]`` may ask for a family: its own in either format, and its samples'."""
    if isinstance(row, Family):
        suffixes = row.suffixes
    else:
        suffixes = ("_bucket", "_sum", "_count") if row.kind == "histogram" else ()
    return frozenset({row.name, row.name.removesuffix("_total"), *(row.name + suffix for suffix in suffixes)})
