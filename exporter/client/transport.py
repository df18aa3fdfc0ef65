"""One HTTP exchange: out with the request, in with a bounded answer, foreign errors translated once."""

import re
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final
from urllib.parse import urlencode

import aiohttp
import orjson
from yarl import URL

from exporter.client.certificates import TLS_ERRORS, Peer, distrust
from exporter.client.proxies import EnvironmentProxies
from exporter.client.retry import seconds_until
from exporter.clock import Clock
from exporter.errors import AnswerTooLarge, AnswerUnreadable, ForeignPage, SourceError, TimedOut, TlsFailed, Unreachable

MAX_BODY_BYTES: Final = 32 * 2**20
SAME_TIME_SECONDS: Final = 30.0
"""Clocks that differ by less agree: dates have no fractions, and an answer takes its time."""

_REQUEST_ID: Final = re.compile(r"[\x21-\x7e]{1,128}")
_ENVELOPED_ID: Final = re.compile(rb'"requestId"\s*:\s*"([\x21\x23-\x5b\x5d-\x7e]{1,128})"', re.IGNORECASE)
_EDGE: Final = 512
"""Bytes at either end of a body."""
_MEDIA_TYPE: Final = re.compile(r"[a-z0-9.+-]{1,32}/[a-z0-9.+-]{1,64}")


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back: any status, the whole body; *headers* ignore case, *seconds* include the body."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    request_id: str | None
    """The vendor's correlation id, for its support."""
    seconds: float


class Transport:
    """Sends one request at a time through a session it does not own; no retries, no redirects.

    *ssl* is aiohttp's: True for the system's authorities, a context, a fingerprint, False for trust in
    everyone. *server_name* replaces the host name that the certificate must bear.
    """

    def __init__(
        self,
        *,
        session: aiohttp.ClientSession,
        clock: Clock,
        timeout_seconds: float,
        max_body_bytes: int = MAX_BODY_BYTES,
        ssl: ssl.SSLContext | aiohttp.Fingerprint | bool = True,
        server_name: str | None = None,
    ) -> None:
        self._session = session
        self._clock = clock
        self._timeout_seconds = timeout_seconds
        self._max_body_bytes = max_body_bytes
        self._proxies = EnvironmentProxies()
        self._server_name = server_name
        self._date: tuple[str | None, float] = (None, 0.0)
        """The last answer's own time, and ours when it came."""
        self._options: dict[str, Any] = {
            "timeout": aiohttp.ClientTimeout(total=timeout_seconds),
            "ssl": ssl,
            "server_hostname": server_name,
            "allow_redirects": False,
        }

    def ahead_seconds(self) -> float:
        """Return how far the server's clock is ahead of ours by its last answer; 0 where it does not tell."""
        written, at = self._date
        ahead = seconds_until(written, at) if written else None
        return ahead if ahead is not None and abs(ahead) > SAME_TIME_SECONDS else 0.0

    async def send(
        self,
        method: str,
        url: str | URL,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        json_body: Any = None,
        form: Mapping[str, str] | None = None,
    ) -> Answer:
        """Make one attempt and return the answer, whatever its status; it counts on the running meters.

        Raises TimedOut, Unreachable, TlsFailed, AnswerTooLarge or AnswerUnreadable. Where a certificate is not
        trusted, a second connection of 5 s at most finds out what it is.
        """
        sent = dict(headers or {})
        data: bytes | None = None
        if json_body is not None:
            data = orjson.dumps(json_body)
            sent["Content-Type"] = "application/json"
        elif form is not None:
            data = urlencode(form).encode()
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        started = self._clock.now()
        try:
            async with self._session.request(
                method,
                url,
                headers=sent,
                params=params,
                data=data,
                proxy=self._proxies.proxy_for(url),
                **self._options,
            ) as response:
                self._date = (response.headers.get("Date"), self._clock.now())
                body = await self._body(response)
                return Answer(
                    response.status,
                    response.headers,
                    body,
                    _request_id(response) or _request_id_within(body),
                    self._clock.now() - started,
                )
        except (aiohttp.ClientError, OSError, UnicodeError) as error:  # UnicodeError: no name for the DNS
            failure = error
        fault, cause = await self._translated(failure, url)
        # Raised out here where *error* is no longer the context: it may hold the request's headers.
        raise fault from cause

    async def _body(self, response: aiohttp.ClientResponse) -> bytes:
        """Read the body as far as the limit, counted after decompression."""
        received = response.content_length or 0
        chunks: list[bytes] = []
        if received <= self._max_body_bytes:
            received = 0
            while received <= self._max_body_bytes and (chunk := await response.content.readany()):
                chunks.append(chunk)
                received += len(chunk)
        if received > self._max_body_bytes:
            response.close()
            raise AnswerTooLarge(
                f"{response.url.host} answered more than {self._max_body_bytes} bytes",
                request_id=_request_id(response),
            )
        return b"".join(chunks)

    async def _translated(
        self, error: aiohttp.ClientError | OSError | UnicodeError, url: str | URL
    ) -> tuple[SourceError, BaseException | None]:
        """Return our name for *error*, and *error* as its cause if that is safe to print."""
        host, kind = _host(url), type(error).__name__
        match error:
            case TimeoutError():
                return TimedOut(f"{host} gave no complete answer in {self._timeout_seconds:g} s"), error
            case aiohttp.ClientResponseError():
                return AnswerUnreadable(f"{host} did not answer in HTTP ({kind})"), None
            case aiohttp.InvalidURL() | UnicodeError():
                return AnswerUnreadable(f"the address of the request to {host} is not a URL ({kind})"), None
            case _ if isinstance(error, TLS_ERRORS) or isinstance(error.__cause__, ssl.SSLError):
                return TlsFailed(await self._distrust(error, URL(url))), error
            case _:
                return Unreachable(f"{host} cannot be reached or broke the connection ({kind})"), error

    async def _distrust(self, error: BaseException, url: URL) -> str:
        host = (url.raw_host or "no host").rstrip(".")
        peer = Peer(host, url.port or 443, (self._server_name or host).rstrip("."))
        return await distrust(error, peer, direct=self._proxies.proxy_for(url) is None, now=self._clock.now())


def read_json(answer: Answer, *, operation: str, host: str) -> Any:
    """Return the decoded body; raises AnswerUnreadable, with the media type, if it is not JSON."""
    try:
        return orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        media_type = answer.headers.get("Content-Type", "").partition(";")[0].strip().lower()
    # Raised out here because the decoder's error holds the body.
    if _MEDIA_TYPE.fullmatch(media_type) is None:
        media_type = "no media type"
    looks_like_page = media_type == "text/html" or answer.body.lstrip()[:1] == b"<"
    kind = ForeignPage if looks_like_page else AnswerUnreadable
    cause = "a proxy's or login page?" if looks_like_page else f"{len(answer.body)} bytes, cut short?"
    raise kind(
        f"{operation}: {host} answered {answer.status} with {media_type}, not JSON: {cause}",
        request_id=answer.request_id,
    )


def _request_id(response: aiohttp.ClientResponse) -> str | None:
    for name, value in response.headers.items():
        if "request-id" in name.lower() and _REQUEST_ID.fullmatch(value):
            return value
    return None


def _request_id_within(body: bytes) -> str | None:
    """Return what an envelope of AvePoint's gives as its last or first words; rows lie in between."""
    found = _ENVELOPED_ID.search(body[-_EDGE:]) or _ENVELOPED_ID.search(body[:_EDGE])
    return found[1].decode() if found else None


def _host(url: str | URL) -> str:
    try:
        return URL(url).host or "no host"
    except ValueError:
        return "no host"
