"""The token endpoint: client secret or signed assertion in, opaque token with scopes out (reference 2)."""

from dataclasses import dataclass
from typing import Any, Final

import jwt
from aiohttp import web
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.x509 import load_pem_x509_certificate
from jwt.types import Options

from exporter.clock import Clock
from exporter.simulator.chance import Lot

SECRET: Final = "simulated"  # noqa: S105 the one secret of a simulator is public
PATH: Final = "/connect/token"
MAX_SCOPE: Final = 300
MAX_ASSERTION_SECONDS: Final = 3600.0
CLIENT: Final = web.RequestKey("CLIENT", str)
"""The client id behind the token of a request that was let in."""

ASSERTION_TYPE: Final = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer"


@dataclass(frozen=True, slots=True)
class Grant:
    """Whom a token was given, what it is good for and until when (Unix seconds)."""

    client: str
    scopes: frozenset[str]
    expires: float


class Identity:
    """Issues tokens for *scopes* that live *lifetime* seconds and remembers them.

    With a PEM *certificate* an assertion must also be signed by its key.
    """

    def __init__(
        self, clock: Clock, *, seed: int, scopes: frozenset[str], lifetime: int, certificate: bytes | None
    ) -> None:
        self._clock = clock
        self._lot = Lot.of(seed, "tokens", clock.now())
        self._scopes = scopes
        self._lifetime = lifetime
        self._key = _public_key(certificate) if certificate else None
        self._grants: dict[str, Grant] = {}
        self._issued = 0

    async def handle(self, request: web.Request) -> web.Response:
        """Answer a token request."""
        form = {name: str(value) for name, value in (await request.post()).items()}
        client = self._client(form)
        error = self._refusal(form, client)
        if error or client is None:
            return web.json_response({"error": error}, status=400)
        asked = form["scope"]
        return web.json_response(
            {
                "access_token": self._issue(client, frozenset(asked.split())),
                "token_type": "Bearer",
                "expires_in": self._lifetime,
                "scope": asked,
            }
        )

    def grant(self, authorization: str) -> Grant | None:
        """Return what the value of an Authorization header grants now; None if nothing."""
        kind, _, token = authorization.partition(" ")
        grant = self._grants.get(token) if kind.lower() == "bearer" else None
        return grant if grant and self._clock.now() < grant.expires else None

    def revoke_all(self) -> None:
        """Forget every token, as if someone had revoked them."""
        self._grants.clear()

    def _issue(self, client: str, scopes: frozenset[str]) -> str:
        now = self._clock.now()
        self._grants = {token: grant for token, grant in self._grants.items() if now < grant.expires}
        self._issued += 1
        token = self._lot.guid(self._issued) + self._lot.guid(-self._issued)
        self._grants[token] = Grant(client, scopes, now + self._lifetime)
        return token

    def _refusal(self, form: dict[str, str], client: str | None) -> str | None:
        if form.get("grant_type") != "client_credentials":
            return "unsupported_grant_type"
        if client is None:
            return "invalid_client"
        scope = form.get("scope", "")
        if len(scope) > MAX_SCOPE or not scope.split() or not self._scopes.issuperset(scope.split()):
            return "invalid_scope"
        return None

    def _client(self, form: dict[str, str]) -> str | None:
        """Return the id of a client that proved itself, None for one that did not."""
        client = form.get("client_id")
        if "client_assertion" not in form:
            return client if client and form.get("client_secret") == SECRET else None
        if form.get("client_assertion_type") != ASSERTION_TYPE:
            return None
        claims = self._claims(form["client_assertion"])
        return str(claims["iss"]) if claims and client in (None, claims["iss"]) else None

    def _claims(self, assertion: str) -> dict[str, Any] | None:
        """Return the claims of a sound assertion; the times are ours, so PyJWT must not judge them."""
        options: Options = {
            "verify_signature": self._key is not None,
            "verify_exp": False,
            "verify_nbf": False,
            "verify_iat": False,
            "verify_aud": False,
        }
        try:
            header = jwt.get_unverified_header(assertion)
            claims = jwt.decode(assertion, self._key or "", algorithms=["RS256"], options=options)
        except jwt.PyJWTError:
            return None
        return claims if header["alg"] == "RS256" and self._sound(claims) else None

    def _sound(self, claims: dict[str, Any]) -> bool:
        expires = claims.get("exp")
        return (
            bool(claims.get("iss"))
            and claims["iss"] == claims.get("sub")
            and bool(claims.get("jti"))
            and str(claims.get("aud")).endswith(PATH)
            and isinstance(expires, int)
            and 0 < expires - self._clock.now() <= MAX_ASSERTION_SECONDS
        )


def _public_key(certificate: bytes) -> RSAPublicKey:
    key = load_pem_x509_certificate(certificate).public_key()
    if not isinstance(key, RSAPublicKey):
        raise TypeError("assertions are signed with RSA keys; the certificate has another one")
    return key
