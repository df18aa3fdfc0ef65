import asyncio
from email.utils import formatdate

import aiohttp
import pytest

from exporter.client.limiter import Limiter
from exporter.client.meter import metered
from exporter.client.tokens import Tokens
from exporter.client.transport import Transport
from exporter.errors import (
    AnswerUnreadable,
    NotFound,
    PermissionMissing,
    RequestRefused,
    ServerFailed,
    SourceError,
    Throttled,
    TimedOut,
    Unreachable,
)
from tests.client.conftest import ClientFactory
from tests.client.recorder import Recorder
from tests.client.vendor import Vendor, everything_said, never, raw_server, says
from tests.support.clock import FakeClock
from tests.support.observer import SilentObserver


@pytest.mark.parametrize(
    ("status", "expected", "asked"),
    [
        (400, RequestRefused, 1),
        (403, PermissionMissing, 1),
        (404, NotFound, 1),
        (418, AnswerUnreadable, 1),
        (501, ServerFailed, 1),
        (408, TimedOut, 4),
        (429, Throttled, 4),
        (500, ServerFailed, 4),
        (502, ServerFailed, 4),
        (503, ServerFailed, 4),
        (504, ServerFailed, 4),
    ],
)
async def test_statuses(
    *, status: int, expected: type[SourceError], asked: int, vendor: Vendor, client_of: ClientFactory
) -> None:
    """What may pass is asked again, what will not is not, and the error tells which request it was."""
    vendor.on("/api/x", says({"message": "someone@example.com"}, status=status, X_Request_Id="r-9"))

    with pytest.raises(expected, match=f"^x: .*{status}") as caught:
        await client_of().get("x", "x")

    assert len(vendor.seen) == asked
    assert caught.value.request_id == "r-9"
    assert "example.com" not in everything_said(caught.value)


async def test_backoff(vendor: Vendor, client_of: ClientFactory, observer: Recorder, clock: FakeClock) -> None:
    """Waits between attempts double, and each attempt and retry is told."""
    vendor.on("/api/x", *[says({}, status=500)] * 3, says([1]))

    found = await client_of().get("x", "x")

    assert found == [1]
    assert clock.waits == [0.5, 1.0, 2.0]
    assert observer.retries == ["server"] * 3
    assert observer.requests == [("x", "500")] * 3 + [("x", "200")]


async def test_waits_hold_no_place(vendor: Vendor, client_of: ClientFactory, clock: FakeClock) -> None:
    """While one question waits to be asked again, another may use its place."""
    order: list[str] = []

    class Watch(FakeClock):
        async def sleep(self, seconds: float) -> None:
            order.append("wait")
            async with limiter.slot():
                order.append("free")
            await super().sleep(seconds)

    limiter = Limiter(1000.0, 1, clock)
    vendor.on("/api/x", says({}, status=500), says([1]))

    await client_of(limiter=limiter, clock=Watch()).get("x", "x")

    assert order == ["wait", "free"]


@pytest.mark.parametrize("form", ["seconds", "date", "none", "rubbish"])
async def test_throttled(
    form: str, vendor: Vendor, client_of: ClientFactory, observer: Recorder, clock: FakeClock
) -> None:
    """A 429 halves our rate and is waited out for as long as Retry-After says, in either form."""
    header = {
        "seconds": {"Retry_After": "20"},
        "date": {"Retry_After": formatdate(clock.now() + 20, usegmt=True)},
        "none": {},
        "rubbish": {"Retry_After": "soon"},
    }[form]
    vendor.on("/api/x", says({}, status=429, **header), says([1]))
    started = clock.now()

    found = await client_of().get("x", "x")

    assert found == [1]
    assert observer.throttles == 1
    assert observer.retries == ["throttled"]
    assert observer.rates[:2] == [100.0, 50.0]
    waited = clock.now() - started
    assert 20 <= waited < 22 if header and form != "rubbish" else waited < 2


async def test_rate_recovers(vendor: Vendor, client_of: ClientFactory, observer: Recorder, clock: FakeClock) -> None:
    """The rate that is told comes back with the answers that follow."""
    vendor.on("/api/x", says({}, status=429), says([1]))
    client = client_of()

    await client.get("x", "x")
    for _ in range(20):
        clock.advance(10)
        await client.get("x", "x")

    assert observer.rates[1] == 50.0
    assert observer.rates[-1] == 100.0
    assert observer.rates[1:] == sorted(observer.rates[1:])


async def test_told_to_wait_too_long(vendor: Vendor, client_of: ClientFactory, clock: FakeClock) -> None:
    """A wait longer than a collection has ends it at once, and nothing is sent until it is over."""
    vendor.on("/api/x", says({}, status=429, Retry_After="600"), says([1]))
    client = client_of()
    started = clock.now()

    with pytest.raises(Throttled):
        await client.get("x", "x")
    at_once = clock.now() - started
    await client.get("x", "x")

    assert at_once == 0
    assert clock.now() - started >= 600


async def test_timeouts(
    vendor: Vendor, session: aiohttp.ClientSession, client_of: ClientFactory, clock: FakeClock, observer: Recorder
) -> None:
    """A timeout is tried again and counted by its reason."""
    transport = Transport(session=session, clock=clock, timeout_seconds=0.05)
    vendor.on("/api/x", never, says([1]))

    found = await client_of(transport=transport).get("x", "x")

    assert found == [1]
    assert observer.requests == [("x", "timeout"), ("x", "200")]
    assert observer.retries == ["timeout"]


@pytest.mark.parametrize("reset", [True, False])
async def test_broken_connections(*, reset: bool, client_of: ClientFactory, observer: Recorder) -> None:
    """A connection that breaks is tried again, then reported as such."""
    async with raw_server(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n[1,", reset=reset) as url:
        with pytest.raises(Unreachable):
            await client_of(base_url=url).get("x", "x")

    assert observer.requests == [("x", "connection")] * 4
    assert observer.retries == ["connection"] * 3


async def test_token_endpoint_down(vendor: Vendor, client_of: ClientFactory, tokens: Tokens) -> None:
    """A token endpoint that fails for a moment does not fail the question."""
    vendor.on("/api/x", says([1]))
    vendor.first("/token", says({}, status=503), says({}, status=503))

    assert await client_of(tokens=tokens).get("x", "x") == [1]


async def test_silent_observer(vendor: Vendor, client_of: ClientFactory, tokens: Tokens) -> None:
    """A client works for someone who does not count."""
    vendor.on("/api/x", says({}, status=429), says([1]))

    assert await client_of(tokens=tokens, observer=SilentObserver()).get("x", "x") == [1]


async def test_rate_is_kept(vendor: Vendor, client_of: ClientFactory, clock: FakeClock) -> None:
    """Twenty questions at two a second take the time they must."""
    vendor.on("/api/x", says([]))
    client = client_of(limiter=Limiter(2.0, 4, clock))
    started = clock.now()

    await asyncio.gather(*(client.get("x", "x") for _ in range(20)))

    assert clock.now() - started == pytest.approx(9.5)


async def test_a_probe_is_one_request(vendor: Vendor, client_of: ClientFactory) -> None:
    """A look at a source that keeps failing is sent once, not retried."""
    vendor.on("/api/x", says({}, status=503))

    with metered(probe=True) as meter, pytest.raises(ServerFailed):
        await client_of().get("x", "x")

    assert meter.requests == 1
