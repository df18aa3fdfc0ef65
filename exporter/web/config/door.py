"""The protection in force: who is let in, and that a changed file is soon obeyed without closing the port."""

import asyncio
import base64
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import structlog
from aiohttp import hdrs, web

from exporter.clock import Clock
from exporter.errors import SettingsError
from exporter.web.config.passwords import Passwords
from exporter.web.config.protection import Protection, read_protection
from exporter.web.config.tls import renewable

LOG: Final = structlog.get_logger("exporter.web")
LOOK_EVERY: Final = 5.0
"""Seconds until a change of a file is seen."""

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Door:
    """What stands between the port and the pages; each of them is behind it."""

    def __init__(self, path: Path, protection: Protection) -> None:
        self._path = path
        self._now = protection
        self._passwords = Passwords(protection.users)
        self._told: list[str] = []
        self.tls: Final = renewable(protection.tls) if protection.tls else None
        """What the port is opened with; ``None`` for plain HTTP."""

    @classmethod
    async def open(cls, path: Path | None) -> "Door | None":
        """Return the door that the file at *path* describes, if there is one; `SettingsError` if it is at fault."""
        return cls(path, await asyncio.to_thread(read_protection, path)) if path else None

    def guard(self, app: web.Application) -> None:
        """Put all that *app* answers behind the door, also that there is no such page."""

        @web.middleware
        async def admit(request: web.Request, handler: Handler) -> web.StreamResponse:
            return await self._refusal(request) or await handler(request)

        app.middlewares.insert(0, admit)
        app.on_response_prepare.append(self._add_headers)

    async def reread(self) -> Protection:
        """Return what the file says now, for `take_over`; `SettingsError` if that cannot be."""
        fresh = await asyncio.to_thread(read_protection, self._path)
        if (fresh.tls is None) != (self.tls is None):
            raise SettingsError([f"{self._path}: tls_server_config: to turn TLS on or off needs a restart"])
        return fresh

    def take_over(self, fresh: Protection) -> None:
        """Let *fresh* be in force for new connections and for every request from now on."""
        if fresh.seen != self._now.seen:
            LOG.info("web_config_taken_over", file=str(self._path))
        self._now, self._told = fresh, []
        self._passwords.change(fresh.users)
        if self.tls and fresh.tls:
            self.tls.current = fresh.tls

    async def look_after(self, clock: Clock) -> None:
        """Look again and again; a file at fault is logged once, and what was before stays in force."""
        while True:
            await clock.sleep(LOOK_EVERY)
            try:
                await self.look()
            except Exception as bug:
                if self._told != [repr(bug)]:
                    LOG.exception("web_config_broken")
                self._told = [repr(bug)]

    async def look(self) -> None:
        """Take over what has changed since it was read, if anything has."""
        if not await asyncio.to_thread(self._now.outdated):
            self._told = []
            return
        try:
            fresh = await self.reread()
        except SettingsError as error:
            if error.faults != self._told:
                LOG.error("web_config_refused", faults=error.faults, consequence="the one before stays in force")  # noqa: TRY400
            self._told = error.faults
        else:
            self.take_over(fresh)

    async def _refusal(self, request: web.Request) -> web.Response | None:
        """Return why the request is not answered; ``None`` if it is."""
        if not self._passwords.asked:
            return None
        given = _credentials(request)
        fits = await self._passwords.fit(*given, request.remote or "", gone=_gone(request)) if given else False
        if fits:
            return None
        if fits is None:
            later = {hdrs.RETRY_AFTER: "1"}
            return web.Response(status=429, text="Too many passwords wait to be checked.\n", headers=later)
        ask = {hdrs.WWW_AUTHENTICATE: 'Basic realm="m365-backup-exporter", charset="UTF-8"'}
        return web.Response(status=401, text="Unauthorized\n", headers=ask)

    async def _add_headers(self, _: web.Request, response: web.StreamResponse) -> None:
        for name, value in self._now.headers.items():
            if value:
                response.headers[name] = value
            else:
                response.headers.pop(name, None)


def _gone(request: web.Request) -> Callable[[], bool]:
    """Return what tells whether the client has hung up."""
    return lambda: request.transport is None or request.transport.is_closing()


def _credentials(request: web.Request) -> tuple[bytes, bytes] | None:
    """Return name and password, byte for byte as they were sent; ``None`` if there is nothing readable of the kind."""
    scheme, _, encoded = request.headers.get(hdrs.AUTHORIZATION, "").partition(" ")
    try:
        name, colon, password = base64.b64decode(encoded.strip(), validate=True).partition(b":")
    except ValueError:
        return None
    return (name, password) if scheme.lower() == "basic" and colon else None
