"""One access token for a set of scopes: fetched once for all who wait, renewed ahead of its end.

Source: AvePoint's reference, sections 2.2 to 2.4; Veeam's, section 3.
"""

import asyncio
import math
import re
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from http import HTTPStatus
from typing import Any, Final

from yarl import URL

from exporter.client.faults import fault_of
from exporter.client.grants import CertificateGrant, ClientSecretGrant, Grant, PasswordGrant, Secret
from exporter.client.observer import Observer
from exporter.client.telling import Attempt, tell_request
from exporter.client.transport import Answer, Transport, read_json
from exporter.clock import Clock
from exporter.errors import AnswerUnreadable, CredentialsRefused, NotFound, PermissionMissing, SourceError, TimedOut
from exporter.log.secrets import SECRETS

__all__ = ["CertificateGrant", "ClientSecretGrant", "Grant", "PasswordGrant", "Secret", "TokenUrl", "Tokens"]

OPERATION: Final = "token"
"""What token requests are called in the observer's counts."""
LOGOUT: Final = "logout"
"""What the request that ends a token is called there."""

TokenUrl = str | Callable[[], Awaitable[str]]
"""Where tokens are fetched: known, or found out anew for each; that may fail with any SourceError."""

_DOCUMENTED_LIFETIME_SECONDS: Final = 3600.0
_LONGEST_LIFETIME_SECONDS: Final = 86400.0
_MARGIN_SECONDS: Final = 300.0
_MARGIN_SHARE: Final = 0.2
_RENEWAL_RETRY_SECONDS: Final = 30.0
_REFUSALS: Final = (HTTPStatus.BAD_REQUEST, HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN)

_TOKEN: Final = re.compile(r"[\x21-\x7e]+")
_ERROR_WORD: Final = re.compile(r"[a-z_]{1,40}")


@dataclass(frozen=True, slots=True)
class _Token:
    header: str
    renew_at: float
    expires_at: float

    def __repr__(self) -> str:
        return "_Token()"


