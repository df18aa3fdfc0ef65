"""Questions whose answer is, or may be, in a status that stands for a failure."""

from typing import Any

import pytest

from exporter.client.meter import metered
from exporter.client.retry import RetryPolicy
from exporter.client.tokens import Tokens
from exporter.errors import ServerFailed, Throttled, Unreachable
from tests.client.conftest import ClientFactory
from tests.client.recorder import Recorder
from tests.client.vendor import Vendor, everything_said, raw_server, says, sends
from tests.support.clock import FakeClock

UNHEALTHY = {"status": "Unhealthy", "entries": {}}


def has_status(found: Any) -> bool:
    """Tell whether that is a report of somebody's health."""
    return isinstance(found, dict) and isinstance(found.get("status"), str)


@pytest.mark.parametrize("status", [200, 500, 503])
async def test_failure_that_is_an_answer(
    status: int, vendor: Vendor, client_of: ClientFactory, observer: Recorder, clock: FakeClock
) -> None:
    """A health check that says 503 and means it is answered at once, and slows nothing."""
    vendor.on("/api/Health", says(UNHEALTHY, status=status, Retry_After="30"))

    found = await client_of().get("health", "Health", answer_if=has_status)

    assert found == UNHEALTHY
    assert observer.requests == [("health", str(status))]
    assert (observer.retries, observer.throttles, observer.rates, clock.waits) == ([], 0, [100.0], [])


@pytest.mark.parametrize(
    "body", [b"", b"<html>", b"[]", b"{}", b'{"status": 503}', b'{"status": "Unhea', b"null"], ids=str
)
async def test_failure_that_is_none(body: bytes, vendor: Vendor, client_of: ClientFactory) -> None:
    """A 503 that is no such answer is a failure as ever."""
    vendor.on("/api/Health", sends(body, status=503))

    with pytest.raises(ServerFailed):
        await client_of().get("health", "Health", answer_if=has_status)

    assert len(vendor.seen) == 4


async def test_health_after_a_failure(vendor: Vendor, client_of: ClientFactory) -> None:
    """What comes of a further attempt may be the answer as well."""
    vendor.on("/api/Health", sends(b"", status=503), says(UNHEALTHY, status=503))

    assert await client_of().get("health", "Health", answer_if=has_status) == UNHEALTHY


async def test_throttling_is_no_answer(vendor: Vendor, client_of: ClientFactory, observer: Recorder) -> None:
    """A 429 is heeded whatever its body says."""
    vendor.on("/api/Health", says(UNHEALTHY, status=429))

    with pytest.raises(Throttled):
        await client_of().get("health", "Health", answer_if=has_status)

    assert observer.throttles == 4


async def test_token_of_a_health_check(vendor: Vendor, client_of: ClientFactory, tokens: Tokens) -> None:
    """A token that has ended is replaced before anything is taken for an answer."""
    vendor.on("/api/Health", says(UNHEALTHY, status=401), says({"status": "Healthy"}))

    found = await client_of(tokens=tokens).get("health", "Health", answer_if=has_status)

    assert found == {"status": "Healthy"}


@pytest.mark.parametrize("status", [200, 204, 302, 400, 401, 403, 404, 418, 501])
async def test_status(
    status: int, vendor: Vendor, stranger: Vendor, client_of: ClientFactory, tokens: Tokens, observer: Recorder
) -> None:
    """The status alone is asked for without a token, once, and is returned whatever it is."""
    headers = {"Location": stranger.url} if status == 302 else {}
    vendor.on("/api/ServiceInstance", sends(b"", status=status, **headers))

    with metered() as meter:
        found = await client_of(tokens=tokens).status("generation", "ServiceInstance")

    assert found == status
    assert vendor.paths == ["/api/ServiceInstance"]
    assert "Authorization" not in vendor.seen[0].headers
    assert observer.requests == [("generation", str(status))]
    assert meter.requests == 1
    assert stranger.seen == []


@pytest.mark.parametrize("status", [408, 429, 500, 503])
async def test_status_that_may_pass(
    status: int, vendor: Vendor, client_of: ClientFactory, observer: Recorder, clock: FakeClock
) -> None:
    """A server in trouble is asked again before its status is believed."""
    vendor.on("/api/x", says({}, status=status), sends(b"", status=401))

    assert await client_of().status("generation", "x") == 401
    assert len(observer.retries) == 1
    assert clock.waits


@pytest.mark.parametrize("status", [429, 503])
async def test_status_that_stays(status: int, vendor: Vendor, client_of: ClientFactory) -> None:
    """Trouble that does not pass is the answer in the end."""
    vendor.on("/api/x", says({}, status=status))

    assert await client_of().status("generation", "x") == status
    assert len(vendor.seen) == 4


async def test_status_of_a_probe(vendor: Vendor, client_of: ClientFactory) -> None:
    """A look at a source that keeps failing costs one request here too."""
    vendor.on("/api/x", says({}, status=503))

    with metered(probe=True):
        assert await client_of().status("generation", "x") == 503

    assert len(vendor.seen) == 1


async def test_status_of_nobody(client_of: ClientFactory, observer: Recorder) -> None:
    """Where nobody answers there is no status, after every retry."""
    async with raw_server(b"") as url:
        with pytest.raises(Unreachable):
            await client_of(base_url=url).status("generation", "x")

    assert observer.requests == [("generation", "connection")] * 4


@pytest.mark.parametrize(("lasting", "asked"), [(frozenset[str](), 4), (frozenset({"ProxyOffline"}), 1)])
async def test_code(lasting: frozenset[str], asked: int, vendor: Vendor, client_of: ClientFactory) -> None:
    """The caller learns the vendor's code, and may have some of them end the attempts."""
    body = {"message": "proxy of someone@example.com", "errorCode": "ProxyOffline", "stackTrace": None}
    vendor.on("/api/x", says(body, status=500))

    with pytest.raises(ServerFailed, match="500 ProxyOffline") as caught:
        await client_of(policy=RetryPolicy(lasting_codes=lasting)).get("x", "x")

    assert caught.value.code == "ProxyOffline"
    assert len(vendor.seen) == asked
    assert "example.com" not in everything_said(caught.value)
