from datetime import UTC, datetime, timedelta
from typing import Any

import jwt
import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID

from exporter.simulator.identity import ASSERTION_TYPE
from exporter.simulator.server import IDENTITY, build_app
from tests.simulator.stage import ELEMENTS, START, Stage, StandingClock, small_world, staged

CLIENT = "0d3adb0e-1111-4222-8333-444455556666"
KEY = rsa.generate_private_key(65537, 2048)
ALIEN = rsa.generate_private_key(65537, 2048)


def certificate(key: rsa.RSAPrivateKey | ec.EllipticCurvePrivateKey) -> bytes:
    """Return a self-signed PEM certificate of *key*."""
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "simulator.example")])
    now = datetime.fromtimestamp(START, UTC)
    builder = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(key.public_key())
    builder = builder.serial_number(1).not_valid_before(now).not_valid_after(now + timedelta(days=1))
    return builder.sign(key, SHA256()).public_bytes(Encoding.PEM)


def assertion(key: rsa.RSAPrivateKey = KEY, **changes: Any) -> str:
    """Return a sound assertion with these claims changed; None takes one away."""
    claims = {
        "iss": CLIENT,
        "sub": CLIENT,
        "aud": "http://127.0.0.1/connect/token",
        "jti": "one",
        "exp": int(START) + 300,
    } | changes
    return jwt.encode({name: each for name, each in claims.items() if each is not None}, key, "RS256")


async def assert_with(stage: Stage, text: str, **form: str) -> int:
    """Return the status of a token request with the assertion *text*."""
    fields = {"client_assertion": text, "client_assertion_type": ASSERTION_TYPE, "client_secret": ""}
    return (await stage.token(**(fields | {"client_id": CLIENT} | form))).status


async def test_secret_gives_a_token(stage: Stage) -> None:
    """Any client with the secret gets a bearer token, its life and its scope."""
    body = await (await stage.token()).json()

    assert body.pop("access_token")
    assert body == {"token_type": "Bearer", "expires_in": 600, "scope": "elements.jobs.read.all"}


async def test_tokens_differ(stage: Stage) -> None:
    """Each request gets its own token."""
    tokens = {(await (await stage.token()).json())["access_token"] for _ in range(5)}

    assert len(tokens) == 5


@pytest.mark.parametrize(
    ("form", "error"),
    [
        ({"client_secret": "wrong"}, "invalid_client"),
        ({"client_secret": ""}, "invalid_client"),
        ({"client_id": ""}, "invalid_client"),
        ({"scope": "elements.everything.write.all"}, "invalid_scope"),
        ({"scope": ""}, "invalid_scope"),
        ({"scope": "elements.jobs.read.all " * 14}, "invalid_scope"),
        ({"grant_type": "password"}, "unsupported_grant_type"),
    ],
)
async def test_refused_token_requests(stage: Stage, form: dict[str, str], error: str) -> None:
    """What is wrong with a token request is named by an OAuth error with status 400."""
    answer = await stage.token(**form)

    assert answer.status == 400
    assert await answer.json() == {"error": error}


async def test_long_scopes_are_refused_though_known(stage: Stage) -> None:
    """Known scopes are granted together, but not in more than 300 characters."""
    everything = " ".join(ELEMENTS)

    assert (await stage.token(scope=everything)).status == 200
    assert (await stage.token(scope=f"{everything} {everything}")).status == 400


@pytest.mark.parametrize("header", [None, "Bearer nonsense", "Basic YTpi"])
async def test_calls_need_a_token(stage: Stage, header: str | None) -> None:
    """Without a token that was issued a call is 401 with an empty body."""
    stage.headers = {"Authorization": header} if header else {}

    answer = await stage.post("/customers/batch")

    assert answer.status == 401
    assert await answer.read() == b""


async def test_tokens_expire() -> None:
    """A token is good until its life is over, then 401; a fresh one works again."""
    async with staged(token_lifetime=60) as stage:
        stage.clock.time += 59
        assert (await stage.post("/customers/batch")).status == 200
        stage.clock.time += 1
        assert (await stage.post("/customers/batch")).status == 401
        await stage.sign_in()
        assert (await stage.post("/customers/batch")).status == 200


async def test_tokens_can_be_revoked(stage: Stage) -> None:
    """After a revocation every token is 401 at once."""
    stage.app[IDENTITY].revoke_all()

    assert (await stage.post("/customers/batch")).status == 401


async def test_scopes_open_their_endpoints_only(stage: Stage) -> None:
    """A token without the endpoint's scope is 403, in both generations."""
    await stage.sign_in("elements.jobs.read.all")
    customer = stage.world.customers(START)[0].id

    assert (await stage.post(f"/customers/{customer}/avpt-products/jobs/batch")).status == 200
    assert (await stage.post("/customers/batch")).status == 403
    assert (await stage.get("/partner/Customers")).status == 403


async def test_assertion_gives_a_token(stage: Stage) -> None:
    """A sound assertion is accepted, with the client id beside it or without."""
    assert await assert_with(stage, assertion()) == 200
    assert await assert_with(stage, assertion(), client_id="") == 200


@pytest.mark.parametrize(
    "changes",
    [
        {"sub": "someone-else"},
        {"iss": None},
        {"aud": "http://127.0.0.1/other"},
        {"aud": None},
        {"jti": None},
        {"exp": None},
        {"exp": int(START)},
        {"exp": int(START) + 3601},
    ],
    ids=str,
)
async def test_unsound_assertions_are_refused(stage: Stage, changes: dict[str, Any]) -> None:
    """Issuer and subject equal, the right audience, an id, an expiry within the hour: each is required."""
    assert await assert_with(stage, assertion(**changes)) == 400


async def test_an_assertion_of_another_client_is_refused(stage: Stage) -> None:
    """The client id beside an assertion must be its issuer."""
    assert await assert_with(stage, assertion(), client_id="other") == 400


async def test_the_assertion_type_is_required(stage: Stage) -> None:
    """An assertion without its type is refused."""
    assert await assert_with(stage, assertion(), client_assertion_type="") == 400


async def test_other_forms_of_assertion_are_refused(stage: Stage) -> None:
    """What is no JWT, or signed with anything but RS256, is refused."""
    claims = {"iss": CLIENT, "sub": CLIENT, "aud": "/connect/token", "jti": "1", "exp": int(START) + 9}
    symmetric = jwt.encode(claims, "a secret of thirty-two characters", "HS256")

    assert await assert_with(stage, "nonsense") == 400
    assert await assert_with(stage, symmetric) == 400


async def test_signatures_are_verified_with_a_certificate() -> None:
    """Given a certificate, only its own key's signature counts."""
    async with staged(certificate=certificate(KEY)) as stage:
        assert await assert_with(stage, assertion()) == 200
        assert await assert_with(stage, assertion(ALIEN)) == 400


def test_certificates_must_be_rsa() -> None:
    """A certificate with another kind of key is refused when the app is built."""
    curve = certificate(ec.generate_private_key(ec.SECP256R1()))

    with pytest.raises(TypeError, match="RSA"):
        build_app(small_world(), clock=StandingClock(), certificate=curve)
