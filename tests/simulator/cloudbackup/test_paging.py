from urllib.parse import urlsplit

import pytest

from exporter.simulator.cloudbackup.history import history
from exporter.simulator.cloudbackup.manners import Manners
from tests.simulator.cloudbackup.callers import GENERATIONS, JOBS, Caller, Generation, Listed, calling, subscribers
from tests.simulator.stage import START, small_world


def link_of(page: Listed) -> str:
    """Return the form of a page's nextLink in a word."""
    around = page.body.get("metadata", page.body)
    link = around.get("nextLink", around.get("NextLink", "absent"))
    if link in ("absent", "", None):
        return repr(link)
    parts = urlsplit(link)
    if parts.netloc:
        return "foreign" if parts.hostname == "evil.example" else "absolute"
    if not parts.path.startswith("/"):
        return "token"
    return "relative" if parts.path in JOBS.values() else "short"


@pytest.mark.parametrize("generation", GENERATIONS)
@pytest.mark.parametrize("size", [1, 7, 10, 99, 100])
async def test_pages_lose_nothing(caller: Caller, generation: Generation, size: int) -> None:
    """Pages of any size, put together, are the whole list, each run once; the total is the same on each."""
    asked = {"objectType": "2", "pageSize": str(size)}
    everything = await caller.ids(generation, objectType="2")
    pages = [
        await caller.page(generation, **asked, pageIndex=str(index)) for index in range(len(everything) // size + 2)
    ]

    assert [each for page in pages for each in page.ids] == everything
    assert {page.total for page in pages} == {len(everything)}
    assert pages[-1].ids == []


async def test_defaults(caller: Caller) -> None:
    """Without parameters the first ten of all runs are shown."""
    page = await caller.page()

    runs = history(caller.stage.world, caller.customer, START)
    assert page.ids == [each.run.id for each in runs[:10]]
    assert page.total == len(runs)


async def test_base_one() -> None:
    """Pages 0 and 1 can be the same one; then the list goes on with 2, and still nothing is lost."""
    async with calling(manners=Manners(base_one=True)) as caller:
        zero, one = await caller.page(), await caller.page(pageIndex="1")

        assert zero.ids == one.ids
        assert (await caller.page(pageIndex="2")).ids[0] not in one.ids
        runs = history(caller.stage.world, caller.customer, START)
        assert await caller.ids() == [each.run.id for each in runs[:100]] + [each.run.id for each in runs]


@pytest.mark.parametrize("generation", GENERATIONS)
async def test_links_come_in_all_forms(generation: Generation) -> None:
    """Before the end a link is any of eight forms, at the end none leads on but an idle token."""
    before: set[str] = set()
    at_end: set[str] = set()
    world = small_world()
    async with calling(world) as caller:
        for customer in subscribers(world)[:10]:
            await caller.sign_in(customer.id)
            last = (await caller.page(generation, pageSize="1")).total // 25 + 1
            for index in range(last + 1):
                page = await caller.page(generation, pageSize="25", pageIndex=str(index))
                (before if (index + 1) * 25 < page.total else at_end).add(link_of(page))

    nothing = {"'absent'", "None", "''"}
    assert before == {*nothing, "absolute", "relative", "short", "token", "foreign"}
    assert at_end == {*nothing, "token"}


async def test_links_and_counts_stay(caller: Caller) -> None:
    """The same question gets the same answer, to the byte, at the same time."""
    for index in range(20):
        answers = [
            await (await caller.get(JOBS[generation], pageIndex=str(index))).read()
            for generation in (*GENERATIONS, *GENERATIONS)
        ]
        assert answers[:3] == answers[3:]


@pytest.mark.parametrize("generation", ["v1", "v2"])
async def test_totals_have_two_names(caller: Caller, generation: Generation) -> None:
    """Some pages call the total totalCount, some totalNumber."""
    names = set()
    for index in range(20):
        body = (await caller.page(generation, pageIndex=str(index))).body
        names |= {name for name in body.get("metadata", body) if name.startswith("total")}

    assert names == {"totalCount", "totalNumber"}


async def test_an_honest_link_leads_on(caller: Caller) -> None:
    """An absolute or relative link keeps the filters and leads to the next page."""
    followed = 0
    for index in range(20):
        page = await caller.page(objectType="2", pageSize="4", pageIndex=str(index))
        link = page.body["metadata"].get("nextLink") or ""
        if link_of(page) in ("absolute", "relative"):
            body = await caller.read(urlsplit(link).path + "?" + urlsplit(link).query)
            following = await caller.page(objectType="2", pageSize="4", pageIndex=str(index + 1))
            assert body["data"] == following.body["data"]
            followed += 1

    assert followed > 3
