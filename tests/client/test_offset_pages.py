from dataclasses import dataclass, field
from math import ceil
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.client.paging import OffsetPage, offset_pages
from exporter.errors import AnswerUnreadable


@dataclass
class Shelf:
    """A vendor's list, served by offset, *most* rows at a time; *tells* whether it says how many those are."""

    rows: list[Any]
    most: int = 10**9
    tells: bool = True
    asked: list[tuple[int, int]] = field(default_factory=list)

    async def fetch(self, offset: int, limit: int) -> OffsetPage:
        """Serve one page."""
        self.asked.append((offset, limit))
        limit = min(limit, self.most)
        return OffsetPage(self.rows[offset : offset + limit], limit if self.tells else None)


@given(rows=st.lists(st.integers(), unique=True), size=st.integers(1, 120), most=st.integers(1, 120))
async def test_any_limit(rows: list[int], size: int, most: int) -> None:
    """Any list comes whole, whatever we ask for and whatever the server makes of it, without a request too many."""
    shelf = Shelf(rows, most)

    found = await offset_pages(shelf.fetch, size=size)

    assert found == rows
    assert len(shelf.asked) == len(rows) // min(size, most) + 1


@given(many=st.integers(0, 300), size=st.integers(1, 120))
async def test_server_without_a_limit(many: int, size: int) -> None:
    """A server that does not tell its limit is taken to keep ours."""
    shelf = Shelf(list(range(many)), tells=False)

    found = await offset_pages(shelf.fetch, size=size)

    assert found == shelf.rows
    assert len(shelf.asked) == many // size + 1


@pytest.mark.parametrize("limit", [0, -1, 10_000])
async def test_limit_that_cannot_be(limit: int) -> None:
    """A limit that is no number of rows, or is not what was asked for, does not end the list before its end."""

    async def fetch(offset: int, size: int) -> OffsetPage:
        return OffsetPage(list(range(25))[offset : offset + size], limit)

    assert await offset_pages(fetch, size=10) == list(range(25))


@given(many=st.integers(0, 100), size=st.integers(1, 20), extra=st.integers(1, 20))
async def test_more_than_the_limit(many: int, size: int, extra: int) -> None:
    """Pages larger than their limit neither lose rows nor repeat them."""
    asked = 0

    async def fetch(offset: int, limit: int) -> OffsetPage:
        nonlocal asked
        asked += 1
        return OffsetPage(list(range(many))[offset : offset + limit + extra], limit)

    assert await offset_pages(fetch, size=size) == list(range(many))
    assert asked <= ceil(many / (size + extra)) + 1


@pytest.mark.parametrize("many", [0, 1, 30, 500])
async def test_bare_list(many: int) -> None:
    """A list without pages is all of it, however many rows it has."""
    asked: list[int] = []

    async def fetch(offset: int, _: int) -> OffsetPage:
        asked.append(offset)
        return OffsetPage.whole(list(range(many)))

    assert await offset_pages(fetch, size=30) == list(range(many))
    assert asked == [0]


@pytest.mark.parametrize("identity", [None, lambda row: row["id"], lambda _: None])
async def test_offset_that_is_ignored(identity: Any) -> None:
    """A vendor that sends the same page for any offset is an error, not a doubled list."""

    async def fetch(_: int, limit: int) -> OffsetPage:
        return OffsetPage([{"id": 1}, {"id": 2}], limit)

    with pytest.raises(AnswerUnreadable, match="twice"):
        await offset_pages(fetch, size=2, identity=identity)


async def test_offset_that_is_ignored_while_things_move() -> None:
    """The same things again are the same page, even if their state has changed meanwhile."""
    progress = 0

    async def fetch(_: int, limit: int) -> OffsetPage:
        nonlocal progress
        progress += 1
        return OffsetPage([{"id": 1, "progress": progress}], limit)

    with pytest.raises(AnswerUnreadable, match="twice"):
        await offset_pages(fetch, size=1, identity=lambda row: row["id"])


async def test_endless_list() -> None:
    """A list without end is an error."""

    async def fetch(offset: int, limit: int) -> OffsetPage:
        return OffsetPage(list(range(offset, offset + limit)), limit)

    with pytest.raises(AnswerUnreadable, match="within 7 pages"):
        await offset_pages(fetch, size=3, most_pages=7)


@given(many=st.integers(0, 200), size=st.integers(6, 40), news=st.lists(st.integers(0, 5), max_size=40))
async def test_list_that_grows_at_its_head(many: int, size: int, news: list[int]) -> None:
    """Rows that shift into the next page while we read are kept once, and none of the old ones is lost."""
    rows = [f"r{number}" for number in range(many)]
    arriving = list(news)

    async def fetch(offset: int, limit: int) -> OffsetPage:
        page = OffsetPage(rows[offset : offset + limit], limit)
        fresh = arriving.pop() if arriving else 0
        rows[:0] = [f"n{len(arriving)}-{number}" for number in range(fresh)]
        return page

    found = await offset_pages(fetch, size=size, identity=str)

    assert [row for row in found if row.startswith("r")] == [f"r{number}" for number in range(many)]
    assert len(found) == len(set(found))


async def test_rows_without_identity() -> None:
    """A row whose id is missing is like no other, not the same as all that lack it."""
    shelf = Shelf([{"id": None, "row": number} for number in range(5)])

    assert await offset_pages(shelf.fetch, size=2, identity=lambda row: row["id"]) == shelf.rows
