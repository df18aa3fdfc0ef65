"""The page for people."""

from base64 import b64encode
from hashlib import sha256
from html.parser import HTMLParser

import pytest

from tests.web.site import Site
from tests.web.views import EXPORTER, overview, source_view, tenant_view, trouble

HOSTILE = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror=alert('x')>",
    "' onmouseover='alert(1)",
    "</style></table><h1>pwned",
    "{{ 7 * 7 }} {% include 'x' %} ${x}",
    "\u202egnp.exe \u2066x",
    "javascript:alert(1)",
    "x" * 500,
    "\x00\x01\x7f&#x27;&lt;",
)
ELEMENTS = {
    *("a", "bdi", "body", "br", "button", "dd", "details", "div", "dl", "dt", "form", "h1", "h2", "h3", "head"),
    *("header", "html", "input", "li", "link", "meta", "meter", "nav", "p", "section", "span", "style", "summary"),
    *("table", "tbody", "td", "th", "thead", "time", "title", "tr", "ul"),
}


class Read(HTMLParser):
    """A page as a browser takes it: elements, texts, style sheets, links."""

    def __init__(self, page: bytes) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self._texts: list[str] = []
        self.style = ""
        self._within: list[str] = []
        self.feed(page.decode())

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Keep an element."""
        self.elements.append((tag, dict(attrs)))
        self._within.append(tag)

    def handle_data(self, data: str) -> None:
        """Keep the text."""
        if self._within and self._within[-1] == "style" and not self.style:
            self.style = data
            return
        self._texts.append(data)

    @property
    def text(self) -> str:
        """Return all text, blanks made one."""
        return " ".join(" ".join(self._texts).split())

    @property
    def links(self) -> list[str]:
        """Return where links lead."""
        return [attrs["href"] or "" for tag, attrs in self.elements if tag == "a"]


async def read(site: Site, query: str = "") -> Read:
    """Return the page as it is read."""
    answer = await site.ask(f"/{query}")
    assert answer.status == 200
    assert answer.headers["Content-Type"] == "text/html; charset=utf-8"
    return Read(answer.body)


async def test_what_it_tells(site: Site) -> None:
    """Version, uptime, state, sources and tenants with age, error and mute are on it, and the way to the rest."""
    tenants = [tenant_view("Contoso"), tenant_view("Fabrikam", state="stale", age=86_400 * 3, muted=True)]
    site.overview = overview(tenants, [source_view("elements", latest=trouble()), source_view("veeam", up=False)])

    page = await read(site)

    for words in (
        *("1.2.3", "1 d 1 h", "healthy, ready", "writable 3 MiB", "12,345"),
        *("elements v3", "up for 2 h", "down for 2 h", "2 requests a second", "42 % needed", "in 12 s"),
        *("Contoso", "5 min ago", "Fabrikam", "3 d ago", "stale", "muted", "1 down", "1 in trouble", "1 muted"),
        *("jobs: server 3 min ago", "api.example.com answered 503: the server failed", "1 failing"),
    ):
        assert words in page.text, words
    assert {"metrics", "sd", "config", "-/healthy", "-/ready"} <= set(page.links)
    assert "probe?source=elements&tenant=contoso" in page.links


async def test_before_anything_is_known(site: Site) -> None:
    """Right after a start the page says that nothing is known yet rather than that all is well."""
    site.overview = overview(sources=[source_view("elements", up=None, tenants=0)])

    page = await read(site)

    assert "not asked yet" in page.text
    assert "No tenants are known yet." in page.text


@pytest.mark.parametrize(
    ("exporter", "words"),
    [
        ({"state_file": None}, "memory only"),
        ({"state_writable": False}, "not writable"),
        ({"not_ready": "not asked for tenants yet: s"}, "not ready not asked for tenants yet: s"),
        ({"not_healthy": "housekeeping is 140 s late"}, "not healthy housekeeping is 140 s late"),
    ],
)
async def test_the_process_in_trouble(exporter: dict[str, object], words: str, site: Site) -> None:
    """What is wrong with the exporter itself is at the top."""
    changed = {name: getattr(EXPORTER, name) for name in EXPORTER.__slots__} | exporter
    site.overview = type(site.overview)(at=site.overview.at, exporter=type(EXPORTER)(**changed))

    assert words in (await read(site)).text


@pytest.mark.parametrize("hostile", HOSTILE)
async def test_hostile_words_are_text(hostile: str, site: Site) -> None:
    """Whatever a vendor, an operator or a visitor sends is text: no element, attribute or address comes of it."""
    tenants = [tenant_view(hostile, ident=hostile, state="failing", text=hostile, labels={"tier": hostile})]
    site.overview = overview(tenants, [source_view("elements", latest=trouble(text=hostile))])
    safe = await read(site)

    answer = await site.ask("/?" + "&".join(f"{key}=%22%3E%3Cscript%3Ealert(1)" for key in ("q", "source", "sort")))

    for page in (safe, Read(answer.body)):
        assert {tag for tag, _ in page.elements} <= ELEMENTS
        attributes = {name for _, attrs in page.elements for name in attrs}
        assert not {name for name in attributes if name.startswith("on") or name in {"src", "style", "srcdoc"}}
        assert all(not link.partition("?")[0].partition(":")[1] for link in page.links)
    shown = hostile if len(hostile) <= 120 else hostile[:119]
    assert " ".join(shown.replace("\x00", "\ufffd").split()) in safe.text.replace("\x00", "\ufffd")
    assert sum(link.startswith("probe?") for link in safe.links) == 1


async def test_names_cannot_turn_the_text_around(site: Site) -> None:
    """Each name stands in an isolate of its own, so that marks of direction in it end with it."""
    site.overview = overview([tenant_view("\u202eevil", ident="t1")])

    page = await read(site)

    assert sum(tag == "bdi" for tag, _ in page.elements) == 2


async def test_its_only_style_is_allowed_by_its_hash(site: Site) -> None:
    """The policy names the very style sheet that is in the page, and nothing else is loaded from anywhere."""
    answer = await site.ask("/")
    page = Read(answer.body)

    digest = b64encode(sha256(page.style.encode()).digest()).decode()
    assert f"style-src 'sha256-{digest}';" in answer.headers["Content-Security-Policy"]
    assert [attrs["href"] for tag, attrs in page.elements if tag == "link"] == ["data:,"]
    assert not {tag for tag, _ in page.elements} & {"script", "img", "iframe", "object"}


async def test_search_and_source(site: Site) -> None:
    """A search finds tenants by name, id, state or reason, in any case; a source's name leads to its tenants alone."""
    site.overview = overview(
        [
            tenant_view("Contoso", ident="11aa"),
            tenant_view("Fabrikam", state="failing"),
            tenant_view("Contoso Labs", source="veeam"),
        ],
        [source_view("elements"), source_view("veeam")],
    )

    def found(page: Read) -> set[str]:
        return {name for name in ("11aa", "fabrikam", "contoso labs") if name in page.text}

    assert found(await read(site, "?q=CONTOSO")) == {"11aa", "contoso labs"}
    assert found(await read(site, "?q=contoso+labs")) == {"contoso labs"}
    assert found(await read(site, "?q=11AA")) == {"11aa"}
    assert found(await read(site, "?q=server")) == {"fabrikam"}
    assert found(await read(site, "?source=veeam")) == {"contoso labs"}
    assert "No tenant is like that." in (await read(site, "?q=nobody")).text
    assert "?source=veeam" in (await read(site)).links


async def test_thousands(site: Site) -> None:
    """Of ten thousand tenants fifty are on a page, and the links lead on with the same question."""
    site.overview = overview([tenant_view(f"Tenant {number:05}") for number in range(10_000)])

    page = await read(site, "?q=tenant&page=3&sort=name")

    assert sum(link.startswith("probe?") for link in page.links) == 50
    assert "Tenant 00100" in page.text
    assert "10000 tenants, page 3 of 200" in page.text
    assert "?q=tenant&sort=name&page=4" in page.links
    assert "?q=tenant&sort=name&page=2" in page.links
    assert "?q=tenant&sort=-name" in page.links
