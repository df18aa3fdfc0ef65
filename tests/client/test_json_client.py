import asyncio
from typing import Any

import orjson
import pytest
from aiohttp import web

from exporter.client.limiter import Limiter
from exporter.client.meter import metered
from exporter.client.retry import RetryPolicy
from exporter.client.tokens import Tokens
from exporter.errors import (
    AnswerTooLarge,
    AnswerUnreadable,
    CredentialsRefused,
)
from tests.client.conftest import ClientFactory
from tests.client.recorder import Recorder
from tests.client.vendor import Vendor, everything_said, says, sends
from tests.support.clock import FakeClock


async def test_get(vendor: Vendor, client_of: ClientFactory, observer: Recorder) -> None:
    """A path is asked for below the base URL, and its JSON returned."""
    vendor.on("/api/a b/jobs", says({"rows": [1, None]}))

    found = await client_of().get("jobs", "/a b/jobs", {"pageIndex": "1", "q": "x y"})

    assert found == {"rows": [1, None]}
    assert vendor.paths == ["/api/a%20b/jobs?pageIndex=1&q=x+y"]
    assert vendor.seen[0].headers["Accept"] == "application/json"
    assert "Authorization" not in vendor.seen[0].headers
    assert observer.requests == [("jobs", "200")]
    assert observer.rates == [100.0]


@pytest.mark.parametrize("path", ["jobs", "/jobs"])
@pytest.mark.parametrize("slash", ["", "/"])
async def test_slashes(path: str, slash: str, vendor: Vendor, client_of: ClientFactory) -> None:
    """Slashes between base URL and path are neither doubled nor lost."""
    vendor.on("/api/jobs", says([]))

    await client_of(base_url=vendor.url + "/api" + slash).get("jobs", path)

    assert vendor.paths == ["/api/jobs"]


async def test_post(vendor: Vendor, client_of: ClientFactory) -> None:
    """A question by POST carries its filter as JSON and may be asked again."""
    vendor.on("/api/batch", says({}, status=503), says([1]))

    found = await client_of().post("jobs", "batch", {"customerIds": ["x"]})

    assert found == [1]
    assert [orjson.loads(seen.body) for seen in vendor.seen] == [{"customerIds": ["x"]}] * 2


async def test_token_is_sent(vendor: Vendor, client_of: ClientFactory, tokens: Tokens) -> None:
    """Every question bears the token and declares JSON, as the vendor asks."""
    vendor.on("/api/x", says([]))
    client = client_of(tokens=tokens)

    await client.get("x", "x")
    await client.get("x", "x")

    assert vendor.paths == ["/token", "/api/x", "/api/x"]
    assert {seen.headers["Authorization"] for seen in vendor.seen[1:]} == {"Bearer tok-1"}
    assert vendor.seen[1].headers["Content-Type"] == "application/json"


async def test_expired_token(
    vendor: Vendor, client_of: ClientFactory, tokens: Tokens, observer: Recorder, clock: FakeClock
) -> None:
    """A token refused in the middle of a run is replaced once, without waiting and unseen by the caller."""
    vendor.on("/api/x", says([1]), says({}, status=401), says([2]))
    client = client_of(tokens=tokens, policy=RetryPolicy(attempts=1), limiter=Limiter(1000.0, 4, clock))

    found = [await client.get("x", "x"), await client.get("x", "x")]

    assert found == [[1], [2]]
    assert vendor.paths == ["/token", "/api/x", "/api/x", "/token", "/api/x"]
    assert vendor.seen[-1].headers["Authorization"] == "Bearer tok-2"
    assert observer.retries == ["auth"]
    assert clock.waits == []


async def test_many_expired_at_once(vendor: Vendor, client_of: ClientFactory, tokens: Tokens) -> None:
    """When a token ends under many questions at once, one new token serves them all."""

    async def old_is_refused(request: web.Request) -> web.Response:
        return web.json_response([], status=401 if request.headers["Authorization"] == "Bearer tok-1" else 200)

    vendor.on("/api/x", old_is_refused)
    client = client_of(tokens=tokens)

    await asyncio.gather(*(client.get("x", "x") for _ in range(10)))

    assert vendor.paths.count("/token") == 2


async def test_refused_for_good(vendor: Vendor, client_of: ClientFactory, tokens: Tokens) -> None:
    """A fresh token refused as well ends the attempt: a person must act."""
    vendor.on("/api/x", says({"error": "top tok-1"}, status=401))

    with pytest.raises(CredentialsRefused) as caught:
        await client_of(tokens=tokens).get("x", "x")

    assert vendor.paths == ["/token", "/api/x", "/token", "/api/x"]
    assert "tok-" not in everything_said(caught.value)


async def test_refused_without_tokens(vendor: Vendor, client_of: ClientFactory) -> None:
    """Where there is no token to renew, a 401 is final at once."""
    vendor.on("/api/x", says({}, status=401))

    with pytest.raises(CredentialsRefused):
        await client_of().get("x", "x")

    assert len(vendor.seen) == 1


async def test_no_content(vendor: Vendor, client_of: ClientFactory) -> None:
    """204 is an answer without content."""
    vendor.on("/api/x", sends(b"", status=204))

    assert await client_of().get("x", "x") is None


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (sends(b""), "empty body"),
        (sends(b'{"rows": [1, 2'), "application/json, not JSON: 14 bytes, cut short"),
        (sends(b"<html>someone@example.com</html>", "text/html"), "text/html, not JSON: a proxy's or login page"),
    ],
)
async def test_unreadable(answer: Any, message: str, vendor: Vendor, client_of: ClientFactory) -> None:
    """An answer that is not JSON says what it was instead, and is not asked for again."""
    vendor.on("/api/x", answer)

    with pytest.raises(AnswerUnreadable, match=f"^x: .*{message}") as caught:
        await client_of().get("x", "x")

    assert len(vendor.seen) == 1
    assert "example.com" not in everything_said(caught.value)


async def test_too_large(vendor: Vendor, client_of: ClientFactory, observer: Recorder) -> None:
    """A body beyond the limit is not asked for again."""
    vendor.on("/api/x", sends(b" " * 300_000))

    with pytest.raises(AnswerTooLarge):
        await client_of().get("x", "x")

    assert observer.requests == [("x", "too_large")]


async def test_metered(vendor: Vendor, client_of: ClientFactory, tokens: Tokens) -> None:
    """What a collection costs includes its retries, but not its token: that is asked of another host."""
    vendor.on("/api/x", says({}, status=500), says([1]))

    with metered() as meter:
        await client_of(tokens=tokens).get("x", "x")

    assert meter.requests == 2
