"""Tokens of Veeam: a name and a password in, an access token and a refresh token out (reference 3)."""

from dataclasses import dataclass
from http import HTTPStatus
from typing import Any, Final

import orjson
from aiohttp import web

from exporter.clock import Clock
from exporter.simulator.chance import Lot
from exporter.simulator.identity import SECRET
from exporter.simulator.veeam.manners import VeeamManners
from exporter.simulator.veeam.paths import Call
from exporter.simulator.veeam.pen import Pen

REFRESHABLE: Final = 14 * 86400.0
"""Seconds for which a refresh token is good; the real number is unknown."""

Form = dict[str, str]


@dataclass(frozen=True, slots=True)
class Grant:
    """Who may ask until when; without *plain* an antiforgery cookie would be needed as well."""

    user: str
    plain: bool
    expires: float
    refresh: str


class Access:
    """Issues tokens that live *lifetime* seconds, for any name with the public password, and remembers them."""

    def __init__(self, clock: Clock, manners: VeeamManners, *, seed: int, lifetime: int) -> None:
        self._clock = clock
        self._manners = manners
        self._lifetime = lifetime
        self._lot = Lot.of(seed, "veeam tokens", clock.now())
        self._grants: dict[str, Grant] = {}
        self._refreshable: dict[str, tuple[str, float]] = {}
        self._issued = 0

    async def token(self, request: web.Request, call: Call) -> web.Response:
        """Answer a token request."""
        form = await _form(request)
        user = self._user(form)
        if user is None:
            return web.json_response({"message": "Login failed (synthetic wording)."}, status=HTTPStatus.BAD_REQUEST)
        return web.json_response(self._issue(user, form, call))

    def logout(self, request: web.Request, call: Call) -> web.Response:
        """Revoke the token of *request* and the refresh token that came with it; v6 knows no logout."""
        if call.version == "v6":
            return web.Response(status=HTTPStatus.NOT_FOUND)
        grant = self._grants.pop(_bearer(request), None)
        if grant is not None:
            self._refreshable.pop(grant.refresh, None)
        return web.Response(status=HTTPStatus.OK if call.version == "v7" else HTTPStatus.NO_CONTENT)

    def lets_in(self, request: web.Request, call: Call) -> bool:
        """Tell whether the token of *request* opens the version of *call* now."""
        grant = self._grants.get(_bearer(request))
        if grant is None or grant.expires <= self._clock.now():
            return False
        return grant.plain or call.version == "v6"

    def revoke_all(self) -> None:
        """Forget every token, as if the service had been started anew."""
        self._grants.clear()
        self._refreshable.clear()

    def _user(self, form: Form) -> str | None:
        """Return who proved to be allowed in, None for a refusal."""
        match form.get("grant_type"):
            case "password" if form.get("username") and form.get("password") == SECRET:
                return form["username"]
            case "refresh_token" if self._manners.refresh:
                user, until = self._refreshable.pop(form.get("refresh_token", ""), (None, 0.0))
                return user if self._clock.now() < until else None
            case _:
                return None

    def _issue(self, user: str, form: Form, call: Call) -> dict[str, Any]:
        now = self._clock.now()
        self._grants = {token: grant for token, grant in self._grants.items() if now < grant.expires}
        self._refreshable = {token: held for token, held in self._refreshable.items() if now < held[1]}
        self._issued += 1
        access, refresh = (self._lot.guid(kind, self._issued) * 2 for kind in ("access", "refresh"))
        plain = form.get("disable_antiforgery_token", "").lower() == "true"
        self._grants[access] = Grant(user, plain, now + self._lifetime, refresh)
        self._refreshable[refresh] = (user, now + REFRESHABLE)
        pen = Pen(call.version, 0)
        return {
            "access_token": access,
            "refresh_token": refresh,
            "token_type": "bearer",
            "expires_in": self._lifetime,
            "userName": user,
            ".issued": pen.time(now),
            ".expires": pen.time(now + self._lifetime),
        }


async def _form(request: web.Request) -> Form:
    """Return the fields of a form or of a JSON object; nothing of what is neither."""
    if request.content_type != "application/json":
        return {name.lower(): str(value) for name, value in (await request.post()).items()}
    try:
        body = orjson.loads(await request.read())
    except ValueError:
        return {}
    return {str(name).lower(): str(value) for name, value in body.items()} if isinstance(body, dict) else {}


def _bearer(request: web.Request) -> str:
    kind, _, token = request.headers.get("Authorization", "").partition(" ")
    return token if kind.lower() == "bearer" else ""
