"""What is served: every (source, tenant, collector) rendered once, when it changed.

Cells are brought together in pages of `TENANTS_A_PAGE` tenants; a page is the unit that is
compressed, so that a change costs the compression of some pages and a scrape only joins them.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Final, NamedTuple

from exporter.metrics.compression import Part, part

TENANTS_A_PAGE: Final = 16


class CellKey(NamedTuple):
    """Whose answer to what."""

    source: str
    tenant: str
    collector: str


@dataclass(slots=True, eq=False)
class Page:
    """The samples of one family for a group of tenants; immutable but for the memory of its compression."""

    chunks: tuple[bytes, ...]
    _part: Part | None = None

    def part(self) -> Part:
        """Return the page compressed; safe in any thread, as doing it twice does no harm."""
        if self._part is None:
            self._part = part(*self.chunks)
        return self._part


@dataclass(slots=True, eq=False)
class _Group:
    """Some tenants, with their cells' chunks by family and the pages made of them."""

    members: dict[tuple[str, str], set[CellKey]] = field(default_factory=dict)
    chunks: dict[int, dict[CellKey, bytes]] = field(default_factory=dict)
    pages: dict[int, Page] = field(default_factory=dict)

    def page(self, index: int) -> Page | None:
        chunks = self.chunks.get(index)
        if not chunks:
            return None
        page = self.pages.get(index)
        if page is None:
            page = self.pages[index] = Page(tuple(chunks.values()))
        return page

    def put(self, key: CellKey, index: int, chunk: bytes | None) -> bool:
        """Set or remove one chunk; tell whether that changed anything."""
        chunks = self.chunks.setdefault(index, {})
        if chunks.get(key) == chunk:
            return False
        if chunk is None:
            del chunks[key]
        else:
            chunks[key] = chunk
        self.pages.pop(index, None)
        return True


@dataclass(slots=True, eq=False)
class _Cell:
    group: _Group
    indexes: frozenset[int]
    series: int
    size: int


class Snapshot:
    """All cells. Lives on the event loop; what `pages` returns may be read in any thread."""

    def __init__(self) -> None:
        self._cells: dict[CellKey, _Cell] = {}
        self._groups: list[_Group] = []
        self._home: dict[tuple[str, str], _Group] = {}
        self._changed: set[tuple[_Group, int]] = set()
        self.series = 0
        self.size = 0
        """Bytes of all samples as text."""
        self.version = 0
        """Rises with every change."""

    def publish(self, key: CellKey, chunks: Mapping[int, bytes], *, series: int) -> None:
        """Replace a cell as a whole: its samples by family, *series* in number."""
        group = self._group(key)
        old = self._cells.get(key)
        for index in (old.indexes if old else frozenset()) - chunks.keys():
            self._put(group, key, index, None)
        for index, chunk in chunks.items():
            self._put(group, key, index, chunk)
        size = sum(map(len, chunks.values()))
        self.series += series - (old.series if old else 0)
        self.size += size - (old.size if old else 0)
        self._cells[key] = _Cell(group, frozenset(chunks), series, size)
        group.members[key.source, key.tenant].add(key)

    def remove(self, key: CellKey) -> None:
        """Forget a cell, if it is there."""
        cell = self._cells.pop(key, None)
        if cell is None:
            return
        for index in cell.indexes:
            self._put(cell.group, key, index, None)
        self.series -= cell.series
        self.size -= cell.size
        member = (key.source, key.tenant)
        cell.group.members[member].discard(key)
        if not cell.group.members[member]:
            del cell.group.members[member]
            del self._home[member]

    def cells(self, source: str, tenant: str) -> tuple[CellKey, ...]:
        """Return what there is of one tenant."""
        group = self._home.get((source, tenant))
        return tuple(sorted(group.members[source, tenant])) if group else ()

    def members(self) -> list[tuple[str, str]]:
        """Return whose samples there are: (source, tenant), either of them perhaps empty."""
        return list(self._home)

    def samples_of(self, source: str, tenant: str) -> Iterator[tuple[int, bytes]]:
        """Yield what there is of one tenant, as the place of a family and samples of it, cell by cell."""
        for key in self.cells(source, tenant):
            cell = self._cells[key]
            for index in cell.indexes:
                yield index, cell.group.chunks[index][key]

    def series_of(self, source: str, tenant: str, *, without: str) -> int:
        """Return how many series a tenant has, those of one collector left out."""
        return sum(self._cells[key].series for key in self.cells(source, tenant) if key.collector != without)

    def pages(self, index: int) -> Iterator[Page]:
        """Yield the pages of a family that hold anything."""
        for group in self._groups:
            page = group.page(index)
            if page is not None:
                yield page

    def changed_pages(self) -> list[Page]:
        """Return the pages that changed since they were last asked for here."""
        changed, self._changed = self._changed, set()
        return [page for group, index in changed if (page := group.page(index)) is not None]

    def _put(self, group: _Group, key: CellKey, index: int, chunk: bytes | None) -> None:
        if group.put(key, index, chunk):
            self.version += 1
            self._changed.add((group, index))

    def _group(self, key: CellKey) -> _Group:
        member = (key.source, key.tenant)
        group = self._home.get(member)
        if group is None:
            group = next((each for each in reversed(self._groups) if len(each.members) < TENANTS_A_PAGE), None)
            if group is None:
                group = _Group()
                self._groups.append(group)
            self._home[member] = group
            group.members[member] = set()
        return group
