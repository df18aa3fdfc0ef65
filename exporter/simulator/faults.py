"""Everything that goes wrong with a real API, at given rates, in a repeatable order."""

from dataclasses import dataclass
from http import HTTPStatus
from itertools import count
from typing import Final, Literal, get_args

from aiohttp import web
from aiohttp.typedefs import Handler

from exporter.clock import Clock
from exporter.simulator.chance import Lot
from exporter.simulator.throttle import RetryAfter, Throttle

Kind = Literal[
    "401", "403", "404", "408", "429", "500", "502", "503", "504",
    "html", "reset", "truncated", "slow", "token", "envelope",
]  # fmt: skip
KINDS: Final[tuple[Kind, ...]] = get_args(Kind)

SLOW_SECONDS: Final = 5.0
RETRY_SECONDS: Final = 2.0
JITTER: Final = 0.5
"""By how much of the latency a request may be slower than it."""

ENVELOPE: Final = {
    "statusCode": 500,
    "message": "Internal Server Error",
    "errors": [{"code": "InternalError", "field": "", "message": "Injected envelope."}],
    "requestId": "0HN1SYNTH0000:00000500",
}
"""An error that comes with HTTP 200 (reference 3.2)."""

ERROR_PAGE: Final = "<!DOCTYPE html><html><title>Maintenance</title><h1>We will be right back</h1></html>"


@dataclass(frozen=True, slots=True)
class Faults:
    """Which part of the API calls fails how; *token* is the part of the token requests that gets a 500."""

    rates: tuple[tuple[Kind, float], ...] = ()
    token: float = 0.0

    def choose(self, draw: float) -> Kind | None:
        """Return the fault for a number from 0 to 1, None for none."""
        for kind, rate in self.rates:
            if draw < rate:
                return kind
            draw -= rate
        return None


def parse_faults(text: str) -> Faults:
    """Read "429=0.02,reset=0.005"; ValueError for an unknown kind or rates that are not within 0 to 1."""
    rates: dict[Kind, float] = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, _, rate = part.partition("=")
        rates[_kind(name.strip())] = _rate(part, rate)
    token = rates.pop("token", 0.0)
    if sum(rates.values()) > 1:
        raise ValueError(f"the fault rates add up to more than 1: {text}")
    return Faults(tuple(rates.items()), token)


def _kind(name: str) -> Kind:
    for kind in KINDS:
        if kind == name:
            return kind
    raise ValueError(f"unknown fault {name!r}; there are {', '.join(KINDS)}")


def _rate(part: str, text: str) -> float:
    try:
        rate = float(text)
    except ValueError:
        raise ValueError(f"{part!r} is not of the form kind=rate") from None
    if not 0 <= rate <= 1:
        raise ValueError(f"the rate of {part!r} is not within 0 to 1")
    return rate


class Weather:
    """Latency, rate limit and faults between a client and the handlers."""

    def __init__(self, faults: Faults, *, seed: int, clock: Clock, latency: float, throttle: Throttle | None) -> None:
        self._faults = faults
        self._clock = clock
        self._latency = latency
        self._throttle = throttle
        self._lot = Lot.of(seed, "faults")
        self._numbers = count()
        self._retry_after = RetryAfter()

    async def token(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer a token request, or fail it."""
        if self._lot.chance(self._faults.token, "token", next(self._numbers)):
            return web.Response(status=HTTPStatus.INTERNAL_SERVER_ERROR)
        return await handler(request)

    async def call(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Answer an API call, or fail it in the way whose turn it is."""
        number = next(self._numbers)
        fault = self._faults.choose(self._lot.fraction("fault", number))
        await self._delay(number, slow=fault == "slow")
        wait = self._wait(request)
        if wait:
            return self._retry_after.refusal(self._clock.now(), wait)
        return await self._fail(fault, request, handler)

    async def _delay(self, number: int, *, slow: bool) -> None:
        jitter = 1 + JITTER * self._lot.fraction("latency", number)
        seconds = self._latency * jitter + (SLOW_SECONDS if slow else 0.0)
        if seconds:
            await self._clock.sleep(seconds)

    def _wait(self, request: web.Request) -> float:
        if self._throttle is None:
            return 0.0
        return self._throttle.wait(request.headers.get("Authorization", ""), self._clock.now())

    async def _fail(self, fault: Kind | None, request: web.Request, handler: Handler) -> web.StreamResponse:
        match fault:
            case None | "slow" | "token":
                return await handler(request)
            case "truncated":
                return _truncated(await handler(request))
            case "reset":
                return _reset(request)
            case "envelope":
                return web.json_response(ENVELOPE)
            case "429":
                return self._retry_after.refusal(self._clock.now(), RETRY_SECONDS)
            case other:
                return _refusal(other)


def _refusal(kind: Literal["401", "403", "404", "408", "500", "502", "503", "504", "html"]) -> web.Response:
    match kind:
        case "html":
            return web.Response(text=ERROR_PAGE, content_type="text/html")
        case "401":
            return web.Response(status=HTTPStatus.UNAUTHORIZED)
        case status:
            return web.json_response({"message": f"Injected {status}."}, status=int(status))


def _reset(request: web.Request) -> web.Response:
    if request.transport is not None:  # pragma: no branch - a client that left by itself cannot be timed
        request.transport.abort()
    return web.Response()  # written to nobody


def _truncated(response: web.StreamResponse) -> web.StreamResponse:
    """Cut the body in half, with the headers of a sound answer."""
    body = response.body if isinstance(response, web.Response) else None
    if not isinstance(body, bytes):
        return response
    return web.Response(body=body[: len(body) // 2], status=response.status, content_type=response.content_type)
