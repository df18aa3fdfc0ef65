import asyncio
import gc
from typing import Any
from urllib.parse import parse_qs

import pytest
from aiohttp import web

from exporter.client.tokens import ClientSecretGrant, Secret, Tokens
from exporter.client.transport import Transport
from exporter.errors import (
    AnswerUnreadable,
    CredentialsRefused,
    ForeignPage,
    NotFound,
    PermissionMissing,
    ServerFailed,
    SourceError,
    Throttled,
)
from tests.client.recorder import Recorder
from tests.client.vendor import Vendor, everything_said, says, sends
from tests.support.clock import FakeClock


def granted(number: int = 1, expires_in: Any = 3600) -> dict[str, Any]:
    """Return the vendor's answer to a token request."""
    return {"access_token": f"tok-{number}", "token_type": "Bearer", "expires_in": expires_in}


@pytest.fixture
def tokens(vendor: Vendor, transport: Transport, clock: FakeClock, observer: Recorder) -> Tokens:
    """Tokens of two scopes."""
    return Tokens(
        transport=transport,
        token_url=vendor.url + "/token",
        grant=ClientSecretGrant("my-id", Secret.of("s3cret", None)),
        scopes=["jobs.read", "license.read"],
        clock=clock,
        observer=observer,
    )


async def test_fetched_once(vendor: Vendor, tokens: Tokens, observer: Recorder, clock: FakeClock) -> None:
    """A token is fetched at its first use and used until it must be renewed."""
    vendor.on("/token", says(granted()))

    headers = {await tokens.header() for _ in range(5)}

    assert headers == {"Bearer tok-1"}
    assert [parse_qs(seen.body.decode()) for seen in vendor.seen] == [
        {
            "grant_type": ["client_credentials"],
            "client_id": ["my-id"],
            "client_secret": ["s3cret"],
            "scope": ["jobs.read license.read"],
        }
    ]
    assert observer.requests == [("token", "200")]
    assert observer.expiries == [clock.now() + 3600]


async def test_no_scopes(vendor: Vendor, transport: Transport, clock: FakeClock, observer: Recorder) -> None:
    """Without scopes none are sent."""
    vendor.on("/token", says(granted()))
    grant = ClientSecretGrant("my-id", Secret.of("s3cret", None))
    tokens = Tokens(
        transport=transport,
        token_url=vendor.url + "/token",
        grant=grant,
        scopes=[],
        clock=clock,
        observer=observer,
    )

    await tokens.header()

    assert b"scope" not in vendor.seen[0].body


@pytest.mark.parametrize(
    ("expires_in", "renewed_after"),
    [
        (3600, 3300),
        ("3600", 3300),
        (100, 80),
        (10**9, 86100),
        (None, 3300),
        ("soon", 3300),
        (0, 3300),
        (-5, 3300),
        (True, 3300),
        ("nan", 3300),
        ([], 3300),
    ],
)
async def test_renewed_ahead(
    expires_in: Any, renewed_after: float, vendor: Vendor, tokens: Tokens, clock: FakeClock
) -> None:
    """A token is renewed before its end by a fifth of its life, five minutes at most."""
    vendor.on("/token", says(granted(1, expires_in)), says(granted(2)))

    first = await tokens.header()
    clock.advance(renewed_after - 0.5)
    still = await tokens.header()
    clock.advance(1.0)

    assert (first, still, await tokens.header()) == ("Bearer tok-1", "Bearer tok-1", "Bearer tok-2")


async def test_single_flight(vendor: Vendor, tokens: Tokens) -> None:
    """All who need a token at once share one request."""
    vendor.on("/token", says(granted()))

    headers = await asyncio.gather(*(tokens.header() for _ in range(20)))

    assert set(headers) == {"Bearer tok-1"}
    assert len(vendor.seen) == 1


async def test_cancelled_waiter(vendor: Vendor, tokens: Tokens) -> None:
    """Who stops waiting does not stop the request for the others."""
    arrived, go_on = asyncio.Event(), asyncio.Event()

    async def slow(_: web.Request) -> web.Response:
        arrived.set()
        await go_on.wait()
        return web.json_response(granted())

    vendor.on("/token", slow)
    first, second = (asyncio.create_task(tokens.header()) for _ in range(2))
    await arrived.wait()

    first.cancel()
    await asyncio.gather(first, return_exceptions=True)
    go_on.set()

    assert await second == "Bearer tok-1"
    assert first.cancelled()
    assert len(vendor.seen) == 1


async def test_refresh_that_is_cancelled(vendor: Vendor, tokens: Tokens) -> None:
    """A refresh that the end of the program cancels leaves the next caller free to try."""
    arrived = asyncio.Event()

    async def slow(_: web.Request) -> web.Response:
        arrived.set()
        return await asyncio.Future()

    vendor.on("/token", slow, says(granted()))
    waiting = asyncio.create_task(tokens.header())
    await arrived.wait()

    for task in asyncio.all_tasks():
        if task.get_name() == "token refresh":
            task.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    assert await tokens.header() == "Bearer tok-1"


async def test_failure_is_shared(vendor: Vendor, tokens: Tokens) -> None:
    """A refresh that fails, fails for all who waited, and the next caller tries anew."""
    vendor.on("/token", says({}, status=500), says(granted()))

    failures = await asyncio.gather(*(tokens.header() for _ in range(3)), return_exceptions=True)

    assert [type(failure) for failure in failures] == [ServerFailed] * 3
    assert await tokens.header() == "Bearer tok-1"


