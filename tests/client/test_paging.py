from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.client.paging import LinkedPage, Page, indexed_pages, linked_pages
from exporter.errors import AnswerUnreadable


class Shelf:
    """A vendor's list, served by index."""

    def __init__(self, rows: list[Any], *, first: int = 1, counts: bool = True, most: int = 10**9) -> None:
        self.rows = rows
        self.first = first
        self.counts = counts
        self.most = most
        self.asked: list[int] = []

    async def fetch(self, index: int, size: int) -> Page:
        """Serve one page, of *most* rows at most."""
        self.asked.append(index)
        size = min(size, self.most)
        start = max(0, index - self.first) * size
        return Page(self.rows[start : start + size], len(self.rows) if self.counts else None)


@given(
    many=st.integers(0, 300),
    size=st.integers(1, 120),
    first=st.integers(0, 1),
    most=st.integers(1, 120),
    counts=st.booleans(),
)
async def test_any_page_size(*, many: int, size: int, first: int, most: int, counts: bool) -> None:
    """The rows are the same for any page size, and even if the vendor serves smaller pages than asked."""
    rows = list(range(many))
    shelf = Shelf(rows, first=first, counts=counts, most=most if counts else 10**9)

    found = await indexed_pages(shelf.fetch, first=first, size=size)

    assert found == rows


@pytest.mark.parametrize(("many", "pages"), [(0, 1), (99, 1), (100, 1), (101, 2), (200, 2)])
async def test_no_page_too_many(many: int, pages: int) -> None:
    """A list that is counted costs no request beyond its last page."""
    shelf = Shelf(list(range(many)))

    await indexed_pages(shelf.fetch)

    assert shelf.asked == list(range(1, pages + 1))


async def test_repeated_page() -> None:
    """A vendor that ignores the index is an error, not an endless or doubled list."""

    async def fetch(_: int, __: int) -> Page:
        return Page([{"id": 1}], 5)

    with pytest.raises(AnswerUnreadable, match="twice"):
        await indexed_pages(fetch)


async def test_missing_rows() -> None:
    """A list that ends before its total is refused, since part of it would look like all of it."""

    async def fetch(index: int, _: int) -> Page:
        return Page([index] if index < 3 else [], 5)

    with pytest.raises(AnswerUnreadable, match="after 2 of 5 rows"):
        await indexed_pages(fetch)


async def test_total_that_shrinks() -> None:
    """Rows that vanish while we read are no error: the total of the last page counts."""

    async def fetch(index: int, _: int) -> Page:
        return Page([index] if index < 3 else [], 5 if index < 3 else 2)

    assert await indexed_pages(fetch) == [1, 2]


async def test_endless_pages() -> None:
    """A list without end is an error."""

    async def fetch(index: int, size: int) -> Page:
        return Page([index] * size, None)

    with pytest.raises(AnswerUnreadable, match="within 7 pages"):
        await indexed_pages(fetch, most_pages=7)


@pytest.mark.parametrize("end", [None, ""])
@given(pages=st.lists(st.lists(st.integers()), min_size=1))
async def test_links(end: str | None, pages: list[list[int]]) -> None:
    """All pages that links lead to are read, empty ones as well."""

    async def page(link: str) -> LinkedPage:
        index = int(link)
        return LinkedPage(pages[index], str(index + 1) if index + 1 < len(pages) else end)

    async def first() -> LinkedPage:
        return await page("0")

    assert await linked_pages(first, page) == [row for rows in pages for row in rows]


async def test_repeated_link() -> None:
    """A chain of links that bites its tail is an error."""

    async def page(_: str = "") -> LinkedPage:
        return LinkedPage([1], "next")

    with pytest.raises(AnswerUnreadable, match="twice"):
        await linked_pages(page, page)


async def test_endless_links() -> None:
    """A chain of links without end is an error."""

    async def page(link: str = "") -> LinkedPage:
        return LinkedPage([1], link + "x")

    with pytest.raises(AnswerUnreadable, match="within 7 pages"):
        await linked_pages(page, page, most_pages=7)


@pytest.mark.parametrize("base", [0, 1])
@given(many=st.integers(0, 300), size=st.integers(1, 120), counts=st.booleans())
async def test_either_base(*, base: int, many: int, size: int, counts: bool) -> None:
    """Where nobody knows whether pages count from 0 or from 1, both give all rows, each once."""
    shelf = Shelf(list(range(many)), first=base, counts=counts)

    found = await indexed_pages(shelf.fetch, first=0, size=size, first_may_repeat=True)

    assert found == list(range(many))


async def test_only_the_second_page_may_repeat() -> None:
    """That the first page may come twice does not let a vendor that ignores the index go on for ever."""

    async def fetch(_: int, __: int) -> Page:
        return Page([{"id": 1}], 5)

    with pytest.raises(AnswerUnreadable, match="twice"):
        await indexed_pages(fetch, first=0, first_may_repeat=True)


async def test_the_first_page_may_not_repeat_unless_it_is_said() -> None:
    """Where the base is known, a second page like the first is an error at once."""
    shelf = Shelf(list(range(20)), first=1)

    with pytest.raises(AnswerUnreadable, match="twice"):
        await indexed_pages(shelf.fetch, first=0, size=10)


@given(many=st.integers(11, 60), news=st.integers(0, 5))
async def test_rows_that_come_twice_make_up_for_none(many: int, news: int) -> None:
    """With an identity a first page that comes again, but changed, is not taken for rows of the last."""
    rows = [f"r{number}" for number in range(many)]
    asked = 0

    async def fetch(index: int, size: int) -> Page:
        nonlocal asked, rows
        asked += 1
        if asked == 2:
            rows = [f"new{number}" for number in range(news)] + rows
        start = max(0, index - 1) * size
        return Page(rows[start : start + size], len(rows))

    found = await indexed_pages(fetch, first=0, size=10, first_may_repeat=True, identity=str)

    assert set(found) >= {f"r{number}" for number in range(many)}


async def test_a_total_that_counts_repetitions() -> None:
    """A vendor whose total counts a row twice is believed at its last, short page: nothing more is asked."""
    shelf = Shelf(["a", "b", "c", "a", "d"])

    assert await indexed_pages(shelf.fetch, size=3, identity=str) == shelf.rows
    assert shelf.asked == [1, 2]
