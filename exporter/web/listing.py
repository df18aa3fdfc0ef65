"""What of a long list is wanted: searched, sorted and cut into pages, by the words of a query."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any, Final, Generic, Self, TypeVar
from urllib.parse import urlencode

from exporter.web.view import WORST_FIRST, Overview, SourceView, TenantView

T = TypeVar("T")
A_PAGE: Final = 50
SOURCES_A_PAGE: Final = 12
LONGEST: Final = 200
"""Characters of a search that count."""
MOST_WORDS: Final = 10
"""Words of a search that count."""
_NEVER: Final = float("-inf")

SORTS: Final[Mapping[str, Callable[[TenantView], Any]]] = {
    "state": lambda each: (WORST_FIRST.index(each.state), each.record.name.casefold()),
    "name": lambda each: each.record.name.casefold(),
    "source": lambda each: (each.source, each.record.name.casefold()),
    "age": lambda each: (_NEVER if each.oldest is None else each.oldest, each.record.name.casefold()),
}
"""By what tenants can be sorted; a ``-`` before it turns the order round."""


@dataclass(frozen=True, slots=True)
class Part(Generic[T]):
    """One page of a list."""

    items: Sequence[T]
    page: int
    pages: int
    total: int

    @classmethod
    def of(cls, items: Sequence[T], page: int, size: int) -> Self:
        """Cut the page out; there is always one, and none beyond the last."""
        pages = max(1, -(-len(items) // size))
        page = min(max(page, 1), pages)
        return cls(items[(page - 1) * size : page * size], page, pages, len(items))


@dataclass(frozen=True, slots=True, kw_only=True)
class Question:
    """The query of the status page; what cannot be read counts as not given."""

    q: str = ""
    source: str = ""
    sort: str = "state"
    page: int = 1
    sources: int = 1
    """The page of the sources."""

    @classmethod
    def read(cls, query: Mapping[str, str]) -> Self:
        """Read the parameters of an URL."""
        sort = query.get("sort", "")
        return cls(
            q=query.get("q", "").strip()[:LONGEST],
            source=query.get("source", "").strip()[:LONGEST],
            sort=sort if sort.removeprefix("-") in SORTS else "state",
            page=_number(query.get("page", "")),
            sources=_number(query.get("sources", "")),
        )

    def link(self, **changes: str | int) -> str:
        """Return the URL of the same page, but for *changes*; without saying what goes without saying."""
        wanted, plain = {**asdict(self), **changes}, asdict(Question())
        return "?" + urlencode({key: value for key, value in wanted.items() if value != plain[key]})

    def by(self, sort: str) -> str:
        """Return the URL of the list sorted so, or the other way round if it is sorted so already."""
        return self.link(sort=f"-{sort}" if self.sort == sort else sort, page=1)

    def tenants_of(self, overview: Overview) -> Part[TenantView]:
        """Return the tenants that are wanted: those in whom every word of the search is found, of the first few."""
        words = self.q.casefold().split()[:MOST_WORDS]
        found = [each for each in overview.tenants if self.source in {"", each.source} and _holds(each, words)]
        found.sort(key=SORTS[self.sort.removeprefix("-")], reverse=self.sort.startswith("-"))
        return Part.of(found, self.page, A_PAGE)

    def sources_of(self, overview: Overview) -> Part[SourceView]:
        """Return the sources that are wanted, those in trouble first."""
        found = [each for each in overview.sources if self.source in {"", each.name}]
        found.sort(key=lambda each: (WORST_FIRST.index(each.state), not each.troubled))
        return Part.of(found, self.sources, SOURCES_A_PAGE)


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 10 else 1  # noqa: PLR2004 - as long as any


def _holds(tenant: TenantView, words: Sequence[str]) -> bool:
    if not words:
        return True
    text = _text(tenant)
    return all(word in text for word in words)


def _text(tenant: TenantView) -> str:
    """Return what a search looks through."""
    reasons = " ".join(each.trouble.reason for each in tenant.collections if each.trouble)
    muted = "muted" if tenant.record.muted else ""
    record = tenant.record
    return f"{record.name} {record.tenant} {tenant.source} {tenant.state} {muted} {reasons}".casefold()
