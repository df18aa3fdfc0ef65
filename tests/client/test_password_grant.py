from pathlib import Path
from typing import Any

import pytest

from exporter.client.tokens import PasswordGrant, Secret, Tokens
from exporter.client.transport import Transport
from exporter.errors import CredentialsRefused, ServerFailed, SourceError
from tests.client.conftest import ClientFactory
from tests.client.recorder import Recorder
from tests.client.vendor import Vendor, everything_said, form_of, says, sends
from tests.support.clock import FakeClock

EXTRA = {"disable_antiforgery_token": "true"}
PASSWORD = {"grant_type": "password", "username": "NORTHWIND\\svc", "password": "s3cret", **EXTRA}


def refresh(number: int) -> dict[str, str]:
    """Return the form of a refresh token."""
    return {"grant_type": "refresh_token", "refresh_token": f"re-{number}", **EXTRA}


def granted(number: int, **more: Any) -> dict[str, Any]:
    """Return an answer with a token and a refresh token."""
    return {"access_token": f"tok-{number}", "expires_in": 3600, "refresh_token": f"re-{number}", **more}


@pytest.fixture
def grant() -> PasswordGrant:
    """Return the grant of a user."""
    return PasswordGrant("NORTHWIND\\svc", Secret.of("s3cret", None), EXTRA)


@pytest.fixture
def tokens(grant: PasswordGrant, vendor: Vendor, transport: Transport, clock: FakeClock, observer: Recorder) -> Tokens:
    """Return the tokens of that user."""
    return Tokens(
        transport=transport,
        token_url=vendor.url + "/v8/Token",
        grant=grant,
        scopes=[],
        clock=clock,
        observer=observer,
    )


async def forget(tokens: Tokens) -> str:
    """Have the token refused and return the next one."""
    tokens.invalidate(await tokens.header())
    return await tokens.header()


async def test_password_then_refresh(vendor: Vendor, tokens: Tokens) -> None:
    """The first token costs the password, each later one the refresh token of the one before."""
    vendor.on("/v8/Token", says(granted(1)), says(granted(2)), says(granted(3)))

    headers = [await tokens.header(), await forget(tokens), await forget(tokens)]

    assert headers == ["Bearer tok-1", "Bearer tok-2", "Bearer tok-3"]
    assert [form_of(seen) for seen in vendor.seen] == [PASSWORD, refresh(1), refresh(2)]


@pytest.mark.parametrize("token", [None, "", 7])
async def test_no_refresh_token(token: Any, vendor: Vendor, tokens: Tokens) -> None:
    """Where the server gives no refresh token, each token costs the password."""
    vendor.on("/v8/Token", says(granted(1, refresh_token=token)))

    await tokens.header()
    await forget(tokens)

    assert [form_of(seen) for seen in vendor.seen] == [PASSWORD, PASSWORD]


@pytest.mark.parametrize("status", [400, 401, 403])
async def test_refresh_refused(status: int, vendor: Vendor, tokens: Tokens, observer: Recorder) -> None:
    """A refused refresh token is forgotten, and the password asked with at once."""
    vendor.on("/v8/Token", says(granted(1)), says({"message": "no"}, status=status), says(granted(2)))
    await tokens.header()

    assert await forget(tokens) == "Bearer tok-2"
    assert [form_of(seen) for seen in vendor.seen] == [PASSWORD, refresh(1), PASSWORD]
    assert observer.requests == [("token", "200"), ("token", str(status)), ("token", "200")]


async def test_refresh_fails_otherwise(vendor: Vendor, tokens: Tokens) -> None:
    """A refresh that fails on the server's side is an error, and the next attempt uses the password."""
    vendor.on("/v8/Token", says(granted(1)), says({}, status=500), says(granted(2)))
    await tokens.header()

    with pytest.raises(ServerFailed):
        await forget(tokens)

    assert await tokens.header() == "Bearer tok-2"
    assert [form_of(seen) for seen in vendor.seen] == [PASSWORD, refresh(1), PASSWORD]


@pytest.mark.parametrize(
    "answer", [says({"message": "s3cret of re-1"}, status=400), says({"error": "invalid_grant"}, status=400)]
)
async def test_password_refused(answer: Any, vendor: Vendor, tokens: Tokens) -> None:
    """Only the password's refusal is ours; it costs one request more than the refresh and repeats no word of it."""
    vendor.on("/v8/Token", says(granted(1)), answer)
    await tokens.header()

    with pytest.raises(CredentialsRefused, match="answered 400") as caught:
        await forget(tokens)

    assert [form_of(seen) for seen in vendor.seen] == [PASSWORD, refresh(1), PASSWORD]
    assert "s3cret" not in everything_said(caught.value)
    assert "re-1" not in everything_said(caught.value)


