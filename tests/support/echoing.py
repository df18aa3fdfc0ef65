"""A vendor who repeats all that it is told, in the bodies and headers of its refusals."""

import asyncio
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

import aiohttp
import orjson
from aiohttp import web

from exporter.simulator.identity import SECRET

WORDS: Final = ("client_secret", "password", "client_assertion", "refresh_token")
HANDED_OUT: Final = ("access_token", "refresh_token")


@dataclass(slots=True)
class Echo:
    """Stands before the simulator: the first part of the path says how a request fares, ``fine`` passes it on."""

    simulator: str
    session: aiohttp.ClientSession
    awaited: str
    """The secret without which no answer makes a bug."""
    sent: set[str] = field(default_factory=set)
    """Every secret that came."""
    given: set[str] = field(default_factory=set)
    """Every token that went out."""
    proxied: int = 0

    def app(self) -> web.Application:
        """Return it as a web application."""
        app = web.Application()
        app.router.add_route("*", "/{weather}/{rest:.*}", self._answer)
        return app

    async def _answer(self, request: web.Request) -> web.StreamResponse:
        form = {name: str(value) for name, value in (await request.post()).items()}
        self.sent |= {form[word] for word in WORDS if word in form}
        said = " ".join([*form.values(), request.headers.get("Authorization", "")])
        weather = request.match_info["weather"]
        if request.host.startswith("vendor."):
            self.proxied += 1
            return _echo("407", said + request.headers.get("Proxy-Authorization", ""))
        if weather == "fine" or (request.path.endswith("/token") and weather != "refused"):
            return await self._passed_on(request, form)
        if weather == "slow":
            await asyncio.sleep(30)
        if weather == "bug" and self.awaited not in self.sent:
            weather = "503"
        return _echo(weather, said)

    async def _passed_on(self, request: web.Request, form: Mapping[str, str]) -> web.Response:
        known = {**form, **{word: SECRET for word in ("client_secret", "password") if word in form}}
        kept = ("Authorization", "Content-Type", "Accept")
        async with self.session.request(
            request.method,
            f"{self.simulator}/{request.match_info['rest']}",
            params=request.query,
            headers={name: request.headers[name] for name in kept if name in request.headers},
            data=aiohttp.FormData(known) if form else await request.read() or None,
        ) as answer:
            body = await answer.read()
            if request.path.endswith("/token") and answer.ok:
                tokens = orjson.loads(body)
                self.given |= {tokens[word] for word in HANDED_OUT if word in tokens}
            return web.Response(body=body, status=answer.status, content_type=answer.content_type)


def _echo(weather: str, said: str) -> web.Response:
    """Repeat what was said, in every place that a client may look at."""
    word = said.split()[-1] if said else "nothing"  # noqa: PLC0207 - of nothing there is no last word
    match weather:
        case "refused":
            return web.json_response({"error": "invalid_client", "error_description": said}, status=401)
        case "html":
            return web.Response(text=f"<html>{said}</html>", content_type="text/html")
        case "away":
            return web.Response(status=302, headers={"Location": f"https://user:{word}@elsewhere.example.com/"})
        case "bug":
            return web.json_response({"make-a-bug": said})
        case "slow":
            return web.Response()
        case status:
            body = {"error": {"code": word, "message": said}, "requestId": word}
            return web.json_response(body, status=int(status), headers={"X-Echo": said, "X-Request-Id": word})
