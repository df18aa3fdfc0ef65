"""Connections from outside: how many there may be, and for how long each may keep us waiting.

Whoever reaches the port may open connections, say nothing, ask by halves, or not read the answer. All of that ends by
itself here, before descriptors run out: those are needed for asking the vendors, too.
"""

import asyncio
import resource
import ssl
from collections.abc import Callable
from typing import Any, Final, Literal

import structlog
from aiohttp import hdrs, web

LOG: Final = structlog.get_logger("exporter.web.inbound")
MOST: Final = 1000
"""Connections that may be open at once, however many descriptors there are."""
BACKLOG: Final = 128
"""Connections that wait to be accepted, and that are accepted at once."""
FIRST_REQUEST_WITHIN: Final = 15.0
"""Seconds from the opening of a connection to the end of the first request's headers."""
KEEPALIVE: Final = 75.0
"""Seconds from an answer to the end of the next request's headers; Prometheus asks once a minute or sooner."""
STALLED_AFTER: Final = 30.0
"""Seconds within which a client must have taken what waits for it, a piece of the answer."""
COMPLAIN_EVERY: Final = 60.0
NO_DESCRIPTORS: Final = "socket.accept() out of system resource"
"""How asyncio says so, once for each connection that waits."""
SERVER: Final = "m365-backup-exporter"
"""What every answer calls us: no versions, which would tell a stranger what to try."""

Standing = Literal["silent", "idle", "stalled", "new", "busy"]
EXPENDABLE_FIRST: Final[tuple[Standing, ...]] = ("silent", "idle", "stalled", "new", "busy")


def room() -> int:
    """Return how many connections may be open at once: half of what this process may have open, and `MOST`."""
    soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST if soft == resource.RLIM_INFINITY else max(1, min(MOST, soft // 2))


class Connection(web.RequestHandler):
    """One connection; it ends if no request comes, or if an answer is not read."""

    _late: asyncio.TimerHandle | None = None
    _stalled: asyncio.TimerHandle | None = None

    @property
    def standing(self) -> Standing:
        """Say what would be lost with it."""
        if self.writing_paused:
            return "stalled"
        if self._request_in_progress or self._messages:
            return "busy"
        return "idle" if self._request_count else "silent"

    def drop(self) -> None:
        """End the connection at once, whatever has not been sent."""
        transport = self.transport
        self.force_close()
        if transport is not None:
            transport.abort()

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._late = self._loop.call_later(FIRST_REQUEST_WITHIN, self._drop_if_silent)

    def connection_lost(self, exc: BaseException | None) -> None:
        """Wait for nothing any more."""
        super().connection_lost(exc)
        for timer in (self._late, self._stalled):
            if timer is not None:
                timer.cancel()

    def pause_writing(self) -> None:
        """Begin to wait for the client to read."""
        super().pause_writing()
        self._stalled = self._loop.call_later(STALLED_AFTER, self.drop)

    def resume_writing(self) -> None:
        """Note that the client has read."""
        super().resume_writing()
        if self._stalled is not None:
            self._stalled.cancel()

    def handle_error(
        self, request: web.BaseRequest, status: int = 500, exc: BaseException | None = None, message: str | None = None
    ) -> web.StreamResponse:
        """Answer as the library does, but for its name: what could not be parsed has passed none of our handlers."""
        response = super().handle_error(request, status, exc, message)
        response.headers[hdrs.SERVER] = SERVER
        return response

    def _drop_if_silent(self) -> None:
        if self.standing == "silent":
            self.drop()


class Inbound(web.Server):
    """All connections; if there are more than *most*, the one that matters least ends, of several the oldest."""

    def __init__(self, *arguments: Any, most: int, **options: Any) -> None:
        super().__init__(*arguments, **options)
        self._most = most
        self._complaint = Complaint()

    def __call__(self) -> Connection:
        """Return what handles the next connection."""
        return Connection(self, loop=self._loop, **self._kwargs)

    def connection_made(self, handler: web.RequestHandler, transport: asyncio.Transport) -> None:
        """Take note of a connection, and make room for it."""
        super().connection_made(handler, transport)
        open_ = [each for each in self.connections if isinstance(each, Connection) and each.connected]
        if len(open_) <= self._most:
            return
        if self._complaint.is_due(self._loop.time()):
            LOG.warning("connections_dropped", most=self._most, consequence="the oldest that ask for nothing end")

        def loss(each: Connection) -> int:
            return EXPENDABLE_FIRST.index("new" if each is handler else each.standing)

        min(open_, key=loss).drop()


class InboundRunner(web.AppRunner):
    """Runs an application behind `Inbound`."""

    def __init__(self, app: web.Application, *, most: int) -> None:
        # A scraper that has stopped reading is waited for twice as long: aiohttp cancels, and waits again.
        super().__init__(
            app, handle_signals=False, shutdown_timeout=1, access_log=None, keepalive_timeout=KEEPALIVE, most=most
        )
        self._backlog = max(1, min(BACKLOG, most // 2))
        self._complaint = Complaint()
        self._tell: Callable[[asyncio.AbstractEventLoop, dict[str, Any]], object] | None = None

    async def listen(self, host: str, port: int, tls: ssl.SSLContext | None) -> None:
        """Open a port, with TLS if there is a context for it."""
        await Site(self, host, port, ssl_context=tls, reuse_address=True, backlog=self._backlog).start()

    async def _make_server(self) -> web.Server:
        loop = asyncio.get_running_loop()
        self._tell = loop.get_exception_handler()
        loop.set_exception_handler(self._seldom)
        plain = await super()._make_server()
        return Inbound(plain.request_handler, request_factory=plain.request_factory, **self._kwargs)

    async def _cleanup_server(self) -> None:
        asyncio.get_running_loop().set_exception_handler(self._tell)
        await super()._cleanup_server()

    def _seldom(self, loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        """Let the loop tell what it always does, but for what it would tell a hundred times a second."""
        if context["message"] == NO_DESCRIPTORS:
            if self._complaint.is_due(loop.time()):
                LOG.error("accept_failed", reason=str(context["exception"]), consequence="tried again each second")
        elif self._tell:
            self._tell(loop, context)
        else:
            loop.default_exception_handler(context)


class Site(web.TCPSite):
    """A port whose TLS handshakes are waited for no longer than requests; the library knows no option for it."""

    async def start(self) -> None:
        """Open the port."""
        await web.BaseSite.start(self)
        assert self._runner.server is not None  # noqa: S101 - the base class has made sure
        self._server = await asyncio.get_running_loop().create_server(
            self._runner.server,
            self._host,
            self._port,
            ssl=self._ssl_context,
            backlog=self._backlog,
            reuse_address=self._reuse_address,
            ssl_handshake_timeout=FIRST_REQUEST_WITHIN if self._ssl_context else None,
        )


class Complaint:
    """Something that is said again only after a while, however often it happens."""

    def __init__(self) -> None:
        self._next = float("-inf")

    def is_due(self, now: float) -> bool:
        """Tell whether to say it now."""
        if now < self._next:
            return False
        self._next = now + COMPLAIN_EVERY
        return True