class Tokens:
    """The access token of one credential and one set of scopes.

    A renewal ahead of time that fails is tried again after 30 s, the present token meanwhile used on.
    What finds out the *token_url* may ask through a limiter, but never with these tokens: it would wait for itself.
    """

    def __init__(
        self,
        *,
        transport: Transport,
        token_url: TokenUrl,
        grant: Grant,
        scopes: Sequence[str],
        clock: Clock,
        observer: Observer,
    ) -> None:
        self._transport = transport
        self._token_url = token_url
        self._host = _host(token_url) if isinstance(token_url, str) else "no host"
        self._grant = grant
        self._scope = " ".join(scopes)
        self._clock = clock
        self._observer = observer
        self._token: _Token | None = None
        self._refresh: asyncio.Task[_Token] | None = None

    async def header(self) -> str:
        """Return "Bearer …" with a token that is valid now.

        Raises CredentialsRefused, NotFound, PermissionMissing, AnswerUnreadable or an error of the transport.
        """
        token = self._token
        if token is not None and self._clock.now() < token.renew_at:
            return token.header
        return (await self._refreshed()).header

    def held(self) -> str | None:
        """Return "Bearer …" with the token at hand, None if there is none that still lives; asks nobody."""
        token = self._token
        return token.header if token is not None and self._clock.now() < token.expires_at else None

    def invalidate(self, used_header: str) -> None:
        """Forget the token that was refused, unless another has replaced it since."""
        if self._token is not None and self._token.header == used_header:
            self._token = None

    async def end(self, url: str, *, timeout_seconds: float = 5.0) -> None:
        """Log out by POST to *url* if a token is held, and hold none afterwards, whatever comes of it.

        For the time when nothing is asked any more: a token request under way is cancelled, with those who wait.
        Raises any SourceError, TimedOut after *timeout_seconds*; NotFound where the server knows no logout.
        """
        if self._refresh is not None:
            self._refresh.cancel()
            await asyncio.wait((self._refresh,))
        header, self._token = self.held(), None
        if header is None:
            return
        try:
            async with asyncio.timeout(timeout_seconds):
                answer = await self._send(LOGOUT, url, headers={"Authorization": header})
        except TimeoutError:
            raise TimedOut(f"{LOGOUT}: {_host(url)} gave no answer in {timeout_seconds:g} s") from None
        fault = fault_of(answer, operation=LOGOUT, host=_host(url))
        if fault is not None:
            raise fault

    async def _refreshed(self) -> _Token:
        """Await the one refresh all callers share; a caller that is cancelled does not end it."""
        if self._refresh is None:
            self._refresh = asyncio.create_task(self._renew(), name="token refresh")
            self._refresh.add_done_callback(self._refresh_ended)
        return await asyncio.shield(self._refresh)

    def _refresh_ended(self, task: asyncio.Task[_Token]) -> None:
        self._refresh = None
        if not task.cancelled():
            task.exception()  # seen, even if every caller has gone

    async def _renew(self) -> _Token:
        try:
            fresh = await self._fetch()
        except SourceError:
            old, now = self._token, self._clock.now()
            if old is None or now >= old.expires_at:
                raise
            fresh = replace(old, renew_at=min(now + _RENEWAL_RETRY_SECONDS, old.expires_at))
        self._token = fresh
        return fresh

    async def _fetch(self) -> _Token:
        url = await self._address()
        asked_at = self._clock.now()
        answer = await self._granted(url, asked_at)
        if answer.status in _REFUSALS and self._grant.refused():
            answer = await self._granted(url, asked_at)
        self._check(answer)
        token = self._read(answer, asked_at)
        self._observer.token_expires(token.expires_at)
        return token

    async def _address(self) -> str:
        if isinstance(self._token_url, str):
            return self._token_url
        url = await self._token_url()
        self._host = _host(url)
        return url

    async def _granted(self, url: str, now: float) -> Answer:
        """Ask with the grant's next form."""
        form = {**await self._grant.form(url, now)}
        if self._scope:
            form["scope"] = self._scope
        return await self._send(OPERATION, url, form=form)

    async def _send(
        self,
        operation: str,
        url: str,
        *,
        form: Mapping[str, str] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> Answer:
        """Make one attempt, counted by its status or the reason of its failure."""
        started = self._clock.now()
        code, request_id = "bug", None
        try:
            answer = await self._transport.send("POST", url, form=form, headers=headers)
            code, request_id = str(answer.status), answer.request_id
        except SourceError as error:
            code, request_id = error.reason, error.request_id
            raise
        else:
            return answer
        finally:
            seconds = self._clock.now() - started
            self._observer.requested(operation, code, seconds)
            tell_request(Attempt(operation, "POST", url), code, seconds, request_id)

    def _check(self, answer: Answer) -> None:
        """Raise what a status other than success means at a token endpoint."""
        if answer.status in _REFUSALS:
            raise self._refusal(answer)
        if answer.status == HTTPStatus.NOT_FOUND:
            address = "token_url" if isinstance(self._token_url, str) else "the address"
            raise NotFound(f"{OPERATION}: {self._host} answered 404: is {address} right?")
        fault = fault_of(answer, operation=OPERATION, host=self._host)
        if fault is not None:
            raise fault

    def _refusal(self, answer: Answer) -> SourceError:
        """Name the OAuth error, and nothing else of the body."""
        body = self._decoded(answer) if answer.body else None
        word = body.get("error") if isinstance(body, dict) else None
        if not isinstance(word, str) or _ERROR_WORD.fullmatch(word) is None:
            word = "without an OAuth error code"
        said = f"{OPERATION}: {self._host} answered {answer.status} {word}"
        if word == "invalid_scope":
            return PermissionMissing(f"{said}; asked for: {self._scope}", request_id=answer.request_id)
        return CredentialsRefused(said + self._grant.advice, request_id=answer.request_id)

    def _decoded(self, answer: Answer) -> Any:
        return read_json(answer, operation=OPERATION, host=self._host)

    def _read(self, answer: Answer, asked_at: float) -> _Token:
        body = self._decoded(answer)
        token = body.get("access_token") if isinstance(body, dict) else None
        if not isinstance(token, str) or _TOKEN.fullmatch(token) is None:
            raise AnswerUnreadable(
                f"{OPERATION}: {self._host} answered without an access_token", request_id=answer.request_id
            )
        SECRETS.borrow(token)
        self._grant.granted(body)
        lifetime = _lifetime_seconds(body.get("expires_in"))
        margin = min(_MARGIN_SECONDS, _MARGIN_SHARE * lifetime)
        return _Token(f"Bearer {token}", asked_at + lifetime - margin, asked_at + lifetime)


def _host(url: str) -> str:
    try:
        return URL(url).host or "no host"
    except ValueError:  # no address at all, which sending will say better
        return "no host"


def _lifetime_seconds(raw: Any) -> float:
    """Return the lifetime the vendor gives; the documented hour if that is none, a day at most."""
    try:
        seconds = math.nan if isinstance(raw, bool) else float(raw)
    except (TypeError, ValueError, OverflowError):
        seconds = math.nan
    if not seconds > 0:
        return _DOCUMENTED_LIFETIME_SECONDS
    return min(seconds, _LONGEST_LIFETIME_SECONDS)
