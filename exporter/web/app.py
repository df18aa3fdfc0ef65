"""The endpoints: /metrics, the landing page, and whether we are alive and ready."""

from collections.abc import Awaitable, Callable, Mapping
from html import escape
from typing import Final

from aiohttp import web

from exporter import __version__
from exporter.metrics.exposition import Exposition
from exporter.web.accept import negotiate, takes_gzip

PIECE: Final = 1 << 18
"""Bytes handed to the socket at once, so that one slow scraper holds up nobody."""

Check = Callable[[], str | None]
"""Returns why not, or ``None`` if all is well."""
HARMLESS: Final[Mapping[str, str]] = {
    "X-Content-Type-Options": "nosniff",
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'",
}
"""Keeps an answer from being taken for something else."""


def web_app(
    exposition: Exposition, *, healthy: Check, ready: Check, sources: Callable[[], dict[str, str]]
) -> web.Application:
    """Return the application; *sources* tells name → kind and state for the landing page."""
    app = web.Application()
    app.on_response_prepare.append(_harmless)
    app.router.add_get("/metrics", _metrics(exposition))
    app.router.add_get("/-/healthy", _checked(healthy, "healthy"))
    app.router.add_get("/-/ready", _checked(ready, "ready"))
    app.router.add_get("/", _landing(sources))
    return app


async def _harmless(_: web.Request, response: web.StreamResponse) -> None:
    """Add the headers, whatever the answer is: streamed, or that there is no such page."""
    response.headers.update(HARMLESS)


def _metrics(exposition: Exposition) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def metrics(request: web.Request) -> web.StreamResponse:
        form, content_type = negotiate(_all(request, "Accept"))
        gzip = takes_gzip(_all(request, "Accept-Encoding"))
        body = await exposition.body(form, gzip=gzip, names=frozenset(request.query.getall("name[]", [])))
        response = web.StreamResponse(headers={"Content-Type": content_type, "Vary": "Accept, Accept-Encoding"})
        response.content_length = len(body)
        if gzip:
            response.headers["Content-Encoding"] = "gzip"
        await response.prepare(request)
        if request.method != "HEAD":
            view = memoryview(body)
            for start in range(0, len(body), PIECE):
                await response.write(view[start : start + PIECE])
        await response.write_eof()
        return response

    return metrics


def _all(request: web.Request, header: str) -> str:
    """Return a header whose elements may be spread over several lines (RFC 9110, section 5.3)."""
    return ",".join(request.headers.getall(header, []))


def _checked(check: Check, word: str) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def answer(_: web.Request) -> web.StreamResponse:
        why_not = check()
        if why_not is None:
            return web.Response(text=f"{word}\n")
        return web.Response(status=503, text=f"not {word}: {why_not}\n")

    return answer


def _landing(sources: Callable[[], dict[str, str]]) -> Callable[[web.Request], Awaitable[web.StreamResponse]]:
    async def landing(_: web.Request) -> web.StreamResponse:
        rows = "".join(f"<tr><td>{escape(name)}</td><td>{escape(state)}</td></tr>" for name, state in sources().items())
        return web.Response(text=_PAGE.format(version=escape(__version__), rows=rows), content_type="text/html")

    return landing


_PAGE: Final = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>m365-backup-exporter</title>
<meta name="viewport" content="width=device-width">
<style>:root{{color-scheme:light dark}}body{{font:1rem/1.5 system-ui;max-width:46rem;margin:2rem auto;padding:0 1rem}}
td{{padding-right:2rem}}</style></head>
<body><h1>m365-backup-exporter</h1><p>Version {version}. Backups of Microsoft 365 tenants, for Prometheus.</p>
<ul><li><a href="/metrics">/metrics</a></li><li><a href="/-/healthy">/-/healthy</a></li>
<li><a href="/-/ready">/-/ready</a></li></ul>
<h2>Sources</h2><table>{rows}</table></body></html>
"""
