"""Tokens whose address is found out when they are needed, and their end."""

import asyncio
from collections.abc import Callable
from typing import Any

import pytest
from aiohttp import web

from exporter.client.json_client import JsonClient
from exporter.client.limiter import Limiter
from exporter.client.tokens import PasswordGrant, Secret, Tokens, TokenUrl
from exporter.client.transport import Transport
from exporter.errors import CredentialsRefused, NotFound, ServerFailed, SourceError, TimedOut, Unreachable
from tests.client.conftest import ClientFactory
from tests.client.recorder import Recorder
from tests.client.vendor import Vendor, everything_said, never, says, sends
from tests.support.clock import FakeClock

TokensOf = Callable[[TokenUrl], Tokens]


@pytest.fixture
def tokens_of(transport: Transport, clock: FakeClock, observer: Recorder) -> TokensOf:
    """Return a way to make tokens of some address."""

    def build(url: TokenUrl) -> Tokens:
        grant = PasswordGrant("svc", Secret.of("s3cret", None), {})
        return Tokens(transport=transport, token_url=url, grant=grant, scopes=[], clock=clock, observer=observer)

    return build


@pytest.fixture
def tokens(vendor: Vendor, tokens_of: TokensOf) -> Tokens:
    """Return the tokens of the vendor, which gives the same one each time."""
    vendor.on("/Token", says({"access_token": "tok-1", "expires_in": 3600}))
    return tokens_of(vendor.url + "/Token")


async def test_address_found_out(vendor: Vendor, tokens_of: TokensOf) -> None:
    """An address that is found out is found out for each token, and only then."""
    addresses = iter(["/v7/Token", "/v8/Token"])
    vendor.on("/v7/Token", says({"access_token": "tok-7"}))
    vendor.on("/v8/Token", says({"access_token": "tok-8"}))

    async def address() -> str:
        return vendor.url + next(addresses)

    tokens = tokens_of(address)
    first = [await tokens.header() for _ in range(3)]
    tokens.invalidate("Bearer tok-7")

    assert first == ["Bearer tok-7"] * 3
    assert await tokens.header() == "Bearer tok-8"


async def test_address_not_found_out(tokens_of: TokensOf, client_of: ClientFactory) -> None:
    """What finding out the address raises reaches the caller as it is, as a fault of the whole source."""

    async def address() -> str:
        raise NotFound("no API generation we know")

    with pytest.raises(NotFound, match=r"^no API generation we know$") as caught:
        await client_of(tokens=tokens_of(address)).get("x", "x")

    assert caught.value.source_wide


async def test_hint_of_a_found_address(vendor: Vendor, tokens_of: TokensOf) -> None:
    """Where no setting names the address, a 404 blames none."""

    async def address() -> str:
        return vendor.url + "/v9/Token"

    with pytest.raises(NotFound, match=r"^token: 127\.0\.0\.1 answered 404: is the address right\?$"):
        await tokens_of(address).header()


@pytest.mark.parametrize("address", ["", "http://[", "nonsense"])
async def test_no_address(address: str, tokens_of: TokensOf) -> None:
    """An address that is none is an error of ours like any other."""

    async def found() -> str:
        return address

    with pytest.raises(SourceError, match="not a URL"):
        await tokens_of(found).header()


async def test_finding_out_takes_no_place(
    vendor: Vendor, tokens_of: TokensOf, client_of: ClientFactory, clock: FakeClock
) -> None:
    """Finding out the address may ask through the same limiter: who waits for a token holds no place in it."""
    client: JsonClient

    async def address() -> str:
        assert await client.status("generation", "ServiceInstance") == 401
        return vendor.url + "/Token"

    vendor.on("/Token", says({"access_token": "tok-1"}))
    vendor.on("/api/ServiceInstance", sends(b"", status=401))
    vendor.on("/api/x", says([]))
    client = client_of(tokens=tokens_of(address), limiter=Limiter(100.0, 1, clock))

    await asyncio.gather(*(client.get("x", "x") for _ in range(5)))

    assert vendor.paths == ["/api/ServiceInstance", "/Token"] + ["/api/x"] * 5


async def test_newest_token_is_sent(vendor: Vendor, tokens: Tokens, client_of: ClientFactory, clock: FakeClock) -> None:
    """A question that waited for its turn goes out with the token of that moment."""
    vendor.first("/Token", says({"access_token": "old"}))
    vendor.on("/api/x", says([]))
    limiter = Limiter(100.0, 1, clock)
    client = client_of(tokens=tokens, limiter=limiter)
    await tokens.header()

    async with limiter.slot():
        waiting = asyncio.create_task(client.get("x", "x"))
        await asyncio.sleep(0)
        tokens.invalidate("Bearer old")
        await tokens.header()
    await waiting

    assert vendor.seen[-1].headers["Authorization"] == "Bearer tok-1"


@pytest.mark.parametrize("status", [200, 204])
async def test_logout(status: int, vendor: Vendor, tokens: Tokens, observer: Recorder) -> None:
    """The end of a token is told to the vendor with the token itself, which is not held any more."""
    vendor.on("/logout", sends(b"", status=status))
    await tokens.header()

    await tokens.end(vendor.url + "/logout")

    assert (vendor.seen[-1].method, vendor.seen[-1].path) == ("POST", "/logout")
    assert vendor.seen[-1].headers["Authorization"] == "Bearer tok-1"
    assert tokens.held() is None
    assert observer.requests == [("token", "200"), ("logout", str(status))]


async def test_no_token_to_end(vendor: Vendor, tokens: Tokens, clock: FakeClock) -> None:
    """Without a token that still lives there is nobody to log out."""
    await tokens.end(vendor.url + "/logout")
    await tokens.header()
    clock.advance(3600)

    await tokens.end(vendor.url + "/logout")

    assert vendor.paths == ["/Token"]


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        (says({}, status=404), NotFound),
        (sends(b"", status=401), CredentialsRefused),
        (says({}, status=500), ServerFailed),
        (never, TimedOut),
    ],
)
async def test_logout_that_fails(answer: Any, expected: type[SourceError], vendor: Vendor, tokens: Tokens) -> None:
    """A logout that fails says so within its time; the token is dropped all the same."""
    vendor.on("/logout", answer)
    await tokens.header()

    with pytest.raises(expected, match=r"^logout: 127\.0\.0\.1 ") as caught:
        await tokens.end(vendor.url + "/logout", timeout_seconds=0.2)

    assert tokens.held() is None
    assert "tok-1" not in everything_said(caught.value)


async def test_logout_of_nobody_there(tokens: Tokens) -> None:
    """A server that has gone is an error for the caller to judge."""
    await tokens.header()

    with pytest.raises(Unreachable):
        await tokens.end("http://127.0.0.1:1/logout")

    assert tokens.held() is None


async def test_logout_during_a_token_request(vendor: Vendor, tokens: Tokens) -> None:
    """A token that is only just asked for is not held after the end either."""
    arrived = asyncio.Event()

    async def slow(request: web.Request) -> web.StreamResponse:
        arrived.set()
        return await never(request)

    vendor.first("/Token", slow)
    waiting = asyncio.create_task(tokens.header())
    await arrived.wait()

    await tokens.end(vendor.url + "/logout")
    await asyncio.gather(waiting, return_exceptions=True)

    assert tokens.held() is None
    assert vendor.paths == ["/Token"]
    assert await tokens.header() == "Bearer tok-1"
