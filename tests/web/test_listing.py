from collections.abc import Iterator
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from exporter.web.listing import A_PAGE, Part, Question
from exporter.web.view import CollectionView
from tests.web.views import overview, source_view, tenant_view

ANY = "Alpha delta Gamma beta"
ALL = overview(
    [
        tenant_view("beta", source="b", age=10),
        tenant_view("Alpha", source="c", age=None, state="waiting"),
        tenant_view("delta", source="a", age=9000, state="stale"),
        tenant_view("Gamma", source="a", age=600, state="failing"),
    ],
    [source_view("a"), source_view("b", up=False), source_view("c", up=None)],
)


@pytest.mark.parametrize(
    ("sort", "order"),
    [
        ("", "delta Gamma Alpha beta"),
        ("state", "delta Gamma Alpha beta"),
        ("-state", "beta Alpha Gamma delta"),
        ("name", "Alpha beta delta Gamma"),
        ("-name", "Gamma delta beta Alpha"),
        ("source", "delta Gamma beta Alpha"),
        ("age", "Alpha delta Gamma beta"),
        ("-age", "beta Gamma delta Alpha"),
        ("--name", "delta Gamma Alpha beta"),
        ("__class__", "delta Gamma Alpha beta"),
    ],
)
def test_sorted(sort: str, order: str) -> None:
    """Tenants come in the order asked for, the worst first where none is; what was never answered is the oldest."""
    listed = Question.read({"sort": sort}).tenants_of(ALL)

    assert [each.record.name for each in listed.items] == order.split()


@pytest.mark.parametrize(
    ("search", "found"),
    [("a", ANY), ("TA", "delta beta"), ("ta fine", "beta"), ("ta nobody", ""), ("", ANY)],
)
def test_search(search: str, found: str) -> None:
    """Found are those in whom each word is found, in whatever case of letters; without a word, all."""
    listed = Question.read({"q": search}).tenants_of(ALL)

    assert {each.record.name for each in listed.items} == set(found.split())


def test_words_that_count() -> None:
    """Of a search the first ten words count, so that no more is looked for than anybody means."""
    listed = Question.read({"q": "a " * 10 + "nobody"}).tenants_of(ALL)

    assert listed.total == 4


def test_a_search_reads_each_tenant_once() -> None:
    """However many words there are, what they are looked for in is put together once a tenant."""
    collections = Counted(tenant_view("beta").collections)
    tenant = replace(tenant_view("beta"), collections=collections)

    Question.read({"q": "b e t a"}).tenants_of(overview([tenant]))

    assert collections.read == 1


def test_sources_in_trouble_come_first() -> None:
    """A source that cannot be asked comes before one that was not asked yet and those that are up."""
    assert [each.name for each in Question().sources_of(ALL).items] == ["b", "c", "a"]


def test_a_link_says_only_what_is_not_the_rule() -> None:
    """Links carry the question on, escaped, and leave out what is so anyway."""
    question = Question.read({"q": "a&b=c", "page": "2", "sort": "name"})

    assert question.link() == "?q=a%26b%3Dc&sort=name&page=2"
    assert question.by("name") == "?q=a%26b%3Dc&sort=-name"
    assert question.by("age") == "?q=a%26b%3Dc&sort=age"
    assert Question().link() == "?"


@given(st.lists(st.integers()), st.integers(), st.integers(1, 7))
def test_pages(items: list[int], page: int, size: int) -> None:
    """All pages together are the list, and a page that is not there is the nearest that is."""
    first = Part.of(items, 1, size)

    assert [each for number in range(1, first.pages + 1) for each in Part.of(items, number, size).items] == items
    assert 1 <= Part.of(items, page, size).page <= first.pages


@given(st.dictionaries(st.sampled_from(["q", "page", "sort", "source", "sources"]), st.text()))
def test_any_query(query: dict[str, str]) -> None:
    """Whatever stands in the query, there is a page of bounded size."""
    question = Question.read(query)

    assert len(question.tenants_of(ALL).items) <= A_PAGE
    assert len(question.q) <= 200
    assert question.link().startswith("?")


class Counted(list[CollectionView]):
    """Collections that count how often they are gone through."""

    read = 0

    def __iter__(self) -> Iterator[CollectionView]:
        """Count, and go through them."""
        self.read += 1
        return super().__iter__()