async def test_password_refused_at_first(vendor: Vendor, tokens: Tokens) -> None:
    """A password that is refused is not sent twice."""
    vendor.on("/v8/Token", says({"message": "Login failed"}, status=400))

    with pytest.raises(CredentialsRefused, match="answered 400") as caught:
        await tokens.header()

    assert len(vendor.seen) == 1
    assert "Login failed" not in everything_said(caught.value)


async def test_renewed_ahead(vendor: Vendor, tokens: Tokens, clock: FakeClock) -> None:
    """A renewal ahead of time uses the refresh token too; if it fails, the token is used on."""
    vendor.on("/v8/Token", says(granted(1)), says({}, status=503), says(granted(2)))
    await tokens.header()

    clock.advance(3301)
    kept = await tokens.header()
    clock.advance(31)

    assert (kept, await tokens.header()) == ("Bearer tok-1", "Bearer tok-2")
    assert [form_of(seen) for seen in vendor.seen] == [PASSWORD, refresh(1), PASSWORD]


async def test_nothing_is_printed(vendor: Vendor, tokens: Tokens, grant: PasswordGrant) -> None:
    """Neither password nor refresh token nor access token shows itself."""
    vendor.on("/v8/Token", says(granted(1)))
    await tokens.header()

    printed = f"{grant!r} {vars(grant)!r} {vars(tokens)!r}"

    assert not [secret for secret in ("s3cret", "re-1", "tok-1") if secret in printed]


async def test_empty_401(vendor: Vendor, client_of: ClientFactory, tokens: Tokens, observer: Recorder) -> None:
    """A token that ends in the middle of a run, told by 401 with an empty body, is refreshed unseen."""
    vendor.on("/v8/Token", says(granted(1)), says(granted(2)))
    vendor.on("/api/x", says([1]), sends(b"", status=401), says([2]))
    client = client_of(tokens=tokens)

    found = [await client.get("x", "x"), await client.get("x", "x")]

    assert found == [[1], [2]]
    assert [form_of(seen) for seen in vendor.seen if seen.path == "/v8/Token"] == [PASSWORD, refresh(1)]
    assert observer.retries == ["auth"]


async def test_empty_401_for_good(vendor: Vendor, client_of: ClientFactory, tokens: Tokens) -> None:
    """If the fresh token meets the same, it is the credentials, not an answer that cannot be read."""
    vendor.on("/v8/Token", says(granted(1)))
    vendor.on("/api/x", sends(b"", status=401))

    with pytest.raises(CredentialsRefused, match="answered 401: even with a fresh token"):
        await client_of(tokens=tokens).get("x", "x")

    assert vendor.paths == ["/v8/Token", "/api/x", "/v8/Token", "/api/x"]


async def test_missing_password(vendor: Vendor, transport: Transport, clock: FakeClock, observer: Recorder) -> None:
    """Without a password nobody is asked."""
    grant = PasswordGrant("svc", Secret.of(None, None), {})
    tokens = Tokens(transport=transport, token_url=vendor.url, grant=grant, scopes=[], clock=clock, observer=observer)

    with pytest.raises(SourceError, match="no secret"):
        await tokens.header()

    assert vendor.seen == []


async def test_a_refused_password_rests(vendor: Vendor, tokens: Tokens, clock: FakeClock) -> None:
    """A wrong password goes out once in ten minutes, however often a token is wanted: accounts get locked."""
    vendor.on("/v8/Token", says({"message": "Login failed"}, status=400))
    for _ in range(30):
        with pytest.raises(CredentialsRefused):
            await tokens.header()
        clock.advance(20)
    assert len(vendor.seen) == 1

    with pytest.raises(CredentialsRefused):
        await tokens.header()

    assert len(vendor.seen) == 2


async def test_what_to_look_at(vendor: Vendor, tokens: Tokens) -> None:
    """A refused password says what to look at, not what the server said."""
    vendor.on("/v8/Token", says({"message": "no such user: svc"}, status=400))

    with pytest.raises(CredentialsRefused, match="are user name and password right") as caught:
        await tokens.header()

    assert "no such user" not in str(caught.value)


async def test_a_changed_password_does_not_rest(
    tmp_path: Path, vendor: Vendor, transport: Transport, clock: FakeClock, observer: Recorder
) -> None:
    """A password that was put right in its file is offered at once, and from then on all is as before."""
    path = tmp_path / "password"
    path.write_text("wrong")
    tokens = Tokens(
        transport=transport,
        token_url=vendor.url + "/v8/Token",
        grant=PasswordGrant("svc", Secret.of(None, path), {}),
        scopes=[],
        clock=clock,
        observer=observer,
    )
    vendor.on("/v8/Token", says({"message": "Login failed"}, status=400), says(granted(1)))
    with pytest.raises(CredentialsRefused):
        await tokens.header()
    with pytest.raises(CredentialsRefused, match="offered again in 600 s"):
        await tokens.header()

    path.write_text("right")

    assert await tokens.header() == "Bearer tok-1"
    assert len(vendor.seen) == 2
