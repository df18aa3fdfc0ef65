"""Servers that stand for a vendor, and what tests ask of them."""

import asyncio
import ssl
from collections import defaultdict, deque
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

from aiohttp import web
from multidict import CIMultiDictProxy

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


@dataclass(frozen=True)
class Seen:
    """One request as it reached the server."""

    method: str
    path: str
    headers: CIMultiDictProxy[str]
    body: bytes


class Vendor:
    """Answers each path with what was queued for it, the last answer for ever."""

    def __init__(self) -> None:
        self.url = ""
        self.seen: list[Seen] = []
        self._answers: defaultdict[str, deque[Handler]] = defaultdict(deque)

    def on(self, path: str, *handlers: Handler) -> None:
        """Queue answers for *path*."""
        self._answers[path].extend(handlers)

    def first(self, path: str, *handlers: Handler) -> None:
        """Queue answers for *path* ahead of those that wait."""
        self._answers[path].extendleft(reversed(handlers))

    async def handle(self, request: web.Request) -> web.StreamResponse:
        """Remember the request and give the next answer."""
        body = await request.read()
        self.seen.append(Seen(request.method, request.raw_path, request.headers, body))
        queue = self._answers[request.path]
        if not queue:
            return web.Response(status=404)
        return await (queue.popleft() if len(queue) > 1 else queue[0])(request)

    @property
    def paths(self) -> list[str]:
        """The paths asked for, in order."""
        return [seen.path for seen in self.seen]


def form_of(seen: Seen) -> dict[str, str]:
    """Return the form that a request carried."""
    return dict(parse_qsl(seen.body.decode(), keep_blank_values=True, strict_parsing=True))


def says(payload: Any = None, *, status: int = 200, **headers: str) -> Handler:
    """Answer with JSON; underscores in header names become hyphens."""

    async def handler(_: web.Request) -> web.Response:
        return web.json_response(
            payload, status=status, headers={name.replace("_", "-"): value for name, value in headers.items()}
        )

    return handler


def sends(body: bytes, media_type: str = "application/json", *, status: int = 200, **headers: str) -> Handler:
    """Answer with bytes of some media type."""

    async def handler(_: web.Request) -> web.Response:
        return web.Response(
            body=body,
            status=status,
            content_type=media_type,
            headers={name.replace("_", "-"): value for name, value in headers.items()},
        )

    return handler


async def never(_: web.Request) -> web.StreamResponse:
    """Give no answer, ever."""
    await asyncio.Event().wait()
    raise AssertionError


@asynccontextmanager
async def serving(vendor: Vendor, context: ssl.SSLContext | None = None) -> AsyncIterator[Vendor]:
    """Run *vendor* on a free port of this machine."""
    app = web.Application(client_max_size=2**26)
    app.router.add_route("*", "/{path:.*}", vendor.handle)
    runner = web.AppRunner(app, shutdown_timeout=0.0, handler_cancellation=True, access_log=None)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0, ssl_context=context)
        await site.start()
        vendor.url = f"{'https' if context else 'http'}://127.0.0.1:{runner.addresses[0][1]}"
        yield vendor
    finally:
        await settled()
        await runner.cleanup()


async def settled() -> None:
    """Let the loop see to the connections whose other end has just hung up; no time passes."""
    for _ in range(50):
        await asyncio.sleep(0)


@asynccontextmanager
async def raw_server(answer: bytes, *, reset: bool = False) -> AsyncIterator[str]:
    """Run a server that answers any request with *answer* and hangs up; yield its URL."""

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        writer.write(answer)
        if reset:
            writer.transport.abort()
        else:
            await writer.drain()
            writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    async with server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"


def everything_said(error: BaseException | None) -> str:
    """Return what any log could print of *error*: its text and attributes, and those of its causes."""
    said = ""
    while error is not None:
        said += f"{error!s} {error!r} {error.__dict__!r}\n"
        error = error.__cause__ or error.__context__
    return said


def write(path: Path, content: bytes) -> Path:
    """Write a file and return its path."""
    path.write_bytes(content)
    return path
