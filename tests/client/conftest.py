from collections.abc import AsyncIterator, Callable
from typing import Any

import aiohttp
import pytest
from aiohttp import web

from exporter.client.json_client import JsonClient
from exporter.client.limiter import Limiter
from exporter.client.retry import RetryPolicy
from exporter.client.tokens import ClientSecretGrant, Secret, Tokens
from exporter.client.transport import Transport
from tests.client.recorder import Recorder
from tests.client.vendor import Vendor, serving
from tests.support.clock import FakeClock
from tests.support.observer import SilentObserver

ClientFactory = Callable[..., JsonClient]


@pytest.fixture
def clock() -> FakeClock:
    """Put time in the hands of the test."""
    return FakeClock()


@pytest.fixture
def observer() -> Recorder:
    """Return what keeps all the client tells."""
    return Recorder()


@pytest.fixture
async def vendor() -> AsyncIterator[Vendor]:
    """Run the server we are configured for."""
    async with serving(Vendor()) as running:
        yield running


@pytest.fixture
async def stranger() -> AsyncIterator[Vendor]:
    """Run a server we must not talk to."""
    async with serving(Vendor()) as running:
        yield running


@pytest.fixture
async def session() -> AsyncIterator[aiohttp.ClientSession]:
    """Open the session that the app would own."""
    async with aiohttp.ClientSession() as opened:
        yield opened


@pytest.fixture
def transport(session: aiohttp.ClientSession, clock: FakeClock) -> Transport:
    """Return a patient transport with a small limit."""
    return Transport(session=session, clock=clock, timeout_seconds=20.0, max_body_bytes=200_000)


@pytest.fixture
def client_of(transport: Transport, vendor: Vendor, clock: FakeClock, observer: Recorder) -> ClientFactory:
    """Build a client of the vendor, any part of it replaceable."""

    def build(**parts: Any) -> JsonClient:
        standard: dict[str, Any] = {
            "transport": transport,
            "base_url": vendor.url + "/api",
            "tokens": None,
            "limiter": Limiter(100.0, 4, clock),
            "policy": RetryPolicy(),
            "clock": clock,
            "observer": observer,
            "jitter": lambda: 0.5,
        }
        return JsonClient(**{**standard, **parts})

    return build


@pytest.fixture
def tokens(vendor: Vendor, transport: Transport, clock: FakeClock) -> Tokens:
    """Return tokens of the vendor, which numbers them."""
    numbers = iter(range(1, 1000))

    async def grant(_: web.Request) -> web.Response:
        return web.json_response({"access_token": f"tok-{next(numbers)}", "expires_in": 3600})

    vendor.on("/token", grant)
    return Tokens(
        transport=transport,
        token_url=vendor.url + "/token",
        grant=ClientSecretGrant("my-id", Secret.of("s3cret", None)),
        scopes=["a"],
        clock=clock,
        observer=SilentObserver(),
    )
