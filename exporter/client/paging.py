"""Pages into one list, whole or not at all: part of the rows would look like all of them.

Source: AvePoint's reference, section 3.1; Veeam's, section 5.
"""

from collections.abc import Awaitable, Callable, Hashable, Iterator
from dataclasses import dataclass
from typing import Any, Self

from exporter.errors import AnswerUnreadable


@dataclass(frozen=True, slots=True)
class Page:
    """One page of a list that is asked for by index; *total* None: the vendor does not count."""

    rows: list[Any]
    total: int | None


@dataclass(frozen=True, slots=True)
class LinkedPage:
    """One page of a list that names its successor; None or "" ends it."""

    rows: list[Any]
    link: str | None


@dataclass(frozen=True, slots=True)
class OffsetPage:
    """One page of a list that is asked for by offset; *limit* is the server's own, None if it names none."""

    rows: list[Any]
    limit: int | None
    last: bool = False
    """Whether nothing follows however many rows there are."""

    @classmethod
    def whole(cls, rows: list[Any]) -> Self:
        """Return the page that is the whole list, as a server sends it that knows no pages."""
        return cls(rows, None, last=True)

    def ends(self, asked: int) -> bool:
        """Tell whether the list ends here, where *asked* rows were asked for.

        The server may cap that: its limit counts, but one that is larger, or no number of rows, would end
        the list too early.
        """
        limit = self.limit if self.limit is not None and self.limit > 0 else asked
        return self.last or len(self.rows) < min(limit, asked)


async def indexed_pages(
    fetch: Callable[[int, int], Awaitable[Page]],
    *,
    first: int = 1,
    size: int = 100,
    most_pages: int = 1000,
    first_may_repeat: bool = False,
    identity: Callable[[Any], Hashable] | None = None,
) -> list[Any]:
    """Return the rows of all pages from index *first* on, asking for *size* rows each.

    The total of the last page counts, since lists change while they are read. *first_may_repeat*: nobody knows
    whether the API counts pages from 0 or from 1, so its second page may be the first once more. *identity* tells
    which rows are the same thing, so that those that come twice, as pages shift, do not make up for others.
    Raises AnswerUnreadable if pages repeat, never end, or end before the total is reached.
    """
    rows: list[Any] = []
    previous: list[Any] = []
    seen: set[Hashable] = set()
    for index in range(first, first + most_pages):
        page = await fetch(index, size)
        if not page.rows:
            return _complete(rows, page.total)
        if page.rows == previous and first_may_repeat and index == first + 1:
            continue
        if page.rows == previous:
            raise AnswerUnreadable("the same page came twice")
        rows += page.rows
        previous = page.rows
        seen.update(map(identity, page.rows) if identity else ())
        short = len(page.rows) < size
        counted = len(seen) if identity and not short else len(rows)
        if short if page.total is None else counted >= page.total:
            return rows
    raise AnswerUnreadable(f"the list did not end within {most_pages} pages")


def _complete(rows: list[Any], total: int | None) -> list[Any]:
    if total is not None and len(rows) < total:
        raise AnswerUnreadable(f"the pages ended after {len(rows)} of {total} rows")
    return rows


async def linked_pages(
    first: Callable[[], Awaitable[LinkedPage]],
    follow: Callable[[str], Awaitable[LinkedPage]],
    *,
    most_pages: int = 1000,
) -> list[Any]:
    """Return the rows of the first page and of all pages its links lead to.

    Raises AnswerUnreadable if a link comes twice or the chain never ends.
    """
    page = await first()
    rows = list(page.rows)
    seen: set[str] = set()
    while page.link:
        if page.link in seen:
            raise AnswerUnreadable("the same next link came twice")
        seen.add(page.link)
        if len(seen) >= most_pages:
            raise AnswerUnreadable(f"the list did not end within {most_pages} pages")
        page = await follow(page.link)
        rows += page.rows
    return rows


async def offset_pages(
    fetch: Callable[[int, int], Awaitable[OffsetPage]],
    *,
    size: int,
    most_pages: int = 1000,
    identity: Callable[[Any], Hashable] | None = None,
) -> list[Any]:
    """Return the rows of all pages, asking for *size* rows from each offset; offsets count rows from 0.

    *identity* tells which rows are the same thing: what comes again, since the list shifts while it is read, is
    kept once, as it came first. A row whose identity is None is like no other.
    Raises AnswerUnreadable if a page comes twice in a row or the list does not end.
    """
    rows: list[Any] = []
    seen: set[Hashable] = set()
    previous: list[Any] = []
    offset = 0
    for _ in range(most_pages):
        page = await fetch(offset, size)
        marked = [_marked(row, identity) for row in page.rows]
        if marked and marked == previous:
            raise AnswerUnreadable("the same page came twice")
        rows += _unseen(marked, page.rows, seen)
        if page.ends(size):
            return rows
        previous = marked
        offset += len(page.rows)
    raise AnswerUnreadable(f"the list did not end within {most_pages} pages")


def _marked(row: Any, identity: Callable[[Any], Hashable] | None) -> tuple[Hashable, Any]:
    """Return the row's identity, and the row itself only where it has none: two states of one thing are alike."""
    key = identity(row) if identity else None
    return key, row if key is None else None


def _unseen(marked: list[tuple[Hashable, Any]], rows: list[Any], seen: set[Hashable]) -> Iterator[Any]:
    """Yield the rows whose identity is not in *seen*, and add it."""
    for (key, _), row in zip(marked, rows, strict=True):
        if key is None:
            yield row
        elif key not in seen:
            seen.add(key)
            yield row