async def test_invalidated(vendor: Vendor, tokens: Tokens) -> None:
    """Only the token that was refused is forgotten, not the one that has replaced it."""
    vendor.on("/token", says(granted()), says(granted(2)), says(granted(3)))
    first = await tokens.header()

    tokens.invalidate(first)
    second = await tokens.header()
    tokens.invalidate(first)

    assert (second, await tokens.header()) == ("Bearer tok-2", "Bearer tok-2")


async def test_renewal_that_fails(vendor: Vendor, tokens: Tokens, clock: FakeClock) -> None:
    """While a token lives, a renewal that fails is tried again every 30 s and hurts nobody."""
    refused = says({"error": "invalid_client"}, status=400)
    vendor.on("/token", says(granted()), refused)
    await tokens.header()

    clock.advance(3301)
    kept = [await tokens.header() for _ in range(3)]
    soon = len(vendor.seen)
    clock.advance(29)
    await tokens.header()
    before_retry = len(vendor.seen)
    clock.advance(2)
    await tokens.header()
    after_retry = len(vendor.seen)
    clock.advance(300)

    assert kept == ["Bearer tok-1"] * 3
    assert (soon, before_retry, after_retry) == (2, 2, 3)
    with pytest.raises(CredentialsRefused):
        await tokens.header()


async def test_no_renewal_outlives_the_token(vendor: Vendor, tokens: Tokens, clock: FakeClock) -> None:
    """A renewal that fails in the last seconds of a token does not make it last longer."""
    vendor.on("/token", says(granted()), says({}, status=503), says(granted(2)))
    await tokens.header()
    clock.advance(3590)
    await tokens.header()

    clock.advance(10)

    assert await tokens.header() == "Bearer tok-2"


async def test_failure_nobody_waits_for(vendor: Vendor, tokens: Tokens) -> None:
    """A refresh that fails after its callers have gone is not reported as forgotten."""
    arrived, go_on, failed = asyncio.Event(), asyncio.Event(), asyncio.Event()
    reports: list[dict[str, Any]] = []
    asyncio.get_running_loop().set_exception_handler(lambda _, report: reports.append(report))

    async def slow(_: web.Request) -> web.Response:
        arrived.set()
        await go_on.wait()
        return web.json_response({}, status=503)

    vendor.on("/token", slow)
    waiting = asyncio.create_task(tokens.header())
    await arrived.wait()
    for task in asyncio.all_tasks():
        if task.get_name() == "token refresh":
            task.add_done_callback(lambda _: failed.set())
    del task

    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    go_on.set()
    await failed.wait()
    gc.collect()

    assert reports == []


@pytest.mark.parametrize(
    ("answer", "expected", "message"),
    [
        (says({"error": "invalid_scope"}, status=400), PermissionMissing, "asked for: jobs.read license.read"),
        (says({"error": "invalid_client"}, status=400), CredentialsRefused, "400 invalid_client"),
        (says({"error": "unauthorized_client"}, status=401), CredentialsRefused, "401 unauthorized_client"),
        (says({"error": "I am s3cret"}, status=400), CredentialsRefused, "without an OAuth error code"),
        (says(["s3cret"], status=403), CredentialsRefused, "403 without"),
        (sends(b"", status=401), CredentialsRefused, "401 without"),
        (sends(b"<html>s3cret", "text/html", status=400), ForeignPage, "text/html, not JSON: a proxy's"),
        (sends(b"<html>s3cret", "text/html"), ForeignPage, "text/html, not JSON: a proxy's or login page"),
        (says({"s3cret": "s3cret"}), AnswerUnreadable, "without an access_token"),
        (says({"access_token": ""}), AnswerUnreadable, "without an access_token"),
        (says({"access_token": "s3cret\r\nX: y"}), AnswerUnreadable, "without an access_token"),
        (says(["s3cret"]), AnswerUnreadable, "without an access_token"),
        (says({}, status=404), NotFound, "is token_url right"),
        (says({}, status=429), Throttled, "429"),
        (says({}, status=503), ServerFailed, "503"),
        (says({}, status=415), AnswerUnreadable, "415"),
        (says({}, status=302, Location="https://login.example/"), AnswerUnreadable, "302"),
    ],
)
async def test_refusals(answer: Any, expected: type[SourceError], message: str, vendor: Vendor, tokens: Tokens) -> None:
    """Each way to get no token has its own error, and none repeats the body or the secret."""
    vendor.on("/token", answer)

    with pytest.raises(expected, match=message) as caught:
        await tokens.header()

    assert type(caught.value) is expected
    assert "s3cret" not in everything_said(caught.value)


async def test_unreachable_is_counted(transport: Transport, clock: FakeClock, observer: Recorder) -> None:
    """A token request without an answer is counted by its reason."""
    tokens = Tokens(
        transport=transport,
        token_url="http://127.0.0.1:1/token",
        grant=ClientSecretGrant("my-id", Secret.of("s3cret", None)),
        scopes=["a"],
        clock=clock,
        observer=observer,
    )

    with pytest.raises(SourceError):
        await tokens.header()

    assert observer.requests == [("token", "connection")]


async def test_token_is_not_printed(vendor: Vendor, tokens: Tokens) -> None:
    """What holds the token does not show it."""
    vendor.on("/token", says(granted()))
    await tokens.header()

    assert "tok-1" not in repr(vars(tokens))
