"""The endpoints, in one table, and what every answer of them has."""

from collections.abc import Awaitable, Callable, Mapping
from typing import Final

from aiohttp import hdrs, web

from exporter.metrics.exposition import Exposition
from exporter.web.discovery import targets
from exporter.web.inbound import SERVER
from exporter.web.pages import Look, config_page, status_page
from exporter.web.scrape import metrics, probe

Check = Callable[[], str | None]
"""Returns why not, or ``None`` if all is well."""
HARMLESS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Content-Security-Policy": "default-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
}
"""Keeps an answer from being taken for something else; the status page has a policy of its own."""


def web_app(
    exposition: Exposition,
    *,
    healthy: Check,
    ready: Check,
    look: Look,
    is_source: Callable[[str], bool],
    configuration: Callable[[], Awaitable[str]],
) -> web.Application:
    """Return the application; *look* tells how everything stands, *configuration* what is in effect."""
    app = web.Application()
    app.on_response_prepare.append(_harmless)
    app.router.add_get("/metrics", metrics(exposition))
    app.router.add_get("/probe", probe(exposition, is_source))
    app.router.add_get("/sd", targets(look, ready))
    app.router.add_get("/config", config_page(configuration))
    app.router.add_get("/-/healthy", _checked(healthy, "healthy"))
    app.router.add_get("/-/ready", _checked(ready, "ready"))
    app.router.add_get("/", status_page(look))
    return app


async def _harmless(_: web.Request, response: web.StreamResponse) -> None:
    """Add the headers, whatever the answer is: streamed, or that there is no such page."""
    for header, value in HARMLESS.items():
        response.headers.setdefault(header, value)
    response.headers[hdrs.SERVER] = SERVER


def _checked(check: Check, word: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(_: web.Request) -> web.StreamResponse:
        why_not = check()
        if why_not is None:
            return web.Response(text=f"{word}\n")
        return web.Response(status=503, text=f"not {word}: {why_not}\n")

    return answer
