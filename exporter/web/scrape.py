"""/metrics and /probe: the exposition from the cache, whole or in parts; nobody is asked for it."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from typing import Final

from aiohttp import web

from exporter.metrics.exposition import Body, Exposition, Format
from exporter.web.accept import negotiate, takes_gzip

PIECE: Final = 1 << 16
"""Bytes handed to the socket at once, so that one slow scraper holds up nobody and little waits for it."""
EXCLUDABLE: Final = "tenants"

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Wanted:
    """What a scraper asks for, by its headers and its query."""

    def __init__(self, request: web.Request) -> None:
        self.form: Format
        self.form, self.content_type = negotiate(_all(request, "Accept"))
        self.gzip = takes_gzip(_all(request, "Accept-Encoding"))
        self.names = frozenset(request.query.getall("name[]", []))

    async def send(self, request: web.Request, body: Body) -> web.StreamResponse:
        """Answer with *body* in the format that was agreed on."""
        response = web.StreamResponse(headers={"Content-Type": self.content_type, "Vary": "Accept, Accept-Encoding"})
        response.content_length = body.length
        if self.gzip:
            response.headers["Content-Encoding"] = "gzip"
        with suppress(ConnectionError):  # whom an error could be told has gone
            await response.prepare(request)
            if request.method != "HEAD":
                for piece in body.pieces(PIECE):
                    await response.write(piece)
            await response.write_eof()
        return response


def metrics(exposition: Exposition) -> Handler:
    """Return the handler of /metrics; ``exclude=tenants`` leaves out what /probe shows tenant by tenant."""

    async def answer(request: web.Request) -> web.StreamResponse:
        wanted, excluded = Wanted(request), request.query.getall("exclude", [])
        if any(each != EXCLUDABLE for each in excluded):
            return web.Response(status=400, text="exclude: only tenants can be left out: /metrics?exclude=tenants\n")
        if excluded:
            body = await exposition.part_without_tenants(wanted.form, gzip=wanted.gzip, names=wanted.names)
        else:
            body = await exposition.whole(wanted.form, gzip=wanted.gzip, names=wanted.names)
        return await wanted.send(request, body)

    return answer


def probe(exposition: Exposition, is_source: Callable[[str], bool]) -> Handler:
    """Return the handler of /probe: the series of one tenant."""

    async def answer(request: web.Request) -> web.StreamResponse:
        source, tenant = request.query.get("source", ""), request.query.get("tenant", "")
        if not source or not tenant:
            return web.Response(status=400, text="give both: /probe?source=NAME&tenant=ID; /sd lists them\n")
        if not is_source(source):
            return web.Response(status=404, text="source: none of this name is watched; /sd lists them\n")
        wanted = Wanted(request)
        body = await exposition.part_of([(source, tenant)], wanted.form, gzip=wanted.gzip, names=wanted.names)
        if body is None:
            return web.Response(status=404, text="tenant: the source watches none of this id; /sd lists them\n")
        return await wanted.send(request, body)

    return answer


def _all(request: web.Request, header: str) -> str:
    """Return a header whose elements may be spread over several lines (RFC 9110, section 5.3)."""
    return ",".join(request.headers.getall(header, []))
